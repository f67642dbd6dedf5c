"""Redis dies, hangs, forgets, or cuts the line: nobody ends because of it, and every task still gets its one answer."""

from __future__ import annotations

import random
from collections import Counter

import anyio
import anyio.abc
import msgspec
import pytest

from orchestrator.bundle import Cancellation
from orchestrator.bus.redis import RedisBus, RedisSettings
from orchestrator.errors import BusUnavailable, ClaimLost
from orchestrator.events import BusDown, BusUp, DelegationUpdate
from orchestrator.finding import Finding
from orchestrator.ports import Claim, WorkerBus
from tests.bus.conversation import amendment, serve, soon, stamped, submit, task, until
from tests.plugins.redis_server import RedisServer


@pytest.mark.anyio
async def test_redis_is_killed_in_the_middle(mortal_server: RedisServer) -> None:
    """With its data the task goes on; without, it is handed over again, with all that had been said."""
    mortal_server.start()
    bus = RedisBus(mortal_server.url)
    async with bus.front() as front, bus.worker() as worker, anyio.create_task_group() as tasks:
        tasks.start_soon(serve, worker)
        updates = front.updates("s")
        await front.submit(task())
        await until(updates, "began 1")
        await front.order(amendment("to Lyon"))
        mortal_server.kill()
        await until(updates, BusDown)
        with pytest.raises(BusUnavailable):
            await front.submit(task(2))
        with pytest.raises(BusUnavailable):
            await front.order(amendment("never sent"))
        late = front.updates("s")
        assert isinstance(await soon(anext(late)), BusDown), "who comes later hears it too"
        mortal_server.start()
        await until(updates, BusUp)
        await submit(front, task(2))
        # The second task begins, so the worker reads again; and the first one's order must not be forgotten.
        await front.order(amendment("go"))
        answer = (await until(updates, "to Lyon go"))[-1]
        assert isinstance(answer, Finding)
        assert answer.delegation == "s-1"
        await front.order(amendment("go", 2))
        assert isinstance((await until(updates, "go"))[-1], Finding)
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_an_attempt_after_a_loss_is_told_apart_from_those_before(mortal_server: RedisServer) -> None:
    """Findings are known by (delegation, attempt, seq): if attempts began at 1 again, the answer would count as old."""
    mortal_server.start()
    bus = RedisBus(mortal_server.url)
    async with bus.front() as front, bus.worker() as worker, anyio.create_task_group() as tasks:
        tasks.start_soon(serve, worker)
        updates = front.updates("s")
        await front.submit(task())
        before = await until(updates, "began 1")
        mortal_server.kill()
        mortal_server.start()
        await until(updates, BusUp)
        after = await until(updates, Finding)
        await front.order(amendment("go"))
        after += await until(updates, "go")
        ids = [event.id for event in before + after if isinstance(event, Finding)]
        [final] = [event for event in after if isinstance(event, Finding) and event.terminal]
        assert final.text == "go"
        assert ids.count(final.id) == 1
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_a_front_end_that_takes_a_task_over_counts_on(own_server: RedisServer) -> None:
    """It has heard of no attempt itself; but its session has, and knows findings by their attempt."""
    own_server.start()
    bus = RedisBus(own_server.url)
    async with bus.front() as front, bus.worker() as worker:
        await front.submit(msgspec.structs.replace(task(), attempt=3))
        [claim] = await soon(worker.claim(room=1))
        assert claim.attempt == 4
        await claim.finish(stamped(claim, 1, Finding.final("done")))


@pytest.mark.anyio
async def test_a_result_waits_for_redis(mortal_server: RedisServer) -> None:
    """What is finished while Redis is away is published when it is back, or refused if Redis forgot who does it."""
    mortal_server.start()
    bus = RedisBus(mortal_server.url)
    async with bus.front() as front, bus.worker() as worker:
        updates = front.updates("s")
        await front.submit(task())
        [claim] = await soon(worker.claim(room=1))
        while (await until(updates, DelegationUpdate))[-1] != DelegationUpdate("s-1", "running"):
            pass
        mortal_server.kill()
        await until(updates, BusDown)
        refused: list[ClaimLost] = []

        async def finish(claim: Claim) -> None:
            try:
                await claim.finish(stamped(claim, 1, Finding.final(f"attempt {claim.attempt}")))
            except ClaimLost as lost:
                refused.append(lost)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(finish, claim)
            mortal_server.start()
            await until(updates, BusUp)
        if refused:
            [again] = await soon(worker.claim(room=1))
            assert again.attempt == 2
            await finish(again)
        wanted = "attempt 2" if refused else "attempt 1"
        assert isinstance((await until(updates, wanted))[-1], Finding)
        with mortal_server.client() as client:
            assert client.xlen("duo:{0}:jobs") == 0


@pytest.mark.anyio
async def test_a_task_that_redis_lost_can_still_be_called_off(own_server: RedisServer) -> None:
    own_server.start()
    bus = RedisBus(own_server.url)
    async with bus.front() as front:
        updates = front.updates("s")
        await front.submit(task())
        await soon(anext(updates))
        with own_server.client() as client:
            client.flushall()
        await front.order(Cancellation("s-1", "never mind"))
        assert await soon(anext(updates)) == DelegationUpdate("s-1", "cancelled", "never mind")


@pytest.mark.anyio
async def test_redis_is_away_at_the_start(own_server: RedisServer) -> None:
    bus = RedisBus(own_server.url)
    async with bus.front() as front, bus.worker() as worker, anyio.create_task_group() as tasks:
        tasks.start_soon(serve, worker)
        updates = front.updates("s")
        assert isinstance(await soon(anext(updates)), BusDown)
        with pytest.raises(BusUnavailable):
            await front.submit(task())
        own_server.start()
        assert isinstance(await soon(anext(updates)), BusUp)
        await submit(front, task())
        await until(updates, "began 1")
        await front.order(amendment("go"))
        assert isinstance((await until(updates, "go"))[-1], Finding)
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_redis_that_stays_away_holds_nobody(own_server: RedisServer) -> None:
    bus = RedisBus(own_server.url)
    async with bus.front() as front:
        async with bus.worker() as worker:
            with anyio.move_on_after(0.1) as waited:
                await worker.claim(room=1)
            assert waited.cancelled_caught, "a claim waits while Redis is away"
        updates = front.updates("s")
    assert [type(event) async for event in updates] == [BusDown], "a subscription ends when the bus is left"


@pytest.mark.anyio
async def test_redis_hangs(own_server: RedisServer) -> None:
    """The connections stay open, and nothing is answered: only a timeout can tell."""
    own_server.start()
    bus = RedisBus(own_server.url, settings=RedisSettings(timeout_ms=200, block_ms=100, lease_ms=60_000))
    async with bus.front() as front, bus.worker() as worker, anyio.create_task_group() as tasks:
        tasks.start_soon(serve, worker)
        updates = front.updates("s")
        await front.submit(task(1))
        await until(updates, "began 1")
        own_server.hang()
        with pytest.raises(BusUnavailable):
            await front.submit(task(2))
        await until(updates, BusDown)
        own_server.wake()
        await until(updates, BusUp)
        await submit(front, task(2))
        await until(updates, "began 1")
        for number in (1, 2):
            await front.order(amendment("go", number))
            found = await until(updates, "go")
            assert isinstance(found[-1], Finding)
            assert (found[-1].delegation, found[-1].attempt) == (f"s-{number}", 1), "nobody lost a task"
        tasks.cancel_scope.cancel()


async def _cut_now_and_then(
    port: int, listener: anyio.abc.Listener[anyio.abc.SocketStream], chance: random.Random
) -> None:
    """Pass bytes on between whoever connects and Redis, and cut the line in the middle of some answers."""

    async def carry(source: anyio.abc.SocketStream, sink: anyio.abc.SocketStream, scope: anyio.CancelScope) -> None:
        try:
            async for piece in source:
                if chance.random() < 0.04:
                    break
                await sink.send(piece)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
        scope.cancel()

    async def connect_through(near: anyio.abc.SocketStream) -> None:
        async with near, await anyio.connect_tcp("127.0.0.1", port) as far, anyio.create_task_group() as tasks:
            tasks.start_soon(carry, near, far, tasks.cancel_scope)
            tasks.start_soon(carry, far, near, tasks.cancel_scope)

    await listener.serve(connect_through)


@pytest.mark.anyio
@pytest.mark.parametrize("seed", range(3))
async def test_a_line_that_is_cut_again_and_again(own_server: RedisServer, seed: int) -> None:
    """Requests that never arrive, and answers that are lost: each task is answered, with one final."""
    count = 40
    finals: dict[str, str] = {}
    begun: Counter[str] = Counter()
    own_server.start()
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as proxy:
        proxy.start_soon(_cut_now_and_then, own_server.port, listener, random.Random(seed))
        url = f"redis://127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}/0"
        bus = RedisBus(url, settings=RedisSettings(lease_ms=300, max_attempts=1_000))

        async def work(worker: WorkerBus) -> None:
            while True:
                for claim in await worker.claim(room=4):
                    begun[claim.bundle.id] += 1
                    try:
                        await claim.publish(stamped(claim, 1, Finding.progress("on it")))
                        await claim.finish(stamped(claim, 2, Finding.final(claim.bundle.id)))
                    except ClaimLost:
                        continue

        async with bus.front() as front, bus.worker() as one, bus.worker() as two, anyio.create_task_group() as tasks:
            tasks.start_soon(work, one)
            tasks.start_soon(work, two)
            updates = front.updates("s")
            for number in range(count):
                await submit(front, task(number))
            with anyio.fail_after(50):
                while len(finals) < count:
                    event = await anext(updates)
                    if isinstance(event, Finding) and event.terminal:
                        assert finals.setdefault(event.delegation, event.id) == event.id, "a task has one final"
                        assert event.text == event.delegation
            tasks.cancel_scope.cancel()
        proxy.cancel_scope.cancel()
    assert set(finals) == {f"s-{number}" for number in range(count)}
    assert set(begun) == set(finals)
    with own_server.client() as client:
        assert client.xlen("duo:{0}:jobs") == 0
    assert own_server.keys_without_ttl() == []
