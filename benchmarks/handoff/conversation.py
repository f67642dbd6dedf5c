"""What it costs to hand over a task with a long conversation: to a worker that knows it, to one that does not, and
when all of it is sent again each time."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from statistics import median
from time import perf_counter, process_time
from typing import Any
from unittest.mock import patch

import anyio
import msgspec

from background.worker import Worker
from benchmarks.handoff.staging import SLOTS, Asking, Part, Reasoner, talked
from benchmarks.measuring import Row, at_most, quiet, ratios, shown
from benchmarks.own_redis import redis_server
from benchmarks.redis_floor import inspector
from orchestrator.bus import Bus, connect, redis_context
from orchestrator.context import Entry

__all__ = ["conversation"]

NEW_ENTRIES = 2
"""What was said since the last task."""


class _Cost(msgspec.Struct):
    """What one hand-over took, from submit to the final finding: seconds of CPU, seconds, bytes in and out of Redis."""

    cpu: float
    wall: float
    volume: float


def conversation(*, small: bool) -> Part:
    """Measure at three lengths."""
    lengths, times, rounds = ((20, 800), 2, 2) if small else ((50, 500, 5_000), 5, 7)
    rows: list[Row] = []
    with redis_server() as server:
        for length in lengths:
            found: dict[str, list[_Cost]] = {"resent": [], "warm": [], "cold": [], "without": []}
            for number in range(rounds):
                with inspector(server.url) as look:
                    look.flushall()
                # All of it travels along, however long it is.
                with patch.object(redis_context, "CARRIED_BYTES", 1 << 40):
                    found["resent"].append(anyio.run(_handed_over, server.url, length, times, f"r{number}", True))
                found["without"].append(anyio.run(_handed_over, server.url, 0, times, f"n{number}", True))
                found["warm"].append(anyio.run(_handed_over, server.url, length, times, f"w{number}", True))
                found["cold"].append(anyio.run(_handed_over, server.url, length, times, f"c{number}", False))
            rows += _rows(length, found, last=length == lengths[-1])
    return Part(
        rows,
        (
            (
                "Long conversations: a task, from submit to its final finding, of a session that has had one before"
                f" and has said {NEW_ENTRIES} entries since. CPU is that of front end and worker, which share a"
                " process; redis-server is not counted. warm: the worker had the last task too. cold: it has had none"
                " of this session. all sent again: the bus with what it keeps of conversations switched off."
            ),
        ),
    )


def _rows(length: int, found: dict[str, list[_Cost]], *, last: bool) -> list[Row]:
    resent, without = found["resent"], found["without"]
    rows = [
        shown(f"task with {length:,} context entries, all sent again: CPU", [each.cpu * 1e3 for each in resent], "ms"),
        shown("  time", [each.wall * 1e3 for each in resent], "ms"),
        shown("  over the wire", [each.volume / 1e3 for each in resent], "kB"),
        shown("  a task without a conversation: CPU", [each.cpu * 1e3 for each in without], "ms"),
    ]
    for name, limit in (("warm", 0.15), ("cold", 0.85)):
        costs = found[name]
        cpu = ratios([each.cpu for each in costs], [each.cpu for each in resent])
        if last:
            rows += [
                at_most(f"  {name} worker: CPU", cpu, "x", limit),
                shown("    CPU beyond a task without a conversation", _beyond(costs, resent, without), "x"),
            ]
        else:
            rows.append(shown(f"  {name} worker: CPU", cpu, "x"))
        rows += [
            shown("    time", ratios([each.wall for each in costs], [each.wall for each in resent]), "x"),
            shown("    over the wire", [each.volume / 1e3 for each in costs], "kB"),
        ]
    return rows


def _beyond(costs: list[_Cost], resent: list[_Cost], without: list[_Cost]) -> list[float]:
    """The same ratio for what the conversation alone costs. Where that is nothing, noise must not make it negative."""
    return [
        max(0.0, one.cpu - bare.cpu) / max(all_of_it.cpu - bare.cpu, 1e-6)
        for one, all_of_it, bare in zip(costs, resent, without, strict=True)
    ]


async def _handed_over(url: str, length: int, times: int, name: str, warm: bool) -> _Cost:
    """The median of so many hand-overs."""
    bus = connect(url)
    whole = talked(length + NEW_ENTRIES * (times + 1))
    lengths = [length + NEW_ENTRIES * number for number in range(1, times + 1)]
    costs: list[_Cost] = []
    async with bus.front() as front:
        asking = Asking(front, name, name)
        other = Asking(front, f"{name}-other", f"{name}-other")
        with inspector(url) as look:
            async with _at_work(bus):
                await asking.ask(whole[:length])
                if warm:
                    costs += [await _cost(look, asking, whole[:known]) for known in lengths]
            for known in () if warm else lengths:
                async with _at_work(bus):
                    # It is at work when it has done something, for somebody else.
                    await other.ask()
                    costs.append(await _cost(look, asking, whole[:known]))
    return _Cost(*(median(values) for values in zip(*map(msgspec.structs.astuple, costs), strict=True)))


async def _cost(look: Any, asking: Asking, context: tuple[Entry, ...]) -> _Cost:
    before = _volume(look)
    with quiet():
        begun, used = perf_counter(), process_time()
        await asking.ask(context)
        used, took = process_time() - used, perf_counter() - begun
    return _Cost(used, took, _volume(look) - before)


def _volume(look: Any) -> float:
    """Bytes in and out of Redis so far. Asking adds the answer to the question before, about 4 kB."""
    facts = look.info("stats")
    return float(facts["total_net_input_bytes"] + facts["total_net_output_bytes"])


@asynccontextmanager
async def _at_work(bus: Bus) -> AsyncGenerator[None]:
    async with bus.worker() as side, anyio.create_task_group() as group:
        group.start_soon(Worker(side, Reasoner(), slots=SLOTS).run)
        yield
        group.cancel_scope.cancel()
