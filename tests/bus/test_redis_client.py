"""The client: who shares a connection gets his own answer, whatever happens to the others and to the connection."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from orchestrator.bus.redis_client import Away, RedisClient, RedisSettings
from orchestrator.bus.redis_lua import script
from tests.bus.conversation import soon
from tests.plugins.redis_server import RedisServer

QUICK = RedisSettings(timeout_ms=300)


def reads(server: RedisServer) -> int:
    """How often Redis has read from a connection."""
    with server.client() as client:
        return int(client.info("stats")["total_reads_processed"])


async def happens(condition: Callable[[], bool]) -> None:
    """Look again and again."""
    with anyio.fail_after(20):
        while True:
            if condition():
                return
            await anyio.sleep(0.001)


@pytest.mark.anyio
async def test_everybody_gets_his_own_answer_in_few_round_trips(redis_server: RedisServer) -> None:
    client = RedisClient(redis_server.url, RedisSettings())
    answers: dict[int, Any] = {}

    async def ask(number: int) -> None:
        answers[number] = await client.call("ECHO", str(number))

    before = reads(redis_server)
    async with anyio.create_task_group() as tasks:
        for number in range(1_000):
            tasks.start_soon(ask, number)
    assert answers == {number: str(number).encode() for number in range(1_000)}
    assert client.connects == 1
    assert reads(redis_server) - before < 100
    await client.close()


@pytest.mark.anyio
async def test_what_fails_fails_alone(redis_server: RedisServer) -> None:
    client = RedisClient(redis_server.url, RedisSettings())
    failed: list[int] = []
    broken = script("return redis.call('HGET', KEYS[1])")

    async def ask(number: int) -> None:
        try:
            if number % 7 == 0:
                await client.script(broken, ["{0}a"], ["p"])
            else:
                assert await client.call("ECHO", str(number)) == str(number).encode()
        except Away:
            failed.append(number)

    async with anyio.create_task_group() as tasks:
        for number in range(100):
            tasks.start_soon(ask, number)
    assert sorted(failed) == list(range(0, 100, 7))
    assert client.connects == 1, "an error is an answer: there is nothing wrong with the connection"
    await client.close()


@pytest.mark.anyio
async def test_a_command_that_is_cut_off_runs_to_its_end(redis_server: RedisServer) -> None:
    """Cut off at every possible point, alone and among others; and the next one is not handed its answer."""
    client = RedisClient(redis_server.url, RedisSettings())
    chance = random.Random(7)
    begun = 0

    async def count(patience_s: float) -> None:
        nonlocal begun
        with anyio.move_on_after(patience_s):
            begun += 1
            await client.call("INCR", "{0}counted")
            await anyio.sleep_forever()

    for crowd in [1] * 100 + [5] * 50:
        async with anyio.create_task_group() as tasks:
            for _ in range(crowd):
                tasks.start_soon(count, chance.uniform(0, 0.001))
        word = str(begun)
        assert await client.call("ECHO", word) == word.encode()
    assert await client.call("GETDEL", "{0}counted") == str(begun).encode()
    assert client.connects == 1
    await client.close()


@pytest.mark.anyio
async def test_a_reader_that_is_cut_off_poisons_nothing(redis_server: RedisServer) -> None:
    """What was sent to it and did not arrive is not lost: it is on the list of what is pending."""
    reader = RedisClient(redis_server.url, RedisSettings(), reader=True)
    writer = RedisClient(redis_server.url, RedisSettings())
    chance = random.Random(7)
    stream, count = "duo:{0}:jobs:cut", 300
    await writer.call("XGROUP", "CREATE", stream, "g", "0", "MKSTREAM")
    found: set[int] = set()
    cut = 0

    async def read() -> None:
        nonlocal cut
        while True:
            with anyio.move_on_after(chance.uniform(0, 0.002)) as patience:
                found.update(numbers(await reader.call(*group_read(stream, ">", "BLOCK", 1_000))))
            cut += patience.cancelled_caught
            word = str(chance.random())
            assert await reader.call("ECHO", word) == word.encode()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        for number in range(count):
            await writer.call("XADD", stream, "*", "n", number)
            await anyio.sleep(chance.uniform(0, 0.001))
        tasks.cancel_scope.cancel()
    rest = numbers(await reader.call(*group_read(stream, ">")))
    pending = numbers(await reader.call(*group_read(stream, "0")))
    assert found | rest | pending == set(range(count))
    assert found < pending, "some were sent to a connection that was gone, and all of them are known"
    assert cut > 10
    assert reader.connects > 10, "each time the connection was given up"
    await reader.close()
    await writer.close()


def group_read(stream: str, start: str, *block: str | int) -> tuple[str | int, ...]:
    return ("XREADGROUP", "GROUP", "g", "c", "COUNT", 1_000, *block, "STREAMS", stream, start)


def numbers(answer: dict[bytes, list[tuple[bytes, dict[bytes, bytes]]]] | None) -> set[int]:
    return {int(fields[b"n"]) for entries in (answer or {}).values() for _, fields in entries}


def has_connected(client: RedisClient, times: int) -> bool:
    return client.connects >= times


@pytest.mark.anyio
async def test_a_broken_connection_is_made_again_for_all_who_share_it(redis_server: RedisServer) -> None:
    client = RedisClient(redis_server.url, RedisSettings())
    rounds = 0

    async def write(name: int) -> None:
        nonlocal rounds
        while client.connects < 5:
            await client.call("SET", "{0}written", name, "PX", 10_000)
            rounds += 1

    async with anyio.create_task_group() as tasks:
        for name in range(20):
            tasks.start_soon(write, name)
        for made in range(1, 5):
            await happens(partial(has_connected, client, made))
            with redis_server.client() as outside:
                outside.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        await happens(lambda: client.connects == 5)
    assert rounds > 20
    await client.close()


@pytest.mark.anyio
async def test_a_redis_that_hangs_holds_nobody_for_long(own_server: RedisServer) -> None:
    """A hundred callers wait for one timeout, and not for a hundred, one after the other."""
    own_server.start()
    client = RedisClient(own_server.url, QUICK)
    await client.call("PING")
    own_server.hang()
    reasons: list[str] = []

    async def ask() -> None:
        try:
            await client.call("PING")
        except Away as away:
            reasons.append(away.reason)

    with anyio.fail_after(15):
        async with anyio.create_task_group() as tasks:
            for _ in range(100):
                tasks.start_soon(ask)
    assert len(reasons) == 100
    assert {"no answer within 0.3 s" in reason for reason in reasons} == {True}
    own_server.wake()
    assert await client.call("ECHO", "again") == b"again"
    await client.close()


@pytest.mark.anyio
async def test_who_is_ended_by_force_leaves_the_others_their_turn(own_server: RedisServer) -> None:
    """As when the loop ends its tasks: the one who leads, and one who waits."""
    own_server.start()
    client = RedisClient(own_server.url, RedisSettings())
    await client.call("PING")
    own_server.hang()
    there: list[asyncio.Task[Any] | None] = []
    answers: list[str] = []

    async def ask(number: int) -> None:
        there.append(asyncio.current_task())
        try:
            await client.call("ECHO", number)
            answers.append("answered")
        except Away:
            answers.append("away")

    async with anyio.create_task_group() as tasks:
        for number in range(6):
            tasks.start_soon(ask, number)
            await anyio.wait_all_tasks_blocked()
        for number in (0, 3):
            task = there[number]
            assert task is not None
            task.cancel()
        own_server.wake()
    assert answers == ["answered"] * 4
    assert await client.call("ECHO", "still") == b"still"
    await client.close()


@pytest.mark.anyio
async def test_closing_ends_a_read_in_the_middle(redis_server: RedisServer) -> None:
    reader = RedisClient(redis_server.url, RedisSettings(block_ms=20_000), reader=True)
    ended: list[str] = []

    async def read() -> None:
        try:
            await reader.call("XREAD", "BLOCK", 20_000, "STREAMS", "{0}nothing", "$")
        except Away as away:
            ended.append(away.reason)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        with redis_server.client() as client:
            await happens(lambda: "b" in [each["flags"] for each in client.client_list()])
        await soon(reader.close())
    assert len(ended) == 1
    with pytest.raises(Away, match="closed"):
        await reader.call("PING")


@pytest.mark.anyio
async def test_one_that_was_idle_notices_that_redis_has_hung_up(redis_server: RedisServer) -> None:
    """Redis closes idle connections where it is told to; that is no reason to call it away."""
    reader = RedisClient(redis_server.url, RedisSettings(), reader=True)
    await reader.call("PING")
    with redis_server.client() as client:
        client.execute_command("CLIENT", "KILL", "ID", reader.connection_id)
    for _ in range(3):
        # What has arrived by now is seen in a turn of the loop.
        await anyio.lowlevel.checkpoint()
    assert await reader.call("ECHO", "there") == b"there"
    assert reader.connects == 2
    await reader.close()
