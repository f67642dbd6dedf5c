"""When no good moment comes: what is told later is told shorter, then shown, then shown and announced.

Three stages, each a policy of its own behind a `Patience` or `Shorten` that says after how long. Silence for ever is
not among them.
"""

from __future__ import annotations

import msgspec

from orchestrator.clock import MS
from orchestrator.decisions import Decision, Splice
from orchestrator.timing.moment import Moment, Pending, TimingPolicy, ids

__all__ = ["Announce", "MovedOn", "Patience", "Shorten", "ShowToTyping"]


class Patience(msgspec.Struct, frozen=True, tag=True):
    """After `max_wait_ms` without a good moment, another rule takes over, for what has waited so long.

    The time runs from the arrival, or from the last cut of a delivery.
    """

    max_wait_ms: int
    then: TimingPolicy

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        waited = tuple(item for item in pending if moment.now - item.since >= self.max_wait_ms * MS)
        return self.then.decide(moment, waited) if waited else None


class Shorten(msgspec.Struct, frozen=True, tag=True):
    """First stage: what comes as late as `after_ms` after its arrival is told in one sentence.

    The conversation has gone on; whoever wants the rest asks for it, and the voice has it. A question is not shortened.
    """

    after_ms: int
    then: TimingPolicy

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        decision = self.then.decide(moment, pending)
        if not isinstance(decision, Splice) or decision.style in ("card", "announce"):
            return decision
        told = [item for item in pending if item.id in decision.findings]
        late = any(moment.now - item.arrived >= self.after_ms * MS for item in told)
        if not late or any(item.finding.kind == "question" for item in told):
            return decision
        return msgspec.structs.replace(decision, brief=True, reason=f"{decision.reason}; in short, for it comes late")


class ShowToTyping(msgspec.Struct, frozen=True, tag=True):
    """Second stage: a person who keeps the floor gets a card, shown and not spoken. Nothing is said over them."""

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        if moment.floor not in ("person", "both"):
            return None
        return Splice(ids(pending), "no good moment for a long time: shown as a card", "card")


class Announce(msgspec.Struct, frozen=True, tag=True):
    """Last stage: shown, whatever has been in the way, and one short sentence at the next gap says that it is there."""

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        return Splice(ids(pending), "no good moment at all: shown, and announced in a word", "announce")


class MovedOn(msgspec.Struct, frozen=True, tag=True):
    """A delivery that was cut, after which the person turned to something else, is shown as a card and not told
    again."""

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        past = tuple(item for item in pending if item.moved_on and item.cuts)
        if not past or moment.floor in ("person", "both"):
            return None
        return Splice(ids(past), "the person has moved on since its delivery was cut", "card")
