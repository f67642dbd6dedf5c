"""Tempo: how fast a person types or speaks, and how long they pause and still go on.

Estimated from micro-turns alone, whose times are as coarse as the grid: medians, so that one long look out of the
window changes nothing.
"""

from __future__ import annotations

from statistics import median
from typing import Final

import msgspec

__all__ = ["Tempo"]

_KEPT: Final = 12
_LONGEST_MS: Final = 4_000
"""A longer silence is no pause within what is being said."""
_USUAL_MS: Final = 200
_ENOUGH: Final = 2
"""So many pauses make a habit; one is chance."""
_PAUSE_MS: Final = 250


class Tempo(msgspec.Struct):
    """The last few intervals between inputs, and the last few pauses after which the person went on."""

    gaps: list[int] = msgspec.field(default_factory=list[int])
    pauses: list[int] = msgspec.field(default_factory=list[int])
    last_input_ms: int | None = None
    quiet_ms: int = 0
    """The longest quiet that was seen since the last input."""

    def hear(self, at_ms: int, quiet_ms: int, inputs: int) -> None:
        """A micro-turn in which the person did `inputs` things, the last of them `quiet_ms` before `at_ms`."""
        if not inputs:
            self.quiet_ms = max(self.quiet_ms, quiet_ms)
            return
        now = at_ms - quiet_ms
        if self.last_input_ms is not None and 0 <= now - self.last_input_ms <= _LONGEST_MS:
            self.gaps = [*self.gaps[1 - _KEPT :], (now - self.last_input_ms) // inputs]
            if self.quiet_ms >= _PAUSE_MS:
                self.pauses = [*self.pauses[1 - _KEPT :], self.quiet_ms]
        self.last_input_ms, self.quiet_ms = now, 0

    def rest(self) -> None:
        """What was said is finished: the silence before the next words is no pause."""
        self.last_input_ms, self.quiet_ms = None, 0

    @property
    def gap_ms(self) -> int:
        """The usual time between two inputs."""
        return int(median(self.gaps)) if self.gaps else _USUAL_MS

    @property
    def pause_ms(self) -> int:
        """The usual pause after which this person goes on; 0 where they do not pause."""
        return int(median(self.pauses)) if len(self.pauses) >= _ENOUGH else 0
