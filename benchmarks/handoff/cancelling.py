"""How soon a running task that is called off has its terminal answer."""

from __future__ import annotations

import anyio

from benchmarks.handoff.staging import Part, staffed
from benchmarks.measuring import at_most, percentile, quiet
from benchmarks.own_redis import redis_server
from orchestrator.bus import connect

__all__ = ["cancelling"]


def cancelling(*, small: bool) -> Part:
    """Measure."""
    tasks, rounds = (3, 2) if small else (100, 5)
    with redis_server() as server, quiet():
        took = anyio.run(_call_off, server.url, tasks, rounds)
    slow = [percentile(each, 97) * 1e3 for each in took]
    return Part([at_most("calling a task off to its terminal answer, p97", slow, "ms", 10)])


async def _call_off(url: str, tasks: int, rounds: int) -> list[list[float]]:
    async with staffed(connect(url), "off") as redis:
        await redis.ask()
        return [[await redis.call_off() for _ in range(tasks)] for _ in range(rounds)]
