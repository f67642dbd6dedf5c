"""A worker over the real memory bus, with a front end to watch it from."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import anyio.abc

from background import Worker, WorkerSettings
from orchestrator.bundle import Amendment, Bundle, Cancellation
from orchestrator.bus.memory import MemoryBus
from orchestrator.errors import BusUnavailable
from orchestrator.events import BusEvent, DelegationUpdate
from orchestrator.finding import Finding
from orchestrator.ports import Claim, FrontBus, Order, Reasoner, StepLog, Tool, WorkerBus

IN_A_TEST = 20.0
"""Seconds after which a test that waits for something has failed. Nothing is asserted about shorter times."""


@dataclass
class Office:
    """The front end's side of one running worker, for session `s`."""

    front: FrontBus
    worker: Worker
    group: anyio.abc.TaskGroup
    updates: AsyncIterator[BusEvent]
    seen: list[BusEvent] = field(default_factory=list[BusEvent])

    async def submit(self, bundle: Bundle) -> None:
        await self.front.submit(bundle)

    async def ask(self, task: str, *, number: int = 1, tools: tuple[str, ...] = (), deadline_ms: int = 60_000) -> None:
        await self.submit(a_bundle(task, number=number, tools=tools, deadline_ms=deadline_ms))

    async def correct(
        self, text: str, *, revision: int = 5, number: int = 1, answers: str = "", question: str = ""
    ) -> None:
        amendment = Amendment(f"s-{number}", revision=revision, text=text, answers=answers, question=question)
        await self.front.order(amendment)

    async def call_off(self, reason: str = "never mind", *, number: int = 1) -> None:
        await self.front.order(Cancellation(f"s-{number}", reason))

    async def until(self, wanted: Callable[[BusEvent], bool]) -> BusEvent:
        """The first update from now on that is wanted."""
        with anyio.fail_after(IN_A_TEST):
            async for event in self.updates:
                self.seen.append(event)
                if wanted(event):
                    return event
        raise AssertionError(f"the bus closed; until then came {self.seen}")

    async def finding(self, *kinds: str) -> Finding:
        """The next finding of one of these kinds."""
        event = await self.until(lambda event: isinstance(event, Finding) and event.kind in kinds)
        assert isinstance(event, Finding)
        return event

    async def answer(self) -> Finding:
        """The next terminal finding."""
        return await self.finding("final", "error")

    async def state(self, state: str) -> DelegationUpdate:
        """The next update to this state."""
        event = await self.until(lambda event: isinstance(event, DelegationUpdate) and event.state == state)
        assert isinstance(event, DelegationUpdate)
        return event

    @property
    def findings(self) -> list[Finding]:
        return [event for event in self.seen if isinstance(event, Finding)]

    def told(self, kind: str) -> list[str]:
        return [finding.text for finding in self.findings if finding.kind == kind]


def a_bundle(
    task: str = "do it", *, number: int = 1, tools: tuple[str, ...] = (), deadline_ms: int = 60_000, pool: str = ""
) -> Bundle:
    return Bundle(f"s-{number}", "s", task, revision=1, tools=tools, deadline_ms=deadline_ms, pool=pool)


@asynccontextmanager
async def an_office(
    reasoner: Reasoner | Mapping[str, Reasoner],
    tools: Sequence[Tool] = (),
    *,
    slots: int = 8,
    settings: WorkerSettings | None = None,
    bus: MemoryBus | None = None,
    wrap: Callable[[WorkerBus], WorkerBus] = lambda bus: bus,
) -> AsyncGenerator[Office]:
    """A worker at work; it is cancelled at the end."""
    bus = bus or MemoryBus()
    pools = tuple(reasoner) if isinstance(reasoner, Mapping) else ("",)
    async with bus.front() as front, bus.worker(pools=[*pools, "unknown"]) as side:
        worker = Worker(wrap(side), reasoner, tools, slots=slots, settings=settings or WorkerSettings(progress_s=0.0))
        async with anyio.create_task_group() as group:
            updates = front.updates("s")
            group.start_soon(worker.run)
            yield Office(front, worker, group, updates)
            group.cancel_scope.cancel()


class AwayClaim:
    """A real claim behind a bus that can be taken away."""

    def __init__(self, claim: Claim, bus: AwayBus) -> None:
        self._claim = claim
        self._bus = bus

    @property
    def bundle(self) -> Bundle:
        return self._claim.bundle

    @property
    def attempt(self) -> int:
        return self._claim.attempt

    def orders(self) -> AsyncIterator[Order]:
        return self._claim.orders()

    @property
    def left_ms(self) -> int:
        return self._claim.left_ms

    async def publish(self, *findings: Finding) -> None:
        self._bus.check()
        await self._claim.publish(*findings)

    async def finish(self, *findings: Finding) -> None:
        self._bus.check()
        await self._claim.finish(*findings)

    @property
    def steps(self) -> StepLog:
        self._bus.check()
        return self._claim.steps

    async def confirm_cancelled(self, reason: str) -> None:
        self._bus.check()
        await self._claim.confirm_cancelled(reason)

    async def hand_back(self) -> None:
        self._bus.check()
        await self._claim.hand_back()


class AwayBus:
    """Refuses the next `away` calls with `BusUnavailable`; `refused` is set at the first."""

    def __init__(self, bus: WorkerBus, *, away: int) -> None:
        self._bus = bus
        self.away = away
        self.refused = anyio.Event()

    async def claim(self, *, room: int) -> Sequence[Claim]:
        return [AwayClaim(claim, self) for claim in await self._bus.claim(room=room)]

    def check(self) -> None:
        if self.away > 0:
            self.away -= 1
            self.refused.set()
            raise BusUnavailable("the bus is away", "a test took it away", "wait")
