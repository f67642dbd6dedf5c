"""Answers that nobody asks for at the moment they become due (ProactiveVideoQA, arXiv 2507.09313: PAUC).

For each span in which an answer is due, the replies within it are scored from 0 to 2 by what they tell together; before
the first the score is 0.5. The area under that step curve, over 2 times the length of the span, is the PAUC; times are
multiplied by 1 - omega first. So silence is exactly 0.25, and a wrong answer is worse than none. A reply after the
moment itself does not lower the score. There a model scores the replies; here words do: 2 for all that the answer
holds, 1 for some, 0 for none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from orchestrator.bench.tasks.record import Record, Span, tokens
from orchestrator.bench.tasks.scores.marks import Marks, holds_any, repeated

__all__ = ["OMEGA", "START_SCORE", "Due", "Moments", "area", "score_moments"]

OMEGA: Final = 0.5
START_SCORE: Final = 0.5
_MOST: Final = 2


class Due(msgspec.Struct, frozen=True):
    """An answer that holds all of `holds`, due within `span`; the moment itself ends at `related_end_ms`."""

    span: Span
    related_end_ms: int
    holds: tuple[tuple[str, ...], ...]
    """Each a part of the answer, as phrases of which one will do."""


class Moments(msgspec.Struct, frozen=True, tag=True):
    """The answers due, in order. What is said before `from_ms` acknowledges the request."""

    from_ms: int
    due: tuple[Due, ...]


def area(points: Sequence[tuple[float, float]], length: float, *, omega: float = OMEGA) -> float:
    """PAUC of one span from (time since its beginning, score) in order; without any, that of silence."""
    score, since, total = START_SCORE, 0.0, 0.0
    for at, new in points:
        total += (at * (1 - omega) - since) * score
        score, since = new, at * (1 - omega)
    total += (length - since) * score
    return total / (length * _MOST)


def score_moments(truth: Moments, record: Record) -> Marks:
    """`pauc` over the spans; the shares of replies that repeat an earlier one, or come outside every span."""
    replies = [saying for saying in record.assistant if saying.start_ms >= truth.from_ms]
    areas: list[float] = []
    answered = 0
    for due in truth.due:
        within = [reply for reply in replies if due.span.holds(reply.start_ms)]
        points: list[tuple[float, float]] = []
        told, in_moment = "", 0.0
        for reply in within:
            told = f"{told} {reply.text}"
            score = _score(told, due)
            if reply.start_ms <= due.related_end_ms:
                in_moment = score
            elif score < in_moment:
                continue
            points.append((float(reply.start_ms - due.span.start_ms), score))
        answered += any(score == _MOST for _, score in points)
        areas.append(area(points, float(due.span.end_ms - due.span.start_ms)))
    outside = sum(not any(due.span.holds(reply.start_ms) for due in truth.due) for reply in replies)
    return {
        "pauc": sum(areas) / len(areas),
        "answered": answered / len(truth.due),
        "duplicate_rate": repeated(replies) / len(replies) if replies else None,
        "out_of_span_rate": outside / len(replies) if replies else None,
    }


def _score(text: str, due: Due) -> float:
    if not tokens(text):
        return 0.0
    there = sum(holds_any(text, part) for part in due.holds)
    return 2.0 if there == len(due.holds) else 1.0 if there else 0.0
