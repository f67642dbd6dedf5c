"""Our own side as two programs, driven as the peers are: `python -m benchmarks.handoff.our_side GIVEN`."""

from __future__ import annotations

import secrets

import anyio
import anyio.to_thread

from background.worker import Worker
from benchmarks.handoff.staging import Asking, Reasoner
from benchmarks.peers.speaking import Counter, Given, given, next_order, say
from orchestrator.bus.redis import RedisBus, RedisSettings

__all__ = ["main"]


class _Telling(Reasoner):
    """Says what it does."""

    def __init__(self, tasks: int) -> None:
        super().__init__()
        self._counter = Counter(tasks)

    def waits(self) -> None:
        say(begun=True)

    def answers(self) -> None:
        self._counter.add()


async def _work(asked: Given, bus: RedisBus) -> None:
    async with bus.worker() as side, anyio.create_task_group() as group:
        group.start_soon(Worker(side, _Telling(asked.tasks), slots=asked.slots).run)
        say(ready=True)


async def _ask(bus: RedisBus) -> None:
    async with bus.front() as front:
        asking = Asking(front, secrets.token_hex(4))
        while (order := await anyio.to_thread.run_sync(next_order)) is not None:
            times: int = order["times"]
            match order["do"]:
                case "ask":
                    say(seconds=[(await asking.ask())[0] for _ in range(times)])
                case "fill":
                    await asking.queue(times)
                    say(filled=times)
                case _:
                    await asking.queue(1, "wait")
                    say(held=True)


async def main() -> None:
    """Play one role until killed, or until there are no more orders."""
    asked = given()
    bus = RedisBus(asked.url, settings=RedisSettings(lease_ms=int(asked.patience_s * 1_000)))
    if asked.role == "worker":
        await _work(asked, bus)
    else:
        await _ask(bus)


if __name__ == "__main__":
    anyio.run(main)
