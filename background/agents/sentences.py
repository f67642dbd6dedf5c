"""Text that streams, cut where a sentence has ended for certain."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["Sentences"]

END: Final = re.compile(r"[.!?…][\"'”’)\]]*\s+(?=\S)|\n+(?=\S)")
"""The end of a sentence is certain when the next has begun. "9.12" and "e.g.x" have none."""

SHORTEST: Final = 12
"""Characters of what may stand alone: "Dr. " and "1. " do not."""


class Sentences:
    """Takes text in pieces and gives back whole sentences. The last one stays until `rest`."""

    def __init__(self) -> None:
        self._text = ""

    def feed(self, piece: str) -> list[str]:
        """The sentences that are whole with this piece."""
        self._text += piece
        whole: list[str] = []
        start = 0
        for end in END.finditer(self._text):
            if end.end() - start >= SHORTEST:
                whole.append(self._text[start : end.end()].strip())
                start = end.end()
        self._text = self._text[start:]
        return whole

    @property
    def open(self) -> int:
        """Characters that have come of a sentence that is not whole yet."""
        return len(self._text)

    def rest(self) -> str:
        """What is left, which is forgotten with this."""
        rest, self._text = self._text.strip(), ""
        return rest
