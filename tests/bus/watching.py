"""A look at the hand-off from outside, for tests of what is shown and done there."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import anyio
import pytest

from orchestrator.bus.redis import RedisBus, RedisSettings
from orchestrator.bus.redis_client import RedisClient
from orchestrator.bus.redis_operator import Operator
from orchestrator.bus.redis_overview import Overview, Watch
from orchestrator.finding import Finding
from orchestrator.ports import Claim, WorkerBus
from tests.bus.conversation import soon, stamped
from tests.plugins.redis_server import RedisServer

PATIENT_S = 30.0


@asynccontextmanager
async def looking_at(
    server: RedisServer, settings: RedisSettings | None = None
) -> AsyncGenerator[tuple[Watch, Operator], None]:
    """Both sides of an operator: the one that looks and the one that acts."""
    settings = settings or RedisSettings()
    client = RedisClient(server.url, settings)
    try:
        yield Watch(client, server.url, settings), Operator(client, settings)
    finally:
        await client.close()


async def all_of(watch: Watch) -> Overview:
    """Every task, as `duologue tasks list` sees them."""
    return await watch.tasks(pools=(), running=50, waiting=50, letters=50)


async def seen(watch: Watch, wanted: Callable[[Overview], bool]) -> Overview:
    """The first look that has what is wanted: what a worker writes down of itself comes a moment later."""
    overview = await watch.look()
    with anyio.move_on_after(PATIENT_S):
        while True:
            if wanted(overview):
                return overview
            await anyio.sleep(0.01)
            overview = await watch.look()
    pytest.fail(f"it was never seen; what was: {overview}")


async def taken(worker: WorkerBus) -> Claim:
    """The next task."""
    [claim] = await soon(worker.claim(room=1))
    return claim


async def give_up(server: RedisServer, bus: RedisBus, task: str) -> None:
    """Let the task be one that every worker has lost, and a last one take it, which gives it up."""
    with server.client() as client:
        client.hset(f"duo:{{0}}:job:{task}", "tries", "5")
        dead = client.xlen("duo:{0}:dead")
        async with bus.worker(name="last") as worker, anyio.create_task_group() as tasks:
            tasks.start_soon(_claim_nothing, worker)
            with anyio.fail_after(PATIENT_S):
                while True:
                    if client.xlen("duo:{0}:dead") > dead:
                        break
                    await anyio.sleep(0.01)
            tasks.cancel_scope.cancel()


async def _claim_nothing(worker: WorkerBus) -> None:
    claims = await worker.claim(room=1)
    pytest.fail(f"it was not given up: {claims}")


async def finish(claim: Claim, text: str) -> None:
    """Answer it."""
    await claim.finish(stamped(claim, 1, Finding.final(text)))
