"""Joining the rest of an answer to what was said of it before it broke off: models like to begin again."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["Joint"]

_LEAST: Final = 8
"""Characters; a shorter repetition may be chance."""
_LOOKED_AT: Final = 2_000


class Joint:
    """Takes out of the rest what it repeats of `said`: all of it, or its end. The same however the rest is cut."""

    def __init__(self, said: str) -> None:
        words = said[-_LOOKED_AT:].split()
        tails = [" ".join(words[at:]) for at in range(len(words))]
        self._tails = [tail.casefold() for tail in tails if len(tail) >= _LEAST or tail == tails[0]]
        """What it may begin with, the longest first."""
        self._held = ""
        self._open = bool(self._tails)

    def feed(self, text: str) -> str:
        """The rest goes on with `text`. Returns what is new; what may be a repetition waits."""
        if not self._open:
            return text
        self._held += text
        begun = " ".join(self._held.split()).casefold()
        if not any(tail.startswith(begun) for tail in self._tails):
            return self.end()
        return ""

    def end(self) -> str:
        """No more can come that would decide it."""
        held, self._held, self._open = self._held, "", False
        for tail in self._tails:
            found = re.match(r"\s*" + r"\s+".join(map(re.escape, tail.split())), held, re.IGNORECASE)
            if found is not None:
                return held[found.end() :]
        return held
