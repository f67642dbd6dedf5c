"""kill -9 of a worker around something that must not be done twice, with a real Redis between."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.abc
import pytest

from orchestrator.bundle import Bundle
from orchestrator.bus.redis import RedisBus, RedisSettings
from orchestrator.events import BusEvent
from orchestrator.finding import Finding
from tests.plugins.redis_server import RedisServer

LEASE_MS = 500
ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def a_worker(url: str, file: Path, where: str = "") -> AsyncGenerator[anyio.abc.Process]:
    program = str(Path(__file__).with_name("paying_worker.py"))
    command = [sys.executable, program, url, str(LEASE_MS), str(file), where]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    async with await anyio.open_process(command, env=environment, stderr=None) as process:
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()


async def heard(updates: AsyncIterator[BusEvent], *texts: str) -> Finding:
    """The first finding with one of these texts, or the first that ends the task."""
    with anyio.fail_after(30):
        async for event in updates:
            if isinstance(event, Finding) and (event.text in texts or event.terminal):
                return event
    raise AssertionError("the bus closed")


async def killed_and_replaced(url: str, file: Path, where: str, sign: str) -> Finding:
    """Kill a worker when it has said `sign`; what its successor answers."""
    bus = RedisBus(url, settings=RedisSettings(lease_ms=LEASE_MS))
    async with bus.front() as front, a_worker(url, file, where) as first:
        updates = front.updates("s")
        await front.submit(Bundle("s-1", "s", "pay Ada"))
        assert (await heard(updates, sign)).text == sign
        first.kill()
        async with a_worker(url, file):
            return await heard(updates)


async def test_killed_in_the_middle_it_is_not_done_again(redis_server: RedisServer, tmp_path: Path) -> None:
    file = tmp_path / "paid.txt"
    answer = await killed_and_replaced(redis_server.url, file, "inside", "in the middle of it")
    assert answer.attempt == 2
    assert "The outcome of pay is unknown" in answer.text
    assert file.read_text() == "paid Ada\n"


async def test_killed_afterwards_the_answer_is_right(redis_server: RedisServer, tmp_path: Path) -> None:
    file = tmp_path / "paid.txt"
    answer = await killed_and_replaced(redis_server.url, file, "after", "it is over")
    assert (answer.attempt, answer.kind, answer.text) == (2, "final", "Ada has been paid")
    assert file.read_text() == "paid Ada\n"
    with redis_server.client() as client:
        left_s = {name: client.ttl(name) for name in client.scan_iter("duo:{0}:steps:*")}
    assert list(left_s) == ["duo:{0}:steps:s-1"]
    assert all(0 < left <= 600 for left in left_s.values()), "it goes with the rest of what is known of the task"


async def test_what_redis_has_forgotten_is_not_done_again(redis_server: RedisServer, tmp_path: Path) -> None:
    """The data are lost and the front end hands the task over anew: nobody knows what was done before."""
    file = tmp_path / "paid.txt"
    bus = RedisBus(redis_server.url, settings=RedisSettings(lease_ms=LEASE_MS))
    async with bus.front() as front, a_worker(redis_server.url, file, "after") as first:
        updates = front.updates("s")
        task = Bundle("s-1", "s", "pay Ada")
        await front.submit(task)
        await heard(updates, "it is over")
        first.kill()
        with redis_server.client() as client:
            client.flushall()
        await front.submit(task)
        async with a_worker(redis_server.url, file):
            answer = await heard(updates)
    assert answer.attempt == 2
    assert "The outcome of pay is unknown" in answer.text
    assert file.read_text() == "paid Ada\n"
