"""What is not worth saying any more, and what never was: the policies that drop."""

from __future__ import annotations

import msgspec

from orchestrator.clock import to_ms
from orchestrator.decisions import Decision, Drop
from orchestrator.timing.moment import Moment, Pending, ids

__all__ = ["Expire", "SilentProgress", "Supersede"]


class Expire(msgspec.Struct, frozen=True, tag=True):
    """Drops partials and progress past their time, or so near to it that they would be stale before they have been
    said: `margin_ms` for the voice to begin, and `char_ms` for each character that is still to be told. A finished
    result has no such time."""

    margin_ms: int = 0
    char_ms: float = 0.0

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        late = tuple(
            item
            for item in pending
            if item.finding.kind in ("partial", "progress")
            and item.finding.expires_at_ms is not None
            and item.finding.expires_at_ms - self._needed_ms(item) <= to_ms(moment.now)
        )
        return Drop(ids(late), "expired: it went stale before a good moment came", "expired") if late else None

    def _needed_ms(self, item: Pending) -> int:
        left = max(0, len(item.finding.text) - len(item.said))
        return self.margin_ms + round(left * self.char_ms)


class Supersede(msgspec.Struct, frozen=True, tag=True):
    """Drops a partial whose final waits beside it, and what a later finding says it replaces.

    The ledger does this for what arrives; here it is done for what comes back after its delivery was cut.
    """

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        named = {replaced for item in pending for replaced in item.finding.supersedes}
        answered = {item.finding.delegation for item in pending if item.finding.terminal}
        old = tuple(
            item
            for item in pending
            if not item.finding.terminal and (item.id in named or item.finding.delegation in answered)
        )
        return Drop(ids(old), "superseded: a later finding replaces it", "superseded") if old else None


class SilentProgress(msgspec.Struct, frozen=True, tag=True):
    """Progress is shown, not spoken: it is not the answer, and must not be told as one."""

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        progress = tuple(item for item in pending if item.finding.kind == "progress")
        return Drop(ids(progress), "progress is shown, not spoken") if progress else None
