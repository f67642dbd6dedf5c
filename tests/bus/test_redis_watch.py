"""What a front end finds out by itself: a worker that died, a task that got lost, a Redis that takes nothing."""

from __future__ import annotations

import signal

import anyio
import pytest

from orchestrator.bus.redis import RedisBus, RedisSettings
from orchestrator.codec import orders_wire
from orchestrator.errors import BusUnavailable
from orchestrator.events import BusDown, BusUp, DelegationUpdate
from orchestrator.finding import Finding
from tests.bus.conversation import amendment, serve, soon, stamped, submit, task, until
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


@pytest.mark.anyio
async def test_a_worker_that_only_stood_still_works_again(redis_server: RedisServer) -> None:
    """Nobody has taken its place, so the task is still its own; and the front end hears that too."""
    bus = RedisBus(redis_server.url, settings=RedisSettings(lease_ms=400))
    async with bus.front() as front, worker_process(redis_server.url, "slow", 400) as slow:
        updates = front.updates("s")
        await front.submit(task())
        await until(updates, "slow began")
        slow.send_signal(signal.SIGSTOP)
        assert await soon(anext(updates)) == DelegationUpdate("s-1", "queued", "its worker has gone")
        slow.send_signal(signal.SIGCONT)
        assert await soon(anext(updates)) == DelegationUpdate("s-1", "running")
        await front.order(amendment("go"))
        answer = (await until(updates, "slow finished"))[-1]
        assert isinstance(answer, Finding)
        assert answer.attempt == 1


@pytest.mark.anyio
async def test_an_order_whose_bell_was_missed_still_comes(redis_server: RedisServer) -> None:
    """The stream of bells is kept short, so a worker that stood still may miss one."""
    bus = RedisBus(redis_server.url, settings=RedisSettings(lease_ms=400))
    async with bus.front() as front, bus.worker() as worker:
        await front.submit(task())
        [claim] = await soon(worker.claim(room=1))
        order = amendment("to Lyon")
        with redis_server.client() as client:
            client.rpush("duo:{0}:orders:s-1", orders_wire().encode(order))
            client.pexpire("duo:{0}:orders:s-1", 60_000)
        assert await soon(anext(claim.orders())) == order
        await claim.finish(stamped(claim, 1, Finding.final("done")))


@pytest.mark.anyio
async def test_a_queue_that_nobody_serves_is_cleared_of_what_has_expired(redis_server: RedisServer) -> None:
    """Its front end is gone and its task's time is over: no worker will ever come to take the entry out."""
    bus = RedisBus(redis_server.url)
    with redis_server.client() as client:
        async with bus.front() as front:
            for number in range(3):
                await front.submit(task(number, pool="nobody"))
        client.delete("duo:{0}:job:s-0", "duo:{0}:job:s-1")
        async with bus.front() as front:
            await front.submit(task(4, pool="nobody"))
            with anyio.fail_after(30):
                while client.xlen("duo:{0}:jobs:nobody") != 2:  # noqa: ASYNC110 - Redis tells nobody
                    await anyio.sleep(0.01)
        assert [fields["id"] for _, fields in client.xrange("duo:{0}:jobs:nobody")] == ["s-2", "s-4"]


@pytest.mark.anyio
async def test_orders_that_got_lost_on_the_way_are_given_again(redis_server: RedisServer) -> None:
    """The line broke while a lost task was handed over again: Redis has the task, but not all that was said to it."""
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, bus.worker() as worker:
        updates = front.updates("s")
        await front.submit(task())
        orders = [amendment("to Lyon"), amendment("in the morning"), amendment("by train")]
        for order in orders:
            await front.order(order)
        with redis_server.client() as client:
            client.ltrim("duo:{0}:orders:s-1", 0, 0)
            for each in client.client_list():
                if each["name"] == "duologue":
                    client.client_kill(each["addr"])
        await until(updates, BusUp)
        await front.order(amendment("second class"))
        [claim] = await soon(worker.claim(room=1))
        told = claim.orders()
        assert [await soon(anext(told)) for _ in range(4)] == [*orders, amendment("second class")]
        await claim.finish(stamped(claim, 1, Finding.final("done")))


@pytest.mark.anyio
async def test_orders_of_a_front_end_that_is_gone_outlive_the_data(redis_server: RedisServer) -> None:
    """Its session moved to another front end, and then Redis lost everything: the task begins anew with all of them."""
    bus = RedisBus(redis_server.url)
    orders = [amendment("to Lyon"), amendment("in the morning"), amendment("by train")]
    async with bus.front() as heir, bus.worker() as worker:
        async with bus.front() as front:
            await front.submit(task())
            for order in orders[:2]:
                await front.order(order)
        updates = heir.updates("s")
        await heir.submit(task())
        await heir.order(orders[2])
        with redis_server.client() as client:
            client.flushall()
            for each in client.client_list():
                if each["name"] == "duologue":
                    client.client_kill(each["addr"])
        await until(updates, BusUp)
        [claim] = await soon(worker.claim(room=1))
        told = claim.orders()
        assert [await soon(anext(told)) for _ in range(3)] == orders
        await claim.finish(stamped(claim, 1, Finding.final("done")))


@pytest.mark.anyio
async def test_an_answer_that_cannot_be_read_ends_the_task_all_the_same(redis_server: RedisServer) -> None:
    """A worker of another version wrote it. Silence until the deadline would be no answer."""
    bus = RedisBus(redis_server.url, settings=RedisSettings(lease_ms=400))
    async with bus.front() as front, bus.worker() as worker:
        updates = front.updates("s")
        await front.submit(task())
        [claim] = await soon(worker.claim(room=1))
        await claim.publish(stamped(claim, 1, Finding.progress("begun")))
        await until(updates, "begun")
        with redis_server.client() as client:
            client.hset("duo:{0}:job:s-1", "state", "done")
            client.rpush("duo:{0}:log:s-1", 1, "from the future")
        [answer] = [event for event in await until(updates, Finding) if isinstance(event, Finding)]
        while not answer.terminal:
            [answer] = [event for event in await until(updates, Finding) if isinstance(event, Finding)]
        assert (answer.kind, answer.delegation) == ("error", "s-1")
        assert "another version" in answer.text


@pytest.mark.anyio
async def test_what_a_task_finds_goes_where_its_session_is(redis_server: RedisServer) -> None:
    """A front end that was cut off, and has lost its session, hands its tasks in once more before it knows of that."""
    bus = RedisBus(redis_server.url, settings=RedisSettings(lease_ms=400))
    async with bus.front() as heir, bus.worker() as worker:
        async with bus.front() as evicted:
            old = evicted.updates("s")
            await evicted.submit(task())
            [claim] = await soon(worker.claim(room=1))
            await claim.publish(stamped(claim, 1, Finding.progress("begun")))
            await until(old, "begun")
            updates = heir.updates("s")
            await heir.submit(task())
            await until(updates, "begun")
            await evicted.submit(task())
            await until(old, "begun")
        await claim.publish(stamped(claim, 2, Finding.question("Which way?")))
        await until(updates, "Which way?")
        await claim.finish(stamped(claim, 3, Finding.final("done")))
        await until(updates, "done")


@pytest.mark.anyio
async def test_a_task_that_cannot_be_started_keeps_nobody_from_work(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url, settings=RedisSettings(lease_ms=400))
    async with bus.front() as front, bus.worker() as worker, anyio.create_task_group() as tasks:
        updates = front.updates("s")
        for number in (1, 2):
            await front.submit(task(number))
        with redis_server.client() as client:
            client.set("duo:{0}:orders:s-1", "not a list", px=60_000)
        tasks.start_soon(serve, worker)
        began = (await until(updates, "began 1"))[-1]
        assert isinstance(began, Finding)
        assert began.delegation == "s-2"
        await front.order(amendment("go", 2))
        await until(updates, "go")
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_the_trouble_of_one_task_is_nobody_elses(redis_server: RedisServer) -> None:
    """What stands under its name is of another kind, so Redis will never take its steps; the rest goes on as ever."""
    bus = RedisBus(redis_server.url, settings=RedisSettings(lease_ms=400))
    async with bus.front() as front, bus.worker() as worker, anyio.create_task_group() as tasks:
        updates = front.updates("s")
        await front.submit(task(1))
        with redis_server.client() as client:
            client.set("duo:{0}:log:s-1", "not a list", px=60_000)
            for each in client.client_list():
                if each["name"] == "duologue":
                    client.client_kill(each["addr"])
        await until(updates, BusUp)
        tasks.start_soon(serve, worker)
        await front.submit(task(2))
        heard = await until(updates, "began 1")
        await front.order(amendment("go", 2))
        heard += await until(updates, "go")
        # Not to hide a race: several looks after what is open have to pass.
        await anyio.sleep(1)
        await front.submit(task(3))
        heard += await until(updates, "began 1")
        assert [event for event in heard if isinstance(event, BusDown | BusUp)] == []
        await front.order(amendment("go", 3))
        await until(updates, "go")
        tasks.cancel_scope.cancel()
