"""The register of workers in Redis: who is there, where it runs, and when it was last heard of.

No worker needs it to do its work. It is for the people who look after them, and it never holds anything up.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from typing import Final

import anyio
import msgspec

from orchestrator.bus.redis_client import Away, RedisClient, RedisSettings
from orchestrator.bus.redis_keys import GROUP, Keys
from orchestrator.bus.redis_overview_scripts import BEAT
from orchestrator.bus.redis_scripts import FORGET
from orchestrator.version import __version__

__all__ = ["Entered", "Fares", "Register", "forgotten_after_ms"]

HELD_SHOWN: Final = 50
SOON_S: Final = 0.25


class Entered(msgspec.Struct, frozen=True, omit_defaults=True):
    """What stands in the register of one worker."""

    name: str = ""
    host: str = ""
    pid: int = 0
    pools: tuple[str, ...] = ("",)
    slots: int = 0
    """How many tasks it may hold at once; 0 until it asks for the first."""
    busy: int = 0
    taking: bool = True
    """Whether it asks for more. It does not while it is full, and not while it finishes to leave."""
    since: int = 0
    """When it came, in milliseconds of the server's clock; 0: just now."""
    version: str = ""
    held: tuple[str, ...] = ()
    """The tasks it has, at most `HELD_SHOWN`."""


class Fares(msgspec.Struct, frozen=True):
    """How a worker fares just now."""

    slots: int
    taking: bool
    held: Sequence[str]


class Register:
    """A worker's own entry. `fares` says how it fares."""

    def __init__(
        self,
        client: RedisClient,
        settings: RedisSettings,
        consumer: str,
        pools: Sequence[str],
        streams: Sequence[str],
        fares: Callable[[], Fares],
    ) -> None:
        self._client = client
        self._settings = settings
        self._keys = Keys(settings.prefix)
        self._consumer = consumer
        self._streams = streams
        self._fares = fares
        self._changed = anyio.Event()
        self._one_at_a_time = anyio.Lock()
        self._left = False
        name = consumer.rpartition("-")[0]
        self._entry = Entered(name, socket.gethostname(), os.getpid(), tuple(pools), version=__version__)

    def changed(self) -> None:
        """What `fares` gives has changed: write it down soon."""
        self._changed.set()

    async def keep(self) -> None:
        """Write it down three times in a lease, for ever, and strike out consumers that have long gone."""
        pause = self._settings.lease_ms / 3_000
        forget_ms = forgotten_after_ms(self._settings.lease_ms)
        forget_at = anyio.current_time() + forget_ms / 1_000
        while True:
            try:
                async with self._one_at_a_time:
                    if not self._left:
                        await self._beat()
                if anyio.current_time() >= forget_at:
                    forget_at = anyio.current_time() + forget_ms / 1_000
                    for stream in self._streams:
                        await self._client.script(FORGET, [stream], [self._keys.prefix, GROUP, "", forget_ms])
            except Away:
                # Not worth a word: those who take tasks say that it is away.
                pass
            # A worker that does a thousand small tasks a second does not write this down for each.
            await anyio.sleep(min(SOON_S, pause))
            with anyio.move_on_after(max(0.0, pause - SOON_S)):
                await self._changed.wait()
            self._changed = anyio.Event()

    async def leave(self) -> None:
        """Strike this worker out. Raises `Away`: then it is struck out when it has not been heard of."""
        async with self._one_at_a_time:
            self._left = True
            await self._client.call("HDEL", self._keys.workers, self._consumer)

    async def _beat(self) -> None:
        fares = self._fares()
        entry = msgspec.structs.replace(
            self._entry,
            slots=fares.slots,
            busy=len(fares.held),
            taking=fares.taking,
            held=tuple(fares.held[:HELD_SHOWN]),
        )
        [now] = await self._client.script(
            BEAT,
            [self._keys.workers, self._keys.pools],
            [
                *(self._keys.prefix, self._consumer, msgspec.msgpack.encode(entry), self._settings.lease_ms),
                *self._entry.pools,
            ],
        )
        if not self._entry.since:
            self._entry = msgspec.structs.replace(self._entry, since=now)


def forgotten_after_ms(lease_ms: int) -> int:
    """How long a consumer that holds nothing may be silent before it is struck out."""
    return max(60_000, 10 * lease_ms)
