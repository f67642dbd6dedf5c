"""The hand-off over Redis, beside the least that redis-py can do, in one run on a redis-server of its own."""

from __future__ import annotations

import shutil
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from typing import Any, cast

import anyio
import redis.asyncio

from background.worker import Worker
from benchmarks.figures import Figure, percentile
from orchestrator.bundle import Bundle
from orchestrator.bus import Bus, connect
from orchestrator.finding import Finding
from orchestrator.ports import Desk, FrontBus

__all__ = ["run"]


@contextmanager
def _server() -> Generator[str]:
    program = shutil.which("redis-server")
    if program is None:
        raise SystemExit("There is no redis-server here.\nThe hand-off is measured on one.\nInstall redis-server.")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder]
        server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
        try:
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.01)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()
            server.wait()


class _NoOp:
    """Answers at once, with one partial before it if wanted."""

    async def run(self, bundle: Bundle, desk: Desk) -> AsyncIterator[Finding]:
        yield Finding.partial("x")
        yield Finding.final("done")


class _Floor:
    """XADD, blocking XREADGROUP, XADD back, blocking XREAD: what any hand-off over streams must at least do."""

    def __init__(self, url: str) -> None:
        self._front, self._read, self._work = (cast(Any, redis.asyncio.from_url(url)) for _ in range(3))
        self._last = "0"

    async def begin(self) -> None:
        await self._front.xgroup_create("floor:jobs", "g", "0", mkstream=True)

    async def serve(self) -> None:
        while True:
            found = await self._work.xreadgroup("g", "w", {"floor:jobs": ">"}, count=32, block=1_000)
            for entry, fields in _entries(found):
                await self._work.xadd("floor:out", fields)
                await self._work.xack("floor:jobs", "g", entry)

    async def one(self) -> None:
        await self._front.xadd("floor:jobs", {"d": b"x" * 200})
        found = await self._read.xread({"floor:out": self._last}, block=5_000)
        self._last = _entries(found)[-1][0]

    async def end(self) -> None:
        for client in (self._front, self._read, self._work):
            await client.aclose()


def _entries(found: Any) -> list[tuple[Any, Any]]:
    """What a stream read gave, whichever of its shapes redis-py chose: pairs of entry id and fields."""
    by_name: Any = getattr(found, "items", None)
    streams: Any = (found or ()) if by_name is None else by_name()
    flat: list[Any] = []
    for _, entries in streams:
        for batch in entries:
            flat += batch if hasattr(batch, "append") else [batch]
    return flat


class _Ours:
    def __init__(self, front: FrontBus, label: str) -> None:
        self._front = front
        self._label = label
        self._updates = front.updates("bench")
        self._n = 0

    def _bundle(self) -> Bundle:
        self._n += 1
        return Bundle(f"bench-{self._label}-{self._n}", "bench", "nothing")

    async def one(self) -> tuple[float, float]:
        """Seconds to the first finding and to the final."""
        begun = time.perf_counter()
        bundle = self._bundle()
        await self._front.submit(bundle)
        first = 0.0
        async for update in self._updates:
            if isinstance(update, Finding) and update.delegation == bundle.id:
                first = first or time.perf_counter() - begun
                if update.terminal:
                    return first, time.perf_counter() - begun
        raise AssertionError("the bus ended")

    async def many(self, count: int) -> float:
        """Seconds for so many tasks, all handed over at once."""
        begun = time.perf_counter()
        for _ in range(count):
            await self._front.submit(self._bundle())
        left = count
        async for update in self._updates:
            if isinstance(update, Finding) and update.terminal:
                left -= 1
                if not left:
                    break
        return time.perf_counter() - begun


async def _measure(url: str, *, rounds: int, many: int) -> list[Figure]:
    floor, first, final, ratios = list[float](), list[float](), list[float](), list[float]()
    bare = _Floor(url)
    await bare.begin()
    bus: Bus = connect(url)
    async with bus.front() as front, bus.worker(name="bench") as side, anyio.create_task_group() as group:
        group.start_soon(Worker(side, _NoOp(), slots=32).run)
        group.start_soon(bare.serve)
        ours = _Ours(front, "redis")
        for _ in range(20):
            await bare.one()
            await ours.one()
        for _ in range(rounds):
            begun = time.perf_counter()
            await bare.one()
            floor.append(time.perf_counter() - begun)
            to_first, to_final = await ours.one()
            first.append(to_first)
            final.append(to_final)
        for _ in range(5):
            begun = time.perf_counter()
            for _ in range(many):
                await bare.one()
            ratios.append((time.perf_counter() - begun) / await ours.many(many))
        group.cancel_scope.cancel()
    await bare.end()
    middle = statistics.median(floor)
    return [
        Figure("submit -> first finding, p50 / floor p50", statistics.median(first) / middle, "x", "at most 3.0"),
        Figure("submit -> first finding, p97 / floor p97", percentile(first, 0.97) / percentile(floor, 0.97), "x"),
        Figure("submit -> final answer, p50 / floor p50", statistics.median(final) / middle, "x"),
        Figure("no-op tasks a second, one worker / floor one after the other", statistics.median(ratios), "x"),
        Figure("floor p50 (for orientation only)", 1e3 * middle, "ms"),
    ]


def run(*, quick: bool = False) -> list[Figure]:
    """The figures, on a redis-server that is started and stopped here."""
    with _server() as url:
        return anyio.run(lambda: _measure(url, rounds=20 if quick else 500, many=20 if quick else 500))
