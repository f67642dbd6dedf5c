"""What arrives together is told together."""

from __future__ import annotations

import msgspec

from orchestrator.clock import MS, Instant, to_ms
from orchestrator.decisions import Decision, Hold
from orchestrator.timing.moment import Moment, Pending, ids

__all__ = ["Settle"]


class Settle(msgspec.Struct, frozen=True, tag=True):
    """Waits `window_ms` after the newest finding, while more may come.

    Nothing else at work: nothing to wait for, and a task is no company for its own partials. Never more than
    `longest_ms` after the oldest.
    """

    window_ms: int = 250
    longest_ms: int = 1_000

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        own = {item.finding.delegation for item in pending if not item.finding.terminal}
        if moment.running <= len(own):
            return None
        newest = max(item.arrived for item in pending)
        oldest = min(item.arrived for item in pending)
        until = min(newest + self.window_ms * MS, oldest + self.longest_ms * MS)
        if moment.now >= until:
            return None
        return Hold("more may arrive within the settle window", ids(pending), to_ms(Instant(until)))
