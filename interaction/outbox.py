"""A queue between the session, which never waits, and a writer, which may be slow.

Nothing is ever thrown away here. When the writer falls behind by `high` items the session can be told (`SinkStalled`),
and again when it has caught up. In between it stops speaking to a slow link; a slow voice is not throttled yet.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, Literal, TypeVar

import anyio

__all__ = ["Outbox"]

T = TypeVar("T")


class Outbox(Generic[T]):
    """One writer puts, one reader gets, both on the same loop."""

    def __init__(self, *, high: int = 128, low: int = 16) -> None:
        self._items: deque[T] = deque()
        self._arrived = anyio.Event()
        self._high = high
        self._low = low
        self._stalled = False
        self._closed = False
        self._reading = False
        """Whether the reader is dealing with an item it has got."""
        self._idle = anyio.Event()

    def put(self, item: T) -> bool:
        """Add an item at once. Returns whether the reader has just fallen behind."""
        self._items.append(item)
        self._arrived.set()
        if not self._stalled and len(self._items) >= self._high:
            self._stalled = True
            return True
        return False

    def put_first(self, item: T) -> None:
        """Give back what was got but could not be delivered."""
        self._items.appendleft(item)
        self._arrived.set()

    def remove(self, item: T) -> bool:
        """Take back an item that has not been got yet. Returns whether it was there."""
        try:
            self._items.remove(item)
        except ValueError:
            return False
        return True

    def waiting(self) -> tuple[T, ...]:
        """What has not been got yet."""
        return tuple(self._items)

    async def get(self) -> tuple[T, Literal["", "caught up"]] | None:
        """The next item, and whether the reader has just caught up. `None` once closed and empty."""
        self._reading = False
        while not self._items:
            self._idle.set()
            if self._closed:
                return None
            self._arrived = anyio.Event()
            await self._arrived.wait()
        item = self._items.popleft()
        self._reading = True
        if self._stalled and len(self._items) <= self._low:
            self._stalled = False
            return item, "caught up"
        return item, ""

    async def emptied(self) -> None:
        """Return when the reader has dealt with all that was put."""
        while self._items or self._reading:
            self._idle = anyio.Event()
            await self._idle.wait()

    def close(self) -> None:
        """No more will be put; the reader ends when it has got the rest."""
        self._closed = True
        self._arrived.set()
