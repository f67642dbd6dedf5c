"""Where messages wait in one process: a subscription of a session, and the orders of a claim.

Both are read by `async for`, both may be cancelled while they wait: a message is taken without an await in between, so
that none is lost. Neither uses an async generator, since that would begin to listen only at its first `anext`.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import Final

import anyio
import anyio.lowlevel

from orchestrator.events import BusEvent
from orchestrator.ports import Order

__all__ = ["OrderBook", "Subscription", "Subscriptions"]

AT_ONCE: Final = 32
"""So many events are read in a row before others have their turn."""


class Subscription(AsyncIterator[BusEvent]):
    """The updates of one session, from the moment it was opened. One reader. Ends when the bus is left."""

    def __init__(self) -> None:
        self._waiting: deque[BusEvent] = deque()
        self._in_a_row = 0
        self._changed: anyio.Event | None = None
        self.closed: bool = False

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> BusEvent:
        # What came together is read together; but nobody reads for ever while others wait for their turn.
        self._in_a_row += 1
        if self._in_a_row >= AT_ONCE:
            self._in_a_row = 0
            await anyio.lowlevel.checkpoint()
        while not self._waiting:
            if self.closed:
                raise StopAsyncIteration
            if self._changed is None:
                self._changed = anyio.Event()
            self._in_a_row = 0
            await self._changed.wait()
        return self._waiting.popleft()

    def put(self, event: BusEvent) -> None:
        """Add an event. Without bound: the reader is a session of this process, which takes at once."""
        if not self.closed:
            self._waiting.append(event)
            self._wake()

    def close(self) -> None:
        """No more will come. What waits can still be read."""
        self.closed = True
        self._wake()

    async def aclose(self) -> None:
        """The reader has gone. Named as for an iterator, so that whoever reads one to the end need not know."""
        self.close()

    def _wake(self) -> None:
        if self._changed is not None:
            self._changed.set()
            self._changed = None


class Subscriptions:
    """Who listens to which session. Holds its subscriptions weakly: one that nobody reads any more is gone."""

    def __init__(self) -> None:
        self._by_session: dict[str, list[weakref.ref[Subscription]]] = {}

    def open(self, session: str) -> Subscription:
        """Listen from now on."""
        subscription = Subscription()
        listeners = self._by_session.setdefault(session, [])

        def forget(reference: weakref.ref[Subscription]) -> None:
            listeners.remove(reference)
            if not listeners and self._by_session.get(session) is listeners:
                del self._by_session[session]

        listeners.append(weakref.ref(subscription, forget))
        return subscription

    def has(self, session: str) -> bool:
        """Whether anybody still listens to this session."""
        return any(not listener.closed for listener in self._alive(self._by_session.get(session, ())))

    def tell(self, session: str, event: BusEvent) -> None:
        """Pass an event to every subscription of this session, and to no other."""
        for subscription in self._alive(self._by_session.get(session, ())):
            subscription.put(event)

    def tell_all(self, event: BusEvent) -> None:
        """Pass an event that is about the bus itself to every session."""
        for listeners in list(self._by_session.values()):
            for subscription in self._alive(listeners):
                subscription.put(event)

    def close(self) -> None:
        """End every subscription: the bus is left."""
        for listeners in list(self._by_session.values()):
            for subscription in self._alive(listeners):
                subscription.close()

    @staticmethod
    def _alive(listeners: Iterable[weakref.ref[Subscription]]) -> list[Subscription]:
        return [subscription for reference in listeners if (subscription := reference()) is not None]


class OrderBook:
    """The orders of one claim, kept from the beginning, so that every reader sees all of them."""

    def __init__(self, orders: Iterable[Order] = ()) -> None:
        self._orders = list(orders)
        self._changed: anyio.Event | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._orders)

    def add(self, order: Order) -> None:
        """Add one at the end and wake the readers."""
        self._orders.append(order)
        self._wake()

    def close(self) -> None:
        """The claim has ended: readers end after what is there."""
        self._closed = True
        self._wake()

    def read(self) -> AsyncIterator[Order]:
        """All orders, then those that come."""
        return _OrderReader(self)

    async def wait_for(self, index: int) -> Order | None:
        """The order with this index as soon as there is one, `None` when there will be none."""
        while index >= len(self._orders):
            if self._closed:
                return None
            if self._changed is None:  # made only for who waits: most claims get no orders
                self._changed = anyio.Event()
            await self._changed.wait()
        return self._orders[index]

    def _wake(self) -> None:
        if self._changed is not None:
            self._changed.set()
            self._changed = None


class _OrderReader(AsyncIterator[Order]):
    def __init__(self, book: OrderBook) -> None:
        self._book = book
        self._next = 0

    def __aiter__(self) -> _OrderReader:
        return self

    async def __anext__(self) -> Order:
        await anyio.lowlevel.checkpoint()
        order = await self._book.wait_for(self._next)
        if order is None:
            raise StopAsyncIteration
        self._next += 1
        return order
