"""What all parts use: the task, who asks for it, and who answers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from time import perf_counter

import anyio
import msgspec

from background.worker import Worker
from benchmarks.measuring import Row
from benchmarks.redis_floor import Floor, floor
from orchestrator.bundle import Amendment, Bundle, Cancellation
from orchestrator.bus import Bus
from orchestrator.codec import bundle_wire, updates_wire
from orchestrator.context import Entry, Said, Spoke
from orchestrator.errors import BusUnavailable
from orchestrator.events import BusEvent, DelegationUpdate
from orchestrator.finding import Finding
from orchestrator.ports import Desk, FrontBus

__all__ = ["SESSION", "SLOTS", "Asking", "Part", "Reasoner", "answer_bytes", "bare", "staffed", "talked", "task_bytes"]

SESSION = "bench"
SLOTS = 8
ANSWER = "The next train leaves at 9:12, from platform four, and it is direct."


class Part(msgspec.Struct, frozen=True):
    """The rows of one part, and what must be known to judge them."""

    rows: list[Row]
    notes: tuple[str, ...] = ()


def talked(entries: int) -> tuple[Entry, ...]:
    """A conversation of so many entries."""
    turns = tuple(
        entry
        for turn in range(-(-entries // 2))
        for entry in (
            Said(at_ms=8_000 * turn, n=40 * turn, revision=2 * turn + 1, text="and when is the next one after that?"),
            Spoke(
                at_ms=8_000 * turn + 900, n=40 * turn + 4, revision=2 * turn + 2, text="That one leaves at half past."
            ),
        )
    )
    return turns[:entries]


CONTEXT = talked(20)
"""Ten turns of conversation go along with every task."""


class Reasoner:
    """Does as the task says: answers at once, in two findings or in one, or not at all. Counts its final answers."""

    def __init__(self) -> None:
        self.answered = 0
        self.changed = anyio.Event()

    async def run(self, bundle: Bundle, desk: Desk) -> AsyncIterator[Finding]:
        match bundle.task:
            case "wait":
                self.waits()
                await anyio.sleep_forever()
            case "two":
                yield Finding.partial(ANSWER)
            case "amend":
                await desk.amended()
                desk.amendments()
            case "ask":
                await desk.ask("Where to?")
            case _:
                pass
        self.answers()
        yield Finding.final(ANSWER)

    def waits(self) -> None:
        """A task that does not end has been begun."""

    def answers(self) -> None:
        """A task is about to be answered."""
        self.answered += 1
        self.changed.set()


class Asking:
    """Hands tasks over and listens, one at a time."""

    def __init__(self, front: FrontBus, name: str, session: str = SESSION) -> None:
        self._front = front
        self._name = name
        self._session = session
        self._updates = front.updates(session)
        self._asked = 0

    async def ask(self, context: tuple[Entry, ...] = CONTEXT) -> tuple[float, float]:
        """Seconds to the first and to the last finding. Asks again while Redis is away."""
        task = self._next("two", context)
        begun = perf_counter()
        while True:
            try:
                await self._front.submit(task)
                break
            except BusUnavailable:
                await anyio.sleep(0.01)
        first = 0.0
        async for update in self._updates:
            if isinstance(update, Finding) and update.delegation == task.id:
                first = first or perf_counter() - begun
                if update.terminal:
                    break
        return first, perf_counter() - begun

    async def call_off(self) -> float:
        """Seconds from calling a running task off to its terminal answer."""
        task = self._next("wait")
        await self._front.submit(task)
        await self._until(task, "running")
        begun = perf_counter()
        await self._front.order(Cancellation(task.id, "changed my mind"))
        await self._until(task, "cancelled")
        return perf_counter() - begun

    async def correct(self) -> float:
        """Seconds from a correction to the answer of the running task that has read it."""
        task = self._next("amend")
        await self._front.submit(task)
        await self._until(task, "running")
        return await self._tell(Amendment(task.id, revision=task.revision + 1, text="to Lyon"))

    async def answer(self) -> float:
        """Seconds from the person's answer to the final finding of the task that had asked."""
        task = self._next("ask")
        await self._front.submit(task)
        question = await self._finding(task, "question")
        return await self._tell(Amendment(task.id, revision=task.revision + 1, text="to Lyon", answers=question.id))

    async def _tell(self, amendment: Amendment) -> float:
        begun = perf_counter()
        await self._front.order(amendment)
        await self._finding(Bundle(amendment.delegation, self._session, ""), "final")
        return perf_counter() - begun

    async def _finding(self, task: Bundle, kind: str) -> Finding:
        async for update in self._updates:
            if isinstance(update, Finding) and (update.delegation, update.kind) == (task.id, kind):
                return update
        raise AssertionError("a subscription does not end")

    async def queue(self, tasks: int, kind: str = "one") -> None:
        """Hand tasks over and do not listen."""
        for _ in range(tasks):
            await self._front.submit(self._next(kind))

    def _next(self, kind: str, context: tuple[Entry, ...] = CONTEXT) -> Bundle:
        self._asked += 1
        return Bundle(f"{self._name}-{self._asked}", self._session, kind, context, len(context))

    async def _until(self, task: Bundle, state: str) -> BusEvent:
        async for update in self._updates:
            if isinstance(update, DelegationUpdate) and (update.delegation, update.state) == (task.id, state):
                return update
        raise AssertionError("a subscription does not end")


def task_bytes() -> bytes:
    """A task as it goes over the wire."""
    return bundle_wire().encode(Bundle(f"{SESSION}-1", SESSION, "two", CONTEXT, len(CONTEXT)))


def answer_bytes() -> bytes:
    """An answer as it comes back."""
    finding = Finding.final(ANSWER).stamped(delegation=f"{SESSION}-1", attempt=1, seq=1, context_revision=len(CONTEXT))
    return updates_wire().encode(finding)


def bare(url: str, *, serving: bool, fresh: bool = True) -> AbstractAsyncContextManager[Floor]:
    """The floor, with the same bytes; see `floor`."""
    return floor(url, task=task_bytes(), answer=answer_bytes(), serving=serving, fresh=fresh)


@asynccontextmanager
async def staffed(bus: Bus, name: str) -> AsyncGenerator[Asking]:
    """A front end and a worker of `bus`, in this process."""
    async with bus.front() as front, bus.worker() as side, anyio.create_task_group() as group:
        group.start_soon(Worker(side, Reasoner(), slots=SLOTS).run)
        yield Asking(front, name)
        group.cancel_scope.cancel()
