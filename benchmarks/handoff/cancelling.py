"""How soon what the person says reaches a running task: calling it off, correcting it, answering its question."""

from __future__ import annotations

import anyio

from benchmarks.handoff.staging import Part, staffed
from benchmarks.measuring import at_most, percentile, quiet, shown
from benchmarks.own_redis import redis_server
from orchestrator.bus import connect

__all__ = ["cancelling"]


def cancelling(*, small: bool) -> Part:
    """Measure."""
    tasks, rounds = (3, 2) if small else (100, 5)
    with redis_server() as server, quiet():
        off, corrected, answered = anyio.run(_measured, server.url, tasks, rounds)
    return Part(
        [
            at_most("calling a task off to its terminal answer, p97", off, "ms", 10),
            shown("a correction to the answer of the task that has read it, p97", corrected, "ms"),
            shown("the answer to a task's question to its final finding, p97", answered, "ms"),
        ]
    )


async def _measured(url: str, tasks: int, rounds: int) -> tuple[list[float], list[float], list[float]]:
    off, corrected, answered = list[float](), list[float](), list[float]()
    async with staffed(connect(url), "off") as redis:
        await redis.ask()
        for _ in range(rounds):
            for found, measured in ((off, redis.call_off), (corrected, redis.correct), (answered, redis.answer)):
                found.append(percentile([await measured() for _ in range(tasks)], 97) * 1e3)
    return off, corrected, answered
