"""How a person pauses: what must be known of their tempo so that a pause of theirs is not taken for an end.

A mean does not tell it: most of the gaps between two keys are short, and the few long ones are the ones that matter.
So the last few long gaps after which they went on are kept, and one of the longest counts. The very longest does not
once there are several: a single look out of the window would slow down everything after it.
"""

from __future__ import annotations

from typing import Final

import msgspec

__all__ = ["Tempo"]

_SHORTEST: Final = 300
"""Below this it is not a pause but typing."""
_LONGEST: Final = 5_000
"""Beyond this they did not pause within a line but did something else."""
_BREATH: Final = 2_000
"""Who begins another line later than this after an Enter had finished."""
_KEPT: Final = 8
_SEVERAL: Final = 4


class Tempo(msgspec.Struct):
    """The last pauses within a line and between two lines, in milliseconds."""

    within: list[int] = msgspec.field(default_factory=list[int])
    between: list[int] = msgspec.field(default_factory=list[int])

    def went_on(self, gap_ms: int, *, ended: bool) -> None:
        """They were quiet for `gap_ms` and went on by themselves; `ended`: they had ended a line before."""
        if _SHORTEST <= gap_ms <= (_BREATH if ended else _LONGEST):
            pauses = self.between if ended else self.within
            pauses.append(gap_ms)
            del pauses[:-_KEPT]

    def pause_ms(self, *, ended: bool) -> int:
        """One of their longest pauses of late; 0 where there was none."""
        pauses = sorted(self.between if ended else self.within)
        if not pauses:
            return 0
        return pauses[-2] if len(pauses) >= _SEVERAL else pauses[-1]
