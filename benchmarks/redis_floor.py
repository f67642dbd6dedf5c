"""The floor that the hand-off is held against: bare redis-py, with the same bytes, and no promises.

XADD, a blocking group read, a reply by XADD, a blocking read. Nothing survives anybody's death here. That is why this
is the one place beside `orchestrator.bus.redis_client` and the rooms behind it that may import redis-py.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast

import anyio
import redis.asyncio as redis_asyncio

__all__ = ["Floor", "floor", "redis_server"]

JOBS, OUT, GROUP = "floor:jobs", "floor:out", "workers"
BLOCK_MS = 1_000

_Found = dict[bytes, list[tuple[bytes, Any]]]
"""What was read: for each stream its entries, each with its id."""


@contextmanager
def redis_server() -> Generator[str]:
    """A redis-server of our own on a free loopback port, without persistence. Yields its URL.

    Raises `SystemExit` with a line for the person where there is none to start.
    """
    binary = shutil.which("redis-server")
    if binary is None:
        raise SystemExit("redis-server is not installed; the hand-off cannot be measured without it")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        options = ("--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no")
        process = subprocess.Popen([binary, *options], stdout=subprocess.DEVNULL)
        try:
            _wait_for(port, process)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.kill()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError as error:
            if time.monotonic() > until or process.poll() is not None:
                raise SystemExit("redis-server did not start") from error
            time.sleep(0.01)


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
async def floor(url: str, *, task: bytes, answer: bytes, serving: bool) -> AsyncGenerator[Floor]:
    """The floor on the Redis at `url`, empty at first; with its worker at work where `serving`."""
    clients: list[Any] = [
        cast(Any, redis_asyncio).Redis.from_url(url, protocol=3, legacy_responses=False, socket_timeout=5)
        for _ in range(4)
    ]
    await clients[0].execute_command("DEL", JOBS, OUT)
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
