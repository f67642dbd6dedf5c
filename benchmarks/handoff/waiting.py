"""A thousand sessions that wait: one front end for all of them, or a connection each."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from time import process_time
from typing import Final, TypeAlias

import anyio
import msgspec

from background.worker import Worker
from benchmarks.handoff.sides import ROOT
from benchmarks.handoff.staging import SLOTS, Asking, Part, Reasoner, answer_bytes
from benchmarks.handoff.writing import Plan
from benchmarks.measuring import Row, at_most, quiet, ratios, shown
from benchmarks.own_redis import redis_server
from benchmarks.redis_floor import inspector, listening
from orchestrator.bus import connect
from orchestrator.bus.redis import RedisSettings
from orchestrator.codec import updates_wire
from orchestrator.events import BusEvent
from orchestrator.finding import Finding

__all__ = ["waiting"]

BLOCK_MS: Final = RedisSettings().block_ms


class _Size(msgspec.Struct, frozen=True):
    sessions: int
    rates: tuple[int, ...]
    """Findings a second, of all sessions together."""
    seconds: float
    rounds: int


class _Crowd:
    """Sessions that wait, and count what they hear."""

    def __init__(self, streams: list[str], sessions: list[str]) -> None:
        self.streams = streams
        self.sessions = sessions
        self._left = 0
        self._all = anyio.Event()

    def heard(self) -> None:
        """One of them has heard something."""
        self._left -= 1
        if self._left == 0:
            self._all.set()

    async def hear(self, url: str, entries: int, a_second: int) -> float:
        """Seconds of CPU of this process, while another one writes to them."""
        self._left, self._all = entries, anyio.Event()
        plan = Plan(self.streams, self.sessions, answer_bytes(), entries, a_second)
        command = [sys.executable, "-m", "benchmarks.handoff.writing", url, msgspec.json.encode(plan).decode()]
        async with await anyio.open_process(command, cwd=ROOT, stdin=subprocess.DEVNULL) as writer:
            with quiet():
                used = process_time()
                await self._all.wait()
                used = process_time() - used
            await writer.wait()
        return used


class _Found(msgspec.Struct):
    """Seconds of CPU: a second of rest, and a finding at each rate."""

    idle: list[float] = msgspec.field(default_factory=list[float])
    loaded: dict[int, list[float]] = msgspec.field(default_factory=dict[int, list[float]])


_Hosting: TypeAlias = Callable[[str, int], AbstractAsyncContextManager[_Crowd]]


def waiting(*, small: bool) -> Part:
    """Measure CPU, and count connections."""
    size = _Size(20, (200,), 0.1, 1) if small else _Size(1_000, (200, 1_000, 4_000), 2.0, 5)
    _let_open(size.sessions + 200)
    hosts: list[tuple[_Found, _Hosting]] = [(_Found(), _one_front), (_Found(), _a_connection_each)]
    with redis_server() as server:
        for number in range(size.rounds):
            for found, hosting in hosts[:: -1 if number % 2 else 1]:
                anyio.run(_measure, hosting, server.url, size, found)
        blocked = anyio.run(_blocked, server.url)
    return Part(
        [
            *_rows(size, hosts[0][0], hosts[1][0]),
            at_most("blocking connections of a process with front end and worker", blocked, "", 4),
        ],
        (
            (
                "Waiting sessions: CPU of the process that has them, while another writes findings for one after the"
                " other; each is decoded and passed to a task of its session. A connection each is bare redis-py with"
                f" a stream a session. Both block for {BLOCK_MS} ms at a time. The bar does not say how often a waiting"
                " session hears something; here it is judged at the first rate."
            ),
        ),
    )


def _rows(size: _Size, ours: _Found, each: _Found) -> list[Row]:
    who = f"{size.sessions:,} waiting sessions"
    rows: list[Row] = []
    for rate in size.rates:
        what = f"{who}, {rate:,} findings a second: CPU"
        found = ratios(ours.loaded[rate], each.loaded[rate])
        rows += [
            at_most(what, found, "x", 0.4) if rate == size.rates[0] else shown(what, found, "x"),
            shown("  one front end", [one * rate * 1e3 for one in ours.loaded[rate]], "ms a second"),
            shown("  a connection each", [one * rate * 1e3 for one in each.loaded[rate]], "ms a second"),
        ]
    return [
        *rows,
        shown(f"{who}, nothing comes: CPU", ratios(ours.idle, each.idle), "x"),
        shown("  one front end", [one * 1e3 for one in ours.idle], "ms a second"),
        shown("  a connection each", [one * 1e3 for one in each.idle], "ms a second"),
    ]


async def _measure(hosting: _Hosting, url: str, size: _Size, found: _Found) -> None:
    async with hosting(url, size.sessions) as people:
        # Everybody has heard something before: whoever is slow to begin is not measured.
        await people.hear(url, size.sessions, 2_000)
        with quiet():
            used = process_time()
            await anyio.sleep(size.seconds)
            found.idle.append((process_time() - used) / size.seconds)
        for rate in size.rates:
            entries = int(rate * size.seconds)
            found.loaded.setdefault(rate, []).append(await people.hear(url, entries, rate) / entries)


@asynccontextmanager
async def _one_front(url: str, sessions: int) -> AsyncGenerator[_Crowd]:
    names = [f"w{number}" for number in range(sessions)]
    async with connect(url).front() as front, anyio.create_task_group() as group:
        # Its stream is there when something has been sent to it.
        with inspector(url) as look:
            look.flushall()
            async with connect(url).worker() as side, anyio.create_task_group() as work:
                work.start_soon(Worker(side, Reasoner(), slots=SLOTS).run)
                await Asking(front, "first").ask()
                work.cancel_scope.cancel()
            [stream] = look.keys("*:out:*")
        crowd = _Crowd([stream.decode()], names)

        async def listen(session: str) -> None:
            async for update in front.updates(session):
                _take(update, crowd)

        for name in names:
            group.start_soon(listen, name)
        await anyio.sleep(0.1)
        yield crowd
        group.cancel_scope.cancel()


def _take(update: BusEvent, crowd: _Crowd) -> None:
    if isinstance(update, Finding):
        crowd.heard()


@asynccontextmanager
async def _a_connection_each(url: str, sessions: int) -> AsyncGenerator[_Crowd]:
    streams = [f"each:{number}" for number in range(sessions)]
    with inspector(url) as look:
        look.flushall()
    crowd = _Crowd(streams, streams)
    wire = updates_wire()

    async def listen(hear: Callable[[], Awaitable[list[bytes]]]) -> None:
        while True:
            for payload in await hear():
                for update in wire.decode(payload):
                    _take(update, crowd)

    async with AsyncExitStack() as stack:
        hearers = [await stack.enter_async_context(listening(url, stream, b"u", BLOCK_MS)) for stream in streams]
        async with anyio.create_task_group() as group:
            for hear in hearers:
                group.start_soon(listen, hear)
            await anyio.sleep(0.5)
            yield crowd
            group.cancel_scope.cancel()


async def _blocked(url: str) -> int:
    """How many connections wait in a blocking read, with a front end and a worker at rest in this process."""
    bus, found = connect(url), 0
    async with bus.front() as front, bus.worker() as side, anyio.create_task_group() as group:
        group.start_soon(Worker(side, Reasoner(), slots=SLOTS).run)
        await Asking(front, "blocked").ask()
        await anyio.sleep(0.1)
        with inspector(url) as look:
            found = sum("b" in connection["flags"] for connection in look.client_list())
        group.cancel_scope.cancel()
    return found


def _let_open(files: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < files:
        wanted = files if hard == resource.RLIM_INFINITY else min(files, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
