"""A bus that tells in plain words what a worker takes from it and gives back. Nothing else about it is different."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Final, TypeAlias

import anyio

from orchestrator.bundle import Bundle, Cancellation
from orchestrator.bus import Bus
from orchestrator.errors import ClaimLost
from orchestrator.finding import Finding
from orchestrator.ports import Claim, FrontBus, Order, SessionStore, StepLog, WorkerBus

__all__ = ["WatchedBus"]

Say: TypeAlias = Callable[[str], None]

_LOST: Final = "no longer this worker's, dropped"


class WatchedBus:
    """`bus`, with a line through `say` for every task that is taken, done, handed back, called off or lost."""

    def __init__(self, bus: Bus, say: Say) -> None:
        self._bus = bus
        self._say = say

    def front(self) -> AbstractAsyncContextManager[FrontBus]:
        """The front end's side, as it is."""
        return self._bus.front()

    def store(self) -> AbstractAsyncContextManager[SessionStore]:
        """Where sessions are kept, as it is."""
        return self._bus.store()

    @asynccontextmanager
    async def worker(self, *, name: str = "worker", pools: Sequence[str] = ("",)) -> AsyncGenerator[WorkerBus, None]:
        """A worker's side that is watched."""
        async with self._bus.worker(name=name, pools=pools) as side:
            yield _WatchedWorker(side, self._say)


class _WatchedWorker:
    def __init__(self, side: WorkerBus, say: Say) -> None:
        self._side = side
        self._say = say

    async def claim(self, *, room: int) -> Sequence[Claim]:
        return [_WatchedClaim(claim, self._say) for claim in await self._side.claim(room=room)]


class _WatchedClaim:
    def __init__(self, claim: Claim, say: Say) -> None:
        self._claim = claim
        self._say = say
        self._taken = anyio.current_time()
        self._ending = False
        self._told = False
        again = f" (attempt {claim.attempt})" if claim.attempt > 1 else ""
        say(f"{claim.bundle.id} taken{again}: {claim.bundle.task}")

    @property
    def bundle(self) -> Bundle:
        return self._claim.bundle

    @property
    def attempt(self) -> int:
        return self._claim.attempt

    @property
    def left_ms(self) -> int:
        return self._claim.left_ms

    async def orders(self) -> AsyncIterator[Order]:
        async for order in self._claim.orders():
            self._ending = self._ending or isinstance(order, Cancellation)
            yield order
        # They end with the claim; where that is nobody's doing here, it is lost, and nothing else would say so.
        if not self._ending:
            self._tell(_LOST)

    async def publish(self, *findings: Finding) -> None:
        with self._loss():
            await self._claim.publish(*findings)

    async def finish(self, *findings: Finding) -> None:
        self._ending = True
        with self._loss():
            await self._claim.finish(*findings)
        last = findings[-1]
        self._tell("done" if last.kind == "final" else f"failed ({last.text})")

    @property
    def steps(self) -> StepLog:
        # That the task is lost is said by its orders, which end then.
        return self._claim.steps

    async def confirm_cancelled(self, reason: str) -> None:
        self._ending = True
        await self._claim.confirm_cancelled(reason)
        self._tell("called off")

    async def hand_back(self) -> None:
        self._ending = True
        await self._claim.hand_back()
        self._tell("handed back")

    @contextmanager
    def _loss(self) -> Generator[None]:
        try:
            yield
        except ClaimLost:
            self._tell(_LOST)
            raise

    def _tell(self, how: str) -> None:
        if self._told:
            return
        self._told = True
        self._say(f"{self._claim.bundle.id} {how} after {(anyio.current_time() - self._taken) * 1000:.0f} ms")
