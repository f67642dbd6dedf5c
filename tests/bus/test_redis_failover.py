"""The primary changes in the middle of a conversation: nothing is lost, everything is answered once, nobody ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import anyio
import anyio.to_thread
import pytest

from orchestrator.bundle import Amendment
from orchestrator.bus.redis import RedisBus, RedisSettings
from orchestrator.errors import BusUnavailable
from orchestrator.finding import Finding
from orchestrator.ports import FrontBus
from tests.bus.conversation import amendment, serve, soon, submit, task, until
from tests.plugins.redis_cluster import Cluster
from tests.plugins.redis_sentinels import SentinelGroup

BEFORE, MEANWHILE, AFTER = range(1, 6), range(6, 16), range(16, 19)


async def tell(front: FrontBus, order: Amendment) -> None:
    """As the shell does it: try again until it is taken."""
    with anyio.fail_after(30):
        while True:
            try:
                return await front.order(order)
            except BusUnavailable:
                await anyio.sleep(0.02)


async def converse(url: str, change: Callable[[], object]) -> None:
    """Tasks before, during and after the change; those from before have been told something that must not be lost."""
    bus = RedisBus(url, settings=RedisSettings(lease_ms=1_000))
    async with bus.front() as front, bus.worker() as worker, anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: serve(worker, room=20))
        updates = front.updates("s")
        for number in BEFORE:
            await front.submit(task(number))
            await front.order(amendment("to Lyon", number))
        for _ in BEFORE:
            await until(updates, "began 1")
        async with anyio.create_task_group() as outside:
            outside.start_soon(anyio.to_thread.run_sync, change)
            for number in MEANWHILE:
                await submit(front, task(number))
        for number in AFTER:
            await submit(front, task(number))
        for number in (*BEFORE, *MEANWHILE, *AFTER):
            await tell(front, amendment("go", number))
        finals: list[Finding] = []
        while {final.delegation for final in finals} != {f"s-{number}" for number in (*BEFORE, *MEANWHILE, *AFTER)}:
            event = await soon(anext(updates))
            if isinstance(event, Finding) and event.terminal:
                finals.append(event)
        texts = {final.delegation: final.text for final in finals}
        assert {texts[f"s-{number}"] for number in BEFORE} == {"to Lyon go"}
        assert {texts[f"s-{number}"] for number in (*MEANWHILE, *AFTER)} == {"go"}
        # The same finding may come again; a second one about the same task may not.
        assert set(
            Counter(delegation for delegation, _ in {(each.delegation, each.id) for each in finals}).values()
        ) == {1}
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
@pytest.mark.parametrize("change", [SentinelGroup.fail_over, SentinelGroup.kill_primary])
async def test_the_sentinels_name_another_primary(
    sentinels: SentinelGroup, change: Callable[[SentinelGroup], object]
) -> None:
    before = sentinels.primary()
    await converse(sentinels.url, lambda: change(sentinels))
    assert sentinels.primary() is not before


@pytest.mark.anyio
@pytest.mark.parametrize("change", [Cluster.move_slot, Cluster.kill_owner])
async def test_another_node_of_the_cluster_serves_the_hand_off(
    cluster: Cluster, change: Callable[[Cluster], object]
) -> None:
    before = cluster.owner
    await converse(cluster.url, lambda: change(cluster))
    assert cluster.owner is not before
