"""What is asked of the sessions on Redis beyond the contract: leases, the fence, losses, and what stays how long."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from orchestrator.bus.redis import RedisBus, RedisSettings
from orchestrator.clock import from_ms
from orchestrator.config import SessionConfig
from orchestrator.errors import BusUnavailable, ConfigError, SessionLost, UsageError
from orchestrator.events import BusUp, ModelDelegated, UserText
from orchestrator.finding import Finding
from orchestrator.ports import OwnedSession
from orchestrator.session import Session
from orchestrator.timing import default_policy
from tests.bus.conversation import amendment, soon, stamped, task, until
from tests.plugins.redis_server import RedisServer

SESSION, SAID = "duo:{0}:session:s", "duo:{0}:said:s"


def a_bus(server: RedisServer, **settings: Any) -> RedisBus:
    settings.setdefault("lease_ms", 400)
    return RedisBus(server.url, settings=RedisSettings(**settings))


def talked(*lines: str) -> Session:
    session = Session(SessionConfig(id="s"), timing=default_policy())
    for number, line in enumerate(lines):
        session.receive(UserText(line, final=True), now=from_ms(1_000 * (number + 1)))
    return session


async def save(owned: OwnedSession, session: Session) -> int:
    """Save it; returns how often the store wanted another part of it."""
    tries = 0
    while not await soon(owned.save(session.snapshot(now=from_ms(60_000), since=owned.revision))):
        tries += 1
    return tries


def entries(owned: OwnedSession) -> int:
    assert owned.kept is not None
    return len(Session.restore(owned.kept, timing=default_policy(), now=owned.kept.at).entries())


async def seen(what: Callable[[], bool]) -> None:
    """Look from outside until it is so."""
    with anyio.fail_after(20):
        while not what():  # noqa: ASYNC110 - it is the state of another process
            await anyio.sleep(0.02)


@pytest.mark.anyio
async def test_a_dead_owner_is_waited_for(redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        lease_ends = int(time.time() * 1_000) + 700
        client.hset(SESSION, mapping={"owner": "dead", "holder": "a process", "until": lease_ends})
        client.pexpire(SESSION, 60_000)
    async with a_bus(redis_server, lease_ms=3_000).store() as store, store.own("s") as owned:
        assert int(time.time() * 1_000) >= lease_ends
        await save(owned, talked("one"))


@pytest.mark.anyio
async def test_a_living_owner_is_named_soon(redis_server: RedisServer) -> None:
    bus = a_bus(redis_server, lease_ms=900)
    async with bus.store() as store, bus.store() as other, store.own("s"):
        # It renews every third of the lease, and that is seen at the next look.
        with anyio.fail_after(20), pytest.raises(UsageError, match="process ") as refused:
            async with other.own("s"):
                pass
    assert refused.value.todo.startswith("close it there, or take it over (--take-over")


@pytest.mark.anyio
async def test_an_idle_owner_keeps_its_lease_and_a_late_one_is_fenced_out(redis_server: RedisServer) -> None:
    bus = a_bus(redis_server)
    async with bus.store() as store, store.own("s") as owned:
        await save(owned, talked("one"))
        with redis_server.client() as client:
            before = client.hget(SESSION, "until")
            await seen(lambda: client.hget(SESSION, "until") != before)
            # It was stopped for longer than its lease, and another process came.
            client.hset(SESSION, "owner", "another")
        with pytest.raises(SessionLost) as lost:
            await soon(owned.watch())
        with pytest.raises(SessionLost):
            await owned.save(talked("one", "two").snapshot(now=from_ms(60_000)))
        with redis_server.client() as client:
            assert client.llen(SAID) == 1
    assert len(str(lost.value).splitlines()) == 3
    with redis_server.client() as client:
        assert client.hget(SESSION, "owner") == "another"


@pytest.mark.anyio
async def test_many_idle_sessions_are_renewed_together(redis_server: RedisServer) -> None:
    bus = a_bus(redis_server)
    names = [f"duo:{{0}}:session:s{number}" for number in range(600)]
    async with bus.store() as store:
        async with anyio.create_task_group() as tasks:
            over = anyio.Event()

            async def hold(name: str) -> None:
                async with store.own(name):
                    await over.wait()

            for number in range(600):
                tasks.start_soon(hold, f"s{number}")
            with redis_server.client() as client:
                await seen(lambda: client.exists(*names) == 600)
                first, last = client.hget(names[0], "until"), client.hget(names[-1], "until")
                await seen(lambda: client.hget(names[0], "until") != first)
                await seen(lambda: client.hget(names[-1], "until") != last)
            over.set()
        with redis_server.client() as client:
            assert {client.hget(name, "owner") for name in names} == {""}


@pytest.mark.anyio
async def test_what_redis_has_lost_is_saved_again_as_a_whole(redis_server: RedisServer) -> None:
    bus = a_bus(redis_server)
    session = talked("one", "two")
    async with bus.store() as store, store.own("s") as owned:
        await save(owned, session)
        with redis_server.client() as client:
            client.flushall()
        # An idle owner hears of it by its renewal.
        await soon(owned.watch())
        assert await save(owned, session) == 0
        with redis_server.client() as client:
            client.delete(SAID)
        session.receive(UserText("three", final=True), now=from_ms(3_000))
        assert await save(owned, session) == 1
    async with bus.store() as store, store.own("s") as owned:
        assert entries(owned) == 3


@pytest.mark.anyio
async def test_a_save_whose_reply_was_lost_is_found_to_be_there(redis_server: RedisServer) -> None:
    bus = a_bus(redis_server)
    session = talked("one")
    async with bus.store() as store, store.own("s") as owned:
        first = session.snapshot(now=from_ms(60_000))
        await owned.save(first)
        session.receive(UserText("two", final=True), now=from_ms(2_000))
        second = session.snapshot(now=from_ms(60_000), since=owned.revision)
        assert await owned.save(second)
        # As if its reply had not come: the same part once more is not there twice.
        assert not await owned.save(second)
        assert owned.revision == second.revision
        await save(owned, session)
    async with bus.store() as store, store.own("s") as owned:
        assert entries(owned) == 2


@pytest.mark.anyio
async def test_sessions_go_after_their_time(redis_server: RedisServer) -> None:
    bus = a_bus(redis_server, session_keep_ms=50_000)
    async with bus.store() as store, store.own("s") as owned:
        await save(owned, talked("one"))
        assert owned.keep_ms == 50_000
    with redis_server.client() as client:
        assert 40_000 < client.pttl(SESSION) <= 50_000
        assert 40_000 < client.pttl(SAID) <= 50_000


@pytest.mark.anyio
async def test_an_answer_waits_for_the_session_until_it_is_known_there(redis_server: RedisServer) -> None:
    bus = a_bus(redis_server, keep_ms=30_000, session_keep_ms=90_000)
    session = Session(SessionConfig(id="s"), timing=default_policy())
    session.receive(ModelDelegated("x"), now=from_ms(0))
    names = ["duo:{0}:job:s-1", "duo:{0}:log:s-1"]
    async with bus.front() as front, bus.worker() as worker, bus.store() as store, store.own("s") as owned:
        await save(owned, session)
        updates = front.updates("s")
        await front.submit(task(1, keep_ms=owned.keep_ms))
        [claim] = await soon(worker.claim(room=1))
        answer = stamped(claim, 1, Finding.final("done"))
        await claim.finish(answer)
        await until(updates, "done")
        with redis_server.client() as client:
            assert all(client.pttl(name) > 60_000 for name in names)
            await save(owned, session)
            assert all(client.pttl(name) > 60_000 for name in names), "nobody has heard of it yet"
            session.receive(answer, now=from_ms(1_000))
            await save(owned, session)
            assert all(0 < client.pttl(name) <= 30_000 for name in names)
        # What no session waits for goes as early as ever.
        await front.submit(task(2))
        [claim] = await soon(worker.claim(room=1))
        await claim.finish(stamped(claim, 1, Finding.final("done 2")))
        with redis_server.client() as client:
            assert 0 < client.pttl("duo:{0}:job:s-2") <= 30_000


@pytest.mark.anyio
async def test_a_redis_that_is_away_is_said_so_after_a_while(own_server: RedisServer) -> None:
    bus = a_bus(own_server, timeout_ms=300)
    async with bus.store() as store:
        with pytest.raises(BusUnavailable, match="cannot be opened") as away:
            async with store.own("s"):
                pass
        assert len(str(away.value).splitlines()) == 3
        own_server.start()
        async with store.own("s") as owned:
            await save(owned, talked("one"))
            own_server.kill()
            with pytest.raises(BusUnavailable):
                await owned.save(talked("one", "two").snapshot(now=from_ms(60_000)))


@pytest.mark.anyio
async def test_what_another_version_has_kept_is_refused_in_plain_words(redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        client.hset(SESSION, mapping={"owner": "", "state": "from the future", "at": 0, "revision": 3})
        client.pexpire(SESSION, 60_000)
    async with a_bus(redis_server).store() as store:
        with pytest.raises(ConfigError, match="of another version"):
            async with store.own("s"):
                pass


@pytest.mark.anyio
async def test_a_front_end_does_not_miss_the_tasks_of_a_session_that_went_elsewhere(
    redis_server: RedisServer,
) -> None:
    bus = a_bus(redis_server)
    async with bus.front() as front, bus.front() as other, bus.worker() as worker:
        gone, stays = front.updates("s"), front.updates("t")
        elsewhere = other.updates("s")
        await front.submit(task(1))
        await front.submit(task(1, session="t"))
        await other.submit(task(1))
        await gone.aclose()  # type: ignore[attr-defined]
        for _ in range(2):
            [claim] = await soon(worker.claim(room=1))
            if claim.bundle.session == "s":
                await claim.finish(stamped(claim, 1, Finding.final("done")))
        await until(elsewhere, "done")
        with redis_server.client() as client:
            # As when its time is over: what is missed now would be handed over, and done, a second time.
            client.delete("duo:{0}:job:s-1", "duo:{0}:job:t-1")
            known = {entry for entry, _ in client.xrange("duo:{0}:jobs")}
            await seen(lambda: bool({entry for entry, _ in client.xrange("duo:{0}:jobs")} - known))
            again = [fields["id"] for entry, fields in client.xrange("duo:{0}:jobs") if entry not in known]
            assert again == ["t-1"]
        assert stays is not None


@pytest.mark.anyio
async def test_orders_of_two_front_ends_make_one_list(redis_server: RedisServer) -> None:
    """What the second one gave, and what got lost of it, is told apart from what the first one gave."""
    bus = a_bus(redis_server)
    async with bus.front() as front, bus.front() as other, bus.worker() as worker:
        updates = front.updates("s")
        await front.submit(task())
        for words in ("one", "two"):
            await front.order(amendment(words))
        await updates.aclose()  # type: ignore[attr-defined]
        elsewhere = other.updates("s")
        await other.submit(task())
        # It may have been on its way when the first one was killed: it is sent again, and is there already.
        await other.order(amendment("two"))
        await other.order(amendment("three"))
        with redis_server.client() as client:
            client.rpop("duo:{0}:orders:s-1")
            for each in client.client_list():
                if each["name"] == "duologue":
                    client.client_kill(each["addr"])
            await until(elsewhere, BusUp)
            await seen(lambda: client.llen("duo:{0}:orders:s-1") == 3)
        [claim] = await soon(worker.claim(room=1))
        told = claim.orders()
        assert [await soon(anext(told)) for _ in range(3)] == [amendment(words) for words in ("one", "two", "three")]
        await claim.finish(stamped(claim, 1, Finding.final("done")))
