"""Each way in which a line can fail, by itself: the person's side is told, and the task gets its one answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

import anyio
import pytest

from orchestrator.bus.redis import RedisBus, RedisSettings
from orchestrator.errors import BusUnavailable
from orchestrator.events import BusDown, BusEvent, BusUp
from orchestrator.finding import Finding
from orchestrator.ports import FrontBus
from tests.bus.conversation import amendment, serve, soon, submit, task, until
from tests.chaos.conftest import Lines
from tests.chaos.proxy import Proxy

# Short enough that a hanging line is noticed soon, and a lease that no outage of a test outlives.
PATIENT = RedisSettings(timeout_ms=200, block_ms=100, lease_ms=60_000)

Harm: TypeAlias = Callable[[Proxy], object]


@asynccontextmanager
async def running_task(lines: Lines) -> AsyncGenerator[tuple[Proxy, FrontBus, AsyncIterator[BusEvent]]]:
    """A task that a worker has begun, with everybody behind one line."""
    async with lines.open() as (proxy, url):
        bus = RedisBus(url, settings=PATIENT)
        async with bus.front() as front, bus.worker() as worker, anyio.create_task_group() as tasks:
            tasks.start_soon(serve, worker)
            updates = front.updates("s")
            await front.submit(task())
            await until(updates, "began 1")
            yield proxy, front, updates
            tasks.cancel_scope.cancel()


async def tell(front: FrontBus, text: str) -> None:
    """As the shell does it: again and again until it is taken."""
    with anyio.fail_after(30):
        while True:
            try:
                return await front.order(amendment(text))
            except BusUnavailable:
                await anyio.sleep(0.02)


def hang(proxy: Proxy) -> None:
    proxy.hang()


def close_the_door(proxy: Proxy) -> None:
    proxy.closed = True
    proxy.cut()


def swallow_all(proxy: Proxy) -> None:
    proxy.swallow(0)


def swallow_the_end(proxy: Proxy) -> None:
    proxy.swallow(3)


@pytest.mark.anyio
@pytest.mark.parametrize("harm", [hang, close_the_door, swallow_all, swallow_the_end])
async def test_what_lasts_is_told_and_over_without_a_restart(lines: Lines, harm: Harm) -> None:
    async with running_task(lines) as (proxy, front, updates):
        harm(proxy)
        await until(updates, BusDown)
        proxy.heal()
        await until(updates, BusUp)
        await tell(front, "go")
        answer = (await until(updates, "go"))[-1]
        assert isinstance(answer, Finding)
        assert answer.attempt == 1, "the worker has kept its task"


@pytest.mark.anyio
@pytest.mark.parametrize("after", [1, 5, 60])
async def test_a_reply_that_is_torn_is_asked_for_again(lines: Lines, after: int) -> None:
    """Whether the order was carried out is not known then; it is given again, and counts once."""
    async with running_task(lines) as (proxy, front, updates):
        proxy.tear(after)
        await tell(front, "to Lyon")
        await tell(front, "go")
        assert isinstance((await until(updates, "to Lyon go"))[-1], Finding)


@pytest.mark.anyio
@pytest.mark.parametrize("after", [1, 5, 60])
async def test_a_task_whose_reply_is_torn_is_one_task(lines: Lines, after: int) -> None:
    async with running_task(lines) as (proxy, front, updates):
        proxy.tear(after)
        await submit(front, task(2))
        await submit(front, task(2))
        heard = await until(updates, "began 1")
        await front.order(amendment("go", 2))
        heard += await until(updates, "go")
        told = {(event.delegation, event.attempt) for event in heard if isinstance(event, Finding)}
        # Of the first task it may tell once more: the connection was made anew.
        assert ("s-2", 1) in told
        assert told <= {("s-1", 1), ("s-2", 1)}


@pytest.mark.anyio
async def test_all_connections_are_cut_at_once(lines: Lines) -> None:
    async with running_task(lines) as (proxy, front, updates):
        for _ in range(5):
            assert proxy.cut() > 0
            await tell(front, "again")
        await tell(front, "go")
        found = (await until(updates, "again go"))[-1]
        assert isinstance(found, Finding)
        assert found.attempt == 1


@pytest.mark.anyio
async def test_a_slow_line_is_no_outage(lines: Lines) -> None:
    async with running_task(lines) as (proxy, front, updates):
        proxy.delay_ms, proxy.rate = 10, 200_000
        await front.order(amendment("go"))
        heard = await until(updates, "go")
        assert not [event for event in heard if isinstance(event, BusDown)]


@pytest.mark.anyio
async def test_nobody_waits_for_a_line_that_hangs(lines: Lines) -> None:
    async with lines.open() as (proxy, url):
        proxy.hang()
        async with RedisBus(url, settings=PATIENT).front() as front:
            assert isinstance(await soon(anext(front.updates("s"))), BusDown)
            with pytest.raises(BusUnavailable):
                await front.submit(task())
        proxy.heal()
