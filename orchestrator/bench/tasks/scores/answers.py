"""One expected answer and a window (TimeSpeak, CueSpeak: "Interaction Models", Thinking Machines Lab, May 2026).

Right only if the content and the time are right. For CueSpeak the window ends with the person's talk: the answer is due
while they still speak. There a model judges the content, here words do.
"""

from __future__ import annotations

import msgspec

from orchestrator.bench.tasks.record import Record, Saying, Span
from orchestrator.bench.tasks.scores.marks import Marks, holds_any

__all__ = ["Expected", "score_answer"]


class Expected(msgspec.Struct, frozen=True, tag=True):
    """An answer with one of `answers` in it, begun within `window`. `from_ms`: what is said before is not looked at."""

    answers: tuple[str, ...]
    window: Span
    due_ms: int
    from_ms: int
    requested: int = 1
    """How often the answer is asked for altogether (a repetition asks for several)."""


def score_answer(truth: Expected, record: Record) -> Marks:
    """`right`; `content` and `time` by themselves; how far `off_s` the nearest saying of the answer was."""
    later = [saying for saying in record.assistant if saying.start_ms >= truth.from_ms]
    with_content = [saying for saying in later if holds_any(saying.text, truth.answers)]
    right = [saying for saying in with_content if truth.window.holds(saying.start_ms)]
    return {
        "right": float(bool(right)),
        "content": float(bool(with_content)),
        "time": float(any(truth.window.holds(saying.start_ms) for saying in later)),
        "off_s": _nearest(with_content, truth.due_ms) / 1_000 if with_content else None,
        "duplicates": float(max(0, len(with_content) - truth.requested)),
    }


def _nearest(sayings: list[Saying], due_ms: int) -> int:
    return min((saying.start_ms - due_ms for saying in sayings), key=abs)
