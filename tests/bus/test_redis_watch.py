"""What a front end finds out by itself: a worker that died, a task that got lost, a Redis that takes nothing."""

from __future__ import annotations

import anyio
import pytest

from orchestrator.bus.redis import RedisBus, RedisSettings
from orchestrator.errors import BusUnavailable
from orchestrator.events import BusDown, BusUp, DelegationUpdate
from orchestrator.finding import Finding
from tests.bus.conversation import amendment, serve, soon, submit, task, until
from tests.bus.test_redis_worker_death import worker_process
from tests.plugins.redis_server import RedisServer


@pytest.mark.anyio
async def test_the_only_worker_dies_and_that_is_told(redis_server: RedisServer) -> None:
    """Once for each attempt; and when another comes, the task goes on."""
    bus = RedisBus(redis_server.url, settings=RedisSettings(lease_ms=400))
    async with bus.front() as front, worker_process(redis_server.url, "first", 400) as first:
        updates = front.updates("s")
        await front.submit(task())
        await until(updates, "first began")
        first.kill()
        told = await soon(anext(updates))
        assert told == DelegationUpdate("s-1", "queued", "its worker has gone")
        # Not to hide a race: several looks at a task without a worker have to pass.
        await anyio.sleep(1)
        async with worker_process(redis_server.url, "second", 400):
            heard = await until(updates, "second began")
            assert heard[0] == DelegationUpdate("s-1", "running"), "it was told once"
            await front.order(amendment("go"))
            assert isinstance((await until(updates, "second finished"))[-1], Finding)


@pytest.mark.anyio
async def test_a_loss_of_data_that_broke_no_connection_is_noticed(redis_server: RedisServer) -> None:
    """As after FLUSHALL, or when a replica that lagged behind took over: nobody has to ask for the task."""
    bus = RedisBus(redis_server.url, settings=RedisSettings(lease_ms=400))
    async with bus.front() as front, bus.worker() as worker, anyio.create_task_group() as tasks:
        updates = front.updates("s")
        await front.submit(task())
        tasks.start_soon(serve, worker)
        await until(updates, "began 1")
        with redis_server.client() as client:
            client.flushall()
        await until(updates, "began 2")
        await front.order(amendment("go"))
        assert isinstance((await until(updates, "go"))[-1], Finding)
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_a_full_redis_is_away_until_it_takes_writes(own_server: RedisServer) -> None:
    """It answers every question all the time, and must not look as if it came and went."""
    own_server.start()
    bus = RedisBus(own_server.url)
    async with bus.front() as front, bus.worker() as worker, anyio.create_task_group() as tasks:
        tasks.start_soon(serve, worker)
        updates = front.updates("s")
        await front.submit(task(1))
        await until(updates, "began 1")
        with own_server.client() as client:
            client.config_set("maxmemory", "1")
            with pytest.raises(BusUnavailable):
                await front.submit(task(2))
            down = (await until(updates, BusDown))[-1]
            assert isinstance(down, BusDown)
            assert "maxmemory" in down.reason
            # Not to hide a race: what comes and goes needs time to do so.
            await anyio.sleep(1.5)
            with pytest.raises(BusUnavailable):
                await front.submit(task(2))
            client.config_set("maxmemory", "0")
        assert [type(event) for event in await until(updates, BusUp)] == [BusUp]
        await submit(front, task(2))
        await until(updates, "began 1")
        for number in (1, 2):
            await front.order(amendment("go", number))
            assert isinstance((await until(updates, "go"))[-1], Finding)
        tasks.cancel_scope.cancel()
