"""The summary of a long conversation: asked for in the background, taken up between two requests."""

from __future__ import annotations

from typing import Final

import msgspec

from interaction.models.chat_asking import Asking
from interaction.models.chat_window import SummaryRequest
from orchestrator.completions.asking import Done, Piece, Request

__all__ = ["Memory"]

_TRIES: Final = 3
_AGAIN_MS: Final = 30_000


class _Summary(msgspec.Struct):
    due: SummaryRequest
    request: Request
    number: int = 0
    """Of the request that is out; 0: none is."""
    tries: int = 0
    again_ms: int = 0
    text: str | None = None
    """Empty: it could not be made."""


class Memory:
    """At most one summary at a time."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._summary: _Summary | None = None

    def step(self, number: int, at_ms: int) -> Request | None:
        """Between two requests: take up what is there, and return what is to be asked now, under `number`."""
        if self._summary is not None and self._summary.text is not None:
            self._take_up(self._summary.due, self._summary.text)
            self._summary = None
        if self._summary is None and (due := self._asking.window.due()) is not None:
            self._summary = _Summary(due, self._asking.summary(due))
        summary = self._summary
        if summary is None or summary.number or at_ms < summary.again_ms:
            return None
        summary.number = number
        summary.tries += 1
        return summary.request

    def came(self, number: int, piece: Piece) -> None:
        """A piece of the answer to request `number`, whichever that is."""
        if self._summary is not None and number == self._summary.number and isinstance(piece, Done):
            self._summary.text = piece.completion.text

    def broke(self, number: int, at_ms: int) -> None:
        """Request `number`, whichever that is, came to nothing."""
        summary = self._summary
        if summary is None or number != summary.number:
            return
        summary.number, summary.again_ms = 0, at_ms + _AGAIN_MS
        if summary.tries >= _TRIES:
            summary.text = ""

    def _take_up(self, due: SummaryRequest, text: str) -> None:
        if text.strip():
            self._asking.window.roll(text, due.upto)
        else:
            self._asking.window.drop()
