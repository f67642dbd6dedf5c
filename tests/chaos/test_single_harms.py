"""Harms that need more than a line to be cut, each by itself."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from orchestrator.bus.redis import RedisBus, RedisSettings
from orchestrator.errors import BusUnavailable
from orchestrator.events import BusDown, BusUp
from orchestrator.finding import Finding
from tests.bus.conversation import amendment, serve, submit, task, until
from tests.chaos.evidence import gathered
from tests.chaos.plan import Harm, Plan
from tests.chaos.sides import violations
from tests.chaos.world import run
from tests.plugins.redis_server import RedisServer


@pytest.mark.anyio
async def test_a_redis_that_is_full_is_an_outage_and_costs_nothing(own_server: RedisServer) -> None:
    """It goes on answering questions; that alone must not count as being back."""
    own_server.start()
    bus = RedisBus(own_server.url, settings=RedisSettings(block_ms=50, lease_ms=60_000))
    async with bus.front() as front, bus.worker() as worker, anyio.create_task_group() as tasks:
        tasks.start_soon(serve, worker)
        updates = front.updates("s")
        await front.submit(task())
        await until(updates, "began 1")
        with own_server.client() as client:
            client.config_set("maxmemory", 1)
        for _ in range(3):
            with pytest.raises(BusUnavailable):
                await front.submit(task(2))
        await until(updates, BusDown)
        with own_server.client() as client:
            client.config_set("maxmemory", 0)
        meanwhile = await until(updates, BusUp)
        assert not [event for event in meanwhile if isinstance(event, BusDown)], "away once, and back once"
        await submit(front, task(2))
        await front.order(amendment("go"))
        await front.order(amendment("go", 2))
        finals = set[str]()
        while finals != {"s-1", "s-2"}:
            # An answer may be told more than once: all are asked for again after an outage.
            event = (await until(updates, "go"))[-1]
            assert isinstance(event, Finding)
            finals.add(event.delegation)
        tasks.cancel_scope.cancel()


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_a_worker_and_a_front_end_are_killed_at_once(tmp_path: Path) -> None:
    """Twice, at other moments of the conversations, and all of them go on."""
    harms = tuple(Harm(at_ms, "kill both", number, 300) for number, at_ms in enumerate((2_500, 5_500)))
    plan = Plan(11, 7_500, workers=2, sessions=3, deadline_ms=15_000, harms=harms)
    anyio.run(run, plan, tmp_path)
    evidence = gathered(tmp_path)
    assert violations(evidence) == []
    assert len(list(evidence.of("over"))) == 2
    # On a busy machine a kill may hit a conversation before its first save: then nothing of it was there to be lost.
    kept = [life for life in evidence.lives if any(line["type"] == "saved" for line in life.lines)]
    assert {life.finished for life in kept} == {True}, "nobody was lost"
