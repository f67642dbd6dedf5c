"""What is seen of the hand-off from outside is what is there, and looking costs it next to nothing."""

from __future__ import annotations

import os
import socket

import anyio
import msgspec
import pytest

from orchestrator.bundle import Bundle
from orchestrator.bus.redis import RedisBus, RedisSettings
from orchestrator.bus.redis_client import Away, RedisClient
from orchestrator.bus.redis_overview import Overview, QueueFacts, TaskFacts
from orchestrator.bus.redis_scripts import FORGET
from orchestrator.context import Said
from orchestrator.ports import Claim, WorkerBus
from orchestrator.version import __version__
from tests.bus.conversation import soon, task, until
from tests.bus.watching import all_of, finish, give_up, looking_at, seen, taken
from tests.plugins.redis_server import RedisServer

WORKERS = "duo:{0}:workers"


def lane(overview: Overview, pool: str, *, urgent: bool = False) -> QueueFacts:
    [found] = [queue for queue in overview.queues if (queue.pool, queue.urgent) == (pool, urgent)]
    return found


def shown(tasks: tuple[TaskFacts, ...]) -> list[tuple[str, str, int]]:
    # By name: two that were handed over in one millisecond may stand either way.
    return sorted((each.id, each.state, each.attempt) for each in tasks)


@pytest.mark.anyio
async def test_an_empty_redis(redis_server: RedisServer) -> None:
    async with looking_at(redis_server) as (watch, _):
        for overview in (await watch.look(), await all_of(watch)):
            assert (overview.queues, overview.workers, overview.running, overview.waiting) == ((), (), (), ())
            assert (overview.dead, overview.letters, overview.fronts, overview.retries) == (0, (), (), 0)
            assert overview.server.address == redis_server.url
            assert overview.server.version
            assert overview.server.memory_used > 0


@pytest.mark.anyio
async def test_lanes_and_their_tasks(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, looking_at(redis_server) as (watch, _):
        for number in range(3):
            await front.submit(task(number))
        await front.submit(msgspec.structs.replace(task(3), urgency="high"))
        await front.submit(task(4, pool="research"))
        async with bus.worker(name="busy") as worker:
            first, second = await taken(worker), await taken(worker)
            assert (first.bundle.id, second.bundle.id) == ("s-3", "s-0")
            overview = await all_of(watch)
            assert {q.pool for q in overview.queues} == {"", "research"}
            counts = [(q.length, q.waiting, q.running) for q in overview.queues]
            assert counts == [(1, 0, 1), (3, 2, 1), (0, 0, 0), (1, 1, 0)]
            assert lane(overview, "research").capacity == RedisSettings().capacity
            assert lane(overview, "", urgent=True).oldest_waiting_ms == 0
            assert shown(overview.running) == [("s-0", "running", 1), ("s-3", "running", 1)]
            assert shown(overview.waiting) == [("s-1", "queued", 0), ("s-2", "queued", 0), ("s-4", "queued", 0)]
            [urgent] = [each for each in overview.running if each.urgency == "high"]
            assert (urgent.urgency, urgent.task, urgent.session, urgent.pool) == ("high", "task 3", "s", "")
            assert urgent.worker.startswith("busy-")
            assert 0 < urgent.left_ms <= 120_000
            assert [front.unread for front in overview.fronts if front.name == urgent.front] != []
            assert overview.retries == 0
            only = await watch.tasks(pools=("research",), running=9, waiting=9, letters=0)
            assert shown(only.waiting) == [("s-4", "queued", 0)]
            assert only.running == ()
            few = await watch.tasks(pools=(), running=1, waiting=1, letters=0)
            assert shown(few.waiting) == [("s-1", "queued", 0), ("s-4", "queued", 0)]


@pytest.mark.anyio
async def test_how_long_the_oldest_has_waited(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, looking_at(redis_server) as (watch, _):
        await front.submit(task())
        overview = await seen(watch, lambda overview: lane(overview, "").oldest_waiting_ms > 20)
        async with bus.worker() as worker:
            await taken(worker)
            assert lane(await watch.look(), "").oldest_waiting_ms == 0
        later = await watch.look()
        assert lane(later, "").waiting == 1, "it was handed back"
        assert lane(later, "").oldest_waiting_ms < later.at_ms - overview.at_ms + 20, "and waits anew"


@pytest.mark.anyio
async def test_a_worker_is_in_the_register_while_it_works(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, looking_at(redis_server) as (watch, _):
        async with bus.worker(name="both", pools=("", "research")) as worker, anyio.create_task_group() as group:
            await front.submit(task(1))
            [claim] = await soon(worker.claim(room=4))
            group.start_soon(wait_for_more, worker)
            # What it holds is known from Redis at once, what it is a moment later.
            overview = await seen(watch, lambda overview: [w.slots for w in overview.workers] == [4])
            [one] = overview.workers
            assert (one.name, one.host, one.pid) == ("both", socket.gethostname(), os.getpid())
            assert (one.pools, one.busy, one.version) == (("", "research"), 1, __version__)
            assert not one.stale
            overview = await seen(watch, lambda overview: [t.id for t in overview.running] == ["s-1"])
            assert overview.running[0].worker == one.consumer
            await finish(claim, "done")
            assert (await watch.look()).workers[0].busy == 0
            overview = await seen(watch, lambda overview: overview.running == ())
            assert overview.workers[0].taking
            group.cancel_scope.cancel()
        assert (await watch.look()).workers == ()
        assert {queue.pool for queue in (await watch.look()).queues} == {"", "research"}, "also of a pool without tasks"


async def wait_for_more(worker: WorkerBus) -> None:
    await worker.claim(room=3)


@pytest.mark.anyio
async def test_whoever_died_is_named_and_then_struck_out_by_the_others(redis_server: RedisServer) -> None:
    settings = RedisSettings(lease_ms=300)
    bus = RedisBus(redis_server.url, settings=settings)
    async with looking_at(redis_server, settings) as (watch, _):
        with redis_server.client() as client:
            seconds, microseconds = client.time()
            now = seconds * 1_000 + microseconds // 1_000
            facts = msgspec.json.encode({}).decode()
            client.hset(WORKERS, mapping={"dead-1": f"{now - 700} {facts}", "odd-1": "no number at all"})
            client.pexpire(WORKERS, 60_000)
        overview = await watch.look()
        assert [(w.consumer, w.stale) for w in overview.workers] == [("dead-1", True), ("odd-1", True)]
        async with bus.worker(name="alive"):
            overview = await seen(watch, lambda overview: len(overview.workers) == 1)
            assert overview.workers[0].name == "alive"
            assert not overview.workers[0].stale


@pytest.mark.anyio
async def test_what_a_worker_without_an_entry_holds_is_seen_too(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, bus.worker(name="quiet") as worker, looking_at(redis_server) as (watch, _):
        await front.submit(task())
        claim = await taken(worker)
        await seen(watch, lambda overview: [t.id for t in overview.running] == ["s-1"])
        with redis_server.client() as client:
            client.delete(WORKERS)
        overview = await watch.look()
        assert shown(overview.running) == [("s-1", "running", 1)]
        [one] = overview.workers
        assert (one.name, one.busy, one.stale, one.beat_ms) == ("quiet", 1, True, -1)
        await finish(claim, "done")


@pytest.mark.anyio
async def test_a_second_attempt_counts_as_a_retry(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, looking_at(redis_server) as (watch, _):
        await front.submit(task())
        async with bus.worker() as worker:
            await taken(worker)
        assert (await all_of(watch)).retries == 1
        async with bus.worker() as worker:
            await taken(worker)
            assert (await all_of(watch)).retries == 1
            await seen(watch, lambda overview: overview.retries == 1 and shown(overview.running)[0][2] == 2)


@pytest.mark.anyio
async def test_letters_are_shown_with_their_reason_the_newest_first(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, looking_at(redis_server) as (watch, _):
        for number in (1, 2):
            await front.submit(task(number))
            await give_up(redis_server, bus, f"s-{number}")
        overview = await watch.look(letters=1)
        assert overview.dead == 2
        [letter] = overview.letters
        assert (letter.id, letter.why, letter.task, letter.session, letter.attempt) == ("s-2", "dead", "task 2", "s", 1)
        assert [letter.id for letter in (await watch.look()).letters] == ["s-2", "s-1"]


@pytest.mark.anyio
async def test_looking_does_not_go_through_the_bodies(redis_server: RedisServer) -> None:
    """Whatever waits and runs, a look reads at most one entry of a lane, and nothing by going through all keys."""
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, bus.worker() as worker, looking_at(redis_server) as (watch, _):
        for number in range(60):
            said = (Said(text="x" * 10_000, revision=1),)
            await front.submit(Bundle(f"s-{number}", "s", f"task {number}", said, 1))
        for _ in range(20):
            await taken(worker)
        await seen(watch, lambda overview: len(overview.running) == 20)
        with redis_server.client() as client:
            client.config_resetstat()
            overview = await watch.look()
            commands = client.info("commandstats")
        assert (overview.queues[1].waiting, len(overview.running)) == (40, 20)
        assert commands["cmdstat_xrange"]["calls"] <= 1
        assert commands["cmdstat_evalsha"]["calls"] <= 10, "two of them are the look's"
        assert {"cmdstat_scan", "cmdstat_keys"} & set(commands) == set()


@pytest.mark.anyio
async def test_a_redis_that_is_away_is_said_to_be(own_server: RedisServer) -> None:
    async with looking_at(own_server, RedisSettings(timeout_ms=200)) as (watch, _):
        with pytest.raises(Away):
            await watch.look()
        own_server.start()
        assert (await watch.look()).workers == ()


@pytest.mark.anyio
async def test_consumers_that_hold_nothing_are_struck_out_and_the_others_stay(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    jobs = "duo:{0}:jobs"
    async with bus.front() as front, bus.worker(name="busy") as worker:
        await front.submit(task())
        await taken(worker)
        client = RedisClient(redis_server.url, RedisSettings())
        with redis_server.client() as other:
            other.xgroup_createconsumer(jobs, "workers", "long-gone")

            def names() -> list[str]:
                return sorted(str(facts["name"]).partition("-")[0] for facts in other.xinfo_consumers(jobs, "workers"))

            await client.script(FORGET, [jobs], ["duo:{0}:", "workers", "", 60_000])
            assert names() == ["busy", "long"]
            with anyio.fail_after(30):
                while "long" in names():
                    await client.script(FORGET, [jobs], ["duo:{0}:", "workers", "", 1])
            assert names() == ["busy"]
        await client.close()


@pytest.mark.anyio
async def test_a_worker_that_waits_is_not_hurt_when_it_is_struck_out(redis_server: RedisServer) -> None:
    """An old Redis cannot tell one that waits in a read from one that is gone."""
    bus = RedisBus(redis_server.url)
    client = RedisClient(redis_server.url, RedisSettings())
    async with bus.front() as front, bus.worker(name="waits") as worker, anyio.create_task_group() as group:
        claims: list[Claim] = []

        async def claim() -> None:
            claims.append(await taken(worker))

        group.start_soon(claim)
        with redis_server.client() as other, anyio.fail_after(30):

            def names() -> list[object]:
                there = other.exists("duo:{0}:jobs")
                return [facts["name"] for facts in other.xinfo_consumers("duo:{0}:jobs", "workers")] if there else []

            while True:
                if names():
                    break
                await anyio.sleep(0.01)
            while names():
                await client.script(FORGET, ["duo:{0}:jobs"], ["duo:{0}:", "workers", "", 1])
        updates = front.updates("s")
        await front.submit(task())
        with anyio.fail_after(30):
            while True:
                if claims:
                    break
                await anyio.sleep(0.01)
        await finish(claims[0], "done all the same")
        await until(updates, "done all the same")
    await client.close()
