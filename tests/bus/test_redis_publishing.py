"""Findings on their way into Redis: many in one step, and none of them twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio
import pytest

from orchestrator.bus.redis import RedisBus
from orchestrator.bus.redis_client import Argument, Away, RedisClient
from orchestrator.bus.redis_lua import Script
from orchestrator.bus.redis_scripts import EMIT
from orchestrator.events import DelegationUpdate
from orchestrator.finding import Finding
from tests.bus.conversation import soon, stamped, task, until
from tests.plugins.redis_server import RedisServer

pytestmark = pytest.mark.anyio


async def test_many_findings_are_one_entry(redis_server: RedisServer) -> None:
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, bus.worker() as worker:
        updates = front.updates("s")
        await front.submit(task())
        [claim] = await soon(worker.claim(room=1))
        await claim.publish(*(stamped(claim, number, Finding.partial(str(number))) for number in range(1, 33)))
        last = (stamped(claim, 33, Finding.partial("33")), stamped(claim, 34, Finding.final("end")))
        await claim.finish(*last)
        heard = [event for event in await until(updates, "end") if not isinstance(event, DelegationUpdate)]
        assert [getattr(event, "text", "") for event in heard] == [*map(str, range(1, 34)), "end"]
        with redis_server.client() as client:
            assert client.llen("duo:{0}:log:s-1") == 4, "by twos"


async def test_what_was_cut_off_without_an_answer_is_sent_again_and_is_there_once(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis did what it was told, the answer was lost on the way, and whoever waited for it was cut off."""
    script = RedisClient.script
    lost = anyio.Event()

    async def lossy(self: RedisClient, step: Script, keys: Sequence[str], arguments: Sequence[Argument]) -> list[Any]:
        reply = await script(self, step, keys, arguments)
        if step is EMIT and not lost.is_set():
            lost.set()
            raise Away("the answer was lost on the way")
        return reply

    monkeypatch.setattr(RedisClient, "script", lossy)
    bus = RedisBus(redis_server.url)
    async with bus.front() as front, bus.worker() as worker:
        updates = front.updates("s")
        await front.submit(task())
        [claim] = await soon(worker.claim(room=1))
        findings = [stamped(claim, number, Finding.partial(str(number))) for number in (1, 2)]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(claim.publish, *findings)
            await soon(lost.wait())
            tasks.cancel_scope.cancel()
        await soon(claim.publish(*findings))
        await soon(claim.publish(stamped(claim, 3, Finding.partial("3"))))
        heard = [event.text for event in await until(updates, "3") if isinstance(event, Finding)]
        assert heard == ["1", "2", "3"]
        with redis_server.client() as client:
            assert client.llen("duo:{0}:log:s-1") == 4, "by twos"
