"""Short words for tests that talk over a bus."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

import anyio
import pytest

from orchestrator.bundle import Amendment, Bundle
from orchestrator.errors import BusUnavailable, ClaimLost
from orchestrator.events import BusEvent
from orchestrator.finding import Finding
from orchestrator.ports import Claim, FrontBus, WorkerBus

T = TypeVar("T")


async def soon(awaitable: Awaitable[T]) -> T:
    """What is awaited; a failure that names it when it does not come."""
    with anyio.move_on_after(30):
        return await awaitable
    pytest.fail(f"did not happen: {awaitable!r}")


async def until(updates: AsyncIterator[BusEvent], wanted: str | type[BusEvent]) -> list[BusEvent]:
    """All events up to and with the first finding with this text, or the first event of this type."""
    found: list[BusEvent] = []
    while True:
        event = await soon(anext(updates))
        found.append(event)
        if isinstance(wanted, type):
            if isinstance(event, wanted):
                return found
        elif isinstance(event, Finding) and event.text == wanted:
            return found


def task(number: int = 1, *, session: str = "s", pool: str = "", keep_ms: int = 0) -> Bundle:
    return Bundle(f"{session}-{number}", session, f"task {number}", pool=pool, keep_ms=keep_ms)


def amendment(text: str, number: int = 1) -> Amendment:
    return Amendment(f"s-{number}", (), 1, text)


def stamped(claim: Claim, seq: int, finding: Finding) -> Finding:
    return finding.stamped(delegation=claim.bundle.id, attempt=claim.attempt, seq=seq, context_revision=0)


async def submit(front: FrontBus, bundle: Bundle) -> None:
    """As the shell does it: keep the task, and try again until it is taken."""
    with anyio.fail_after(30):
        while True:
            try:
                return await front.submit(bundle)
            except BusUnavailable:
                await anyio.sleep(0.02)


async def serve(worker: WorkerBus, *, room: int = 1) -> None:
    """A worker that collects what it is told, and answers with all of it when it is told to go."""
    async with anyio.create_task_group() as tasks:
        while True:
            for claim in await worker.claim(room=room):
                tasks.start_soon(_obey, claim)


async def _obey(claim: Claim) -> None:
    told: list[str] = []
    try:
        await claim.publish(stamped(claim, 1, Finding.progress(f"began {claim.attempt}")))
        async for order in claim.orders():
            told.append(order.text if isinstance(order, Amendment) else "stop")
            if told[-1] == "go":
                await claim.finish(stamped(claim, 2, Finding.final(" ".join(told))))
    except ClaimLost:
        return
