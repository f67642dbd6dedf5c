"""Time as the core knows it: an integer, handed in.

An `Instant` is the number of nanoseconds since the session began. It is an integer so that two replays compare with
`==`, and it is an argument everywhere so that nothing in the core can ask what time it is. The shell hands over whole
milliseconds (`to_millisecond`), so that the `at_ms` of a journal line is exact and a replay sees the same instants.
"""

from __future__ import annotations

from typing import Final, NewType, Protocol

__all__ = ["MS", "SECOND", "START", "Clock", "Instant", "ManualClock", "after", "from_ms", "to_millisecond", "to_ms"]

Instant = NewType("Instant", int)
"""Nanoseconds since the session began."""

MS: Final = 1_000_000
"""Nanoseconds in a millisecond."""

SECOND: Final = 1_000 * MS
"""Nanoseconds in a second."""

START: Final = Instant(0)
"""The instant at which a session begins."""


def from_ms(milliseconds: int) -> Instant:
    """The instant `milliseconds` after the session began."""
    return Instant(milliseconds * MS)


def to_ms(instant: Instant) -> int:
    """Whole milliseconds since the session began, rounded down."""
    return instant // MS


def after(instant: Instant, milliseconds: int) -> Instant:
    """The instant `milliseconds` later."""
    return Instant(instant + milliseconds * MS)


def to_millisecond(instant: Instant) -> Instant:
    """The instant rounded down to a whole millisecond."""
    return Instant(instant - instant % MS)


class Clock(Protocol):
    """What a shell reads the time from. The core never sees one."""

    def now(self) -> Instant:
        """The present instant; never goes back."""
        ...

    async def sleep_until(self, instant: Instant) -> None:
        """Return when `instant` has come; at once if it has passed."""
        ...


class ManualClock:
    """A clock that stands still until it is told to move. For tests of code that takes a `Clock`.

    >>> clock = ManualClock()
    >>> clock.advance(250)
    >>> to_ms(clock.now())
    250
    """

    def __init__(self, start: Instant = START) -> None:
        self._now = start

    def now(self) -> Instant:
        """The present instant."""
        return self._now

    def advance(self, milliseconds: int) -> None:
        """Move on by `milliseconds`. Raises `ValueError` for a step back: time never goes back."""
        if milliseconds < 0:
            raise ValueError("a clock cannot go back; advance by 0 or more milliseconds")
        self._now = after(self._now, milliseconds)

    async def sleep_until(self, instant: Instant) -> None:
        """Jump to `instant`: the sleeper is the one who moves the time."""
        self._now = max(self._now, instant)
