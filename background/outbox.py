"""The findings of one task on their way to the bus: numbered, in order, bounded, and sent again until they are taken.

Law: once the terminal finding has been put in, it is sent while the process lives, however long the bus is away.
"""

from __future__ import annotations

import logging
from collections import deque

import anyio
import msgspec

from background.mailbox import Mailbox
from background.settings import WorkerSettings
from orchestrator.errors import BusUnavailable, ClaimLost
from orchestrator.finding import Finding
from orchestrator.ports import Claim

__all__ = ["Outbox"]

_log = logging.getLogger(__name__)


class Outbox:
    """Stamps findings when they are put in, and sends them from its own task (`run`)."""

    def __init__(self, claim: Claim, mailbox: Mailbox, settings: WorkerSettings) -> None:
        self._claim = claim
        self._mailbox = mailbox
        self._settings = settings
        self._queue: deque[Finding] = deque()
        self._lanes: dict[str, _Lane] = {}
        self._seq = 0
        self._closed = False
        self._wake = anyio.Event()
        self._room = anyio.Event()

    @property
    def closed(self) -> bool:
        """Whether the terminal finding is in. Nothing is taken after it."""
        return self._closed

    async def put(self, finding: Finding) -> Finding:
        """Take a finding that is neither progress nor terminal; waits while the outbox is full. Returns it stamped."""
        while len(self._queue) >= self._settings.outbox:
            await self._room.wait()
        self._flush(everything=True)
        return self._append(finding)

    def report(self, finding: Finding, *, lane: str = "") -> None:
        """Take progress. Never waits: what cannot go out now is replaced by what is newer in its lane."""
        self._lanes.setdefault(lane, _Lane()).newest = finding
        self._flush()
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
            if self._queue:
                finding = await self._send(self._queue[0])
                self._queue.popleft()
                room, self._room = self._room, anyio.Event()
                room.set()
                if finding.terminal:
                    return
            else:
                with anyio.move_on_after(self._until_due()):
                    await self._wake.wait()
                self._wake = anyio.Event()

    async def _send(self, finding: Finding) -> Finding:
        pause = self._settings.retry_s
        while True:
            try:
                if finding.terminal:
                    await self._claim.finish(finding)
                else:
                    await self._claim.publish(finding)
            except ClaimLost:
                raise
            except BusUnavailable as error:
                if pause == self._settings.retry_s:
                    _log.warning("%s: the bus is away, %s waits: %s", finding.delegation, finding.id, error.what)
                await anyio.sleep(pause)
                pause = min(pause * 2, self._settings.longest_retry_s)
            except Exception:
                _log.exception("%s: the bus cannot take %s", finding.delegation, finding.id)
                if finding.data is not None:
                    finding = msgspec.structs.replace(finding, data=None)
                elif finding.terminal:
                    raise
                else:
                    return finding
            else:
                return finding

    def _append(self, finding: Finding) -> Finding:
        if self._closed:
            return finding
        self._seq += 1
        stamped = finding.stamped(
            delegation=self._claim.bundle.id,
            attempt=self._claim.attempt,
            seq=self._seq,
            context_revision=self._mailbox.revision,
        )
        self._queue.append(stamped)
        self._notify()
        return stamped

    def _flush(self, *, everything: bool = False) -> None:
        """Move progress that is due into the queue. `everything`: because what follows must not overtake it."""
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
        return max(0.0, min(due) - anyio.current_time()) if due else float("inf")

    def _notify(self) -> None:
        self._wake.set()


class _Lane(msgspec.Struct):
    newest: Finding | None = None
    due: float = 0.0
