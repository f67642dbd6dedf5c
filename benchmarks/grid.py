"""Many sessions on one loop and the real clock: how late their micro-turns come, against a bare wheel of sleeps.

The sides take turns: a wheel (one task, a heap of instants, a no-op for each), one task a session that sleeps to its
next instant, and sessions on the real driver with the rule-based voice, in which nobody says anything; the last once
more with `gc.freeze()`, since what holds a loop up for long is the garbage collector.
"""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from heapq import heapify, heapreplace
from statistics import median
from time import process_time
from typing import Final

import anyio
import msgspec

from benchmarks.conversing import crowd
from benchmarks.measuring import Report, Row, at_most, percentile, ratio, shown
from interaction.clock import SystemClock
from orchestrator.clock import Instant
from orchestrator.config import SessionConfig
from orchestrator.effects import Effect
from orchestrator.events import Event, TickDue
from orchestrator.session import Session
from orchestrator.timing import default_policy

__all__ = ["run"]

TICK_S = 0.2
SETTLE_S = 0.4
"""What passes after a side has begun before it is looked at."""


class Seen(msgspec.Struct):
    """What came of one side in one round. Times are in seconds; `cpu` is a share of one core."""

    late: list[float] = msgspec.field(default_factory=list[float])
    missed: int = 0
    cpu: float = 0.0


Side = Callable[[int, Seen], AbstractAsyncContextManager[None]]


def run(*, small: bool = False) -> Report:
    """Measure. `small` is for the test that this still works."""
    sizes, rounds, round_s = ((5,), 1, 0.3) if small else ((100, 1_000), 5, 1.6)
    return Report(
        "grid",
        "idle sessions on the real driver and the real clock, begun evenly over the 200 ms",
        tuple(row for size in sizes for row in anyio.run(_compare, size, rounds, round_s)),
        (
            (
                f"Each side runs for {round_s:g} s a round, {rounds} rounds, in turns; medians of the rounds count. The"
                f" garbage collector runs as Python sets it up. {os.cpu_count()} cores."
            ),
            "Frozen: the same sessions, taken out of the collector's sight by gc.freeze() once they have begun.",
            (
                "Late is how long after its grid point a micro-turn began. A wheel is one task for all; a task a"
                " session shows what asyncio itself takes for that many sleepers."
            ),
        ),
    )


async def _compare(size: int, rounds: int, round_s: float) -> list[Row]:
    seen: dict[str, list[Seen]] = {name: [] for name in SIDES}
    for number in range(rounds):
        for name in list(SIDES)[:: -1 if number % 2 else 1]:
            gc.collect()
            seen[name].append(await _watched(SIDES[name], size, round_s))
    longest = {name: max(max(each.late) for each in found) * 1e3 for name, found in seen.items()}
    fast = {name: [percentile(each.late, 50) for each in found] for name, found in seen.items()}
    slow = {name: [percentile(each.late, 99) for each in found] for name, found in seen.items()}
    who = f"{size:,} sessions"
    return [
        shown(f"{who}: late, p50", median(fast["sessions"]) * 1e3, "ms"),
        shown("  against a wheel", ratio(fast["sessions"], fast["wheel"]), "x"),
        shown(f"{who}: late, p99", median(slow["sessions"]) * 1e3, "ms"),
        at_most("  against a wheel", ratio(slow["sessions"], slow["wheel"]), "x", 3),
        shown("  against a task a session", ratio(slow["sessions"], slow["tasks"]), "x"),
        shown("  a wheel's own", median(slow["wheel"]) * 1e3, "ms"),
        at_most("  frozen, against a wheel", ratio(slow["frozen"], slow["wheel"]), "x", 3),
        at_most(f"{who}: the longest delay", longest["sessions"], "ms", 20),
        at_most("  frozen", longest["frozen"], "ms", 20),
        shown("  a wheel's own", longest["wheel"], "ms"),
        at_most(f"{who}: grid points missed", sum(each.missed for each in seen["sessions"]), "", 0),
        shown(f"{who}: CPU", median(each.cpu for each in seen["sessions"]) / size * 1e3, "ms a session-second"),
        shown("  a wheel's own", median(each.cpu for each in seen["wheel"]) / size * 1e3, "ms a session-second"),
    ]


async def _watched(side: Side, size: int, seconds: float) -> Seen:
    seen = Seen()
    async with side(size, seen):
        await anyio.sleep(SETTLE_S)
        seen.late.clear()
        seen.missed = 0
        busy, begun = process_time(), anyio.current_time()
        await anyio.sleep(seconds)
        seen.cpu = (process_time() - busy) / (anyio.current_time() - begun)
        # Taken before the side is taken down, which is work of another kind.
        return Seen(list(seen.late), seen.missed, seen.cpu)


@asynccontextmanager
async def _wheel(size: int, seen: Seen) -> AsyncGenerator[None]:
    async with anyio.create_task_group() as group:
        group.start_soon(_turn_wheel, size, seen)
        yield
        group.cancel_scope.cancel()


async def _turn_wheel(size: int, seen: Seen) -> None:
    begun = anyio.current_time()
    due = [begun + TICK_S + number * TICK_S / size for number in range(size)]
    heapify(due)
    while True:
        await anyio.sleep_until(due[0])
        now = anyio.current_time()
        while due[0] <= now:
            seen.late.append(now - due[0])
            heapreplace(due, due[0] + TICK_S)


@asynccontextmanager
async def _tasks(size: int, seen: Seen) -> AsyncGenerator[None]:
    begun = anyio.current_time()
    async with anyio.create_task_group() as group:
        for number in range(size):
            group.start_soon(_sleep_on, begun + TICK_S + number * TICK_S / size, seen)
        yield
        group.cancel_scope.cancel()


async def _sleep_on(due: float, seen: Seen) -> None:
    while True:
        await anyio.sleep_until(due)
        seen.late.append(anyio.current_time() - due)
        due += TICK_S


class _Watched(Session):
    """A session that tells how late its ticks come."""

    def __init__(self, config: SessionConfig, clock: SystemClock, seen: Seen) -> None:
        super().__init__(config, timing=default_policy())
        self._clock = clock
        self._seen = seen

    def receive(self, event: Event, *, now: Instant) -> tuple[Effect, ...]:
        due = self.deadline
        if isinstance(event, TickDue) and due is not None and now >= due:
            self._seen.late.append((self._clock.now() - due) / 1e9)
        missed = self.missed
        effects = super().receive(event, now=now)
        self._seen.missed += self.missed - missed
        return effects


@asynccontextmanager
async def _sessions(size: int, seen: Seen) -> AsyncGenerator[None]:
    async with crowd(size, make=lambda config, clock: _Watched(config, clock, seen), within_s=TICK_S):
        yield


@asynccontextmanager
async def _frozen_sessions(size: int, seen: Seen) -> AsyncGenerator[None]:
    async with _sessions(size, seen):
        gc.collect()
        gc.freeze()
        try:
            yield
        finally:
            gc.unfreeze()


SIDES: Final[dict[str, Side]] = {"wheel": _wheel, "tasks": _tasks, "sessions": _sessions, "frozen": _frozen_sessions}
