"""A front end's bus whose saves are written down: after a kill the journal shows what of it was certainly kept."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from orchestrator.bus import Bus
from orchestrator.ports import FrontBus, OwnedSession, SessionStore, WorkerBus
from orchestrator.state import Snapshot
from tests.chaos.person import Visit

__all__ = ["NotedBus", "Saves"]


class Saves:
    """Who has to be told of a save: the visit that a session has just now."""

    def __init__(self) -> None:
        self.visits: dict[str, Visit] = {}


class NotedBus:
    """`bus`, whose store tells of every save."""

    def __init__(self, bus: Bus, saves: Saves) -> None:
        self._bus = bus
        self._saves = saves

    def front(self) -> AbstractAsyncContextManager[FrontBus]:
        """The front end's side, as it is."""
        return self._bus.front()

    def worker(self, *, name: str = "worker", pools: Sequence[str] = ("",)) -> AbstractAsyncContextManager[WorkerBus]:
        """A worker's side, as it is."""
        return self._bus.worker(name=name, pools=pools)

    @asynccontextmanager
    async def store(self) -> AsyncGenerator[SessionStore]:
        """The store, watched."""
        async with self._bus.store() as store:
            yield _NotedStore(store, self._saves)


class _NotedStore:
    def __init__(self, store: SessionStore, saves: Saves) -> None:
        self._store = store
        self._saves = saves

    @asynccontextmanager
    async def own(self, id: str, *, take_over: bool = False) -> AsyncGenerator[OwnedSession]:
        async with self._store.own(id, take_over=take_over) as owned:
            yield _NotedOwned(owned, self._saves.visits[id])


class _NotedOwned:
    def __init__(self, owned: OwnedSession, visit: Visit) -> None:
        self._owned = owned
        self._visit = visit

    @property
    def kept(self) -> Snapshot | None:
        return self._owned.kept

    @property
    def away_ms(self) -> int:
        return self._owned.away_ms

    @property
    def keep_ms(self) -> int:
        return self._owned.keep_ms

    @property
    def revision(self) -> int:
        return self._owned.revision

    async def save(self, snapshot: Snapshot) -> bool:
        # The snapshot was taken in this very moment: all that is written down by now is in it.
        lines = self._visit.lines
        saved = await self._owned.save(snapshot)
        if saved:
            self._visit.saved(lines)
        return saved

    async def watch(self) -> None:
        await self._owned.watch()
