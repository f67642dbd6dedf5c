"""The Redis of a chaos run: one server that is killed and comes back, or two of which one takes the other's place."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Any, Final, Protocol

import redis

from tests.chaos.plan import Persistence
from tests.plugins.redis_kinds import RIGHTS_BEHIND_SENTINELS, admit
from tests.plugins.redis_sentinels import SentinelGroup
from tests.plugins.redis_server import PERMANENT, RedisServer

__all__ = ["GuardedRedis", "LoneRedis", "Redises", "found_in", "outstanding"]


_CHANGE_S: Final = 60.0
"""How long sentinels may take to agree on another primary."""


class Redises(Protocol):
    """What is done to Redis. Everything blocks."""

    @property
    def port(self) -> int | None:
        """Where a line leads to it; `None` where everybody finds the way by themselves."""
        ...

    @property
    def url(self) -> str: ...

    def start(self) -> None: ...

    def end(self) -> None: ...

    def strike(self) -> None:
        """kill -9 of whoever answers just now."""
        ...

    def revive(self) -> None:
        """Whoever was killed is started again."""
        ...

    def freeze(self) -> None: ...

    def thaw(self) -> None: ...

    def server(self) -> RedisServer:
        """Whoever answers just now."""
        ...


class LoneRedis:
    """One server, reached through the line."""

    def __init__(self, folder: Path, persistence: Persistence) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # What an option says last is what counts.
        options = ("--appendfsync", "everysec") if persistence == "everysec" else ()
        self._server = RedisServer(folder, persistent=persistence != "none", options=options)
        self.port: int | None = self._server.port
        self.url: str = self._server.url

    def start(self) -> None:
        self._server.start()

    def end(self) -> None:
        self._server.kill()

    def strike(self) -> None:
        self._server.kill()

    def revive(self) -> None:
        self._server.start()

    def freeze(self) -> None:
        self._server.hang()

    def thaw(self) -> None:
        self._server.wake()

    def server(self) -> RedisServer:
        return self._server


class GuardedRedis:
    """A primary, a replica, and three sentinels."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._group = SentinelGroup(folder)
        self._frozen: RedisServer | None = None
        self.port: int | None = None

    @property
    def url(self) -> str:
        return self._group.url

    def start(self) -> None:
        self._group.start()

    def end(self) -> None:
        self._group.kill()

    def strike(self) -> None:
        self.server().kill()

    def revive(self) -> None:
        for server in self._group.servers:
            if not server.is_alive:
                server.start()
                admit(server, *RIGHTS_BEHIND_SENTINELS)

    def freeze(self) -> None:
        """In its place the other one is made primary; when it wakes up, it does not know that for a while."""
        self._frozen = self.server()
        self._frozen.hang()

    def thaw(self) -> None:
        if self._frozen is not None:
            self._frozen.wake()

    def server(self) -> RedisServer:
        until = time.monotonic() + _CHANGE_S
        while True:
            for server in self._group.servers:
                with contextlib.suppress(redis.RedisError), server.client() as client:
                    if client.role()[0] == "master":
                        return server
            if time.monotonic() > until:
                raise TimeoutError("the sentinels have not made anybody the primary")
            time.sleep(0.05)


def found_in(server: RedisServer) -> dict[str, Any]:
    """What is left in a Redis when all is over."""
    with server.client() as client:
        there = [stream for stream in PERMANENT if client.exists(stream)]
        groups: list[Any] = [group for stream in there for group in client.xinfo_groups(stream)]
        dead: list[Any] = client.xrange("duo:{0}:dead")
        return {
            "jobs": sum(int(client.xlen(stream)) for stream in there),
            "pending": sum(int(group["pending"]) for group in groups),
            "consumers": sum(int(group["consumers"]) for group in groups),
            "without_ttl": server.keys_without_ttl(),
            "dead": [[fields["id"], fields["why"]] for _, fields in dead],
            "longest_out": max((client.xlen(key) for key in client.scan_iter("duo:{0}:out:*")), default=0),
            "used_memory": int(client.info("memory")["used_memory"]),
        }


def outstanding(server: RedisServer) -> int:
    """Tasks that are not finished; a server that cannot be asked has at least one."""
    try:
        with server.client() as client:
            return sum(int(client.xlen(stream)) for stream in PERMANENT)
    except redis.RedisError:
        return 1
