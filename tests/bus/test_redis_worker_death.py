"""Workers that die or stand still, as real processes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.abc
import pytest

from orchestrator.bus.redis import RedisBus, RedisSettings
from orchestrator.finding import Finding
from tests.bus.conversation import amendment, soon, task, until
from tests.plugins.redis_server import RedisServer

LEASE_MS = 1_000
ROOT = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def worker_process(url: str, name: str, lease_ms: int = LEASE_MS) -> AsyncGenerator[anyio.abc.Process, None]:
    command = [sys.executable, str(Path(__file__).with_name("obedient_worker.py")), url, name, str(lease_ms)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    async with await anyio.open_process(command, env=environment, stderr=None) as process:
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()


@pytest.mark.anyio
async def test_a_killed_worker_is_replaced(redis_server: RedisServer) -> None:
    """kill -9 in the middle of a task: another worker does it, with what had been said, and the answer comes once."""
    bus = RedisBus(redis_server.url, settings=RedisSettings(lease_ms=LEASE_MS))
    async with bus.front() as front, worker_process(redis_server.url, "first") as first:
        updates = front.updates("s")
        await front.submit(task())
        await until(updates, "first began")
        async with worker_process(redis_server.url, "second"):
            first.kill()
            killed = anyio.current_time()
            begun = (await until(updates, "second began"))[-1]
            leases = (anyio.current_time() - killed) * 1_000 / LEASE_MS
            assert isinstance(begun, Finding)
            assert begun.attempt == 2
            assert leases >= 0.3, "before the end of the lease it was still the first one's"
            await front.order(amendment("go"))
            assert isinstance((await until(updates, "second finished"))[-1], Finding)
        with redis_server.client() as client:
            assert client.xlen("duo:{0}:jobs") == 0
            assert client.xpending("duo:{0}:jobs", "workers")["pending"] == 0


@pytest.mark.anyio
async def test_a_worker_that_was_held_up_is_refused(redis_server: RedisServer) -> None:
    """It stood still for longer than its lease, does not know it, and must not speak for the task any more."""
    bus = RedisBus(redis_server.url, settings=RedisSettings(lease_ms=LEASE_MS))
    async with bus.front() as front, worker_process(redis_server.url, "slow") as slow:
        updates = front.updates("s")
        await front.submit(task())
        await until(updates, "slow began")
        slow.send_signal(signal.SIGSTOP)
        async with worker_process(redis_server.url, "quick"):
            await until(updates, "quick began")
            slow.send_signal(signal.SIGCONT)
            assert slow.stdout is not None
            assert await soon(slow.stdout.receive()) == b"refused\n"
            await front.order(amendment("go"))
            heard = await until(updates, "quick finished")
        said = [event.text for event in heard if isinstance(event, Finding)]
        assert said == ["quick finished"]


@pytest.mark.anyio
async def test_a_worker_that_lives_keeps_its_task(redis_server: RedisServer) -> None:
    """However long it takes: the lease is renewed, and nobody else begins it."""
    bus = RedisBus(redis_server.url, settings=RedisSettings(lease_ms=LEASE_MS))
    async with bus.front() as front, worker_process(redis_server.url, "patient"):
        updates = front.updates("s")
        await front.submit(task())
        await until(updates, "patient began")
        async with worker_process(redis_server.url, "idle"):
            # Not to hide a race: several leases have to pass.
            await anyio.sleep(3 * LEASE_MS / 1_000)
            await front.order(amendment("go"))
            heard = await until(updates, "patient finished")
    assert [event for event in heard if isinstance(event, Finding)] == heard, "no other worker began it"
