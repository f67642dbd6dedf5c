"""The hand-off between processes, over Redis Streams (Redis 6.2 or later, or Valkey).

`redis_front` is the front end's side, `redis_worker`, `redis_held` and `redis_claim` the worker's, `redis_sessions`
keeps sessions, `redis_keys` names what is kept, `redis_scripts`, `redis_session_scripts` and `redis_steps` hold every
change that must be one step. For those who look after it, `redis_registry` says who works, `redis_overview` how all of
it stands, and `redis_operator` does what may be done to one task from outside.

`redis_client` is what all of them speak to Redis with. Behind it `redis_address` reads addresses, `redis_primary` finds
the server, and on a `redis_line` many share one connection. Only the client and the last two import redis-py.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from orchestrator.bus.redis_client import RedisSettings, checked_url, shown_url
from orchestrator.bus.redis_front import redis_front
from orchestrator.bus.redis_sessions import redis_sessions
from orchestrator.bus.redis_worker import redis_worker
from orchestrator.ports import FrontBus, SessionStore, WorkerBus

__all__ = ["RedisBus", "RedisSettings"]


class RedisBus:
    """A hand-off that survives the death of whoever takes part, and of Redis itself as far as Redis kept its data.

    Nothing is contacted until a side is entered, and entering does not fail when Redis is away: the front end hears
    `BusDown` then, and `BusUp` later; a worker waits. Raises `ConfigError` for a URL that cannot be one.
    """

    def __init__(self, url: str, *, settings: RedisSettings = RedisSettings()) -> None:  # noqa: B008 - it is frozen
        self._url = checked_url(url)
        self._settings = settings

    def __repr__(self) -> str:
        return f"RedisBus({shown_url(self._url)!r})"

    def front(self) -> AbstractAsyncContextManager[FrontBus]:
        """The front end's side: one for a process, with two connections for any number of sessions."""
        return redis_front(self._url, self._settings)

    def worker(self, *, name: str = "worker", pools: Sequence[str] = ("",)) -> AbstractAsyncContextManager[WorkerBus]:
        """A worker's side. Any number may share a name: each gets one of its own from it."""
        return redis_worker(self._url, self._settings, name, pools)

    def store(self) -> AbstractAsyncContextManager[SessionStore]:
        """Where sessions are kept: one for a process. They outlive it by `RedisSettings.session_keep_ms`."""
        return redis_sessions(self._url, self._settings)
