"""A worker process for tests that kill it: takes one task, says so, and finishes it when it is told to.

Run as `python obedient_worker.py URL NAME LEASE_MS`. Prints `refused` when the bus would not have its word any more.
"""

from __future__ import annotations

import sys

import anyio

from orchestrator.bundle import Amendment
from orchestrator.bus.redis import RedisBus, RedisSettings
from orchestrator.errors import ClaimLost
from orchestrator.finding import Finding


async def main(url: str, name: str, lease_ms: int) -> None:
    bus = RedisBus(url, settings=RedisSettings(lease_ms=lease_ms))
    async with bus.worker(name=name) as worker:
        [claim] = await worker.claim(room=1)

        def stamped(seq: int, finding: Finding) -> Finding:
            return finding.stamped(delegation=claim.bundle.id, attempt=claim.attempt, seq=seq, context_revision=0)

        await claim.publish(stamped(1, Finding.progress(f"{name} began")))
        try:
            async for order in claim.orders():
                if isinstance(order, Amendment):
                    await claim.finish(stamped(2, Finding.final(f"{name} finished")))
                    return
            await claim.publish(stamped(2, Finding.progress(f"{name} goes on")))
        except ClaimLost:
            sys.stdout.write("refused\n")


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2], int(sys.argv[3]))
