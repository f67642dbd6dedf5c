"""Yielding, and not yielding (tau-voice, github.com/sierra-research/tau2-bench, `docs/interaction-metrics.md`).

Its windows: a person's turn that begins while the assistant speaks is yielded to within 2.0 s; stopping within 1.0 s of
a backchannel, a tic or words for somebody else is an error; so is beginning to speak within 2.0 s of a tic or words for
somebody else. A turn is responded to if the assistant begins before the person's next turn.
"""

from __future__ import annotations

from typing import Final

import msgspec

from orchestrator.bench.tasks.record import Kind, Record, Span, Stretch, spans, speaking
from orchestrator.bench.tasks.scores.marks import Marks, repeated

__all__ = ["Dialogue", "score_windows"]

_NO_YIELD_MS: Final = 2_000
_YIELD_MS: Final = 1_000
_RESPONSE_MS: Final = 2_000


class Dialogue(msgspec.Struct, frozen=True, tag=True):
    """Nothing but what the person's stretches tell themselves."""


def score_windows(record: Record) -> Marks:
    """Rates of one conversation; `None` where it held no such event."""
    speech = spans(record.words)
    turns = [stretch for stretch in record.person if stretch.kind == "turn"]
    into = [(turn, span) for turn in turns if (span := speaking(speech, turn.start_ms)) is not None]
    lasted = [max(0, span.end_ms - turn.start_ms) for turn, span in into]
    yields = [ms for ms in lasted if ms < _NO_YIELD_MS]
    gaps = [_gap(speech, turn, turns) for turn in turns]
    answered = [gap for gap in gaps if gap is not None]
    begun = sum(any(turn.start_ms < span.start_ms < turn.end_ms for turn in turns) for span in speech)
    return {
        "response_rate": _rate(len(answered), len(turns)),
        "response_s": _mean(answered),
        "yield_rate": _rate(len(yields), len(into)),
        "yield_s": _mean(yields),
        "interrupts": _rate(begun, len(turns)),
        "backchannel": _selectivity(record, speech, "backchannel"),
        "tic": _selectivity(record, speech, "tic"),
        "aside": _selectivity(record, speech, "aside"),
        "duplicates": float(repeated(record.assistant)),
    }


def _gap(speech: list[Span], turn: Stretch, turns: list[Stretch]) -> int | None:
    following = min((other.start_ms for other in turns if other.start_ms > turn.start_ms), default=None)
    start = min((span.start_ms for span in speech if span.start_ms >= turn.end_ms), default=None)
    if start is None or (following is not None and start > following):
        return None
    return start - turn.end_ms


def _selectivity(record: Record, speech: list[Span], kind: Kind) -> float | None:
    """The share of such sounds that were rightly passed over."""
    judged: list[bool] = []
    for stretch in record.person:
        if stretch.kind != kind:
            continue
        span = speaking(speech, stretch.start_ms)
        if span is not None:
            judged.append(span.end_ms - stretch.start_ms >= _YIELD_MS)
        elif kind != "backchannel":
            until = stretch.end_ms + _RESPONSE_MS
            judged.append(not any(stretch.start_ms <= other.start_ms <= until for other in speech))
    return _rate(sum(judged), len(judged))


def _rate(count: int, among: int) -> float | None:
    return count / among if among else None


def _mean(values_ms: list[int]) -> float | None:
    return sum(values_ms) / len(values_ms) / 1_000 if values_ms else None
