"""The floor as two programs, driven as the peers are: `python -m benchmarks.handoff.raw_side GIVEN`."""

from __future__ import annotations

from time import perf_counter

import anyio
import anyio.to_thread

from benchmarks.handoff.staging import bare
from benchmarks.peers.speaking import given, next_order, say

__all__ = ["main"]


async def main() -> None:
    """Play one role until killed, or until there are no more orders."""
    asked = given()
    async with bare(asked.url, serving=False, fresh=False) as side:
        if asked.role == "worker":
            say(ready=True)
            if asked.tasks:
                # As with the others the first task starts the clock.
                await side.drain(1, at_once=1, piped=False)
                begun = perf_counter()
                await side.drain(asked.tasks - 1, at_once=asked.slots, piped=False)
                say(drained=asked.tasks, seconds=perf_counter() - begun)
            await side.serve()
        while (order := await anyio.to_thread.run_sync(next_order)) is not None:
            times: int = order["times"]
            if order["do"] == "ask":
                seconds: list[float] = []
                for _ in range(times):
                    begun = perf_counter()
                    await side.ask()
                    seconds.append(perf_counter() - begun)
                say(seconds=seconds)
            else:
                await side.fill(times)
                say(filled=times)


if __name__ == "__main__":
    anyio.run(main)
