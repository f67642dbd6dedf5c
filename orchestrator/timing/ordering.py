"""Several findings: in which order they are told, and how much in one go."""

from __future__ import annotations

from typing import Final

import msgspec

from orchestrator.clock import MS, Instant, to_ms
from orchestrator.decisions import Decision, Hold, Splice
from orchestrator.finding import Finding, Urgency
from orchestrator.timing.moment import Moment, Pending, TimingPolicy, ids

__all__ = ["Budget", "InOrder", "in_order"]

_RANK: Final[dict[Urgency, int]] = {"critical": 0, "high": 1, "normal": 2, "low": 3}


def _place(finding: Finding) -> int:
    """Results, then what failed, then the question: whatever is said last is what the person answers to."""
    return {"error": 1, "question": 2}.get(finding.kind, 0)


def in_order(pending: tuple[Pending, ...]) -> tuple[Pending, ...]:
    """`pending` as it is to be told: a question last; before it by urgency, results before failures, and among equals
    in the order in which the person asked."""

    def place(item: Pending) -> tuple[bool, int, int, int, Instant]:
        asks = item.finding.kind == "question"
        return asks, _RANK[item.finding.urgency], _place(item.finding), item.asked, item.arrived

    return tuple(sorted(pending, key=place))


class InOrder(msgspec.Struct, frozen=True, tag=True):
    """Hands `pending` on in the order in which it is to be told. What is told in one utterance keeps that order."""

    then: TimingPolicy

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        return self.then.decide(moment, in_order(pending))


class Budget(msgspec.Struct, frozen=True, tag=True):
    """Not more than `chars` characters of findings in one go: about ten seconds of speech.

    The first that fit are told together, at least one; what is left waits until nobody has spoken for `breath_ms`, so
    that the person can get a word in. One that is too long alone is told in short.
    """

    then: TimingPolicy
    chars: int = 600
    breath_ms: int = 1_000

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        until = Instant(moment.floor_since + self.breath_ms * MS)
        resting = moment.last_splice is not None and moment.floor == "nobody" and moment.now < until
        if resting and not moment.reply_due and self._left_over(moment, pending):
            return Hold("there is more: after a breath", ids(pending), to_ms(until))
        portion = self._portion(pending)
        decision = self.then.decide(moment, portion)
        if not isinstance(decision, Splice) or decision.style in ("card", "announce"):
            return decision
        told = [item for item in portion if item.id in decision.findings]
        if sum(_length(item) for item in told) <= self.chars or any(i.finding.kind == "question" for i in told):
            return decision
        return msgspec.structs.replace(decision, brief=True, reason=f"{decision.reason}; in short, for it is long")

    def _portion(self, pending: tuple[Pending, ...]) -> tuple[Pending, ...]:
        room, count = self.chars, 0
        for item in pending:
            room -= _length(item)
            if room < 0 and count:
                break
            count += 1
        return pending[:count]

    def _left_over(self, moment: Moment, pending: tuple[Pending, ...]) -> bool:
        """Whether these were there already when the last portion was told."""
        last = moment.last_splice
        return last is not None and all(item.arrived <= last and not item.offers for item in pending)


def _length(item: Pending) -> int:
    return len(item.finding.text)
