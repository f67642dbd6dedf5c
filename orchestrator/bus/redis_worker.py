"""A worker's side on Redis: reading tasks, keeping the leases, hearing orders.

Four loops, none of which ends because Redis did:
- `read_jobs` is the only one that takes tasks, so that it alone counts the free slots. It never takes more than there
  is room for, and is never cut off while it reads: a blocking group read that is cancelled leaves its tasks with a
  consumer that does not know of them.
- `keep_leases` renews what is held, and learns what is lost.
- `announce` says that a task runs, where the task itself has nothing to say yet.
- `hear_orders` reads the doorbells.
Beside them the register is kept (`redis_registry`), for people to look at.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import random
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
import anyio.lowlevel
import msgspec

from orchestrator.bundle import Bundle
from orchestrator.bus.endings import Refusal, refused
from orchestrator.bus.redis_claim import RedisClaim, give_up
from orchestrator.bus.redis_client import Away, Backoff, GroupMissing, RedisClient, RedisSettings, Refused, Step
from orchestrator.bus.redis_context import Conversations
from orchestrator.bus.redis_entries import Entry, entries_of, task_of
from orchestrator.bus.redis_held import Held, HeldTask, Office
from orchestrator.bus.redis_keys import GROUP, Keys
from orchestrator.bus.redis_registry import Fares, Register, forgotten_after_ms
from orchestrator.bus.redis_scripts import FORGET, GIVE_BACK, LAST_ID, READ, RENEW, START
from orchestrator.codec import bundle_wire, updates_wire
from orchestrator.errors import ClaimLost
from orchestrator.events import DelegationUpdate
from orchestrator.ports import Claim, WorkerBus

__all__ = ["redis_worker"]

_log = logging.getLogger("duologue.bus")

BELLS_AT_ONCE: Final = 256
ANNOUNCED_AFTER_S: Final = 0.05
"""A task that answers at once says with its first finding that it runs."""


class _RedisWorker:
    def __init__(self, url: str, settings: RedisSettings, name: str, pools: Sequence[str]) -> None:
        self.claims: dict[str, RedisClaim] = {}
        self._settings = settings
        self._keys = Keys(settings.prefix)
        self._consumer = f"{name}-{secrets.token_hex(4)}"
        # In this order: what is urgent is taken first, of whatever pool.
        self._streams = [self._keys.jobs(pool, urgent=urgent) for urgent in (True, False) for pool in pools]
        self._commands = RedisClient(url, settings)
        self._job_reader = RedisClient(url, settings, reader=True)
        self._bell_reader = RedisClient(url, settings, reader=True)
        self._office = Office(self._commands, self._keys, settings.keep_ms, self)
        self._conversations = Conversations(self._commands)
        self._bundles = bundle_wire()
        self._updates = updates_wire()
        self._tokens = (f"{self._consumer}:{number}" for number in itertools.count(1))
        self._ready: list[RedisClaim] = []
        self._wanted = 0
        self._changed = anyio.Event()
        self._fresh = anyio.Event()
        self._stopping = anyio.Event()
        self._stopped = anyio.Event()
        self._prepared = -1
        self._sweep_at = 0.0
        self._plenty = True
        self._swept = dict.fromkeys(self._streams, b"0-0")
        self._starting: dict[str, bool] = {}
        self._unanswered: dict[tuple[str, str], str] = {}
        """By stream and entry, the token of a start that has been sent and not been answered."""
        self._look_again = False
        self._down = False
        self._slots = 0
        self._forget_ms = forgotten_after_ms(settings.lease_ms)
        self.register = Register(self._commands, settings, self._consumer, pools, self._streams, self._fares)

    # --- the port ------------------------------------------------------------------------------------------------

    async def claim(self, *, room: int) -> Sequence[Claim]:
        """See `WorkerBus.claim`."""
        if room < 1:
            raise ValueError("room must be at least 1: there is nothing to wait for without a free slot")
        await anyio.lowlevel.checkpoint()
        if not self._wanted:
            # It may just have been written down as one that takes no more.
            self.register.changed()
        self._wanted += room
        self._wake()
        # Those that ask have room for so many more than are held: the most there ever was is what it has.
        held = len(self.claims) - len(self._ready)
        if room + held > self._slots:
            self._slots = room + held
            self.register.changed()
        try:
            while not self._ready:
                await self._changed.wait()
            # No await between taking and returning: a cancelled claim has taken nothing.
            taken, self._ready = self._ready[:room], self._ready[room:]
            return taken
        finally:
            self._wanted -= room
            if self._free() < 0:
                self._wake()

    def ended(self, claim: HeldTask) -> None:
        """A claim has ended or is lost."""
        if self.claims.get(claim.held.token) is claim:
            del self.claims[claim.held.token]
            self.register.changed()
        if claim in self._ready:
            self._ready = [other for other in self._ready if other is not claim]

    # --- tasks ---------------------------------------------------------------------------------------------------

    async def read_jobs(self) -> None:
        """Take tasks while somebody wants them, until told to stop. Is not cancelled, but woken."""
        try:
            with anyio.CancelScope(shield=True):
                await self._read_jobs()
        finally:
            # Also after a bug: whoever stops this worker waits for it.
            self._stopped.set()

    async def _read_jobs(self) -> None:
        backoff = Backoff()
        while not self._stopping.is_set():
            if self._free() == 0:
                await self._changed.wait()
                continue
            if self._free() < 0:
                # Whoever wanted it has gone away in the meantime: then it is the next worker's.
                await _let_go(self._ready.pop())
                continue
            try:
                leftovers = await self._prepare()
                # Said before the read, which may be a long quiet one.
                self._is_back()
                found = leftovers or await self._fetch(self._free())
                await self._start(found)
            except GroupMissing:
                self._prepared = -1
            except Away as away:
                self._went_away(away)
                self._prepared = -1
                with anyio.move_on_after(backoff.next()):
                    await self._stopping.wait()
                continue
            backoff.reset()

    async def stop(self) -> None:
        """Stop reading, hand back what is held, and close everything."""
        self._stopping.set()
        self._wake()
        while not self._stopped.is_set():
            # Woken and not cancelled. Again and again, since it may just be about to begin a read.
            if self._job_reader.connection_id and not self._down:
                try:
                    await self._commands.call("CLIENT", "UNBLOCK", self._job_reader.connection_id)
                except Away as away:
                    self._went_away(away)
            with anyio.move_on_after(0.05):
                await self._stopped.wait()
        held = list(self.claims.values())
        with anyio.move_on_after(self._settings.timeout_ms / 1_000):
            async with anyio.create_task_group() as tasks:
                for claim in held:
                    tasks.start_soon(_let_go, claim)
        for claim in held:
            claim.end()
        try:
            if not self._down:
                await self.register.leave()
            for stream in self._streams if not self._down else ():
                await self._commands.script(FORGET, [stream], [self._keys.prefix, GROUP, self._consumer, 0])
        except Away:
            _log.debug("a consumer that has left is still listed; it goes after a while")

    async def close(self) -> None:
        """Close every connection."""
        for client in (self._commands, self._job_reader, self._bell_reader):
            await client.close()

    def _free(self) -> int:
        return self._wanted - len(self._ready)

    async def _prepare(self) -> list[Entry]:
        """After every new connection: make the groups, and find what was sent to us and did not arrive."""
        if self._prepared == self._job_reader.connects:
            return []
        for stream in self._streams:
            await self._make_group(stream)
            await self._commands.script(FORGET, [stream], [self._keys.prefix, GROUP, "", self._forget_ms])
        mine = self._held()
        found = await self._read_group("0", len(mine) + self._free())
        # After an outage the owners of the rest have had no chance either to renew what they hold: they come first.
        leases = 1 if self._down or self._job_reader.connects > 1 else 1 / 3
        self._sweep_at = anyio.current_time() + leases * self._settings.lease_ms / 1_000
        self._prepared = self._job_reader.connects
        # What is not among them any more has gone to another worker.
        left = {entry[:2] for entry in found}
        self._unanswered = {entry: token for entry, token in self._unanswered.items() if entry in left}
        return [entry for entry in found if entry[:2] not in mine]

    async def _make_group(self, stream: str) -> None:
        try:
            # From the beginning, so that what was submitted before there was a worker is found.
            await self._commands.call("XGROUP", "CREATE", stream, GROUP, "0", "MKSTREAM")
        except Away as away:
            if "BUSYGROUP" not in away.reason:
                raise

    async def _fetch(self, room: int) -> list[Entry]:
        now = anyio.current_time()
        if now >= self._sweep_at:
            self._sweep_at = now + self._settings.lease_ms / 3_000 * random.uniform(0.8, 1.2)
            abandoned = await self._sweep(room)
            if abandoned:
                return abandoned
        if self._plenty:
            # There was something a moment ago, so there may be more: looked at in order, and never more than fits.
            found = await self._read_at_once(room)
            self._plenty = bool(found)
            if found:
                return found
        quiet_ms = min(self._settings.block_ms, max(1, int((self._sweep_at - now) * 1_000)))
        # COUNT holds for each stream by itself.
        found = await self._read_group(">", max(1, room // len(self._streams)), block_ms=quiet_ms)
        self._plenty = bool(found)
        return found

    async def _read_at_once(self, room: int) -> list[Entry]:
        arguments = (self._keys.prefix, GROUP, self._consumer, room)
        # By the reader, which never tries again: what a lost reply had brought is looked for, not read over.
        found = await self._job_reader.script(READ, self._streams, arguments)
        return [entry for stream, items in found for entry in entries_of(stream.decode(), items)]

    async def _sweep(self, room: int) -> list[Entry]:
        """Take over what nobody has renewed for a lease."""
        held = self._held()
        entries: list[Entry] = []
        for stream in self._streams:
            if len(entries) < room:
                cursor, found, *_ = await self._job_reader.call(
                    *("XAUTOCLAIM", stream, GROUP, self._consumer, self._settings.lease_ms),
                    *(self._swept[stream], "COUNT", room - len(entries)),
                )
                self._swept[stream] = cursor
                entries += [entry for entry in entries_of(stream, found) if entry[:2] not in held]
        return entries

    async def _read_group(
        self, start: str, count: int, streams: Sequence[str] = (), *, block_ms: int | None = None
    ) -> list[Entry]:
        names = streams or self._streams
        block = () if block_ms is None else ("BLOCK", block_ms)
        found: dict[bytes, list[Any]] = await self._job_reader.call(
            *("XREADGROUP", "GROUP", GROUP, self._consumer, "COUNT", count, *block),
            *("STREAMS", *names, *(start for _ in names)),
        )
        return [entry for stream, items in (found or {}).items() for entry in entries_of(stream.decode(), items)]

    async def _start(self, entries: list[Entry]) -> None:
        for stream, number, fields in entries:
            if not fields:
                # It is in no stream any more, only on the list of what is pending.
                await self._commands.call("XACK", stream, GROUP, number)
        there = [entry for entry in entries if entry[2]]
        free = max(0, self._free())
        await self._return_unread(there[free:])
        # One whose start had no answer is started by the same token: it is no further attempt, and no worker was lost.
        tokens = {self._unanswered.get(entry[:2]) or next(self._tokens): entry for entry in there[:free]}
        if not tokens:
            return
        # Before they are started: what is started counts as an attempt, and its lease runs.
        bundles = {token: await self._bundle(entry) for token, entry in tokens.items()}
        self._starting = {task_of(entry): False for entry in tokens.values()}
        self._unanswered |= {entry[:2]: token for token, entry in tokens.items()}
        try:
            replies = await self._commands.scripts([self._start_step(entry, token) for token, entry in tokens.items()])
            for (token, entry), reply in zip(tokens.items(), replies, strict=True):
                try:
                    if isinstance(reply, Refused):
                        raise reply
                    await self._accept(entry, token, bundles[token], reply)
                except Refused as refusal:
                    # The trouble of this task; the others go on.
                    _log.warning("the task %s cannot be started: %s", task_of(entry), refusal.reason)
                del self._unanswered[entry[:2]]
        finally:
            rung, self._starting = {task for task, rang in self._starting.items() if rang}, {}
            self._wake()
        if rung:
            self._look_again = True
            await self._look_for_orders(rung)
            self._look_again = False

    def _start_step(self, entry: Entry, token: str) -> Step:
        stream, number, _ = entry
        task = task_of(entry)
        running = self._updates.encode(DelegationUpdate(task, "running"))
        return (
            START,
            [stream, self._keys.job(task), self._keys.orders(task)],
            [self._keys.prefix, GROUP, number, token, self._settings.max_attempts, running, self._consumer],
        )

    async def _bundle(self, entry: Entry) -> Bundle | None:
        _, _, fields = entry
        bundle = self._bundles.decode(fields.get(b"b", b""))
        if bundle is None or b"c" not in fields:
            return bundle
        try:
            key, needed = fields[b"c"].decode(), int(fields[b"n"])
        except (KeyError, ValueError):
            return None
        context = await self._conversations.context(key, needed, bundle.revision)
        return None if context is None else msgspec.structs.replace(bundle, context=context)

    async def _accept(self, entry: Entry, token: str, bundle: Bundle | None, reply: list[Any]) -> None:
        verdict = str(reply[0], "ascii")
        if verdict == "gone":
            return
        stream, number, _ = entry
        held = Held(task_of(entry), stream, number, token, reply[1])
        claim = RedisClaim(self._office, held, bundle or Bundle(held.task, "", ""), reply[2], reply[3])
        refusal: Refusal | None = (
            "late" if verdict == "late" else "dead" if verdict == "dead" else "unreadable" if bundle is None else None
        )
        if refusal is not None:
            # What is late is nobody's fault. The others leave a dead letter for whoever runs the workers.
            why = "" if refusal == "late" else refusal
            await give_up(self._office, held, refused(refusal, held.task, held.attempt, claim.bundle.revision), why)
            return
        self.claims[token] = claim
        self._fresh.set()
        self.register.changed()
        self._ready.append(claim)

    async def _return_unread(self, entries: list[Entry]) -> None:
        for entry in entries:
            stream, number, _ = entry
            keys = [stream, self._keys.job(task_of(entry))]
            await self._commands.script(GIVE_BACK, keys, [self._keys.prefix, GROUP, "", number, "", ""])

    # --- leases --------------------------------------------------------------------------------------------------

    async def keep_leases(self) -> None:
        """Renew what is held, for ever."""
        pause = self._settings.lease_ms / 3_000
        backoff = Backoff(most_s=pause)
        while True:
            await anyio.sleep(pause)
            while True:
                try:
                    await self._renew()
                    break
                except Away:
                    await anyio.sleep(backoff.next())
            backoff.reset()

    async def _renew(self) -> None:
        for stream in self._streams:
            claims = [claim for claim in self.claims.values() if claim.held.stream == stream]
            if not claims:
                continue
            names = [name(claim.held.task) for claim in claims for name in (self._keys.job, self._keys.orders)]
            pairs = [part for claim in claims for part in (claim.held.entry, claim.held.token)]
            arguments = (self._keys.prefix, GROUP, self._consumer, *pairs)
            answers = await self._commands.script(RENEW, [stream, *names], arguments)
            for claim, orders in zip(claims, answers, strict=True):
                if orders < 0:
                    claim.end(unless_ending=True)
                else:
                    await claim.look_for_orders(orders)

    async def announce(self) -> None:
        """Say of tasks that they run, where they have said nothing by themselves in their first moments, for ever."""
        backoff = Backoff()
        while True:
            await self._fresh.wait()
            self._fresh = anyio.Event()
            await anyio.sleep(ANNOUNCED_AFTER_S)
            try:
                for claim in list(self.claims.values()):
                    await claim.announce()
            except Away:
                self._fresh.set()
                await anyio.sleep(backoff.next())
                continue
            backoff.reset()

    # --- orders --------------------------------------------------------------------------------------------------

    async def hear_orders(self) -> None:
        """Read the doorbells, for ever, and whatever they ring for. A plain read: to be cut off loses nothing."""
        backoff = Backoff()
        cursor: str = "0-0"
        connection = -1
        while True:
            try:
                if self._bell_reader.connects != connection or self._look_again:
                    self._look_again = False
                    await self._bell_reader.call("PING")
                    connection = self._bell_reader.connects
                    # In this order: what comes after the cursor rings, and what came before it is looked for now.
                    [last] = await self._commands.script(LAST_ID, [self._keys.bells], [self._keys.prefix])
                    cursor = str(last, "ascii")
                    await self._look_for_orders(None)
                found: dict[bytes, list[Any]] = await self._bell_reader.call(
                    *("XREAD", "COUNT", BELLS_AT_ONCE, "BLOCK", self._settings.block_ms),
                    *("STREAMS", self._keys.bells, cursor),
                )
                bells = [bell for items in (found or {}).values() for bell in items]
                if bells:
                    await self._look_for_orders({bell[1].get(b"id", b"").decode() for bell in bells})
                    cursor = str(bells[-1][0], "ascii")
            except Away:
                connection = -1
                await anyio.sleep(backoff.next())
                continue
            backoff.reset()

    async def _look_for_orders(self, tasks: set[str] | None) -> None:
        # A bell may ring for a task whose start has been carried out and not yet been answered.
        for task in self._starting:
            if tasks is None or task in tasks:
                self._starting[task] = True
        for claim in list(self.claims.values()):
            if tasks is None or claim.held.task in tasks:
                await claim.look_for_orders()

    # --- within --------------------------------------------------------------------------------------------------

    def _fares(self) -> Fares:
        taking = self._wanted > 0 or len(self.claims) >= self._slots
        return Fares(self._slots, taking, [claim.held.task for claim in self.claims.values()])

    def _held(self) -> set[tuple[str, str]]:
        # Two streams may well count alike.
        return {(claim.held.stream, claim.held.entry) for claim in self.claims.values()}

    def _wake(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()

    def _went_away(self, away: Away) -> None:
        if not self._down:
            self._down = True
            _log.warning("the hand-off is away: %s", away.reason)

    def _is_back(self) -> None:
        if self._down:
            self._down = False
            _log.info("the hand-off is back")


async def _let_go(claim: RedisClaim) -> None:
    with contextlib.suppress(ClaimLost):
        await claim.hand_back()


@asynccontextmanager
async def redis_worker(
    url: str, settings: RedisSettings, name: str, pools: Sequence[str]
) -> AsyncGenerator[WorkerBus, None]:
    """A worker's side of the Redis at `url`. Leaving hands back what is held; without Redis the leases run out."""
    worker = _RedisWorker(url, settings, name, pools)
    raised: Exception | None = None
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(worker.read_jobs)
            tasks.start_soon(worker.keep_leases)
            tasks.start_soon(worker.hear_orders)
            tasks.start_soon(worker.announce)
            tasks.start_soon(worker.register.keep)
            try:
                yield worker
            except Exception as error:
                # What the caller raises passes as it is, not in a group.
                raised = error
            finally:
                with anyio.CancelScope(shield=True):
                    await worker.stop()
            tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await worker.close()
    if raised is not None:
        raise raised
