"""How a conversation in a console ends, for every link the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import anyio
import anyio.lowlevel
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from interaction.links.attention import Attention
from orchestrator.events import UserEvent, UserLeft

__all__ = ["INTERRUPTED", "Doorway", "Leavable"]

INTERRUPTED: Final = "interrupted"
"""The reason to leave that Ctrl-C stands for."""


class Doorway:
    """What the person does passes through here, until the first reason to leave; then `UserLeft` comes, and the end."""

    def __init__(self) -> None:
        self._send: MemoryObjectSendStream[UserEvent]
        self._receive: MemoryObjectReceiveStream[UserEvent]
        # No buffer: what has not been taken when the person leaves must not come out afterwards.
        self._send, self._receive = anyio.create_memory_object_stream[UserEvent](0)
        self.reason: str | None = None

    async def give(self, event: UserEvent) -> None:
        """Hand an event over; returns when the session has taken it, or the person has left."""
        try:
            await self._send.send(event)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            await anyio.lowlevel.checkpoint()

    def leave(self, reason: str) -> bool:
        """Leave; only the first reason counts. Returns at once, whether it was the first."""
        if self.reason is not None:
            return False
        self.reason = reason
        self._send.close()
        return True

    def close(self) -> None:
        """Nobody comes through any more."""
        self._send.close()
        self._receive.close()

    async def events(self) -> AsyncIterator[UserEvent]:
        """What the person does, until they leave."""
        with self._receive:
            async for event in self._receive:
                yield event
        yield UserLeft(self.reason or "")


class Leavable:
    """What every console has in common: somebody can leave it, and then it is known what was still being worked on."""

    def __init__(self) -> None:
        self._doorway = Doorway()
        self._attention = Attention()
        self._unfinished: tuple[str, ...] | None = None

    def leave(self, reason: str) -> None:
        """End the conversation; `events` ends with `UserLeft`. Returns at once; the first reason counts."""
        if self._unfinished is None:
            self._unfinished = self._attention.unfinished()
        self._doorway.leave(reason)

    @property
    def leaving(self) -> str | None:
        """Why the person has left; `None` while they are there."""
        return self._doorway.reason

    @property
    def unfinished(self) -> tuple[str, ...]:
        """The tasks without an answer, as they stood when the person left."""
        return self._attention.unfinished() if self._unfinished is None else self._unfinished
