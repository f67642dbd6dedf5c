"""Where sessions are kept on Redis: one connection pool and one renewal for all sessions of a process.

A session is a hash (owner and its lease, and the state without the conversation) and a list (the conversation, in the
batches in which it was saved). Both live for `session_keep_ms` after the last save or renewal.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final

import anyio
import msgspec

from orchestrator.bus.memory_sessions import lost, taken
from orchestrator.bus.redis_client import Away, Backoff, RedisClient, RedisSettings
from orchestrator.bus.redis_keys import Keys
from orchestrator.bus.redis_session_scripts import CLOSE, OPEN, RENEW_SESSIONS, SAVE
from orchestrator.errors import BusUnavailable, ConfigError
from orchestrator.ports import OwnedSession, SessionStore
from orchestrator.state import Snapshot

__all__ = ["redis_sessions"]

_log = logging.getLogger("duologue.bus")

_AT_ONCE: Final = 256
"""Sessions that are renewed in one step."""


class _RedisSessions:
    def __init__(self, url: str, settings: RedisSettings) -> None:
        self.settings = settings
        self.keys = Keys(settings.prefix)
        self.client = RedisClient(url, settings)
        self.holder: str = f"{os.uname().nodename}, process {os.getpid()}"
        self._owned: set[_Owned] = set()

    def own(self, id: str, *, take_over: bool = False) -> AbstractAsyncContextManager[OwnedSession]:
        return self._own(id, take_over)

    @asynccontextmanager
    async def _own(self, id: str, take_over: bool) -> AsyncGenerator[OwnedSession]:
        owned = _Owned(self, id)
        await owned.open(take_over)
        self._owned.add(owned)
        try:
            yield owned
        finally:
            self._owned.discard(owned)
            with anyio.CancelScope(shield=True):
                await owned.close()

    async def keep_leases(self) -> None:
        """Renew the sessions that have saved nothing for a while, for ever."""
        pause_s = self.settings.lease_ms / 3_000
        backoff = Backoff(most_s=pause_s)
        while True:
            await anyio.sleep(pause_s)
            idle = [owned for owned in self._owned if anyio.current_time() - owned.renewed >= pause_s * 0.9]
            for start in range(0, len(idle), _AT_ONCE):
                while True:
                    try:
                        await self._renew(idle[start : start + _AT_ONCE])
                        break
                    except Away:
                        await anyio.sleep(backoff.next())
                backoff.reset()

    async def _renew(self, some: list[_Owned]) -> None:
        answers = await self.client.script(
            RENEW_SESSIONS,
            [key for owned in some for key in owned.names],
            [
                *(self.keys.prefix, self.settings.lease_ms, self.settings.session_keep_ms),
                *(owned.name for owned in some),
            ],
        )
        for owned, answer in zip(some, answers, strict=True):
            owned.hear(str(answer, "ascii"))


class _Owned:
    def __init__(self, store: _RedisSessions, id: str) -> None:
        self.kept: Snapshot | None = None
        self.away_ms: int = 0
        self.revision: int = 0
        self.name: str = secrets.token_hex(8)
        """What this opening is known by: the fence."""
        self.names: list[str] = [store.keys.session(id), store.keys.said(id)]
        self.renewed: float = anyio.current_time()
        self._store = store
        self._id = id
        self._ended: set[str] = set()
        """Delegations that Redis need not be told of again: it keeps their answers no longer than others."""
        self._news = anyio.Event()
        self._lost = False

    @property
    def keep_ms(self) -> int:
        return self._store.settings.session_keep_ms

    async def open(self, take_over: bool) -> None:
        """Wait for the end of a lease that nobody renews; be refused by one that is renewed."""
        settings = self._store.settings
        # As long as a lease may still run, but no longer than it takes to see that Redis is not there.
        until = anyio.current_time() + max(settings.lease_ms, settings.timeout_ms) / 1_000
        seen = b""
        backoff = Backoff()
        while True:
            arguments = (self._store.keys.prefix, self.name, self._store.holder, settings.lease_ms, self.keep_ms)
            try:
                reply = await self._store.client.script(OPEN, self.names, [*arguments, "yes" if take_over else ""])
            except Away as away:
                if anyio.current_time() >= until:
                    raise BusUnavailable(
                        f"the session {self._id!r} cannot be opened",
                        away.reason,
                        "start it again when Redis is there and takes writes",
                    ) from away
                await anyio.sleep(backoff.next())
                continue
            if reply[0] == b"yours":
                self._take(reply)
                return
            _, left_ms, lease, holder = reply
            if seen and lease != seen:
                raise taken(self._id, str(holder or b"another process", "utf-8", "replace"))
            seen = lease
            # An owner that lives renews every third of its lease; one that does not is waited for.
            await anyio.sleep(min(left_ms + 1, settings.lease_ms / 6) / 1_000)

    def _take(self, reply: list[Any]) -> None:
        _, state, away_ms, said = reply
        self.renewed = anyio.current_time()
        if not state:
            return
        try:
            snapshot = msgspec.msgpack.decode(state, type=Snapshot)
        except msgspec.DecodeError as problem:
            raise ConfigError(
                f"the session {self._id!r} cannot be resumed",
                f"what is kept of it is of another version: {problem}",
                "begin a new session",
            ) from problem
        self.kept = msgspec.structs.replace(snapshot, said=tuple(said))
        self.away_ms, self.revision = away_ms, snapshot.revision

    async def save(self, snapshot: Snapshot) -> bool:
        settings = self._store.settings
        state = msgspec.msgpack.encode(msgspec.structs.replace(snapshot, said=(), since=0))
        head: list[str | int | bytes] = [
            *(self._store.keys.prefix, self.name, self._store.holder, settings.lease_ms, self.keep_ms),
            *(settings.keep_ms, snapshot.since, snapshot.revision, state, len(snapshot.said)),
        ]
        ended = [task for task in snapshot.ended if task not in self._ended]
        try:
            reply = await self._store.client.script(SAVE, self.names, [*head, *snapshot.said, *ended])
        except Away as away:
            raise BusUnavailable("The session was not saved.", away.reason, "It is safe to try again.") from away
        if reply[0] == b"lost":
            self.hear("lost")
            raise lost(self._id)
        self.renewed = anyio.current_time()
        if reply[0] == b"apart":
            self.revision = reply[1]
            return False
        self._ended = {*(self._ended & set(snapshot.ended)), *(str(task, "utf-8") for task in reply[1:])}
        self.revision = snapshot.revision
        return True

    async def watch(self) -> None:
        news = self._news
        if not self._lost:
            await news.wait()
        if self._lost:
            raise lost(self._id)

    def hear(self, answer: str) -> None:
        """What the renewal came to."""
        self.renewed = anyio.current_time()
        if answer == "yours":
            return
        _log.warning("the session %s is %s", self._id, answer)
        self._lost = self._lost or answer == "lost"
        self.revision = 0
        self._news.set()
        self._news = anyio.Event()

    async def close(self) -> None:
        """Give it free. When Redis is away the lease runs out instead."""
        with anyio.move_on_after(self._store.settings.timeout_ms / 1_000):
            try:
                await self._store.client.script(CLOSE, self.names[:1], [self._store.keys.prefix, self.name])
            except Away:
                _log.debug("the session %s was not given free; its lease will run out", self._id)


@asynccontextmanager
async def redis_sessions(url: str, settings: RedisSettings) -> AsyncGenerator[SessionStore, None]:
    """The sessions on the Redis at `url`. Entering contacts nobody; leaving closes every connection."""
    store = _RedisSessions(url, settings)
    raised: Exception | None = None
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.keep_leases)
            try:
                yield store
            except Exception as error:
                # What the caller raises passes as it is, not in a group.
                raised = error
            tasks.cancel_scope.cancel()
    finally:
        await store.client.close()
    if raised is not None:
        raise raised
