"""The front end's side on Redis: one process, many sessions, one stream that everything comes back on.

The front end keeps the bundle of every task that is still open. When Redis was away, or a connection was made anew, it
submits them all again: what is still there only answers with all that is known of it, what was lost is queued anew. So
neither a loss of data nor a gap in the stream costs an answer. It also looks, a few times in a lease, whether its tasks
are still there and still have a worker that lives: a dead one cannot say so itself.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, assert_never

import anyio

from orchestrator.bundle import Amendment, Bundle, Cancellation
from orchestrator.bus.endings import refused
from orchestrator.bus.mailboxes import Subscriptions
from orchestrator.bus.redis_client import Away, Backoff, RedisClient, RedisSettings, Refused
from orchestrator.bus.redis_context import Told
from orchestrator.bus.redis_keys import GROUP, FrontKeys, Keys
from orchestrator.bus.redis_scripts import CHECK, ENQUEUE, LAST_ID, ORDER, PROBE, REAP
from orchestrator.codec import bundle_wire, orders_wire, updates_wire
from orchestrator.errors import BusBusy, BusUnavailable
from orchestrator.events import BusDown, BusEvent, BusUp, DelegationUpdate
from orchestrator.finding import Finding
from orchestrator.ports import FrontBus, Order

__all__ = ["redis_front"]

_log = logging.getLogger("duologue.bus")

READ_AT_ONCE: Final = 256
HOUSEKEEPING_S: Final = 1.0
CHECKED_AT_ONCE: Final = 200
REAPED_EVERY_S: Final = 30.0
REAPED_AT_ONCE: Final = 100
WORDS_SHOWN: Final = 200
"""How much of a task's words whoever runs the workers gets to read."""
LEASES_PATIENT: Final = 1.5
"""After so many leases without a sign of life a worker is gone; by then another would have taken the task over."""
WORKER_GONE: Final = "its worker has gone"


@dataclass(slots=True, eq=False)
class _Open:
    """A task whose end has not been heard of."""

    bundle: Bundle
    forgotten_at: float
    """After this moment Redis does not know it any more either."""
    taken: bool = False
    """Whether Redis has said that it has it."""
    attempt: int = 0
    """The highest heard of. After a loss of data counting goes on from here: findings are told apart by it."""
    heard: bool = False
    """Whether the stream has told of it since it was handed over; then it is more than queued."""
    ended: bool = False
    """Whether it was found to have its answer, which had not arrived here."""
    told_again_at: float = 0.0
    """When Redis had told that answer again."""
    orphaned: int = 0
    """The attempt whose worker is known to have gone."""
    orders: list[Order] = field(default_factory=list[Order])
    """Those that it was given here."""
    in_turn: anyio.Lock = field(default_factory=anyio.Lock)
    """While it is handed over again with its orders, a new order waits: their sequence has a meaning."""


class _RedisFront:
    def __init__(self, url: str, settings: RedisSettings) -> None:
        self.subscriptions = Subscriptions()
        self._settings = settings
        self._keys = Keys(settings.prefix)
        self._commands = RedisClient(url, settings)
        self._reader = RedisClient(url, settings, reader=True, steady=True)
        # A name of its own for every process, so that its stream can be read from the very beginning.
        self._name = secrets.token_hex(8)
        self._own = FrontKeys(self._keys, self._name)
        self._told = Told(self._own)
        self._bundles = bundle_wire()
        self._orders = orders_wire()
        self._updates = updates_wire()
        self._open: dict[str, _Open] = {}
        self._unsure: set[str] = set()
        self._nudge = anyio.Event()
        self._check_at = 0.0
        self._caught_up_at = 0.0
        """When a read began that has brought all there was."""
        self._queues: set[str] = set()
        self._cursor: str = "0-0"
        self._trimmed: str = "0-0"
        self._down = ""

    # --- the port ------------------------------------------------------------------------------------------------

    async def submit(self, bundle: Bundle) -> None:
        """See `FrontBus.submit`."""
        new = bundle.id not in self._open
        lives_s = (bundle.deadline_ms + max(self._settings.keep_ms, bundle.keep_ms)) / 1_000
        # Before the hand-over and not after it: the answer may overtake the reply.
        task = self._open.setdefault(bundle.id, _Open(bundle, anyio.current_time() + lives_s, attempt=bundle.attempt))
        try:
            reply = await self._enqueue(task)
        except Away as away:
            self._went_away(away)
            if new:
                self._open.pop(bundle.id, None)
            raise _unavailable("The task was not handed over.", away) from away
        if reply[0] == b"busy":
            if new:
                self._open.pop(bundle.id, None)
            raise BusBusy(
                "The queue took no new task.",
                f"It holds {reply[1]} tasks that are not finished, which is all it may.",
                "Wait until some are finished, or run more workers.",
                length=reply[1],
                oldest_ms=reply[2],
            )
        if new and reply[0] == b"known":
            # It was another front end's, which can keep them no more: they would be lost with Redis' data.
            known = [self._orders.decode(order) for order in reply[1]]
            task.orders[:0] = [order for order in known if order is not None]
        task.taken = True

    async def order(self, order: Order) -> None:
        """See `FrontBus.order`."""
        task = self._open.get(order.delegation)
        try:
            if task is None:
                await self._send(order)
                return
            async with task.in_turn:
                if order.delegation in self._unsure and not await self._secure(task):
                    raise Away("a task that it had lost has no place in its queue")
                reply = await self._send(order)
                if not task.orders or task.orders[-1] != order:
                    task.orders.append(order)
        except Away as away:
            self._went_away(away)
            raise _unavailable("The task was not told.", away) from away
        if reply[0] == b"unknown" and order.delegation in self._open:
            # Redis has lost the task, and this is how we come to hear of it.
            match order:
                case Cancellation():
                    update = DelegationUpdate(order.delegation, "cancelled", order.reason)
                    self._pass_on(task.bundle.session, update)
                case Amendment():
                    self._unsure.add(order.delegation)
                    self._nudge.set()
                case _:
                    assert_never(order)

    def updates(self, session: str) -> AsyncIterator[BusEvent]:
        """See `FrontBus.updates`."""
        subscription = self.subscriptions.open(session)
        if self._down:
            subscription.put(BusDown(self._down))
        return subscription

    # --- what comes back -----------------------------------------------------------------------------------------

    async def read(self) -> None:
        """Pass on what comes, for ever. A plain read from a kept cursor: to be cut off loses nothing."""
        backoff = Backoff()
        connection = 0
        while True:
            try:
                if self._down or self._reader.connects != connection:
                    if self._down:
                        # A write, since a Redis that is full goes on answering questions.
                        await self._commands.script(PROBE, [self._own.probe], [self._keys.prefix])
                    await self._reader.call("PING")
                    self._cursor = await self._resume()
                    self._is_back(again=connection > 0)
                    connection = self._reader.connects
                begun_at = anyio.current_time()
                found: dict[bytes, list[tuple[bytes, dict[bytes, bytes]]]] = await self._reader.call(
                    *("XREAD", "COUNT", READ_AT_ONCE, "BLOCK", self._settings.block_ms),
                    *("STREAMS", self._own.out, self._cursor),
                )
            except Away as away:
                self._went_away(away)
                await anyio.sleep(backoff.next())
                continue
            backoff.reset()
            for entries in (found or {}).values():
                for entry, fields in entries:
                    self._take(fields)
                    self._cursor = str(entry, "ascii")
            if sum(map(len, (found or {}).values())) < READ_AT_ONCE:
                self._caught_up_at = begun_at

    async def keep(self) -> None:
        """Submit again what may have been lost, and keep the stream and the books short, for ever."""
        backoff = Backoff(0.1, 2.0)
        pause = self._settings.lease_ms / 3_000
        reap_at, reaped = 0.0, 0
        while True:
            with anyio.move_on_after(min(HOUSEKEEPING_S, pause)):
                await self._nudge.wait()
            self._nudge = anyio.Event()
            self._forget()
            try:
                if anyio.current_time() >= self._check_at:
                    self._check_at = anyio.current_time() + pause
                    await self._check()
                if anyio.current_time() >= reap_at or reaped < len(self._queues):
                    reap_at, reaped = anyio.current_time() + REAPED_EVERY_S, len(self._queues)
                    await self._reap()
                await self._make_sure()
                await self._trim()
            except Away as away:
                self._went_away(away)
                await anyio.sleep(backoff.next())
                continue
            backoff.reset()

    def _forget(self) -> None:
        # A session that has left, or is another process's now, hands in again what it wants where it goes on. Here its
        # tasks would be missed when they are done, and done again.
        now = anyio.current_time()
        for name, task in list(self._open.items()):
            if task.forgotten_at < now or not self.subscriptions.has(task.bundle.session):
                del self._open[name]

    async def leave(self) -> None:
        """Close everything. The stream goes too: nobody knows its name any more."""
        self.subscriptions.close()
        try:
            if not self._down:
                await self._commands.call("DEL", self._own.out)
        except Away:
            _log.debug("the stream of a front end that has left was not deleted; it will expire")
        await self._commands.close()
        await self._reader.close()

    # --- within --------------------------------------------------------------------------------------------------

    def _take(self, fields: dict[bytes, bytes]) -> None:
        # What an unknown peer wrote is skipped, never raised: one odd entry must not end every session here.
        for told in (fields.get(b"r"), fields.get(b"u")):
            for update in self._updates.decode(told) if told else ():
                task = self._open.get(update.delegation)
                if task is not None:
                    task.attempt = max(task.attempt, _attempt(fields.get(b"a", b"0")))
                    task.heard = True
                self._pass_on(fields.get(b"s", b"").decode(errors="replace"), update)

    def _pass_on(self, session: str, update: Finding | DelegationUpdate) -> None:
        match update:
            case Finding():
                over = update.terminal
            case DelegationUpdate():
                over = update.state in ("done", "failed", "cancelled", "superseded")
            case _:
                assert_never(update)
        if over:
            self._open.pop(update.delegation, None)
            self._unsure.discard(update.delegation)
        self.subscriptions.tell(session, update)

    async def _enqueue(self, task: _Open) -> list[Any]:
        keys = self._keys
        task.heard = False
        while True:
            parcel = self._told.parcel(task.bundle)
            bundle = parcel.bundle
            job, queue = keys.job(bundle.id), keys.jobs(bundle.pool, urgent=bundle.urgent)
            self._queues.add(queue)
            reply = await self._commands.script(
                ENQUEUE,
                [queue, job, keys.log(bundle.id), parcel.key or job],
                [
                    *(keys.prefix, bundle.id, self._bundles.encode(bundle), bundle.session, self._name),
                    *(bundle.deadline_ms, self._settings.keep_ms, self._settings.capacity, task.attempt),
                    self._updates.encode(DelegationUpdate(bundle.id, "queued")),
                    *(bundle.task[:WORDS_SHOWN], bundle.pool, bundle.urgency),
                    *(parcel.known, parcel.needed, parcel.piece, bundle.keep_ms),
                ],
            )
            if reply[0] == b"context":
                self._told.missed(bundle.session)
                continue
            if reply[0] == b"taken":
                task.ended, task.told_again_at = False, 0.0
                self._told.arrived(parcel)
                if not task.heard:
                    self._pass_on(bundle.session, DelegationUpdate(bundle.id, "queued"))
            return reply

    async def _send(self, order: Order) -> list[Any]:
        match order:
            case Cancellation():
                cancelled = self._updates.encode(DelegationUpdate(order.delegation, "cancelled", order.reason))
            case Amendment():
                cancelled = b""
            case _:
                assert_never(order)
        keys = self._keys
        return await self._commands.script(
            ORDER,
            [keys.job(order.delegation), keys.orders(order.delegation), keys.bells],
            [keys.prefix, GROUP, order.delegation, self._orders.encode(order), cancelled],
        )

    async def _resume(self) -> str:
        """Where to read on. A stream that was made anew may count from below the cursor, and would never be heard."""
        [last] = await self._commands.script(LAST_ID, [self._own.out], [self._keys.prefix])
        return "0-0" if _numbers(str(last, "ascii")) < _numbers(self._cursor) else self._cursor

    async def _check(self) -> None:
        """Look after the tasks whose end has not been heard of: some may be lost, or have lost their worker."""
        names = [name for name, task in self._open.items() if task.taken]
        patience_ms = int(self._settings.lease_ms * LEASES_PATIENT)
        for begin in range(0, len(names), CHECKED_AT_ONCE):
            some = names[begin : begin + CHECKED_AT_ONCE]
            keys = [self._keys.job(name) for name in some]
            answers = await self._commands.script(CHECK, keys, [self._keys.prefix, patience_ms, self._name])
            for name, (how, attempt) in zip(some, answers, strict=True):
                task = self._open.get(name)
                if task is None:
                    continue
                if how in (b"lost", b"astray", b"done", b"cancelled"):
                    # Ended with an answer that did not arrive. It may also be on its way, which does no harm.
                    task.ended = how == b"done"
                    if not (task.ended and task.told_again_at):
                        self._unsure.add(name)
                    elif task.told_again_at < self._caught_up_at:
                        _log.warning("the answer to %s cannot be read; does a worker have another version?", name)
                        answer = refused("strange", name, attempt, task.bundle.revision)
                        self._pass_on(task.bundle.session, answer)
                elif how == b"orphaned" and task.orphaned < attempt:
                    task.orphaned = attempt
                    self._pass_on(task.bundle.session, DelegationUpdate(name, "queued", WORKER_GONE))
                elif how == b"running" and task.orphaned == attempt:
                    # It lives after all: it stood still, or was cut off from Redis.
                    task.orphaned = 0
                    self._pass_on(task.bundle.session, DelegationUpdate(name, "running"))

    async def _reap(self) -> None:
        for queue in list(self._queues):
            await self._commands.script(REAP, [queue], [self._keys.prefix, GROUP, REAPED_AT_ONCE])

    async def _make_sure(self) -> None:
        for name in list(self._unsure):
            task = self._open.get(name)
            if task is None:
                self._unsure.discard(name)
                continue
            try:
                async with task.in_turn:
                    await self._secure(task)
            except Refused as refusal:
                # The trouble of this task; it must not become everybody's.
                _log.warning("the task %s cannot be handed over again: %s", name, refusal.reason)

    async def _secure(self, task: _Open) -> bool:
        """See that Redis has the task and all its orders. Returns whether it could take it."""
        name = task.bundle.id
        reply = await self._enqueue(task)
        if reply[0] == b"busy":
            return False
        there = 0
        if reply[0] == b"known":
            # Not all of them, if the line broke while it was handed over again.
            there = len(reply[1])
            if task.ended and not task.told_again_at:
                task.told_again_at = anyio.current_time()
        elif task.taken:
            _log.warning("Redis had lost the task %s; it was handed over again", name)
        for order in task.orders[there:]:
            await self._send(order)
        self._unsure.discard(name)
        return True

    async def _trim(self) -> None:
        if self._cursor not in ("0-0", self._trimmed):
            cursor = self._cursor
            milliseconds, number = _numbers(cursor)
            await self._commands.call("XTRIM", self._own.out, "MINID", f"{milliseconds}-{number + 1}")
            self._trimmed = cursor

    def _went_away(self, away: Away) -> None:
        if not self._down and not isinstance(away, Refused):
            self._down = away.reason
            _log.warning("the hand-off is away: %s", away.reason)
            self.subscriptions.tell_all(BusDown(away.reason))

    def _is_back(self, *, again: bool) -> None:
        if again or self._down:
            self._unsure |= self._open.keys()
            # The workers were cut off as well, and come first to say that they live.
            self._check_at = anyio.current_time() + self._settings.lease_ms / 1_000
            self._nudge.set()
        if self._down:
            self._down = ""
            _log.info("the hand-off is back")
            self.subscriptions.tell_all(BusUp())


def _attempt(written: bytes) -> int:
    return int(written) if written.isdigit() else 0


def _numbers(entry: str) -> tuple[int, int]:
    milliseconds, _, number = entry.partition("-")
    return int(milliseconds), int(number)


def _unavailable(what: str, away: Away) -> BusUnavailable:
    return BusUnavailable(what, away.reason, "It is safe to try again; nothing is done twice.")


@asynccontextmanager
async def redis_front(url: str, settings: RedisSettings) -> AsyncGenerator[FrontBus, None]:
    """The front end's side of the Redis at `url`. Entering contacts nobody; leaving closes every connection."""
    front = _RedisFront(url, settings)
    raised: Exception | None = None
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(front.read)
            tasks.start_soon(front.keep)
            try:
                yield front
            except Exception as error:
                # What the caller raises passes as it is, not in a group.
                raised = error
            tasks.cancel_scope.cancel()
    finally:
        await front.leave()
    if raised is not None:
        raise raised
