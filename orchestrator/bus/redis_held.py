"""A task that a worker holds on Redis, as the worker itself sees it: what it is, what is said to it, and its end."""

from __future__ import annotations

import logging
from typing import Any, Final, Protocol

import anyio
import msgspec

from orchestrator.bus.mailboxes import OrderBook
from orchestrator.bus.redis_client import Away, Backoff, RedisClient, Step
from orchestrator.bus.redis_keys import Keys
from orchestrator.codec import orders_wire
from orchestrator.errors import ClaimLost

__all__ = ["Books", "Held", "HeldTask", "Office"]

_log = logging.getLogger("duologue.bus")

# What it skips is nobody's to count: it is an order that a newer peer understands.
_ORDERS: Final = orders_wire()


class Held(msgspec.Struct, frozen=True):
    """What Redis says of a task that has been started: which one, and by which token it is held."""

    task: str
    stream: str
    entry: str
    token: str
    attempt: int


class Books(Protocol):
    """Who keeps the list of claims, and has to hear when one has ended."""

    def ended(self, claim: HeldTask) -> None: ...


class Office(msgspec.Struct, frozen=True):
    """What every claim of one worker works with."""

    client: RedisClient
    keys: Keys
    keep_ms: int
    books: Books


class HeldTask:
    """Its orders, and whether it is still this worker's."""

    def __init__(self, office: Office, held: Held, orders: list[bytes]) -> None:
        self.held = held
        self._office = office
        self._read = 0
        self._book = OrderBook()
        self._over = False
        self._ending = False
        self._add(orders)

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
        """It has ended, or is lost. That its lease is gone is no news if it is ending by its own word."""
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

    async def _insist(self, step: Step) -> list[Any]:
        """Run a step until Redis has answered. Raises `ClaimLost`."""
        backoff: Backoff | None = None
        while True:
            self._check()
            try:
                reply = await self._office.client.script(*step)
            except Away as away:
                if backoff is None:
                    backoff = Backoff()
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
                f"The task {self.held.task} is no longer this worker's (attempt {self.held.attempt}).",
                "It is finished, or has gone to another worker.",
                "Stop working on it.",
            )
