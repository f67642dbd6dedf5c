"""The findings of one task on their way to the bus: numbered, in order, bounded, and sent again until they are taken.

Many at once cost little more than one. So the first goes out at once, and what comes within `flush_s` of the last
parcel goes together, in the next. What the person waits for does not wait: a question, what is urgent, the answer.

Law: once the terminal finding has been put in, it is sent while the process lives, however long the bus is away. A
parcel that was handed to the bus stays as it is until it is taken, so that the bus can tell a second try from news.
"""

from __future__ import annotations

import logging
from collections import deque
from itertools import islice
from typing import Final

import anyio
import msgspec

from background.mailbox import Mailbox
from background.settings import WorkerSettings
from orchestrator.errors import BusUnavailable, ClaimLost
from orchestrator.finding import Finding
from orchestrator.ports import Claim

__all__ = ["Outbox"]

_log = logging.getLogger(__name__)

PARCEL: Final = 32
"""So many findings do not wait for more."""


class Outbox:
    """Stamps findings when they are put in, and sends them from its own task (`run`)."""

    def __init__(self, claim: Claim, mailbox: Mailbox, settings: WorkerSettings) -> None:
        self._claim = claim
        self._mailbox = mailbox
        self._settings = settings
        self._queue: deque[Finding] = deque()
        self._enough = min(PARCEL, settings.outbox)
        self._sending = 0
        """So many at the head of the queue are a parcel that the bus has not taken yet."""
        self._apart = False
        """Whether each goes alone, since the bus could not take one of them."""
        self._pressing = 0
        """So many at the head of the queue do not wait."""
        self._next_parcel = 0.0
        self._lanes: dict[str, _Lane] = {}
        self._seq = 0
        self._closed = False
        self._wake: anyio.Event | None = None
        self._room: anyio.Event | None = None

    @property
    def closed(self) -> bool:
        """Whether the terminal finding is in. Nothing is taken after it."""
        return self._closed

    async def put(self, finding: Finding) -> Finding:
        """Take a finding that is neither progress nor terminal; waits while the outbox is full. Returns it stamped."""
        while len(self._queue) >= self._settings.outbox:
            if self._room is None:
                self._room = anyio.Event()
            await self._room.wait()
        self._flush(everything=True)
        return self._append(finding)

    def report(self, finding: Finding, *, lane: str = "") -> None:
        """Take progress. Never waits: what cannot go out now is replaced by what is newer in its lane."""
        own = self._lanes.setdefault(lane, _Lane())
        waited, own.newest = own.newest is not None, finding
        self._flush()
        if not waited:
            self._notify()

    def finish(self, finding: Finding) -> None:
        """Take the terminal finding. Progress that has not gone out yet is of no use any more."""
        if self._closed:
            return
        self._lanes.clear()
        self._append(finding)
        self._closed = True

    async def run(self) -> None:
        """Send what comes in, until the terminal finding is sent. May be cancelled and run again.

        Raises `ClaimLost`, and whatever the bus raises for a terminal finding that it can never take.
        """
        while True:
            self._flush()
            if self._due():
                if await self._send():
                    return
            else:
                self._wake = anyio.Event()
                with anyio.move_on_after(self._until_due()):
                    await self._wake.wait()
                self._wake = None

    def _due(self) -> bool:
        if not self._queue:
            return False
        return (
            self._closed
            or self._pressing > 0
            or self._sending > 0
            or len(self._queue) >= self._enough
            or self._next_parcel <= anyio.current_time()
        )

    async def _send(self) -> bool:
        """Send one parcel. Whether the terminal finding was in it."""
        if not self._sending:
            most = 1 if self._apart else len(self._queue) if self._closed else PARCEL
            self._sending = min(most, len(self._queue))
        ended = await self._sent()
        for _ in range(self._sending):
            self._queue.popleft()
        self._pressing = max(0, self._pressing - self._sending)
        self._sending = 0
        self._next_parcel = anyio.current_time() + self._settings.flush_s
        if self._room is not None:
            self._room.set()
            self._room = None
        return ended

    async def _sent(self) -> bool:
        pause = self._settings.retry_s
        while True:
            parcel = tuple(islice(self._queue, self._sending))
            last = parcel[-1]
            try:
                if last.terminal:
                    await self._claim.finish(*parcel)
                else:
                    await self._claim.publish(*parcel)
            except ClaimLost:
                raise
            except BusUnavailable as error:
                if pause == self._settings.retry_s:
                    _log.warning("%s: the bus is away, %s waits: %s", last.delegation, last.id, error.what)
                await anyio.sleep(pause)
                pause = min(pause * 2, self._settings.longest_retry_s)
            except Exception:
                if len(parcel) > 1:
                    self._apart, self._sending = True, 1
                    continue
                _log.exception("%s: the bus cannot take %s", last.delegation, last.id)
                if last.data is not None:
                    self._queue[0] = msgspec.structs.replace(last, data=None)
                elif last.terminal:
                    raise
                else:
                    return False
            else:
                return last.terminal

    def _append(self, finding: Finding) -> Finding:
        if self._closed:
            return finding
        self._seq += 1
        stamped = finding.stamped(
            delegation=self._claim.bundle.id,
            attempt=self._claim.attempt,
            seq=self._seq,
            context_revision=self._mailbox.revision,
            tainted=finding.tainted or self._mailbox.taint.there,
        )
        self._queue.append(stamped)
        if stamped.kind == "question" or stamped.urgency in ("high", "critical"):
            self._pressing = len(self._queue)
        # Who already waits for the moment of the next parcel need not be woken by each that will be in it.
        if self._pressing or len(self._queue) in (1, self._enough) or stamped.terminal:
            self._notify()
        return stamped

    def _flush(self, *, everything: bool = False) -> None:
        """Move progress that is due into the queue. `everything`: because what follows must not overtake it."""
        if not self._lanes:
            return
        now = anyio.current_time()
        for lane in self._lanes.values():
            if len(self._queue) >= self._settings.outbox:
                return
            if lane.newest is not None and (everything or lane.due <= now):
                self._append(lane.newest)
                lane.newest = None
                lane.due = now + self._settings.progress_s

    def _until_due(self) -> float:
        due = [lane.due for lane in self._lanes.values() if lane.newest is not None]
        if self._queue:
            due.append(self._next_parcel)
        return max(0.0, min(due) - anyio.current_time()) if due else float("inf")

    def _notify(self) -> None:
        if self._wake is not None:
            self._wake.set()


class _Lane(msgspec.Struct):
    newest: Finding | None = None
    due: float = 0.0
