"""A conversation as append-only text: whole lines, no colours, nothing that moves a cursor.

Speech comes word by word and is printed as it comes; whatever else there is to print waits until that line is finished,
so that a screen reader never has to read a line that another one broke in two.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from interaction.links.printable import printable
from orchestrator.effects import Emit

__all__ = ["Transcript"]

_WAITING: Final = 64
"""Lines that may wait for an utterance to end; then it is broken in two after all."""


class Transcript:
    """Turns what is said and shown into text to append. Pure."""

    def __init__(self) -> None:
        self._open: int | None = None
        self._space = ""
        self._aside: deque[str] = deque()

    def speech(self, part: Emit) -> str:
        """A piece of speech, or a card."""
        if part.style == "card":
            return self.aside(f"  [card] {printable(part.text)}")
        text = ""
        if self._open is not None and self._open != part.utterance:
            text += self._close()
        words = printable(part.text, lines=True)
        if words.strip():
            if self._open is None:
                text += "duologue: "
                words = words.lstrip()
                self._open = part.utterance
            # Spaces at the end wait for the next piece: there may be none, and a line should not end in one.
            told = (self._space + words).rstrip()
            self._space = (self._space + words)[len(told) :]
            text += told.replace("\n", "\n  ")
        elif self._open is not None:
            self._space += words
        return text + self._close() if part.ends else text

    def stop(self) -> str:
        """The assistant was interrupted."""
        return self._close(" --")

    def aside(self, line: str) -> str:
        """A line that is not speech. Comes out when the line being spoken is finished."""
        if self._open is None:
            return f"{line}\n"
        self._aside.append(line)
        return self._close() if len(self._aside) > _WAITING else ""

    def finish(self) -> str:
        """Nothing more will come."""
        return self._close()

    def _close(self, mark: str = "") -> str:
        if self._open is None:
            return ""
        self._open, self._space = None, ""
        lines = [f"{mark}\n", *(f"{line}\n" for line in self._aside)]
        self._aside.clear()
        return "".join(lines)
