"""A task that a worker owns on Redis, for as long as its token is the one in the task's hash."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final, Protocol

import anyio
import msgspec

from orchestrator.bundle import Bundle
from orchestrator.bus.endings import HANDED_BACK
from orchestrator.bus.mailboxes import OrderBook
from orchestrator.bus.redis_client import Away, Backoff, RedisClient, Step
from orchestrator.bus.redis_keys import GROUP, Keys
from orchestrator.bus.redis_scripts import EMIT, FINISH, GIVE_BACK
from orchestrator.bus.redis_steps import RedisSteps
from orchestrator.codec import orders_wire, updates_wire
from orchestrator.errors import ClaimLost
from orchestrator.events import DelegationUpdate
from orchestrator.finding import Finding
from orchestrator.ports import Order, StepLog

__all__ = ["Books", "Held", "Office", "RedisClaim", "give_up"]

# What they skip is nobody's to count: it is an order, or an update, that a newer peer understands.
_ORDERS: Final = orders_wire()
_UPDATES: Final = updates_wire()


class Held(msgspec.Struct, frozen=True):
    """What Redis says of a task that has been started: which one, and by which token it is held."""

    task: str
    stream: str
    entry: str
    token: str
    attempt: int


class Books(Protocol):
    """Who keeps the list of claims, and has to hear when one has ended."""

    def ended(self, claim: RedisClaim) -> None: ...


class Office(msgspec.Struct, frozen=True):
    """What every claim of one worker works with."""

    client: RedisClient
    keys: Keys
    keep_ms: int
    books: Books


class RedisClaim:
    """See `Claim`. When Redis is away it waits with what it has to say: the work must not have been for nothing."""

    def __init__(self, office: Office, held: Held, bundle: Bundle, orders: list[bytes], left_ms: int) -> None:
        self.held = held
        self._ending = False
        self._office = office
        self._bundle = bundle
        # By this machine's clock from here on: how far it is from Redis' own does not matter then.
        self._deadline = anyio.current_time() + left_ms / 1_000
        self._read = 0
        self._book = OrderBook()
        self._over = False
        self._number = 0
        self._unsure: tuple[Finding, ...] = ()
        self._one_at_a_time = anyio.Lock(fast_acquire=True)
        self._add(orders)

    @property
    def bundle(self) -> Bundle:
        """The task."""
        return self._bundle

    @property
    def attempt(self) -> int:
        """See `Claim.attempt`."""
        return self.held.attempt

    @property
    def left_ms(self) -> int:
        """See `Claim.left_ms`."""
        return max(0, int((self._deadline - anyio.current_time()) * 1_000))

    def orders(self) -> AsyncIterator[Order]:
        """See `Claim.orders`."""
        return self._book.read()

    async def publish(self, *findings: Finding) -> None:
        """See `Claim.publish`."""
        if not findings:
            return
        payload = _UPDATES.encode(*findings)
        async with self._one_at_a_time:
            # Numbered, so that what had no reply is not put there twice when it is sent again.
            if findings != self._unsure:
                self._number += 1
                self._unsure = findings
            keys, held = self._office.keys, self.held
            arguments = (keys.prefix, held.token, self._number, payload)
            await self._insist((EMIT, [keys.job(held.task), keys.log(held.task)], arguments))
            self._unsure = ()

    async def finish(self, *findings: Finding) -> None:
        """See `Claim.finish`."""
        await self._end_by(_finishing(self._office, self.held, "done", _UPDATES.encode(*findings)))

    @property
    def steps(self) -> StepLog:
        """See `Claim.steps`."""
        return RedisSteps(self._office.keys, self.held.task, self.held.token, self._insist)

    async def confirm_cancelled(self, reason: str) -> None:
        """See `Claim.confirm_cancelled`."""
        update = DelegationUpdate(self.held.task, "cancelled", reason)
        await self._end_by(_finishing(self._office, self.held, "cancelled", _UPDATES.encode(update)))

    async def hand_back(self) -> None:
        """See `Claim.hand_back`. When Redis is away the end of the lease does the same, a little later."""
        async with self._one_at_a_time:
            self._check()
            keys, held = self._office.keys, self.held
            queued = _UPDATES.encode(DelegationUpdate(held.task, "queued", HANDED_BACK))
            arguments = (keys.prefix, GROUP, held.token, held.entry, queued)
            self._ending = True
            try:
                await self._office.client.script(GIVE_BACK, [held.stream, keys.job(held.task)], arguments)
            except Away:
                pass
            finally:
                self.end()

    async def look_for_orders(self, there: int | None = None) -> None:
        """Read the orders that have come since; none where it is known that no more are `there`. Raises `Away`."""
        first = self._read
        if there is not None and there <= first:
            return
        key = self._office.keys.orders(self.held.task)
        found: list[bytes] = await self._office.client.call("LRANGE", key, first, -1)
        # Two may look at the same time, and the later one then finds some that are already here.
        self._add(found[self._read - first :])

    def end(self, *, unless_ending: bool = False) -> None:
        """The claim has ended, or is lost. That its lease is gone is no news if it is ending by its own word."""
        if not self._over and not (unless_ending and self._ending):
            self._over = True
            self._book.close()
            self._office.books.ended(self)

    def _add(self, orders: list[bytes]) -> None:
        self._read += len(orders)
        for order in orders:
            known = _ORDERS.decode(order)
            if known is not None:
                self._book.add(known)

    async def _end_by(self, step: Step) -> None:
        async with self._one_at_a_time:
            self._ending = True
            try:
                await self._insist(step)
                self.end()
            finally:
                self._ending = False

    async def _insist(self, step: Step) -> list[Any]:
        backoff: Backoff | None = None
        while True:
            self._check()
            try:
                reply = await self._office.client.script(*step)
            except Away:
                backoff = backoff or Backoff()
                await anyio.sleep(backoff.next())
                continue
            if reply[0] == b"lost":
                self.end()
                self._check()
            return reply

    def _check(self) -> None:
        if self._over:
            raise ClaimLost(
                f"The task {self.held.task} is no longer this worker's (attempt {self.attempt}).",
                "It is finished, or has gone to another worker.",
                "Stop working on it.",
            )


async def give_up(office: Office, held: Held, finding: Finding, why: str) -> None:
    """End a task that nobody should try, with a dead letter if there is a `why`. Raises `Away`: it does not wait."""
    await office.client.script(*_finishing(office, held, "done", _UPDATES.encode(finding), why))


def _finishing(office: Office, held: Held, state: str, payload: bytes, why: str = "") -> Step:
    keys = office.keys
    own = (keys.job(held.task), keys.log(held.task), keys.orders(held.task))
    names = [held.stream, *own, keys.dead, keys.steps(held.task)]
    return FINISH, names, (keys.prefix, GROUP, held.token, office.keep_ms, state, payload, held.task, why)
