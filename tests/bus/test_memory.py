"""What is asked of the memory bus beyond the contract: the same again in every run, and nothing kept for ever."""

from __future__ import annotations

import gc

import anyio
import pytest

from orchestrator.bus import connect
from orchestrator.bus.mailboxes import Subscriptions
from orchestrator.bus.memory import REMEMBERED, MemoryBus
from orchestrator.events import BusEvent, BusUp, DelegationUpdate
from orchestrator.finding import Finding
from orchestrator.ports import WorkerBus
from tests.bus.conversation import soon, stamped, task, until


async def _busy_hour() -> list[str]:
    """Three workers, two sessions, twenty tasks: who did what, in which order."""
    bus = MemoryBus()
    done: list[str] = []
    found: list[BusEvent] = []

    async def work(worker: WorkerBus, name: str) -> None:
        while True:
            for claim in await worker.claim(room=2):
                await claim.publish(stamped(claim, 1, Finding.progress("on it")))
                done.append(f"{name}: {claim.bundle.id}")
                await claim.finish(stamped(claim, 2, Finding.final(claim.bundle.id)))

    async with bus.front() as front, bus.worker() as one, bus.worker() as two, bus.worker() as three:
        updates = front.updates("s")
        async with anyio.create_task_group() as tasks:
            for name, worker in (("one", one), ("two", two), ("three", three)):
                tasks.start_soon(work, worker, name)
            for number in range(20):
                await front.submit(task(number, session="t" if number % 3 else "s"))
            found += await until(updates, "s-18")
            tasks.cancel_scope.cancel()
    return [*done, *(repr(event) for event in found)]


@pytest.mark.anyio
async def test_two_runs_are_the_same() -> None:
    first, second = await _busy_hour(), await _busy_hour()
    assert len(first) > 20
    assert first == second


@pytest.mark.anyio
async def test_workers_are_served_in_the_order_of_waiting() -> None:
    bus = MemoryBus()
    served: list[str] = []

    async def wait(name: str) -> None:
        async with bus.worker(name=name) as worker:
            [claim] = await worker.claim(room=1)
            served.append(f"{name} {claim.bundle.id}")
            await claim.finish(stamped(claim, 1, Finding.final("done")))

    async with bus.front() as front, anyio.create_task_group() as tasks:
        for name in ("a", "b", "c"):
            tasks.start_soon(wait, name)
        await anyio.wait_all_tasks_blocked()
        for number in range(3):
            await front.submit(task(number))
    assert served == ["a s-0", "b s-1", "c s-2"]


@pytest.mark.anyio
async def test_finished_tasks_are_forgotten_at_last() -> None:
    bus = connect(None)
    async with bus.front() as front, bus.worker() as worker:
        for number in range(REMEMBERED + 1):
            await front.submit(task(number))
            [claim] = await soon(worker.claim(room=1))
            await claim.finish(stamped(claim, 1, Finding.final("done")))
        updates = front.updates("s")
        await front.submit(task(1))
        assert [type(await soon(anext(updates)))] == [Finding], "the second is still known, and only told again"
        await front.submit(task(0))
        assert await soon(anext(updates)) == DelegationUpdate("s-0", "queued"), "the first begins anew"


@pytest.mark.anyio
async def test_a_subscription_that_nobody_holds_is_gone() -> None:
    subscriptions = Subscriptions()
    kept = subscriptions.open("s")
    subscriptions.open("s")
    subscriptions.open("t")
    gc.collect()
    subscriptions.tell_all(BusUp())
    assert await soon(anext(kept)) == BusUp()
    assert list(subscriptions.__dict__["_by_session"]) == ["s"]
    assert len(subscriptions.__dict__["_by_session"]["s"]) == 1
    subscriptions.close()
    assert [event async for event in kept] == []
