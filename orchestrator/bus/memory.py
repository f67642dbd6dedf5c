"""The hand-off within one process: deterministic, no threads, no clock but the event loop's.

Everything that changes it is a synchronous step, and whoever waits is woken in the order of waiting. Two runs on a
virtual event loop are therefore the same, which is what `duologue simulate` and the replay of a journal stand on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Literal, assert_never

import anyio
import anyio.lowlevel

from orchestrator.bundle import Amendment, Bundle, Cancellation
from orchestrator.bus.endings import HANDED_BACK, refused
from orchestrator.bus.mailboxes import OrderBook, Subscriptions
from orchestrator.bus.memory_sessions import MemorySessions
from orchestrator.errors import BusBusy, ClaimLost
from orchestrator.events import BusEvent, DelegationUpdate
from orchestrator.finding import Finding
from orchestrator.ports import Begun, Claim, FrontBus, Order, SessionStore, StepLog, Steps, WorkerBus

__all__ = ["MemoryBus"]

REMEMBERED: Final = 1_000
"""How many finished tasks stay known, so that a late second submit does not run one again."""


@dataclass(slots=True, eq=False)
class _Job:
    """A task and all that is known of it."""

    bundle: Bundle
    front: Subscriptions
    """Those of the front end that submitted it last: it is the one that wants to hear."""
    since: float
    deadline: float
    state: Literal["queued", "running", "done", "cancelled"] = "queued"
    attempt: int = 0
    claim: _MemoryClaim | None = None
    orders: list[Order] = field(default_factory=list[Order])
    cancellation: Cancellation | None = None
    told: DelegationUpdate | None = None
    findings: list[Finding] = field(default_factory=list[Finding])
    steps: dict[str, _Step] = field(default_factory=lambda: dict[str, _Step]())

    @property
    def over(self) -> bool:
        return self.state in ("done", "cancelled")


@dataclass(slots=True, eq=False)
class _Step:
    """Something that must not be done twice: which attempt began it, and what it came to, if that is known."""

    attempt: int
    outcome: bytes | None = None


class _Queue:
    """The state of the hand-off. Every method is one step: none awaits in the middle."""

    def __init__(self, capacity: int) -> None:
        self.work = anyio.Event()
        self._capacity = capacity
        self._jobs: dict[str, _Job] = {}
        self._waiting: dict[tuple[str, bool], deque[_Job]] = {}
        """By pool, and whether they are urgent."""
        self._outstanding: dict[str, int] = {}
        self._finished: deque[str] = deque()

    def submit(self, bundle: Bundle, front: Subscriptions) -> None:
        job = self._jobs.get(bundle.id)
        if job is not None:
            job.front = front
            self._tell_again(job)
            return
        outstanding = self._outstanding.get(bundle.pool, 0)
        if outstanding >= self._capacity:
            oldest = min(job.since for job in self._jobs.values() if job.bundle.pool == bundle.pool and not job.over)
            raise BusBusy(
                "The queue took no new task.",
                f"It holds {outstanding} tasks that are not finished, which is all it may.",
                "Wait until some are finished, or run more workers.",
                length=outstanding,
                oldest_ms=int((anyio.current_time() - oldest) * 1_000),
            )
        now = anyio.current_time()
        job = _Job(bundle, front, since=now, deadline=now + bundle.deadline_ms / 1_000)
        self._jobs[bundle.id] = job
        self._outstanding[bundle.pool] = outstanding + 1
        self._enqueue(job, "")

    def order(self, order: Order) -> None:
        job = self._jobs.get(order.delegation)
        if job is None or job.over:
            return
        if not job.orders or job.orders[-1] != order:
            job.orders.append(order)
            if job.claim is not None:
                job.claim.book.add(order)
        match order:
            case Cancellation():
                job.cancellation = order
                if job.state == "queued":
                    self._waiting[job.bundle.pool, job.bundle.urgent].remove(job)
                    self._cancelled(job, order.reason)
            case Amendment():
                pass
            case _:
                assert_never(order)

    def take(self, worker: _MemoryWorker, pools: Sequence[str], room: int) -> list[_MemoryClaim]:
        claims: list[_MemoryClaim] = []
        for pool, urgent in [(pool, urgent) for urgent in (True, False) for pool in pools]:
            waiting = self._waiting.setdefault((pool, urgent), deque())
            while waiting and len(claims) < room:
                claim = self._start(worker, waiting.popleft())
                if claim is not None:
                    claims.append(claim)
        return claims

    def owned(self, claim: _MemoryClaim) -> _Job:
        """The job of this claim. Raises `ClaimLost` when it is another's by now: this is the fence."""
        job = claim.job
        if job.claim is not claim:
            raise ClaimLost(
                f"The task {job.bundle.id} is no longer this worker's (attempt {claim.attempt}).",
                "It is finished, or has gone to another worker.",
                "Stop working on it.",
            )
        return job

    def publish(self, job: _Job, *findings: Finding) -> None:
        job.findings += findings
        for finding in findings:
            self._tell(job, finding)

    def finish(self, job: _Job, *findings: Finding) -> None:
        job.told = None
        self.publish(job, *findings)
        self._end(job, "done")

    def cancelled(self, job: _Job, reason: str) -> None:
        self._cancelled(job, reason)

    def hand_back(self, job: _Job) -> None:
        self._release(job)
        if job.cancellation is not None:
            self._cancelled(job, job.cancellation.reason)
        else:
            self._enqueue(job, HANDED_BACK)

    def _start(self, worker: _MemoryWorker, job: _Job) -> _MemoryClaim | None:
        job.attempt += 1
        if anyio.current_time() >= job.deadline:
            self.finish(job, refused("late", job.bundle.id, job.attempt, job.bundle.revision))
            return None
        job.state = "running"
        job.claim = _MemoryClaim(worker, job)
        self._update(job, "running", "")
        return job.claim

    def _enqueue(self, job: _Job, reason: str) -> None:
        job.state = "queued"
        self._waiting.setdefault((job.bundle.pool, job.bundle.urgent), deque()).append(job)
        self._update(job, "queued", reason)
        self.work.set()
        self.work = anyio.Event()

    def _cancelled(self, job: _Job, reason: str) -> None:
        self._update(job, "cancelled", reason)
        self._end(job, "cancelled")

    def _end(self, job: _Job, state: Literal["done", "cancelled"]) -> None:
        job.state = state
        self._release(job)
        self._outstanding[job.bundle.pool] -= 1
        self._finished.append(job.bundle.id)
        if len(self._finished) > REMEMBERED:
            del self._jobs[self._finished.popleft()]

    def _release(self, job: _Job) -> None:
        claim, job.claim = job.claim, None
        if claim is not None:
            claim.book.close()
            claim.worker.claims.pop(job.bundle.id, None)

    def _update(self, job: _Job, state: Literal["queued", "running", "cancelled"], reason: str) -> None:
        job.told = DelegationUpdate(job.bundle.id, state, reason)
        self._tell(job, job.told)

    def _tell(self, job: _Job, event: BusEvent) -> None:
        job.front.tell(job.bundle.session, event)

    def _tell_again(self, job: _Job) -> None:
        if job.told is not None:
            self._tell(job, job.told)
        for finding in job.findings:
            self._tell(job, finding)


class _MemoryFront:
    def __init__(self, queue: _Queue) -> None:
        self.subscriptions = Subscriptions()
        self._queue = queue

    async def submit(self, bundle: Bundle) -> None:
        await anyio.lowlevel.checkpoint()
        self._queue.submit(bundle, self.subscriptions)

    async def order(self, order: Order) -> None:
        await anyio.lowlevel.checkpoint()
        self._queue.order(order)

    def updates(self, session: str) -> AsyncIterator[BusEvent]:
        return self.subscriptions.open(session)


class _MemoryWorker:
    def __init__(self, queue: _Queue, name: str, pools: Sequence[str]) -> None:
        self.name = name
        self.queue = queue
        self.claims: dict[str, _MemoryClaim] = {}
        self._pools = tuple(pools)

    async def claim(self, *, room: int) -> Sequence[Claim]:
        if room < 1:
            raise ValueError("room must be at least 1: there is nothing to wait for without a free slot")
        await anyio.lowlevel.checkpoint()
        while True:
            # No await between taking and returning: a cancelled claim has taken nothing.
            claims = self.queue.take(self, self._pools, room)
            if claims:
                self.claims |= {claim.bundle.id: claim for claim in claims}
                return claims
            await self.queue.work.wait()

    def leave(self) -> None:
        for claim in list(self.claims.values()):
            self.queue.hand_back(claim.job)


class _MemoryClaim:
    def __init__(self, worker: _MemoryWorker, job: _Job) -> None:
        self.worker = worker
        self.job = job
        self.book = OrderBook(job.orders)
        self._attempt = job.attempt

    @property
    def bundle(self) -> Bundle:
        return self.job.bundle

    @property
    def attempt(self) -> int:
        return self._attempt

    @property
    def left_ms(self) -> int:
        return max(0, int((self.job.deadline - anyio.current_time()) * 1_000))

    def orders(self) -> AsyncIterator[Order]:
        return self.book.read()

    async def publish(self, *findings: Finding) -> None:
        await anyio.lowlevel.checkpoint()
        queue = self.worker.queue
        queue.publish(queue.owned(self), *findings)

    async def finish(self, *findings: Finding) -> None:
        await anyio.lowlevel.checkpoint()
        queue = self.worker.queue
        queue.finish(queue.owned(self), *findings)

    @property
    def steps(self) -> StepLog:
        return _MemorySteps(self)

    async def confirm_cancelled(self, reason: str) -> None:
        await anyio.lowlevel.checkpoint()
        queue = self.worker.queue
        queue.cancelled(queue.owned(self), reason)

    async def hand_back(self) -> None:
        await anyio.lowlevel.checkpoint()
        queue = self.worker.queue
        queue.hand_back(queue.owned(self))


class _MemorySteps:
    def __init__(self, claim: _MemoryClaim) -> None:
        self._claim = claim

    async def begin(self, step: str) -> Begun:
        known = (await self._written()).setdefault(step, _Step(self._claim.attempt))
        if known.outcome is not None:
            return Begun("done", known.outcome)
        return Begun("new" if known.attempt == self._claim.attempt else "begun")

    async def complete(self, step: str, outcome: bytes) -> None:
        (await self._written())[step] = _Step(self._claim.attempt, outcome)

    async def earlier(self) -> Steps:
        steps = await self._written()
        return Steps({name: step.outcome for name, step in steps.items() if step.attempt < self._claim.attempt})

    async def _written(self) -> dict[str, _Step]:
        await anyio.lowlevel.checkpoint()
        return self._claim.worker.queue.owned(self._claim).steps


class MemoryBus:
    """A hand-off within one process. Ends with the process: for work that must survive it, use `RedisBus`.

    `capacity` is how many unfinished tasks a pool may hold before `submit` raises `BusBusy`.
    """

    def __init__(self, *, capacity: int = 1_000) -> None:
        self._queue = _Queue(capacity)
        self._sessions = MemorySessions()

    def front(self) -> AbstractAsyncContextManager[FrontBus]:
        """The front end's side. Several share one queue; a task's findings go to the one that submitted it last."""
        return self._front()

    def worker(self, *, name: str = "worker", pools: Sequence[str] = ("",)) -> AbstractAsyncContextManager[WorkerBus]:
        """A worker's side. Leaving it hands back what it has claimed and not finished."""
        return self._worker(name, pools)

    @asynccontextmanager
    async def store(self) -> AsyncGenerator[SessionStore, None]:
        """The sessions that were left. They end with the process."""
        yield self._sessions

    @asynccontextmanager
    async def _front(self) -> AsyncGenerator[FrontBus, None]:
        front = _MemoryFront(self._queue)
        try:
            yield front
        finally:
            front.subscriptions.close()

    @asynccontextmanager
    async def _worker(self, name: str, pools: Sequence[str]) -> AsyncGenerator[WorkerBus, None]:
        worker = _MemoryWorker(self._queue, name, pools)
        try:
            yield worker
        finally:
            worker.leave()
