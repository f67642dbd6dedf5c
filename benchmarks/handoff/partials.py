"""What small partials cost: an entry each, or several that go together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from time import perf_counter, process_time

import anyio

from background.worker import Worker
from benchmarks.handoff.staging import SESSION, Part
from benchmarks.measuring import at_most, quiet, ratios, shown
from benchmarks.own_redis import redis_server
from orchestrator.bundle import Bundle
from orchestrator.bus import Bus, connect
from orchestrator.events import BusEvent
from orchestrator.finding import Finding
from orchestrator.ports import Claim, Desk

__all__ = ["partials"]

TEXT = "The 9:12 is direct, leaves from platform four, takes two hours and ten minutes and has a dining car. "[:100]
ONE, FEW, MANY = 1, 8, 32


def partials(*, small: bool) -> Part:
    """Measure CPU and rate."""
    number, rounds = (64, 2) if small else (1_600, 7)
    cpu: dict[int, list[float]] = {ONE: [], FEW: [], MANY: []}
    rate: dict[int, list[float]] = {ONE: [], FEW: [], MANY: []}
    yielded: list[float] = []
    with redis_server() as server:
        bus = connect(server.url)
        for turn in range(rounds):
            for together in (ONE, FEW, MANY)[:: -1 if turn % 2 else 1]:
                used, took = anyio.run(_published, bus, number, together, f"p{turn}-{together}")
                cpu[together].append(used / number)
                rate[together].append(number / took)
            yielded.append(number / anyio.run(_yielded, bus, number, f"y{turn}"))
    return Part(
        [
            shown("100-byte partials, an entry each: CPU", [each * 1e6 for each in cpu[ONE]], "us"),
            at_most(f"  {FEW} at a time", ratios(cpu[FEW], cpu[ONE]), "x", 0.20),
            at_most(f"  {MANY} at a time", ratios(cpu[MANY], cpu[ONE]), "x", 0.06),
            shown("100-byte partials, an entry each", rate[ONE], "a second"),
            shown(f"  {FEW} at a time", rate[FEW], "a second"),
            shown(f"  {MANY} at a time", rate[MANY], "a second"),
            shown("  as a reasoner yields them, without a pause", yielded, "a second"),
        ],
        (
            (
                "Partials: CPU of sender and receiver, which share a process, from the first Claim.publish to the last"
                " finding that the session has; redis-server not counted. The peers have no partial results."
            ),
        ),
    )


async def _published(bus: Bus, number: int, together: int, name: str) -> tuple[float, float]:
    """Seconds of CPU, and seconds, in which so many partials are sent and heard, so many at a time."""
    async with bus.front() as front, bus.worker() as side:
        updates = front.updates(SESSION)
        await front.submit(Bundle(name, SESSION, "any"))
        [claim] = await side.claim(room=1)
        sent = [_partial(claim, seq) for seq in range(1, number + together + 1)]
        await claim.publish(*sent[:together])
        await _heard(updates, together)
        with quiet():
            begun, used = perf_counter(), process_time()
            async with anyio.create_task_group() as group:
                group.start_soon(_heard, updates, number)
                for first in range(together, number + together, together):
                    await claim.publish(*sent[first : first + together])
            found = process_time() - used, perf_counter() - begun
        await claim.finish(Finding.final("").stamped(delegation=name, attempt=1, seq=number * 2, context_revision=0))
    return found


def _partial(claim: Claim, seq: int) -> Finding:
    return Finding.partial(TEXT).stamped(delegation=claim.bundle.id, attempt=claim.attempt, seq=seq, context_revision=0)


async def _heard(updates: AsyncIterator[BusEvent], number: int) -> None:
    async for update in updates:
        if isinstance(update, Finding):
            number -= 1
        if number == 0:
            return


class _Talkative:
    def __init__(self, number: int) -> None:
        self._number = number

    async def run(self, bundle: Bundle, desk: Desk) -> AsyncIterator[Finding]:
        for _ in range(self._number):
            yield Finding.partial(TEXT)
        yield Finding.final("")


async def _yielded(bus: Bus, number: int, name: str) -> float:
    """Seconds from the hand-over to the end of a reasoner that does nothing but yield."""
    took = 0.0
    async with bus.front() as front, bus.worker() as side, anyio.create_task_group() as group:
        group.start_soon(Worker(side, _Talkative(number)).run)
        updates = front.updates(SESSION)
        with quiet():
            begun = perf_counter()
            await front.submit(Bundle(name, SESSION, "any"))
            await _heard(updates, number + 1)
            took = perf_counter() - begun
        group.cancel_scope.cancel()
    return took
