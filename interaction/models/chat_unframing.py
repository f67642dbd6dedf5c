"""Frames that a model writes itself: weak models repeat what they were shown. None of it is said."""

from __future__ import annotations

import re
from typing import Final

from interaction.models.chat_frames import NAME

__all__ = ["Unframing"]

_TAG: Final = re.compile(rf"<\s{{0,9}}(/?)\s{{0,9}}{NAME}", re.IGNORECASE)
_CLOSING: Final = re.compile(rf"<\s{{0,9}}/\s{{0,9}}{NAME}[^<>]{{0,200}}>", re.IGNORECASE)
_BEGUN: Final = re.compile(
    r"<\s{0,9}(?:/\s{0,9})?(?:" + "|".join(NAME[:size] for size in range(len(NAME), 0, -1)) + r")?\Z", re.IGNORECASE
)
_LONGEST_TAG: Final = 300


class Unframing:
    """Takes frames out of one answer while it streams. The same comes out however the stream is cut.

    A frame is dropped with what stands in it; a tag that closes nothing is dropped alone; so is the nonce.
    """

    def __init__(self, nonce: str) -> None:
        self._nonce = nonce
        self._inside = False
        self._held = ""
        self.dropped: bool = False
        """Whether anything was taken out."""

    def feed(self, text: str) -> str:
        """What can be said, now that `text` has come."""
        self._held += text
        return self._passed(end=False)

    def end(self) -> str:
        """What can be said, now that nothing more comes."""
        said = self._passed(end=True)
        self._held, self._inside = "", False
        return said

    def _passed(self, *, end: bool) -> str:
        out: list[str] = []
        while True:
            if self._inside:
                closing = _CLOSING.search(self._held)
                if closing is None:
                    self._held = self._held[-_LONGEST_TAG:]
                    break
                self._inside, self._held = False, self._held[closing.end() :]
                continue
            tag = _TAG.search(self._held)
            if tag is None:
                keep = len(self._held) if end else self._safe()
                out.append(self._without_nonce(self._held[:keep]))
                self._held = self._held[keep:]
                break
            self.dropped = True
            out.append(self._without_nonce(self._held[: tag.start()]))
            rest = self._held[tag.end() :]
            if not tag[1]:
                self._inside, self._held = True, rest
                continue
            closed = rest.find(">", 0, _LONGEST_TAG)
            if closed < 0 and len(rest) < _LONGEST_TAG and not end:
                self._held = self._held[tag.start() :]
                break
            self._held = rest[closed + 1 :] if closed >= 0 else ""
        return "".join(out)

    def _safe(self) -> int:
        """How much of what is held cannot be the beginning of a tag or of the nonce."""
        begun = _BEGUN.search(self._held)
        safe = len(self._held) if begun is None else begun.start()
        for size in range(min(len(self._nonce) - 1, len(self._held)), 0, -1):
            if self._held.endswith(self._nonce[:size]):
                return min(safe, len(self._held) - size)
        return safe

    def _without_nonce(self, text: str) -> str:
        if self._nonce in text:
            self.dropped = True
        return text.replace(self._nonce, "…")
