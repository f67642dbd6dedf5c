"""A long conversation is told to the workers once, and every task has all of it all the same."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.bundle import Bundle
from orchestrator.bus.redis import RedisBus
from orchestrator.bus.redis_client import RedisClient, RedisSettings
from orchestrator.bus.redis_context import CARRIED_BYTES, SESSIONS_KNOWN, Conversations, Told
from orchestrator.bus.redis_keys import FrontKeys, Keys
from orchestrator.context import Entry, Said
from orchestrator.finding import Finding
from orchestrator.ports import WorkerBus
from tests.bus.conversation import soon, stamped, until
from tests.plugins.redis_server import RedisServer

LINE = "and when does the next one leave after that, if I take the slow one from the other station?"
OWN = FrontKeys(Keys("duo"), "front")
LONG = 2 * CARRIED_BYTES // len(LINE)


def conversation(entries: int) -> tuple[Entry, ...]:
    return tuple(Said(at_ms=number, n=number, revision=number + 1, text=LINE) for number in range(entries))


def task(number: int, entries: int, *, session: str = "s") -> Bundle:
    return Bundle(f"{session}-{number}", session, f"task {number}", conversation(entries), entries)


async def done(worker: WorkerBus) -> Bundle:
    """The next task, finished."""
    [claim] = await soon(worker.claim(room=1))
    await claim.finish(stamped(claim, 1, Finding.final(claim.bundle.id)))
    return claim.bundle


@pytest.mark.anyio
async def test_every_task_has_the_whole_conversation(redis_server: RedisServer) -> None:
    """Short, grown long, grown further; for a worker that was there from the start, and for one that comes late."""
    bus = RedisBus(redis_server.url)
    tasks = [task(number, entries) for number, entries in enumerate((0, 10, LONG, LONG + 1, LONG + 500, LONG + 500))]
    async with bus.front() as front:
        async with bus.worker() as worker:
            for each in tasks[:4]:
                await front.submit(each)
                assert await done(worker) == each
        async with bus.worker() as worker:
            for each in tasks[4:]:
                await front.submit(each)
            assert [await done(worker) for _ in tasks[4:]] == tasks[4:]


@pytest.mark.anyio
async def test_a_long_conversation_is_sent_once(redis_server: RedisServer) -> None:
    """What waits in the queue is small, and each hand-off adds only what was said since the last."""
    bus = RedisBus(redis_server.url)
    async with bus.front() as front:
        for number in range(20):
            await front.submit(task(number, LONG + number))
        with redis_server.client() as client:
            [kept] = client.keys("duo:{0}:ctx:*")
            pieces = [len(piece) for piece in client.lrange(kept, 0, -1)]
            waiting = [fields["b"] for _, fields in client.xrange("duo:{0}:jobs")]
        assert len(pieces) == 20
        assert pieces[0] > CARRIED_BYTES
        assert max(pieces[1:]) < 2 * len(LINE)
        assert max(map(len, waiting)) < 200
        async with bus.worker() as worker:
            assert [await done(worker) for _ in range(20)] == [task(number, LONG + number) for number in range(20)]


@pytest.mark.anyio
async def test_a_conversation_that_redis_lost_is_told_again(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, bus.worker() as worker:
        await front.submit(task(1, LONG))
        assert await done(worker) == task(1, LONG)
        with redis_server.client() as client:
            client.delete(*client.keys("duo:{0}:ctx:*"))
        await front.submit(task(2, LONG + 1))
        assert await done(worker) == task(2, LONG + 1)


@pytest.mark.anyio
async def test_a_task_without_its_conversation_ends_with_an_error(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.front() as front:
        updates = front.updates("s")
        await front.submit(task(1, LONG))
        with redis_server.client() as client:
            client.delete(*client.keys("duo:{0}:ctx:*"))
        async with bus.worker() as worker:
            await front.submit(task(2, 1))
            assert await done(worker) == task(2, 1)
            found = await until(updates, "s-2")
        errors = [event for event in found if isinstance(event, Finding) and event.kind == "error"]
        assert [error.delegation for error in errors] == ["s-1"]


@pytest.mark.anyio
async def test_two_sessions_do_not_mix(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, bus.worker() as worker:
        for number in range(3):
            for session in ("a", "b"):
                one = task(number, LONG + number * (1 if session == "a" else 7), session=session)
                await front.submit(one)
                assert await done(worker) == one


@pytest.mark.anyio
async def test_a_worker_reads_only_what_is_new(redis_server: RedisServer) -> None:
    """Shown by taking the old pieces away: whoever needs them again has no conversation."""
    client = RedisClient(redis_server.url, RedisSettings())
    told, warm, cold = Told(OWN), Conversations(client), Conversations(client)
    first, second = told.parcel(task(1, LONG)), task(2, LONG + 3)
    told.arrived(first)
    await client.call("RPUSH", first.key, first.piece)
    assert await warm.context(first.key, first.needed, LONG) == conversation(LONG)
    parcel = told.parcel(second)
    assert (parcel.known, parcel.needed, parcel.bundle.context) == (1, 2, ())
    await client.call("RPUSH", parcel.key, parcel.piece)
    await client.call("LSET", parcel.key, 0, b"gone")
    assert await warm.context(parcel.key, parcel.needed, LONG + 3) == conversation(LONG + 3)
    assert await warm.context(parcel.key, parcel.needed, LONG) == conversation(LONG), "an older task's view of it"
    assert await cold.context(parcel.key, parcel.needed, LONG + 3) is None
    await client.call("PEXPIRE", parcel.key, 1)
    await client.close()


def test_no_list_is_ever_begun_twice() -> None:
    """A worker that has read one would take the new one for it: also where a session was forgotten in between."""
    told = Told(OWN)
    names = [told.parcel(task(1, LONG)).key]
    for number in range(SESSIONS_KNOWN):
        told.parcel(task(1, 1, session=f"other-{number}"))
    names.append(told.parcel(task(2, LONG)).key)
    told.missed("s")
    names.append(told.parcel(task(3, LONG)).key)
    assert len(set(names)) == 3


def test_a_part_of_a_conversation_travels_with_its_task() -> None:
    """Pieces are counted from the beginning, so what does not begin there cannot be kept in pieces."""
    bundle = msgspec.structs.replace(task(1, LONG), revision=LONG + 5)
    assert Told(OWN).parcel(bundle).bundle == bundle
