"""What the checks of a hand-off share: a front end, workers, and short words for what they do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Final, Protocol, TypeAlias, TypeVar

import anyio

from orchestrator.bundle import Bundle
from orchestrator.bus import Bus
from orchestrator.errors import ClaimLost
from orchestrator.events import BusDown, BusEvent, BusUp, DelegationUpdate
from orchestrator.finding import Finding
from orchestrator.ports import Claim, FrontBus, WorkerBus

__all__ = [
    "PATIENCE_S",
    "BusCheck",
    "BusHarness",
    "Stage",
    "claimed",
    "expect",
    "finish",
    "next_of",
    "refused",
    "soon",
    "stamped",
    "task",
    "told",
    "until",
]

PATIENCE_S: Final = 20.0
"""After this long something awaited counts as missing. Generous: it is only ever spent when a check fails."""

T = TypeVar("T")


class BusHarness(Protocol):
    """How the checks get a hand-off."""

    def bus(self, *, capacity: int = 1_000) -> Bus:
        """A hand-off in which nothing has happened yet; `capacity` is how many unfinished tasks a pool may hold."""
        ...


BusCheck: TypeAlias = Callable[[BusHarness], Awaitable[None]]


class Stage:
    """What most checks need: a front end, workers, and short words for what they do."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Stage:
        self.front: FrontBus = await self.another_front()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def another_front(self) -> FrontBus:
        """One more front end."""
        return await self._stack.enter_async_context(self._bus.front())

    async def worker(self, name: str = "worker", pools: tuple[str, ...] = ("",)) -> WorkerBus:
        """One more worker."""
        return await self._stack.enter_async_context(self._bus.worker(name=name, pools=pools))


def expect(is_: object, wanted: object, what: str) -> None:
    """Raises `AssertionError` when it is not what is wanted."""
    if is_ != wanted:
        raise AssertionError(f"{what}: expected {wanted!r}, got {is_!r}")


async def soon(awaitable: Awaitable[T], what: str) -> T:
    """What is awaited; an error that says `what` it was when it does not come."""
    with anyio.move_on_after(PATIENCE_S):
        return await awaitable
    raise AssertionError(f"{what}: did not happen within {PATIENCE_S:g} s")


async def next_of(items: AsyncIterator[T], what: str) -> T:
    """The next item."""
    return await soon(anext(items), what)


async def told(updates: AsyncIterator[BusEvent], count: int, what: str) -> list[str]:
    """The next `count` events in short: a finding's text, an update's state."""
    found: list[str] = []
    while len(found) < count:
        event = await next_of(updates, f"{what}, after {found}")
        match event:
            case Finding():
                found.append(event.text)
            case DelegationUpdate():
                found.append(event.state)
            case BusDown() | BusUp():
                found.append(type(event).__name__)
    return found


async def until(updates: AsyncIterator[BusEvent], *wanted: str) -> list[str]:
    """All events up to and with the last of `wanted`."""
    found: list[str] = []
    while not set(wanted) <= set(found):
        found += await told(updates, 1, f"waiting for {wanted}")
    return found


async def claimed(worker: WorkerBus) -> Claim:
    """One task, taken."""
    claims = await soon(worker.claim(room=1), "a claim")
    expect(len(claims), 1, "tasks claimed with room for one")
    return claims[0]


async def refused(awaitable: Awaitable[object], what: str) -> None:
    """Whoever does not own the task any more is told so."""
    try:
        await soon(awaitable, what)
    except ClaimLost:
        return
    raise AssertionError(f"{what}: expected ClaimLost")


def task(number: int = 1, *, session: str = "s", pool: str = "", deadline_ms: int = 120_000) -> Bundle:
    """A task to hand over."""
    return Bundle(f"{session}-{number}", session, f"task {number}", pool=pool, deadline_ms=deadline_ms)


def stamped(claim: Claim, seq: int, finding: Finding) -> Finding:
    """A finding as a worker stamps it."""
    return finding.stamped(delegation=claim.bundle.id, attempt=claim.attempt, seq=seq, context_revision=0)


async def finish(claim: Claim, text: str = "done", seq: int = 1) -> None:
    """Answer a task."""
    await soon(claim.finish(stamped(claim, seq, Finding.final(text))), "finishing a task")
