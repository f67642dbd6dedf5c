"""The time a live session runs on."""

from __future__ import annotations

import anyio

from orchestrator.clock import SECOND, START, Instant

__all__ = ["SystemClock"]


class SystemClock:
    """Session time from the event loop's own clock, so that it and every timeout agree (also under a virtual loop).

    `origin` is the session time at which this clock starts: 0, or where a resumed session goes on. Make it on the loop
    that it is used on.
    """

    def __init__(self, origin: Instant = START) -> None:
        self._zero = _loop_time() - origin

    def now(self) -> Instant:
        """Nanoseconds since the session began; monotonic."""
        return Instant(_loop_time() - self._zero)

    async def sleep_until(self, instant: Instant) -> None:
        """Return when `instant` has come."""
        await anyio.sleep_until((self._zero + instant) / SECOND)


def _loop_time() -> int:
    return round(anyio.current_time() * SECOND)
