"""Redis has done what it was asked, and the answer gets lost on the way back: nothing is counted twice."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import anyio.abc
import pytest

from orchestrator.bus.redis import RedisBus, RedisSettings
from orchestrator.bus.redis_lua import Script
from orchestrator.bus.redis_scripts import FINISH, START
from orchestrator.finding import Finding
from orchestrator.ports import FrontBus, WorkerBus
from tests.bus.conversation import soon, stamped, task, until
from tests.plugins.redis_server import RedisServer


class Thief:
    """Carries everything to Redis and back, but the first answers to one script: with these it hangs up."""

    def __init__(self, server: RedisServer, script: Script) -> None:
        self.left = 0
        """How many answers it is still to take."""
        self._port = server.port
        self._wanted = script.sha.encode()

    async def serve(self, near: anyio.abc.SocketStream) -> None:
        asked = anyio.Event()
        async with near, await anyio.connect_tcp("127.0.0.1", self._port) as far, anyio.create_task_group() as both:
            both.start_soon(self._back, far, near, asked, both.cancel_scope)
            with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                async for piece in near:
                    if self._wanted in piece and self.left > 0:
                        asked.set()
                    await far.send(piece)
            both.cancel_scope.cancel()

    async def _back(
        self,
        far: anyio.abc.SocketStream,
        near: anyio.abc.SocketStream,
        asked: anyio.Event,
        connection: anyio.CancelScope,
    ) -> None:
        with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            async for piece in far:
                if asked.is_set():
                    # That an answer is there says that it was done.
                    self.left -= 1
                    connection.cancel()
                    return
                await near.send(piece)


@asynccontextmanager
async def robbed(server: RedisServer, script: Script) -> AsyncGenerator[tuple[Thief, str]]:
    thief = Thief(server, script)
    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, thief.serve)
        yield thief, f"redis://127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}/0"
        tasks.cancel_scope.cancel()


async def warmed(front: FrontBus, worker: WorkerBus) -> None:
    """Redis knows the scripts: the answers that get lost are not that it does not."""
    await front.submit(task(0))
    [claim] = await soon(worker.claim(room=1))
    await claim.finish(stamped(claim, 1, Finding.final("warm")))


@pytest.mark.anyio
async def test_a_start_without_an_answer_is_no_lost_worker(redis_server: RedisServer) -> None:
    """The worker that asked is there all the time: its task is neither another attempt nor given up."""
    settings = RedisSettings(max_attempts=1)
    async with (
        robbed(redis_server, START) as (thief, url),
        RedisBus(redis_server.url, settings=settings).front() as front,
        RedisBus(url, settings=settings).worker() as worker,
    ):
        await warmed(front, worker)
        thief.left = 7
        updates = front.updates("s")
        await front.submit(task())
        [claim] = await soon(worker.claim(room=1))
        assert thief.left == 0
        assert claim.attempt == 1
        await claim.finish(stamped(claim, 1, Finding.final("done")))
        await until(updates, "done")


@pytest.mark.anyio
async def test_an_answer_whose_receipt_is_lost_is_given_once(redis_server: RedisServer) -> None:
    async with (
        robbed(redis_server, FINISH) as (thief, url),
        RedisBus(redis_server.url).front() as front,
        RedisBus(url).worker() as worker,
    ):
        await warmed(front, worker)
        thief.left = 5
        updates = front.updates("s")
        await front.submit(task())
        [claim] = await soon(worker.claim(room=1))
        await claim.finish(stamped(claim, 1, Finding.final("done")))
        assert thief.left == 0
        heard = await until(updates, "done")
        with redis_server.client() as client:
            assert client.llen("duo:{0}:log:s-1") == 2, "an attempt and what it said"
        assert [event.text for event in heard if isinstance(event, Finding)] == ["done"]
