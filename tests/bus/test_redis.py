"""What is asked of the Redis bus beyond the contract: no remains, no secrets, and an end for every task."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from orchestrator.bus import connect
from orchestrator.bus.redis import RedisBus, RedisSettings
from orchestrator.errors import BusUnavailable, ConfigError
from orchestrator.events import BusDown
from orchestrator.finding import Finding
from tests.bus.conversation import amendment, serve, soon, stamped, submit, task, until
from tests.plugins.redis_server import RedisServer

JOBS = "duo:{0}:jobs"


@pytest.mark.anyio
async def test_nothing_remains_after_the_work(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, bus.worker() as worker:
        updates = front.updates("s")
        for number in range(20):
            await front.submit(task(number))
        for _ in range(20):
            [claim] = await soon(worker.claim(room=1))
            await claim.finish(stamped(claim, 1, Finding.final(claim.bundle.id)))
        await until(updates, "s-19")
        with redis_server.client() as client:
            assert client.xlen(JOBS) == 0
            assert client.xpending(JOBS, "workers")["pending"] == 0
    with redis_server.client() as client:
        assert client.xinfo_consumers(JOBS, "workers") == []
        kept = {name.split(":")[2] for name in client.scan_iter()}
        assert kept == {"jobs", "urgent", "job", "log", "pools", "workers"}, "the stream of the front end goes with it"
        assert list(client.hgetall("duo:{0}:workers")) == [""], "the worker has struck itself out"


@pytest.mark.anyio
async def test_leaving_hands_back_what_nobody_has_claimed_yet(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.front() as front:
        async with bus.worker(name="gone") as worker:
            # The read goes on after the claim was cut off: what it brings is for whoever comes next.
            with anyio.move_on_after(0.05):
                await worker.claim(room=5)
            for number in range(5):
                await front.submit(task(number))
        async with bus.worker(name="next") as worker:
            found: list[tuple[str, int]] = []
            while len(found) < 5:
                found += [(claim.bundle.id, claim.attempt) for claim in await soon(worker.claim(room=5))]
    assert sorted(found) == [(f"s-{number}", 1) for number in range(5)]


@pytest.mark.anyio
async def test_flushed_scripts_are_loaded_again(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, bus.worker() as worker:
        updates = front.updates("s")
        await front.submit(task())
        [claim] = await soon(worker.claim(room=1))
        with redis_server.client() as client:
            client.script_flush()
        await claim.finish(stamped(claim, 1, Finding.final("done")))
        assert (await until(updates, "done"))[-1] == stamped(claim, 1, Finding.final("done"))


@pytest.mark.anyio
async def test_a_worker_makes_the_group_again(redis_server: RedisServer) -> None:
    """Somebody has emptied Redis under its feet, without any connection breaking."""
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, bus.worker() as worker, anyio.create_task_group() as tasks:
        tasks.start_soon(serve, worker)
        updates = front.updates("s")
        await front.submit(task(1))
        await until(updates, "began 1")
        with redis_server.client() as client:
            client.flushall()
        await front.submit(task(2))
        await until(updates, "began 1")
        await front.order(amendment("go", 2))
        answer = (await until(updates, "go"))[-1]
        assert isinstance(answer, Finding)
        assert answer.delegation == "s-2"
        # The first one is missed as soon as somebody asks for it, and then done after all.
        await front.order(amendment("go", 1))
        answer = (await until(updates, "go"))[-1]
        assert isinstance(answer, Finding)
        assert (answer.delegation, answer.attempt) == ("s-1", 2)
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_a_task_that_every_worker_loses_is_given_up(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, bus.worker() as worker, anyio.create_task_group() as tasks:
        updates = front.updates("s")
        await front.submit(task())
        with redis_server.client() as client:
            client.hset("duo:{0}:job:s-1", "tries", "5")
        tasks.start_soon(serve, worker)
        found = await until(updates, "This was given up: every worker that took it stopped in the middle.")
        assert isinstance(found[-1], Finding)
        assert found[-1].kind == "error"
        with redis_server.client() as client:
            [(_, letter)] = client.xrange("duo:{0}:dead")
            assert (letter["id"], letter["why"], letter["task"]) == ("s-1", "dead", "task 1")
            assert "task 1" in letter["b"], "with the task itself, to be tried again"
            assert client.xlen(JOBS) == 0
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_a_task_that_cannot_be_read_ends_with_an_error(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, bus.worker() as worker, anyio.create_task_group() as tasks:
        updates = front.updates("s")
        await front.submit(task())
        with redis_server.client() as client:
            [(entry, _)] = client.xrange(JOBS)
            client.xdel(JOBS, entry)
            client.hset("duo:{0}:job:s-1", "entry", client.xadd(JOBS, {"id": "s-1", "b": "from the future"}))
        tasks.start_soon(serve, worker)
        found = await until(
            updates, "The worker could not read this task; it may be older than the assistant that sent it."
        )
        assert isinstance(found[-1], Finding)
        assert (found[-1].delegation, found[-1].kind) == ("s-1", "error")
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_what_nobody_can_have_written_harms_nobody(redis_server: RedisServer) -> None:
    """Numbers that are none, where a stranger wrote into our streams: an error for that task, and on it goes."""
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, bus.worker() as worker, anyio.create_task_group() as tasks:
        updates = front.updates("s")
        await front.submit(task(1))
        with redis_server.client() as client:
            [(entry, fields)] = client.xrange(JOBS)
            client.xdel(JOBS, entry)
            body = {name: value.encode(errors="surrogateescape") for name, value in fields.items()}
            odd = client.xadd(JOBS, {**body, "c": "duo:{0}:ctx:x", "n": "abc"})
            client.hset("duo:{0}:job:s-1", "entry", odd)
        tasks.start_soon(serve, worker)
        error = (await until(updates, Finding))[-1]
        assert isinstance(error, Finding)
        assert (error.delegation, error.kind) == ("s-1", "error")
        await front.submit(task(2))
        await until(updates, "began 1")
        with redis_server.client() as client:
            [out] = client.scan_iter("duo:{0}:out:*")
            client.xadd(out, {"s": "s", "a": "abc", "u": "odd"})
        await front.order(amendment("go", 2))
        await until(updates, "go")
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_what_the_caller_raises_comes_out_as_it_is(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    with pytest.raises(KeyError):
        async with bus.front():
            raise KeyError
    with pytest.raises(KeyError):
        async with bus.worker():
            raise KeyError


@pytest.mark.anyio
async def test_a_front_end_holds_few_connections(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.front() as front:
        updates = [front.updates(f"s{number}") for number in range(100)]
        async with anyio.create_task_group() as tasks:
            for number in range(100):
                tasks.start_soon(submit, front, task(1, session=f"s{number}"))
        for each in updates:
            await soon(anext(each))
        with redis_server.client() as client:
            ours = [each for each in client.client_list() if each["name"] == "duologue"]
            assert sum("b" in each["flags"] for each in ours) == 1, "one blocking connection for all the sessions"
            assert len(ours) <= 9


@pytest.mark.anyio
async def test_a_password_is_never_shown(own_server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    own_server.start()
    with own_server.client() as client:
        client.config_set("requirepass", "another")
    bus = RedisBus(f"redis://me:s3cret@127.0.0.1:{own_server.port}/0?password=s3cret")
    async with bus.front() as front:
        updates = front.updates("s")
        down = await soon(anext(updates))
        with pytest.raises(BusUnavailable) as refused:
            await front.submit(task())
    assert isinstance(down, BusDown)
    assert "127.0.0.1" in down.reason
    shown = f"{bus!r} {down.reason} {refused.value} {caplog.text}"
    assert shown.count("me:***@") == shown.count("password=***") > 3
    assert "s3cret" not in shown


@pytest.mark.parametrize(
    "url", ["http://localhost", "redis://u:s3cret@host:port/0", "nonsense", "redis://u:s3cret@[::1"]
)
def test_a_wrong_url_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        connect(url)
    assert len(str(refused.value).splitlines()) == 3
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("setting", [{"lease_ms": 0}, {"capacity": -1}, {"prefix": "{x}"}, {"prefix": ""}])
def test_a_wrong_setting_is_refused_at_once(setting: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        RedisSettings(**setting)
