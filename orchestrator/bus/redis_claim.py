"""A task that a worker owns on Redis, for as long as its token is the one in the task's hash."""

from __future__ import annotations

import logging
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
from orchestrator.bus.redis_steps import BEGIN, COMPLETE, EARLIER, earlier_steps
from orchestrator.codec import orders_wire, updates_wire
from orchestrator.errors import ClaimLost
from orchestrator.events import DelegationUpdate
from orchestrator.finding import Finding
from orchestrator.ports import Begun, Order, Steps

__all__ = ["Books", "Held", "Office", "RedisClaim"]

_log = logging.getLogger("duologue.bus")

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
        self.ending: bool = False
        """Whether it is about to end by its own word: then that the lease is gone is no news."""
        self._office = office
        self._bundle = bundle
        # By this machine's clock from here on: how far it is from Redis' own does not matter then.
        self._deadline = anyio.current_time() + left_ms / 1_000
        self._read = 0
        self._book = OrderBook()
        self._over = False
        self._number = 0
        self._unsure: tuple[Finding, ...] = ()
        self._announcement = _UPDATES.encode(DelegationUpdate(held.task, "running"))
        """That it runs, until that has been sent: with its first finding, since each message wakes the front end."""
        self._one_at_a_time = anyio.Lock(fast_acquire=True)
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
        async with self._one_at_a_time:
            # Numbered, so that what had no reply is not put there twice when it is sent again.
            if findings != self._unsure:
                self._number += 1
                self._unsure = findings
            await self._insist(self._emitting(_UPDATES.encode(*findings)))
            self._announcement, self._unsure = b"", ()

    async def announce(self) -> None:
        """Say that it runs, if nothing has been said yet. Raises `Away`."""
        if self._announcement and not self._over and not self._one_at_a_time.locked():
            async with self._one_at_a_time:
                self._number += 1
                await self._office.client.script(*self._emitting(b""))
                self._announcement = b""

    async def finish(self, *findings: Finding) -> None:
        """See `Claim.finish`."""
        await self._end_by(self._finishing("done", _UPDATES.encode(*findings)))

    async def begin(self, step: str) -> Begun:
        """See `Claim.begin`. While Redis is away it waits: what is not written down may not be done."""
        known, *outcome = await self._insist((BEGIN, self._step_keys(), (*self._fence(), step)))
        match known:
            case b"done":
                return Begun("done", outcome[0])
            case b"begun":
                return Begun("begun")
            case _:
                return Begun("new")

    async def complete(self, step: str, outcome: bytes) -> None:
        """See `Claim.complete`."""
        await self._insist((COMPLETE, self._step_keys(), (*self._fence(), step, outcome)))

    async def earlier_steps(self) -> Steps:
        """See `Claim.earlier_steps`."""
        _, attempt, first, pairs = await self._insist((EARLIER, self._step_keys(), self._fence()))
        return earlier_steps(attempt, first, pairs)

    async def confirm_cancelled(self, reason: str) -> None:
        """See `Claim.confirm_cancelled`."""
        update = DelegationUpdate(self.held.task, "cancelled", reason)
        await self._end_by(self._finishing("cancelled", _UPDATES.encode(update)))

    async def give_up(self, finding: Finding, why: str) -> None:
        """End it with an error finding, and with a dead letter if there is a `why`. Raises `Away`: it does not wait."""
        await self._office.client.script(*self._finishing("done", _UPDATES.encode(finding), why))

    async def hand_back(self) -> None:
        """See `Claim.hand_back`. When Redis is away the end of the lease does the same, a little later."""
        async with self._one_at_a_time:
            self._check()
            keys, held = self._office.keys, self.held
            queued = _UPDATES.encode(DelegationUpdate(held.task, "queued", HANDED_BACK))
            arguments = (keys.prefix, GROUP, held.token, held.entry, queued, self._announcement)
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
            known = _ORDERS.decode(order)
            if known is not None:
                self._book.add(known)

    def _step_keys(self) -> list[str]:
        return [self._office.keys.job(self.held.task), self._office.keys.steps(self.held.task)]

    def _fence(self) -> tuple[str, str]:
        return self._office.keys.prefix, self.held.token

    def _emitting(self, payload: bytes) -> Step:
        keys, held = self._office.keys, self.held
        arguments = (keys.prefix, held.token, self._number, payload, self._announcement)
        return EMIT, [keys.job(held.task), keys.log(held.task)], arguments

    def _finishing(self, state: str, payload: bytes, why: str = "") -> Step:
        keys, held = self._office.keys, self.held
        own = (keys.job(held.task), keys.log(held.task), keys.orders(held.task))
        names = [held.stream, *own, keys.dead, keys.steps(held.task)]
        whose = (keys.prefix, GROUP, held.token)
        arguments = (*whose, self._office.keep_ms, state, payload, held.task, why, self._announcement)
        return FINISH, names, arguments

    async def _end_by(self, step: Step) -> None:
        async with self._one_at_a_time:
            self.ending = True
            try:
                await self._insist(step)
                self.end()
            finally:
                self.ending = False

    async def _insist(self, step: Step) -> list[Any]:
        backoff, waits = Backoff(), False
        while True:
            self._check()
            try:
                reply = await self._office.client.script(*step)
            except Away as away:
                if not waits:
                    waits = True
                    _log.warning("%s waits for the hand-off: %s", self.held.task, away.reason)
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
