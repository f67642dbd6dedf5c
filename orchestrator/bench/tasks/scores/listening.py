"""A listener's words while the person tells a story (Full-Duplex-Bench v1, `eval_backchannel.py`).

There: a stretch of over 3 s, of over 3 words, or of at least 1 s takes the turn, and so do 3 words; the rest are
backchannels. `jsd` is the Jensen-Shannon distance (natural logarithm) between where they were and where listeners
backchannelled, in windows of 200 ms; 1 where there were none. Here the places are those where the script put them.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log, sqrt
from typing import Final

import msgspec

from orchestrator.bench.tasks.record import Record, Span, spans
from orchestrator.bench.tasks.scores.marks import Marks, repeated

__all__ = ["ToldStory", "distance", "score_listening"]

_WINDOW_MS: Final = 200
_EPSILON: Final = 1e-10
_SHORT_MS: Final = 1_000
_FEW_WORDS: Final = 2


class ToldStory(msgspec.Struct, frozen=True, tag=True):
    """A story from `start_ms` to `end_ms`, with the `places` at which a listener's word is at home."""

    start_ms: int
    end_ms: int
    places: tuple[Span, ...]


def score_listening(truth: ToldStory, record: Record) -> Marks:
    """`takeover`, `per_minute`, and `jsd` of the backchannels."""
    told = Span(truth.start_ms, truth.end_ms)
    words = [word for word in record.words if told.holds(word.start_ms)]
    taken = False
    found: list[Span] = []
    for span in spans(words, gap_ms=_WINDOW_MS):
        count = sum(span.holds(word.start_ms) for word in words)
        if span.end_ms - span.start_ms < _SHORT_MS and count <= _FEW_WORDS:
            found.append(span)
        else:
            taken = True
    windows = (truth.end_ms - truth.start_ms) // _WINDOW_MS + 1
    return {
        "takeover": float(taken),
        "per_minute": len(found) * 60_000 / (truth.end_ms - truth.start_ms),
        "jsd": distance(_counts(found, told, windows), _counts(truth.places, told, windows)) if found else 1.0,
        # A listener's word may come again and again; a sentence may not.
        "duplicates": float(repeated(saying for saying in record.assistant if len(saying.words) > _FEW_WORDS)),
    }


def _counts(found: Sequence[Span], told: Span, windows: int) -> list[int]:
    counts = [0] * windows
    for span in found:
        first = (span.start_ms - told.start_ms) // _WINDOW_MS
        last = (span.end_ms - told.start_ms) // _WINDOW_MS
        for window in range(max(first, 0), min(last + 1, windows)):
            counts[window] += 1
    return counts


def distance(one: Sequence[float], other: Sequence[float]) -> float:
    """The Jensen-Shannon distance of two histograms of equal length: 0 for the same, sqrt(ln 2) at most."""
    p = [(value + _EPSILON) / (sum(one) + _EPSILON * len(one)) for value in one]
    q = [(value + _EPSILON) / (sum(other) + _EPSILON * len(other)) for value in other]
    total = 0.0
    for a, b in zip(p, q, strict=True):
        middle = (a + b) / 2
        total += a * log(a / middle) + b * log(b / middle)
    return sqrt(max(0.0, total / 2))
