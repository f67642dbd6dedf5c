"""Sessions that were left, kept within one process: the last few, without a server."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

import anyio
import anyio.lowlevel
import msgspec

from orchestrator.errors import SessionLost, UsageError
from orchestrator.ports import OwnedSession
from orchestrator.state import Snapshot

__all__ = ["KEPT", "MemorySessions", "lost", "taken"]

KEPT: Final = 100
"""Sessions without an owner that are kept; then the one that was left first is forgotten."""
_LAST_WORD_S: Final = 0.2
"""How long an owner that is evicted has to save what it knows."""


class MemorySessions:
    """See `SessionStore`. One loop, so that an owner that is there is a living one."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[Snapshot, float]] = OrderedDict()
        self._owners: dict[str, _Owned] = {}

    def own(self, id: str, *, take_over: bool = False) -> AbstractAsyncContextManager[OwnedSession]:
        """See `SessionStore.own`."""
        return self._own(id, take_over)

    @asynccontextmanager
    async def _own(self, id: str, take_over: bool) -> AsyncGenerator[OwnedSession]:
        await anyio.lowlevel.checkpoint()
        before = self._owners.get(id)
        if before is not None and not take_over:
            raise taken(id, "this process")
        if before is not None:
            # It saves only when it ends, and nothing would be here yet.
            before.evict()
            with anyio.move_on_after(_LAST_WORD_S):
                await before.gone.wait()
        snapshot, since = self._kept.get(id, (None, anyio.current_time()))
        owned = self._owners[id] = _Owned(self, id, snapshot, round((anyio.current_time() - since) * 1_000))
        try:
            yield owned
        finally:
            owned.gone.set()
            if self._owners.get(id) is owned:
                del self._owners[id]
                self._forget()

    def put(self, owned: _Owned, snapshot: Snapshot) -> None:
        """Keep a whole snapshot. Raises `SessionLost`."""
        if self._owners.get(owned.id) is not owned:
            raise lost(owned.id)
        self._kept[owned.id] = (snapshot, anyio.current_time())
        self._kept.move_to_end(owned.id)

    def _forget(self) -> None:
        idle = [name for name in self._kept if name not in self._owners]
        for name in idle[: len(idle) - KEPT]:
            del self._kept[name]


class _Owned:
    def __init__(self, store: MemorySessions, id: str, kept: Snapshot | None, away_ms: int) -> None:
        self.id: str = id
        self.kept: Snapshot | None = kept
        self.away_ms: int = away_ms
        self.keep_ms: int = 0
        self.revision: int = 0 if kept is None else kept.revision
        self._store = store
        self._said: tuple[bytes, ...] = () if kept is None else kept.said
        self.gone: anyio.Event = anyio.Event()
        self._evicted = anyio.Event()

    async def save(self, snapshot: Snapshot) -> bool:
        await anyio.lowlevel.checkpoint()
        if snapshot.since not in (0, self.revision):
            return False
        said = (*(self._said if snapshot.since else ()), *snapshot.said)
        self._store.put(self, msgspec.structs.replace(snapshot, said=said, since=0))
        self._said, self.revision = said, snapshot.revision
        return True

    async def watch(self) -> None:
        await self._evicted.wait()
        raise lost(self.id)

    def evict(self) -> None:
        self._evicted.set()


def taken(id: str, owner: str) -> UsageError:
    """The refusal to open what a living owner has."""
    return UsageError(
        f"the session {id!r} is open already",
        f"{owner} has it, and a conversation has one owner",
        "close it there, or take it over (--take-over, take_over=True)",
    )


def lost(id: str) -> SessionLost:
    """The end of an owner whose session another one has."""
    return SessionLost(
        f"the session {id!r} goes on elsewhere",
        "another process has taken it over, and a conversation has one owner",
        "go on there, or take it back (--take-over, take_over=True)",
    )
