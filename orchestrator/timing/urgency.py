"""What does not wait like the rest."""

from __future__ import annotations

import msgspec

from orchestrator.decisions import Decision, Splice
from orchestrator.finding import CRITICAL
from orchestrator.timing.moment import Moment, Pending, TimingPolicy, ids

__all__ = ["Urgent"]


class Urgent(msgspec.Struct, frozen=True, tag=True):
    """What is `high` or `critical` does not wait for settling or for the assistant to finish.

    `high` still waits for the person; `critical` is spoken over them, and the reason says so. A question takes along
    what else is pending: told after it, that would stand between the question and its answer.
    """

    then: TimingPolicy

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        critical = tuple(
            item for item in pending if item.finding.urgency == CRITICAL and item.finding.kind != "progress"
        )
        if critical:
            return Splice(ids(critical), "critical: spoken even over the person", "say", over_person=True)
        high = tuple(item for item in pending if item.finding.urgency == "high")
        if any(item.finding.kind == "question" for item in high):
            high = tuple(item for item in pending if item.finding.kind != "progress")
        return self.then.decide(moment, high) if high else None
