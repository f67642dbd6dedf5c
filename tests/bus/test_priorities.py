"""An urgent task does not wait behind a long queue."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.bundle import Bundle
from orchestrator.bus import Bus
from orchestrator.bus.memory import MemoryBus
from orchestrator.bus.redis import RedisBus, RedisSettings
from orchestrator.errors import BusBusy
from orchestrator.finding import Finding, Urgency
from tests.bus.conversation import soon, stamped, task
from tests.plugins.redis_server import RedisServer

CAPACITY = 30


@pytest.fixture(params=["memory", "redis"])
def bus(request: pytest.FixtureRequest) -> Bus:
    if request.param == "memory":
        return MemoryBus(capacity=2 * CAPACITY)
    server: RedisServer = request.getfixturevalue("redis_server")
    return RedisBus(server.url, settings=RedisSettings(capacity=CAPACITY))


def urgent(number: int, urgency: Urgency, *, pool: str = "") -> Bundle:
    return msgspec.structs.replace(task(number, pool=pool), urgency=urgency)


@pytest.mark.anyio
async def test_urgent_tasks_go_first(bus: Bus) -> None:
    """Before all that wait already, among themselves in order; also where the worker serves several pools."""
    async with bus.front() as front, bus.worker(pools=("a", "b")) as worker:
        for number in range(10):
            await front.submit(task(number, pool="a"))
        [claim] = await soon(worker.claim(room=1))
        assert claim.bundle.id == "s-0"
        await front.submit(urgent(10, "low", pool="b"))
        await front.submit(urgent(11, "high", pool="b"))
        await front.submit(urgent(12, "critical", pool="b"))
        order: list[str] = []
        while len(order) < 12:
            for each in await soon(worker.claim(room=3)):
                order.append(each.bundle.id)
                await each.finish(stamped(each, 1, Finding.final("done")))
        assert order[:2] == ["s-11", "s-12"]
        assert order[2:] == [*(f"s-{number}" for number in range(1, 10)), "s-10"]


@pytest.mark.anyio
async def test_an_urgent_task_that_is_handed_back_stays_urgent(bus: Bus) -> None:
    async with bus.front() as front, bus.worker() as worker:
        await front.submit(urgent(1, "high"))
        [claim] = await soon(worker.claim(room=1))
        for number in (2, 3):
            await front.submit(task(number))
        await claim.hand_back()
        assert [(each.bundle.id, each.attempt) for each in await soon(worker.claim(room=1))] == [("s-1", 2)]


@pytest.mark.anyio
async def test_a_full_queue_still_takes_what_is_urgent(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url, settings=RedisSettings(capacity=CAPACITY))
    async with bus.front() as front, bus.worker() as worker:
        for number in range(CAPACITY):
            await front.submit(task(number))
        with pytest.raises(BusBusy) as busy:
            await front.submit(task(CAPACITY))
        assert busy.value.length == CAPACITY
        await front.submit(urgent(CAPACITY, "critical"))
        assert [each.bundle.id for each in await soon(worker.claim(room=1))] == [f"s-{CAPACITY}"]


@pytest.mark.anyio
async def test_two_lanes_may_count_alike(redis_server: RedisServer) -> None:
    """Both tasks came in the same millisecond: the same number in two streams is not the same task."""
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, bus.worker() as worker:
        await front.submit(task(1))
        await front.submit(urgent(2, "high"))
        with redis_server.client() as client:
            for lane, name in (("jobs", "s-1"), ("urgent", "s-2")):
                [(entry, fields)] = client.xrange(f"duo:{{0}}:{lane}")
                body = {key: value.encode(errors="surrogateescape") for key, value in fields.items()}
                client.xdel(f"duo:{{0}}:{lane}", entry)
                client.xadd(f"duo:{{0}}:{lane}", body, id="9999999999999-1")
                client.hset(f"duo:{{0}}:job:{name}", "entry", "9999999999999-1")
        claims = list(await soon(worker.claim(room=4)))
        while len(claims) < 2:
            claims += await soon(worker.claim(room=4))
        assert sorted(each.bundle.id for each in claims) == ["s-1", "s-2"]
        for each in claims:
            await each.finish(stamped(each, 1, Finding.final("done")))
