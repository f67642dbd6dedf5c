"""Saying when something starts and stops (Charades, arXiv 1604.01753, as "Interaction Models", May 2026, poses it).

The score is the intersection over union of the time between the said "start" and "stop" with the true one.
"""

from __future__ import annotations

from typing import Final

import msgspec

from orchestrator.bench.tasks.record import Record, Span, tokens
from orchestrator.bench.tasks.scores.marks import Marks

__all__ = ["Action", "score_localisation", "union_share"]

_START: Final = frozenset({"start", "started", "starts"})
_STOP: Final = frozenset({"stop", "stopped", "stops"})


class Action(msgspec.Struct, frozen=True, tag=True):
    """What goes on during `span`. What is said before `from_ms` acknowledges the request."""

    from_ms: int
    span: Span


def union_share(one: Span, other: Span) -> float:
    """Intersection over union of two spans of time."""
    both = min(one.end_ms, other.end_ms) - max(one.start_ms, other.start_ms)
    either = max(one.end_ms, other.end_ms) - min(one.start_ms, other.start_ms)
    return max(0, both) / either if either > 0 else 0.0


def score_localisation(truth: Action, record: Record) -> Marks:
    """`iou` is 0 unless a start and a later stop were said; `above_half` where it is at least 0.5."""
    said = [word for word in record.words if word.start_ms >= truth.from_ms]
    starts = [word.start_ms for word in said if set(tokens(word.text)) & _START]
    stops = [word.start_ms for word in said if set(tokens(word.text)) & _STOP]
    stop = next((at_ms for at_ms in stops if starts and at_ms > starts[0]), None)
    iou = union_share(Span(starts[0], stop), truth.span) if stop is not None else 0.0
    return {
        "iou": iou,
        "above_half": float(iou >= 0.5),
        "duplicates": float(max(0, len(starts) - 1) + max(0, len(stops) - 1)),
    }
