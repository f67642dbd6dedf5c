"""An answer begun before it is known that the person has finished: held back, then released or thrown away.

Nothing of it is acted upon while it is held, function calls neither. What it costs is bounded: so many a minute, so
many characters and so long each.
"""

from __future__ import annotations

from collections import deque

import msgspec

from interaction.models.chat_settings import ChatSettings
from orchestrator.completions.asking import CallDone, Done, Piece, Request, Text, Thought

__all__ = ["Allowance", "Early"]

_MINUTE_MS = 60_000


class Early(msgspec.Struct):
    """One answer that is held."""

    number: int
    request: Request
    pieces: list[Piece] = msgspec.field(default_factory=list[Piece])
    chars: int = 0
    whole: bool = False
    """Its last piece is here: there is nothing left to close."""

    def hold(self, piece: Piece) -> None:
        """Keep a piece until it is known whether it is wanted."""
        self.pieces.append(piece)
        match piece:
            case Text(text=text) | Thought(text=text):
                self.chars += len(text)
            case CallDone(call=call):
                self.chars += len(call.raw)
            case Done():
                self.whole = True
            case _:
                pass


class Allowance:
    """How many answers may be begun early."""

    def __init__(self, settings: ChatSettings) -> None:
        self._settings = settings
        self._begun: deque[int] = deque()

    def take(self, at_ms: int) -> bool:
        """Whether one more may be begun at `at_ms`; if so, it counts."""
        while self._begun and at_ms - self._begun[0] >= _MINUTE_MS:
            self._begun.popleft()
        if not self._settings.preempt or len(self._begun) >= self._settings.preempts_a_minute:
            return False
        self._begun.append(at_ms)
        return True
