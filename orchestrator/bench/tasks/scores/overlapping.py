"""What becomes of the assistant's speech when somebody speaks into it (Full-Duplex-Bench v1.5).

There (`instruction/behavior.txt`, arXiv 2507.23159) a model labels what is said after the overlap: it responds to it,
resumes what it was saying, is uncertain, or unknown (which includes silence). Here rules label it, with the answer to
the same question without the overlap as reference, which v1.5 has too. An interruption wants `respond`; a backchannel,
talk to others and background speech want `resume`. Timing as in `get_timing.py`: the stop latency is how long both are
heard, the response latency is from the overlap's end to the next speech.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from orchestrator.bench.tasks.record import Record, Span, spans, speaking, tokens
from orchestrator.bench.tasks.scores.marks import Marks, holds_any, repeated

__all__ = ["Behaviour", "Overlap", "behaviour", "score_overlap"]

Behaviour = Literal["respond", "resume", "other", "none"]
"""`other`: it said something that is neither. `none`: it said nothing after the overlap."""

_RUN: Final = 3
"""Words in a row are compared; where half of the runs stand in the undisturbed answer, it is the same answer."""


class Overlap(msgspec.Struct, frozen=True, tag=True):
    """Somebody speaks from `start_ms` to `end_ms`; `wants` says how it is dealt with rightly."""

    start_ms: int
    end_ms: int
    wait_ms: int
    wants: Behaviour
    answers: tuple[str, ...]
    """What an answer to the overlap would hold."""


def behaviour(truth: Overlap, record: Record, clean: Record) -> Behaviour:
    """How the overlap was dealt with, by the first sign of it. `clean`: the same conversation without the overlap."""
    until = truth.end_ms + truth.wait_ms
    later = [saying for saying in record.assistant if truth.start_ms < saying.start_ms <= until]
    going = [saying for saying in record.assistant if saying.start_ms <= truth.start_ms < saying.end_ms]
    undisturbed = f" {' '.join(tokens(' '.join(word.text for word in clean.words)))} "
    for saying in later:
        if holds_any(saying.text, truth.answers):
            return "respond"
        words = tokens(saying.text)
        runs = [f" {' '.join(words[at : at + _RUN])} " for at in range(len(words) - _RUN + 1)]
        if runs and 2 * sum(run in undisturbed for run in runs) >= len(runs):
            return "resume"
    if any(word.start_ms >= truth.end_ms for saying in going for word in saying.words):
        return "resume"
    return "other" if later else "none"


def score_overlap(truth: Overlap, record: Record, clean: Record) -> Marks:
    """`right` and what was done; `tried` is 0 where the assistant was not speaking, which counts as wrong."""
    under_way = speaking(spans(record.words), truth.start_ms)
    done = behaviour(truth, record, clean)
    after = [word.start_ms for word in record.words if truth.end_ms < word.start_ms <= truth.end_ms + truth.wait_ms]
    tried = under_way is not None
    return {
        "right": float(tried and done == truth.wants),
        "tried": float(tried),
        "respond": float(done == "respond"),
        "resume": float(done == "resume"),
        "stop_s": _both(under_way, truth) / 1_000 if under_way is not None else None,
        "response_s": (min(after) - truth.end_ms) / 1_000 if after else None,
        "duplicates": float(repeated(record.assistant)),
    }


def _both(under_way: Span, truth: Overlap) -> int:
    return max(0, min(under_way.end_ms, truth.end_ms) - truth.start_ms)
