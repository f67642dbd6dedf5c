"""The floor that the hand-off is held against: bare redis-py, with the same bytes, and no promises.

XADD, a blocking group read, a reply by XADD, a blocking read. Nothing survives anybody's death here. That is why this
is the one place beside `orchestrator.bus.redis_client` and the rooms behind it that may import redis-py.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import anyio
import redis
import redis.asyncio as redis_asyncio

__all__ = ["Floor", "floor", "inspector", "listening"]

JOBS, OUT, GROUP = "floor:jobs", "floor:out", "workers"
BLOCK_MS = 1_000

_Found = dict[bytes, list[tuple[bytes, Any]]]
"""What was read: for each stream its entries, each with its id."""


def inspector(url: str) -> Any:
    """A client that blocks, for a look from outside. `Any`, since redis-py does not type its answers."""
    return cast(Any, redis.Redis).from_url(url, socket_timeout=20)


class Floor:
    """A client and a worker in one process, each with a connection for commands and one for blocking reads."""

    def __init__(self, clients: list[Any], task: bytes, answer: bytes) -> None:
        self._front, self._front_reads, self._worker, self._worker_reads = clients
        self._task = task
        self._answer = answer
        self._cursor = "0-0"

    async def serve(self) -> None:
        """Answer every task with one entry, for ever."""
        while True:
            for number in await self._take(1):
                await self._worker.execute_command("XADD", OUT, "*", "r", self._answer)
                await self._worker.execute_command("XACK", JOBS, GROUP, number)

    async def ask(self) -> None:
        """Hand a task over and wait for its answer."""
        await self._front.execute_command("XADD", JOBS, "*", "b", self._task)
        await self._hear()

    async def fill(self, tasks: int) -> None:
        """Queue tasks."""
        pipe = self._front.pipeline(transaction=False)
        for _ in range(tasks):
            pipe.execute_command("XADD", JOBS, "*", "b", self._task)
        await pipe.execute()

    async def drain(self, tasks: int, *, at_once: int, piped: bool) -> None:
        """Read and answer so many tasks; `piped`: all that one read gave in one round trip, else one after the
        other."""
        while tasks > 0:
            numbers = await self._take(at_once)
            tasks -= len(numbers)
            target = self._worker.pipeline(transaction=False) if piped else self._worker
            for number in numbers:
                for command in (("XADD", OUT, "*", "r", self._answer), ("XACK", JOBS, GROUP, number)):
                    sent = target.execute_command(*command)
                    if not piped:
                        await sent
            if piped:
                await target.execute()

    async def _take(self, count: int) -> list[bytes]:
        found: _Found | None = await self._worker_reads.execute_command(
            *("XREADGROUP", "GROUP", GROUP, "w", "COUNT", count, "BLOCK", BLOCK_MS, "STREAMS", JOBS, ">")
        )
        return [number for entries in (found or {}).values() for number, _ in entries]

    async def _hear(self) -> None:
        while True:
            found: _Found | None = await self._front_reads.execute_command(
                *("XREAD", "BLOCK", BLOCK_MS, "STREAMS", OUT, self._cursor)
            )
            for entries in (found or {}).values():
                self._cursor = entries[-1][0].decode()
                return


@asynccontextmanager
async def floor(url: str, *, task: bytes, answer: bytes, serving: bool, fresh: bool = True) -> AsyncGenerator[Floor]:
    """The floor on the Redis at `url`, with its worker at work where `serving`. `fresh`: without what is there."""
    clients: list[Any] = [
        cast(Any, redis_asyncio).Redis.from_url(url, protocol=3, legacy_responses=False, socket_timeout=5)
        for _ in range(4)
    ]
    if fresh:
        await clients[0].execute_command("DEL", JOBS, OUT)
    with suppress(redis.ResponseError):
        # It may be there.
        await clients[0].execute_command("XGROUP", "CREATE", JOBS, GROUP, "0", "MKSTREAM")
    side = Floor(clients, task, answer)
    try:
        async with anyio.create_task_group() as workers:
            if serving:
                workers.start_soon(side.serve)
            yield side
            workers.cancel_scope.cancel()
    finally:
        for client in clients:
            await client.aclose()


@asynccontextmanager
async def listening(
    url: str, stream: str, field: bytes, block_ms: int
) -> AsyncGenerator[Callable[[], Awaitable[list[bytes]]]]:
    """A connection for one stream alone. Yields what waits for the next entries, and gives that field of each."""
    client = cast(Any, redis_asyncio).Redis.from_url(url, protocol=3, legacy_responses=False, socket_timeout=10)
    cursor = "0-0"

    async def hear() -> list[bytes]:
        nonlocal cursor
        found: _Found | None = await client.execute_command("XREAD", "BLOCK", block_ms, "STREAMS", stream, cursor)
        entries = [entry for each in (found or {}).values() for entry in each]
        if entries:
            cursor = entries[-1][0].decode()
        return [fields[field] for _, fields in entries]

    try:
        yield hear
    finally:
        await client.aclose()
