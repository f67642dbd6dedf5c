"""A task that a worker owns on Redis, for as long as its token is the one in the task's hash."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

import anyio
import msgspec

from orchestrator.bundle import Bundle
from orchestrator.bus.endings import HANDED_BACK
from orchestrator.bus.mailboxes import OrderBook
from orchestrator.bus.redis_client import Away, Backoff, RedisClient, Step
from orchestrator.bus.redis_keys import GROUP, Keys
from orchestrator.bus.redis_scripts import EMIT, FINISH, GIVE_BACK
from orchestrator.codec import orders_wire, updates_wire
from orchestrator.errors import ClaimLost
from orchestrator.events import DelegationUpdate
from orchestrator.finding import Finding
from orchestrator.ports import Order

__all__ = ["Books", "Held", "Office", "RedisClaim"]


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

    def __init__(self, office: Office, held: Held, bundle: Bundle, orders: list[bytes]) -> None:
        self.held = held
        self.ending: bool = False
        """Whether it is about to end by its own word: then that the lease is gone is no news."""
        self._office = office
        self._bundle = bundle
        self._orders = orders_wire()
        self._updates = updates_wire()
        self._read = 0
        self._book = OrderBook()
        self._over = False
        self._number = 0
        self._one_at_a_time = anyio.Lock()
        self._add(orders)

    @property
    def orders_read(self) -> int:
        """How many orders it knows of."""
        return self._read

    @property
    def bundle(self) -> Bundle:
        """The task."""
        return self._bundle

    @property
    def attempt(self) -> int:
        """See `Claim.attempt`."""
        return self.held.attempt

    def orders(self) -> AsyncIterator[Order]:
        """See `Claim.orders`."""
        return self._book.read()

    async def publish(self, finding: Finding) -> None:
        """See `Claim.publish`."""
        async with self._one_at_a_time:
            # Numbered, so that a finding whose reply was lost is not put there twice when it is sent again.
            self._number += 1
            keys, held = self._office.keys, self.held
            arguments = (keys.prefix, held.token, self._number, self._updates.encode(finding))
            await self._insist((EMIT, [keys.job(held.task), keys.log(held.task)], arguments))

    async def finish(self, finding: Finding) -> None:
        """See `Claim.finish`."""
        await self._end_by(self._finishing("done", self._updates.encode(finding)))

    async def confirm_cancelled(self, reason: str) -> None:
        """See `Claim.confirm_cancelled`."""
        update = DelegationUpdate(self.held.task, "cancelled", reason)
        await self._end_by(self._finishing("cancelled", self._updates.encode(update)))

    async def give_up(self, finding: Finding, why: str) -> None:
        """End it with an error finding, and with a dead letter if there is a `why`. Raises `Away`: it does not wait."""
        await self._office.client.script(*self._finishing("done", self._updates.encode(finding), why))

    async def hand_back(self) -> None:
        """See `Claim.hand_back`. When Redis is away the end of the lease does the same, a little later."""
        async with self._one_at_a_time:
            self._check()
            keys, held = self._office.keys, self.held
            queued = self._updates.encode(DelegationUpdate(held.task, "queued", HANDED_BACK))
            arguments = (keys.prefix, GROUP, held.token, held.entry, queued)
            self.ending = True
            try:
                await self._office.client.script(GIVE_BACK, [held.stream, keys.job(held.task)], arguments)
            except Away:
                pass
            finally:
                self.end()

    async def look_for_orders(self) -> None:
        """Read the orders that have come since. Raises `Away`."""
        first = self._read
        key = self._office.keys.orders(self.held.task)
        found: list[bytes] = await self._office.client.call("LRANGE", key, first, -1)
        # Two may look at the same time, and the later one then finds some that are already here.
        self._add(found[self._read - first :])

    def end(self) -> None:
        """The claim has ended, or is lost."""
        if not self._over:
            self._over = True
            self._book.close()
            self._office.books.ended(self)

    def _add(self, orders: list[bytes]) -> None:
        self._read += len(orders)
        for order in orders:
            known = self._orders.decode(order)
            if known is not None:
                self._book.add(known)

    def _finishing(self, state: str, payload: bytes, why: str = "") -> Step:
        keys, held = self._office.keys, self.held
        names = [held.stream, keys.job(held.task), keys.log(held.task), keys.orders(held.task), keys.dead]
        arguments = (keys.prefix, GROUP, held.token, self._office.keep_ms, state, payload, held.task, why)
        return FINISH, names, arguments

    async def _end_by(self, step: Step) -> None:
        async with self._one_at_a_time:
            self.ending = True
            try:
                await self._insist(step)
                self.end()
            finally:
                self.ending = False

    async def _insist(self, step: Step) -> None:
        backoff = Backoff()
        while True:
            self._check()
            try:
                reply = await self._office.client.script(*step)
            except Away:
                await anyio.sleep(backoff.next())
                continue
            if reply[0] != b"ok":
                self.end()
                self._check()
            return

    def _check(self) -> None:
        if self._over:
            raise ClaimLost(
                f"The task {self.held.task} is no longer this worker's (attempt {self.attempt}).",
                "It is finished, or has gone to another worker.",
                "Stop working on it.",
            )
