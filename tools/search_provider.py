"""The seam of web search: who answers queries, and how it says that it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from orchestrator.errors import ToolFailed

__all__ = ["Blocked", "Found", "Hit", "Offline", "SearchProvider"]

_OTHERWISE: Final = "Try again in a few minutes, or name another engine in DUOLOGUE_SEARCH (docs/web.md)."


class Hit(msgspec.Struct, frozen=True):
    """One thing that was found."""

    title: str
    url: str
    snippet: str = ""


class Found(msgspec.Struct, frozen=True):
    """What an engine answered. No hits means that it said so, and not that it kept silent."""

    hits: Sequence[Hit] = ()
    note: str = ""
    """What is to be known about it, as that only one of several engines answered."""


class Blocked(ToolFailed):
    """The engine gives nothing to programs just now. That is not the same as finding nothing."""

    def __init__(self, engine: str, why: str, *, after_s: float | None = None) -> None:
        what = f"The search engine ({engine}) gives nothing to programs just now."
        super().__init__(what, f"{why} That does not mean that there is nothing to be found.", _OTHERWISE)
        self.after_s: float | None = after_s
        self.seen: str = why


class Offline(ToolFailed):
    """The engine cannot be reached at all."""

    def __init__(self, engine: str, why: str) -> None:
        what = "I cannot reach the internet to search it just now."
        super().__init__(what, f"No connection to the search engine ({engine}): {why}", "Try again when it is back.")


class SearchProvider(Protocol):
    """An engine. It is asked by one task at a time at most once a second; it keeps no time limits of its own."""

    @property
    def name(self) -> str:
        """What a person calls it."""
        ...

    async def search(self, query: str, *, limit: int) -> Found:
        """Up to `limit` hits, the best first.

        Raises:
            Blocked: it does not want to answer programs, or its answer cannot be told from that.
            Offline: it cannot be reached.
            ToolFailed: anything else that keeps it from answering.
        """
        ...
