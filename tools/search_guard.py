"""What stands before every engine: an outer deadline, one query a second in this process, and a breaker."""

from __future__ import annotations

import threading
import time
from typing import Final

import anyio

from orchestrator.errors import ToolFailed
from tools.search_provider import Blocked, Found, Offline, SearchProvider

__all__ = ["Breaker", "Guarded", "Pace"]

DEADLINE_S: Final = 12.0
LONGEST_QUEUE_S: Final = 10.0


class Pace:
    """At most one query in `every_s` seconds. Shared by threads and event loops; reserves a place, and never sleeps
    with a lock held."""

    def __init__(self, every_s: float = 1.0) -> None:
        self._every_s = every_s
        self._free_at = 0.0
        self._lock = threading.Lock()

    def reserve(self, now: float, most_s: float = LONGEST_QUEUE_S) -> float | None:
        """Seconds until this query's turn; `None` where the queue is longer than `most_s`."""
        with self._lock:
            at = max(now, self._free_at)
            if at - now > most_s:
                return None
            self._free_at = at + self._every_s
            return at - now


class Breaker:
    """Stops asking an engine that does not answer. Pure: time is an argument.

    A block opens it at once, other failures after three in a row; each time it opens for longer, up to ten minutes.
    When its time is up one query tries.
    """

    def __init__(self, *, first_s: float = 20.0, most_s: float = 600.0, failures: int = 3) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._failures = failures
        self._in_a_row: int = 0
        self._opened: int = 0
        self._until: float = 0.0
        self.why: str = ""

    def wait_s(self, now: float) -> float:
        """How long it stays open; 0 when it is closed, or when one may try."""
        return max(0.0, self._until - now)

    def answered(self) -> None:
        """All is well again."""
        self._in_a_row = self._opened = 0
        self._until = 0.0

    def failed(self, now: float, why: str, *, blocked: bool, after_s: float | None = None) -> None:
        """`after_s`: how long the engine itself has asked for."""
        self._in_a_row += 1
        self.why = why
        if blocked or self._in_a_row >= self._failures:
            own = self._first_s * 2**self._opened
            self._until = now + min(max(own, after_s or 0.0), self._most_s)
            self._opened = min(self._opened + 1, 16)


SHARED_PACE: Final = Pace()


class Guarded:
    """A provider that is asked with care. Itself a `SearchProvider`."""

    def __init__(
        self,
        provider: SearchProvider,
        *,
        pace: Pace | None = None,
        breaker: Breaker | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._provider = provider
        self._pace: Pace = pace or SHARED_PACE
        self._breaker: Breaker = breaker or Breaker()
        self._deadline_s = deadline_s

    @property
    def name(self) -> str:
        return self._provider.name

    async def search(self, query: str, *, limit: int) -> Found:
        """Raises as the provider does, and `ToolFailed` where it takes too long or too many wait."""
        breaker = self._breaker
        left = breaker.wait_s(time.monotonic())
        if left > 0:
            raise Blocked(self.name, f"{breaker.why} It is asked again in {left:.0f} seconds.", after_s=left)
        turn_s = self._pace.reserve(time.monotonic())
        if turn_s is None:
            raise ToolFailed("Too many searches wait.", "One query a second is sent.", "Try again in a few seconds.")
        await anyio.sleep(turn_s)
        try:
            with anyio.fail_after(self._deadline_s):
                found = await self._provider.search(query, limit=limit)
        except TimeoutError:
            why = f"It has not answered within {self._deadline_s:g} seconds."
            breaker.failed(time.monotonic(), why, blocked=False)
            raise ToolFailed(f"The search engine ({self.name}) takes too long.", why, "Try again later.") from None
        except Blocked as problem:
            breaker.failed(time.monotonic(), problem.seen, blocked=True, after_s=problem.after_s)
            raise
        except Offline:
            raise  # it is found out at once each time, and may be over at any moment
        except ToolFailed as problem:
            breaker.failed(time.monotonic(), problem.why or problem.what, blocked=False)
            raise
        breaker.answered()
        return found
