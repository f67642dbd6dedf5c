"""What is done to a task from outside: the front end hears of it, and each of it is harmless when it is done twice."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from orchestrator.bundle import Amendment, Bundle, Cancellation
from orchestrator.bus.redis import RedisBus, RedisSettings
from orchestrator.bus.redis_client import RedisClient
from orchestrator.bus.redis_context import CARRIED_BYTES
from orchestrator.bus.redis_overview_scripts import RETRY_LETTER, RETRY_RUNNING
from orchestrator.context import Entry, Said, Spoke
from orchestrator.errors import ClaimLost
from orchestrator.events import BusEvent, DelegationUpdate
from orchestrator.finding import Finding
from tests.bus.conversation import amendment, soon, stamped, task, until
from tests.bus.watching import all_of, finish, give_up, looking_at, taken
from tests.plugins.redis_server import RedisServer

JOB = "duo:{0}:job:s-1"
DEAD = "duo:{0}:dead"
PREFIX = "duo:{0}:"


def told(events: list[BusEvent]) -> list[str]:
    updates = [event for event in events if isinstance(event, DelegationUpdate)]
    return [f"{update.state} again" if update.again else update.state for update in updates]


@pytest.mark.anyio
async def test_nothing_is_known_of_a_task_that_never_was(redis_server: RedisServer) -> None:
    async with looking_at(redis_server) as (_, operator):
        assert await operator.show("s-1") is None
        assert (await operator.cancel("s-1", "no")).how == "unknown"
        assert (await operator.retry("s-1")).how == "unknown"
        with redis_server.client() as client:
            assert list(client.scan_iter()) == []


@pytest.mark.anyio
async def test_the_story_of_a_task(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    said: tuple[Entry, ...] = (Said(text="find the ledger", revision=1), Spoke(text="I am looking.", revision=2))
    async with bus.front() as front, bus.worker(name="w") as worker, looking_at(redis_server) as (_, operator):
        await front.submit(Bundle("s-1", "s", "find the ledger", said, 2, urgency="high"))
        story = await operator.show("s-1")
        assert story is not None
        assert (story.facts.state, story.facts.urgency, story.facts.attempt) == ("queued", "high", 0)
        assert story.said == ("person: find the ledger", "assistant: I am looking.")
        assert story.entries == 2
        claim = await taken(worker)
        await claim.publish(stamped(claim, 1, Finding.progress("reading")))
        await claim.steps.begin("pay 5")
        await claim.steps.complete("pay 5", b"paid")
        await claim.steps.begin("pay 7")
        await front.order(Amendment("s-1", (Said(text="and the agenda"),), 3))
        await front.order(amendment("only the blue one"))
        story = await operator.show("s-1")
        assert story is not None
        assert story.facts.worker.startswith("w-")
        assert [(order.kind, order.text) for order in story.orders] == [
            ("conversation", "1"),
            ("correction", "only the blue one"),
        ]
        assert [(found.kind, found.text) for found in story.findings] == [("progress", "reading")]
        assert sorted((step.step, step.attempt, step.ended) for step in story.steps) == [
            ("pay 5", 1, True),
            ("pay 7", 1, False),
        ]
        await finish(claim, "in the cupboard")
        story = await operator.show("s-1")
        assert story is not None
        assert (story.facts.state, story.facts.worker, story.facts.left_ms) == ("done", "", 0)
        assert story.findings[-1].text == "in the cupboard"
        assert [(found.kind, found.text) for found in story.findings] == [
            ("progress", "reading"),
            ("final", "in the cupboard"),
        ]
        assert story.earlier == 0


@pytest.mark.anyio
async def test_what_waits_ends_at_once_when_it_is_called_off(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, looking_at(redis_server) as (watch, operator):
        updates = front.updates("s")
        await front.submit(task())
        assert (await operator.cancel("s-1", "a test")).how == "ended"
        assert (await operator.cancel("s-1", "a test")).how == "over"
        events = [await soon(anext(updates)) for _ in range(2)]
        assert events[-1] == DelegationUpdate("s-1", "cancelled", "a test")
        assert (await all_of(watch)).waiting == ()
        assert (await operator.retry("s-1")).how == "cancelled"


@pytest.mark.anyio
async def test_what_runs_is_told_to_stop(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, bus.worker() as worker, looking_at(redis_server) as (watch, operator):
        updates = front.updates("s")
        await front.submit(task())
        claim = await taken(worker)
        assert (await operator.cancel("s-1", "a test")).how == "sent"
        [stopping] = (await all_of(watch)).running
        assert stopping.stopping
        assert await soon(anext(claim.orders())) == Cancellation("s-1", "a test")
        assert (await operator.retry("s-1")).how == "cancelled", "it is ending, and does not begin again"
        await claim.confirm_cancelled("a test")
        assert await operator.state("s-1") == "cancelled"
        events = [await soon(anext(updates)) for _ in range(3)]
        assert told(events) == ["queued", "running", "cancelled"]


@pytest.mark.anyio
async def test_what_was_given_up_is_tried_again_and_answered(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, looking_at(redis_server) as (watch, operator):
        updates = front.updates("s")
        bundle = msgspec.structs.replace(task(), deadline_ms=90_000, urgency="high")
        await front.submit(bundle)
        await front.order(amendment("the blue one"))
        await give_up(redis_server, bus, "s-1")
        events = await until(updates, "This was given up: every worker that took it stopped in the middle.")
        story = await operator.show("s-1")
        assert story is not None
        assert (story.facts.state, story.letter and story.letter.why) == ("dead", "dead")
        retried = await operator.retry("s-1")
        assert (retried.how, retried.was, retried.heard) == ("queued", "dead", True)
        [waiting] = (await all_of(watch)).waiting
        assert (waiting.id, waiting.attempt, waiting.urgency) == ("s-1", 1, "high")
        assert 89_000 < waiting.left_ms <= 90_000, "it has all its time anew"
        assert (await all_of(watch)).dead == 0
        assert (await operator.retry("s-1")).how == "waiting"
        async with bus.worker() as worker:
            claim = await taken(worker)
            assert (claim.bundle, claim.attempt) == (bundle, 2)
            assert await soon(anext(claim.orders())) == amendment("the blue one"), "what it was told is not forgotten"
            await finish(claim, "there it is")
        events = await until(updates, "there it is")
        assert told(events) == ["queued again", "running"]
        assert (await operator.retry("s-1")).how == "done"


@pytest.mark.anyio
async def test_what_was_given_up_can_be_tried_again_more_than_once(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, looking_at(redis_server) as (_, operator):
        await front.submit(task())
        for attempt in (1, 2):
            await give_up(redis_server, bus, "s-1")
            assert (await operator.retry("s-1")).how == "queued"
            with redis_server.client() as client:
                assert client.hget(JOB, "attempt") == str(attempt)
        async with bus.worker() as worker:
            assert (await taken(worker)).attempt == 3


@pytest.mark.anyio
async def test_a_letter_outlives_all_else_that_was_known_of_its_task(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, looking_at(redis_server) as (_, operator):
        updates = front.updates("s")
        await front.submit(task())
        await give_up(redis_server, bus, "s-1")
        await until(updates, "This was given up: every worker that took it stopped in the middle.")
        with redis_server.client() as client:
            client.delete(JOB, "duo:{0}:log:s-1", "duo:{0}:orders:s-1")
        story = await operator.show("s-1")
        assert story is not None
        assert (story.facts.state, story.facts.task, story.facts.session) == ("dead", "task 1", "s")
        assert (await operator.cancel("s-1", "no")).how == "unknown"
        retried = await operator.retry("s-1")
        assert (retried.how, retried.heard) == ("queued", True)
        async with bus.worker() as worker:
            claim = await taken(worker)
            assert claim.attempt == 2
            await finish(claim, "there it is")
        assert told(await until(updates, "there it is")) == ["queued again", "running"], "the letter knows who asked"


@pytest.mark.anyio
async def test_when_the_front_end_has_left_the_answer_can_be_read_all_the_same(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.front() as front:
        await front.submit(task())
        await give_up(redis_server, bus, "s-1")
    async with looking_at(redis_server) as (_, operator):
        retried = await operator.retry("s-1")
        assert (retried.how, retried.heard) == ("queued", False)
        async with bus.worker() as worker:
            await finish(await taken(worker), "there it is")
        story = await operator.show("s-1")
        assert story is not None
        assert [found.text for found in story.findings] == ["there it is"]


@pytest.mark.anyio
async def test_a_long_conversation_goes_along_or_the_task_does_not(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    line = "and when does the next one leave after that? " * 10
    said = tuple(Said(text=line, revision=number + 1) for number in range(2 * CARRIED_BYTES // len(line)))
    bundle = Bundle("s-1", "s", "task 1", said, len(said))
    async with bus.front() as front, looking_at(redis_server) as (_, operator):
        await front.submit(bundle)
        await give_up(redis_server, bus, "s-1")
        story = await operator.show("s-1")
        assert story is not None
        assert (story.entries, story.said[-1]) == (len(said), f"person: {line}")
        assert (await operator.retry("s-1")).how == "queued"
        await give_up(redis_server, bus, "s-1")
        with redis_server.client() as client:
            [kept] = client.keys("duo:{0}:ctx:*")
            client.rename(kept, "duo:{0}:aside")
            assert (await operator.retry("s-1")).how == "context"
            assert client.xlen(DEAD) == 1, "the letter stays"
            client.rename("duo:{0}:aside", kept)
        assert (await operator.retry("s-1")).how == "queued"
        async with bus.worker() as worker:
            assert (await taken(worker)).bundle == bundle


@pytest.mark.anyio
async def test_what_runs_is_taken_from_its_worker_which_cannot_answer_any_more(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, looking_at(redis_server) as (watch, operator):
        updates = front.updates("s")
        await front.submit(task())
        async with bus.worker(name="hangs") as hangs:
            old = await taken(hangs)
            await old.publish(stamped(old, 1, Finding.progress("reading")))
            retried = await operator.retry("s-1")
            assert (retried.how, retried.was) == ("queued", "running")
            assert [each.id for each in (await all_of(watch)).waiting] == ["s-1"]
            with pytest.raises(ClaimLost):
                await finish(old, "too late")
            async with bus.worker(name="next") as other:
                claim = await taken(other)
                assert claim.attempt == 2
                await finish(claim, "in time")
        events = await until(updates, "in time")
        assert told(events) == ["queued", "running", "queued", "running"]
        assert [event.text for event in events if isinstance(event, Finding)] == ["reading", "in time"]


@pytest.mark.anyio
async def test_a_reply_that_was_lost_is_asked_for_again_and_nothing_is_done_twice(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    client = RedisClient(redis_server.url, RedisSettings())
    with redis_server.client() as other:
        async with bus.front() as front:
            await front.submit(task())
            await give_up(redis_server, bus, "s-1")
            [(letter, _)] = other.xrange(DEAD)
            keys = [DEAD, *(f"duo:{{0}}:{kind}:s-1" for kind in ("job", "log", "orders", "steps"))]
            arguments: tuple[Any, ...] = (PREFIX, letter, "s-1", 60_000, 60_000, b"", 0)
            first, second = [await client.script(RETRY_LETTER, keys, arguments) for _ in range(2)]
            assert first == second
            assert first[0] == b"queued"
            assert other.xlen("duo:{0}:jobs") == 1
            async with bus.worker() as worker:
                old = await taken(worker)
                arguments = (PREFIX, "workers", other.hget(JOB, "token"), b"")
                # Somebody else's token takes nothing from anybody.
                stranger = (PREFIX, "workers", "not mine", b"")
                assert (await client.script(RETRY_RUNNING, [JOB], stranger))[0] == b"changed"
                first, second = [await client.script(RETRY_RUNNING, [JOB], arguments) for _ in range(2)]
                assert first == second
                assert other.xlen("duo:{0}:jobs") == 1
                again = await taken(worker)
                assert (old.attempt, again.attempt) == (2, 3)
                with pytest.raises(ClaimLost):
                    await finish(old, "too late")
                await finish(again, "done")
    await client.close()


@pytest.mark.anyio
async def test_a_letter_far_down_the_pile_is_found(redis_server: RedisServer) -> None:
    async with looking_at(redis_server) as (_, operator):
        with redis_server.client() as client:
            for number in range(130):
                client.xadd(DEAD, {"id": f"s-{number}", "why": "dead", "session": "s", "task": "t", "attempt": "3"})
            client.pexpire(DEAD, 60_000)
        story = await operator.show("s-7")
        assert story is not None
        assert story.letter is not None
        assert await operator.show("s-130") is None
