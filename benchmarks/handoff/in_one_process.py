"""Front end and worker in one process and on one loop, the floor likewise: what our own code costs, and no more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from time import perf_counter

import anyio

from background.worker import Worker
from benchmarks.handoff.staging import CONTEXT, SLOTS, Asking, Part, Reasoner, bare, staffed
from benchmarks.measuring import Row, at_least, at_most, percentile, quiet, ratios, shown
from benchmarks.own_redis import redis_server
from benchmarks.redis_floor import Floor
from orchestrator.bus import Bus, connect

__all__ = ["in_one_process"]


def in_one_process(*, small: bool) -> Part:
    """Measure latency and throughput."""
    asked, drained, rounds = (3, 20, 2) if small else (200, 1_000, 7)
    with redis_server() as server:
        rows = [
            *anyio.run(_latency, server.url, asked, rounds),
            *anyio.run(_throughput, server.url, drained, rounds),
        ]
    return Part(
        rows,
        (
            (
                "Figures are the median of the rounds, ratios the median of the ratios within each round; the sides"
                " take turns within a round. least..most is over the rounds."
            ),
            (
                "The floor sends the same bytes: XADD, blocking XREADGROUP, reply by XADD, blocking XREAD, with"
                " redis-py, hiredis and RESP3, on loopback. Redis keeps nothing on disk, except where AOF is named."
            ),
            (
                "In one process: front end and worker on one loop, on both sides, without the garbage collector. A"
                f" task takes {len(CONTEXT)} context entries along and is answered by a partial and a final finding."
            ),
            (
                f"Drained are no-op tasks that wait already, with the front end gone, by a Worker with {SLOTS} slots;"
                f" raw is XREADGROUP COUNT {SLOTS}, then XADD and XACK for each: one by one, or (piped) in one trip."
            ),
        ),
    )


# --- how soon --------------------------------------------------------------------------------------------------------


async def _latency(url: str, asked: int, rounds: int) -> list[Row]:
    bare_took: list[list[float]] = []
    full: list[list[tuple[float, float]]] = []
    within: list[list[tuple[float, float]]] = []
    async with (
        bare(url, serving=True) as side,
        staffed(connect(url), "redis") as redis,
        staffed(connect(None), "memory") as memory,
    ):
        await _warm(max(5, asked // 2), side, redis, memory)
        for _ in range(rounds):
            with quiet():
                bare_took.append([await _timed(side.ask) for _ in range(asked)])
            with quiet():
                full.append([await redis.ask() for _ in range(asked)])
            with quiet():
                within.append([await memory.ask() for _ in range(asked)])
    first = [[one for one, _ in each] for each in full]
    last = [[one for _, one in each] for each in full]
    local = [[one for one, _ in each] for each in within]
    middle = [percentile(each, 50) for each in bare_took]
    slow = [percentile(each, 97) for each in bare_took]
    first_p97 = [percentile(each, 97) for each in first]
    return [
        shown("one process, floor: XADD to reply, p50", [each * 1e3 for each in middle], "ms"),
        at_most(
            "one process: submit to first finding, p50",
            ratios([percentile(each, 50) for each in first], middle),
            "x floor",
            3,
        ),
        shown("  the same", [percentile(each, 50) * 1e3 for each in first], "ms"),
        shown("  p97", ratios(first_p97, slow), "x floor p97"),
        shown("  submit to final, p50", ratios([percentile(each, 50) for each in last], middle), "x floor"),
        shown("memory bus: first finding, p50", ratios([percentile(each, 50) for each in local], middle), "x floor"),
        shown("  the same", [percentile(each, 50) * 1e3 for each in local], "ms"),
    ]


async def _warm(times: int, side: Floor, *others: Asking) -> None:
    for _ in range(times):
        await side.ask()
        for other in others:
            await other.ask()


async def _timed(ask: Callable[[], Awaitable[None]]) -> float:
    begun = perf_counter()
    await ask()
    return perf_counter() - begun


# --- how many --------------------------------------------------------------------------------------------------------


async def _throughput(url: str, tasks: int, rounds: int) -> list[Row]:
    single: list[float] = []
    piped: list[float] = []
    full: list[float] = []
    within: list[float] = []
    for number in range(rounds):
        single.append(tasks / await _drained_raw(url, tasks, piped=False))
        full.append(tasks / await _drained(connect(url), f"r{number}", tasks, leave=True))
        piped.append(tasks / await _drained_raw(url, tasks, piped=True))
        within.append(tasks / await _drained(connect(None), f"m{number}", tasks, leave=False))
    return [
        shown("one process: no-op tasks, one worker", full, "a second"),
        at_least("  against a raw drain", ratios(full, single), "x", 0.25),
        at_least("  against a raw drain, piped", ratios(full, piped), "x", 0.25),
        shown("  with the memory bus", within, "a second"),
    ]


async def _drained_raw(url: str, tasks: int, *, piped: bool) -> float:
    async with bare(url, serving=False) as side:
        await side.fill(tasks)
        with quiet():
            begun = perf_counter()
            await side.drain(tasks, at_once=SLOTS, piped=piped)
            return perf_counter() - begun


async def _drained(bus: Bus, name: str, tasks: int, *, leave: bool) -> float:
    """Seconds in which one worker does so many tasks. `leave`: the front end goes away first, as the raw one does."""
    async with AsyncExitStack() as stack:
        async with AsyncExitStack() as front_stack:
            front = await front_stack.enter_async_context(bus.front())
            await Asking(front, name).queue(tasks)
            if not leave:
                stack.push_async_exit(front_stack.pop_all())
        reasoner = Reasoner()
        async with bus.worker() as side:
            worker = Worker(side, reasoner, slots=SLOTS)
            with quiet():
                begun = perf_counter()
                async with anyio.create_task_group() as group:
                    group.start_soon(worker.run)
                    while reasoner.answered < tasks:
                        reasoner.changed = anyio.Event()
                        await reasoner.changed.wait()
                    worker.drain()
                return perf_counter() - begun
