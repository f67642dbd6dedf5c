"""The hand-off: what the guarantees cost over bare redis-py, and what the memory bus takes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from statistics import median
from time import perf_counter

import anyio

from background.worker import Worker
from benchmarks.measuring import Report, Row, at_least, at_most, percentile, ratio, shown
from benchmarks.redis_floor import Floor, floor, redis_server
from orchestrator.bundle import Bundle, Cancellation
from orchestrator.bus import Bus, connect
from orchestrator.codec import bundle_wire, updates_wire
from orchestrator.context import Entry, Said, Spoke
from orchestrator.events import BusEvent, DelegationUpdate
from orchestrator.finding import Finding
from orchestrator.ports import Desk, FrontBus

__all__ = ["run"]

SESSION = "bench"
SLOTS = 8
ANSWER = "The next train leaves at 9:12, from platform four, and it is direct."
CONTEXT: tuple[Entry, ...] = tuple(
    entry
    for turn in range(10)
    for entry in (
        Said(at_ms=8_000 * turn, n=40 * turn, revision=2 * turn + 1, text="and when is the next one after that?"),
        Spoke(at_ms=8_000 * turn + 900, n=40 * turn + 4, revision=2 * turn + 2, text="That one leaves at half past."),
    )
)
"""Ten turns of conversation go along with every task."""


def run(*, small: bool = False) -> Report:
    """Measure. `small` is for the test that this still works. Needs a redis-server to start."""
    asked, drained, rounds = (3, 20, 2) if small else (200, 1_000, 5)
    with redis_server() as url:
        rows = [
            *anyio.run(_latency, url, asked, rounds),
            *anyio.run(_throughput, url, drained, rounds),
            *anyio.run(_cancelling, url, asked),
        ]
    return Report(
        "handoff",
        "the bus with all its guarantees, against bare redis-py with none",
        tuple(rows),
        (
            (
                "The floor sends the same bytes: XADD, blocking XREADGROUP, reply by XADD, blocking XREAD; hiredis,"
                " RESP3, loopback, no persistence. Front end and worker share one process and one loop, on both sides."
            ),
            f"A task takes {len(CONTEXT)} context entries along and is answered by one partial and one final finding.",
            (
                f"Drained are no-op tasks that wait already, with the front end gone, by a Worker with {SLOTS} slots;"
                " raw is XREADGROUP COUNT 8, then XADD and XACK for each: one by one, or (piped) in one round trip."
            ),
        ),
    )


class _Reasoner:
    """Does as the task says: answers at once, in two findings or in one, or not at all. Counts its final answers."""

    def __init__(self) -> None:
        self.answered = 0
        self.changed = anyio.Event()

    async def run(self, bundle: Bundle, desk: Desk) -> AsyncIterator[Finding]:
        match bundle.task:
            case "wait":
                await anyio.sleep_forever()
            case "two":
                yield Finding.partial(ANSWER)
            case _:
                pass
        self.answered += 1
        self.changed.set()
        yield Finding.final(ANSWER)


class _Asking:
    """Hands tasks over and listens, one at a time."""

    def __init__(self, front: FrontBus, name: str) -> None:
        self._front = front
        self._name = name
        self._updates = front.updates(SESSION)
        self._asked = 0

    async def ask(self) -> tuple[float, float]:
        """Seconds to the first and to the last finding."""
        task = self._next("two")
        begun = perf_counter()
        await self._front.submit(task)
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

    async def queue(self, tasks: int) -> None:
        """Hand tasks over and do not listen."""
        for _ in range(tasks):
            await self._front.submit(self._next("one"))

    def _next(self, kind: str) -> Bundle:
        self._asked += 1
        return _task(f"{self._name}-{self._asked}", kind)

    async def _until(self, task: Bundle, state: str) -> BusEvent:
        async for update in self._updates:
            if isinstance(update, DelegationUpdate) and (update.delegation, update.state) == (task.id, state):
                return update
        raise AssertionError("a subscription does not end")


def _task(name: str, kind: str) -> Bundle:
    return Bundle(name, SESSION, kind, CONTEXT, len(CONTEXT))


def _bare(url: str, *, serving: bool) -> AbstractAsyncContextManager[Floor]:
    finding = Finding.final(ANSWER).stamped(delegation=f"{SESSION}-1", attempt=1, seq=1, context_revision=len(CONTEXT))
    task = bundle_wire().encode(_task(f"{SESSION}-1", "two"))
    return floor(url, task=task, answer=updates_wire().encode(finding), serving=serving)


@asynccontextmanager
async def _staffed(bus: Bus, name: str) -> AsyncGenerator[_Asking]:
    """A front end and a worker of `bus`, in this process."""
    async with bus.front() as front, bus.worker() as side, anyio.create_task_group() as group:
        group.start_soon(Worker(side, _Reasoner(), slots=SLOTS).run)
        yield _Asking(front, name)
        group.cancel_scope.cancel()


# --- how soon --------------------------------------------------------------------------------------------------------


async def _latency(url: str, asked: int, rounds: int) -> list[Row]:
    bare: list[list[float]] = []
    full: list[list[tuple[float, float]]] = []
    within: list[list[tuple[float, float]]] = []
    async with (
        _bare(url, serving=True) as side,
        _staffed(connect(url), "redis") as redis,
        _staffed(connect(None), "memory") as memory,
    ):
        await _warm(side, redis, memory)
        for _ in range(rounds):
            bare.append([await _timed(side.ask) for _ in range(asked)])
            full.append([await redis.ask() for _ in range(asked)])
            within.append([await memory.ask() for _ in range(asked)])
    first = [[one for one, _ in each] for each in full]
    last = [[one for _, one in each] for each in full]
    local = [[one for one, _ in each] for each in within]
    middle = [percentile(each, 50) for each in bare]
    slow = [percentile(each, 97) for each in bare]
    return [
        shown("floor: XADD to reply, p50", median(middle) * 1e3, "ms"),
        at_most("submit to first finding, p50", ratio([percentile(each, 50) for each in first], middle), "x floor", 3),
        shown("submit to first finding, p97", ratio([percentile(each, 97) for each in first], slow), "x floor p97"),
        shown("submit to final, p50", ratio([percentile(each, 50) for each in last], middle), "x floor"),
        shown("memory bus: first finding, p50", ratio([percentile(each, 50) for each in local], middle), "x floor"),
        shown("submit to first finding, p50", median(percentile(each, 50) for each in first) * 1e3, "ms"),
        shown("memory bus: first finding, p50", median(percentile(each, 50) for each in local) * 1e3, "ms"),
    ]


async def _warm(side: Floor, *others: _Asking) -> None:
    for _ in range(5):
        await side.ask()
        for other in others:
            await other.ask()


async def _timed(ask: Callable[[], Awaitable[None]]) -> float:
    begun = perf_counter()
    await ask()
    return perf_counter() - begun


# --- how many --------------------------------------------------------------------------------------------------------


async def _throughput(url: str, tasks: int, rounds: int) -> list[Row]:
    single: list[float] = []
    piped: list[float] = []
    full: list[float] = []
    within: list[float] = []
    for number in range(rounds):
        single.append(tasks / await _drained_raw(url, tasks, piped=False))
        full.append(tasks / await _drained(connect(url), f"r{number}", tasks, leave=True))
        piped.append(tasks / await _drained_raw(url, tasks, piped=True))
        within.append(tasks / await _drained(connect(None), f"m{number}", tasks, leave=False))
    return [
        shown("no-op tasks, one worker", median(full), "a second"),
        at_least("  against a raw drain", ratio(full, single), "x", 0.25),
        at_least("  against a raw drain, piped", ratio(full, piped), "x", 0.25),
        shown("no-op tasks, one worker, memory bus", median(within), "a second"),
    ]


async def _drained_raw(url: str, tasks: int, *, piped: bool) -> float:
    async with _bare(url, serving=False) as side:
        await side.fill(tasks)
        begun = perf_counter()
        await side.drain(tasks, at_once=SLOTS, piped=piped)
        return perf_counter() - begun


async def _drained(bus: Bus, name: str, tasks: int, *, leave: bool) -> float:
    """Seconds in which one worker does so many tasks. `leave`: the front end goes away first, as the raw one does."""
    async with AsyncExitStack() as stack:
        async with AsyncExitStack() as front_stack:
            front = await front_stack.enter_async_context(bus.front())
            await _Asking(front, name).queue(tasks)
            if not leave:
                stack.push_async_exit(front_stack.pop_all())
        reasoner = _Reasoner()
        async with bus.worker() as side:
            worker = Worker(side, reasoner, slots=SLOTS)
            begun = perf_counter()
            async with anyio.create_task_group() as group:
                group.start_soon(worker.run)
                while reasoner.answered < tasks:
                    reasoner.changed = anyio.Event()
                    await reasoner.changed.wait()
                worker.drain()
            return perf_counter() - begun


# --- how soon it stops -----------------------------------------------------------------------------------------------


async def _cancelling(url: str, tasks: int) -> list[Row]:
    async with _staffed(connect(url), "off") as redis:
        await redis.ask()
        took = [await redis.call_off() * 1e3 for _ in range(tasks)]
    return [at_most("calling a task off to its terminal answer, p97", percentile(took, 97), "ms", 10)]
