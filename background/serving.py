"""One claim, from taking it to its one terminal answer.

A task ends in exactly one of five ways: answered (by the reasoner, or honestly by us where it could not), called off by
the person, lost to another worker, handed back, or, with the process, left to the lease. Nothing that goes wrong in a
reasoner or a tool leaves this room.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final, TypeAlias

import anyio
from anyio.abc import TaskGroup

from background.desk import TaskDesk
from background.insisting import insist
from background.mailbox import Mailbox
from background.outbox import Outbox
from background.settings import WorkerSettings
from background.taint import Taint
from background.waiting import Watched
from background.workbench import Workbench
from orchestrator.bundle import Amendment, Cancellation
from orchestrator.errors import BusUnavailable, ClaimLost, DuologueError
from orchestrator.finding import Finding
from orchestrator.ports import Claim, Reasoner

__all__ = ["Serving"]

_log = logging.getLogger(__name__)

BROKEN: Final = "Something went wrong inside while I worked on that, so I have no answer. It was not your doing."
SILENT: Final = "I worked on that but came to no answer."


class Serving:
    """Serves one claim. `run` raises nothing but its own cancellation."""

    def __init__(
        self,
        claim: Claim,
        reasoner: Reasoner | None,
        workbench: Workbench,
        settings: WorkerSettings,
        group: TaskGroup,
        worked: Callable[[], object],
    ) -> None:
        """`worked` is called once, when the reasoner is done: what is left then is to tell the bus.

        `group` is where a task that takes its time has its company; it leaves none there.
        """
        self._group = group
        self._worked = worked
        self._claim = claim
        self._reasoner = reasoner
        self._settings = settings
        self._mailbox = Mailbox(claim.bundle.revision, Taint(there=claim.bundle.tainted))
        self._outbox = Outbox(claim, self._mailbox, settings)
        self._desk = TaskDesk(claim, workbench, self._mailbox, self._outbox, settings)
        self._whole = anyio.CancelScope()
        self._thinking = anyio.CancelScope(deadline=self._desk.deadline)
        self._company: _Company | None = None
        self._called_off: Cancellation | None = None
        self._settled = False

    def stop(self) -> None:
        """Stop and hand the task back."""
        self._whole.cancel()

    async def run(self) -> None:
        """Serve the claim to its end."""
        try:
            with self._whole:
                await self._serve()
        except Exception:
            _log.exception("%s: could not be served", self._claim.bundle.id)
        finally:
            if self._company is not None:
                await self._company.part()
            if not self._settled:
                with anyio.move_on_after(self._settings.hand_back_s, shield=True):
                    await self._leave()

    async def _serve(self) -> None:
        # A reasoner that never waits is done before anybody could tell it anything, or hear anything from it before
        # its end. Then all that it found goes out in one step, and nobody need be there meanwhile.
        try:
            await Watched(self._think(), self._accompany)
        finally:
            self._worked()
        if self._called_off is not None and not self._outbox.closed:
            await self._confirm(self._called_off.reason)
        elif self._company is None:
            await self._deliver()
        else:
            await self._company.parted.wait()

    def _accompany(self) -> None:
        self._company = _Company()
        self._group.start_soon(self._company.keep, self._follow, self._deliver)

    async def _follow(self) -> None:
        """Take in what the person says to the task."""
        pause = self._settings.retry_s
        while True:
            try:
                async for order in self._claim.orders():
                    match order:
                        case Amendment():
                            self._mailbox.put(order)
                        case Cancellation():
                            self._called_off = order
                            self._thinking.cancel()
            except BusUnavailable:
                await anyio.sleep(pause)
                pause = min(pause * 2, self._settings.longest_retry_s)
            except ClaimLost:
                return self._lose()
            except Exception:
                _log.exception("%s: what is said to this task no longer reaches it", self._claim.bundle.id)
                return None
            else:
                return self._lose()

    def _lose(self) -> None:
        """The orders of a claim that we have not ended have ended: it is not ours any more."""
        if not self._outbox.closed and self._called_off is None:
            self._end()

    def _end(self) -> None:
        """There is nothing more to say to the bus about this task."""
        self._settled = True
        self._whole.cancel()

    async def _deliver(self) -> None:
        try:
            await self._outbox.run()
        except ClaimLost:
            pass
        except Exception:
            _log.exception("%s: its answer cannot be sent", self._claim.bundle.id)
            return self.stop()
        self._settled = True

    async def _think(self) -> None:
        """Run the reasoner until it has answered. A terminal finding always stands in the outbox afterwards, unless
        the task was called off."""
        name = self._claim.bundle.id
        trouble = Finding.error(SILENT)
        with self._thinking:
            try:
                await self._reason()
            except ClaimLost:
                return self._end()  # as a tool was about to do what only the owner of the task may
            except DuologueError as error:
                _log.warning("%s: %s", name, error, exc_info=True)
                trouble = Finding.error(f"I could not finish that: {error.what}")
            except anyio.get_cancelled_exc_class():
                if anyio.current_effective_deadline() == float("-inf"):
                    raise
                _log.warning("%s: the reasoner cancelled itself", name, exc_info=True)
                trouble = Finding.error(BROKEN)
            except Exception:
                _log.exception("%s: the reasoner failed", name)
                trouble = Finding.error(BROKEN)
        if self._called_off is not None:
            return
        if self._thinking.cancelled_caught:
            trouble = Finding.error(self._too_late())
        self._outbox.finish(trouble)  # does nothing where the reasoner has answered

    async def _reason(self) -> None:
        bundle = self._claim.bundle
        if self._reasoner is None:
            self._outbox.finish(Finding.error(f"Nobody here does work of the kind {bundle.pool!r}."))
            return
        if self._claim.attempt > 1:
            # Else it would ask again what the person has answered, and begin what they have corrected.
            await anyio.sleep(self._settings.replay_s)
        stream = self._reasoner.run(bundle, self._desk)
        try:
            async for finding in stream:
                if finding.terminal:
                    self._outbox.finish(finding)
                    return
                await self._desk.publish(finding)
        finally:
            close = getattr(stream, "aclose", None)
            if close is not None:
                await close()

    def _too_late(self) -> str:
        question = self._mailbox.open_question
        if question:
            return f"I needed an answer to go on ({question}) and had none in time, so I stopped."
        return f"That took longer than the {self._claim.bundle.deadline_ms / 1000:g} seconds it may take, so I stopped."

    async def _confirm(self, reason: str) -> None:
        with suppress(ClaimLost):
            await insist(lambda: self._claim.confirm_cancelled(reason), self._settings)
        self._settled = True

    async def _leave(self) -> None:
        """Cut off: an answer that is ready is still sent, a call-off is confirmed, anything else is handed back."""
        try:
            if self._outbox.closed:
                await self._outbox.run()
            elif self._called_off is not None:
                await self._claim.confirm_cancelled(self._called_off.reason)
            else:
                await self._claim.hand_back()
        except ClaimLost:
            pass
        except Exception:
            _log.exception("%s: could not be handed back; its lease will run out", self._claim.bundle.id)


Step: TypeAlias = Coroutine[Any, Any, None]


class _Company:
    """What runs beside a reasoner that takes its time: one hears what is said to the task, one says what it finds."""

    def __init__(self) -> None:
        self.parted = anyio.Event()
        """Set when nothing runs beside it any more."""
        self._scope = anyio.CancelScope()

    async def keep(self, hear: Callable[[], Step], say: Callable[[], Step]) -> None:
        """Hear until all is said."""
        try:
            with self._scope:
                async with anyio.create_task_group() as group:
                    group.start_soon(hear)
                    await say()
                    group.cancel_scope.cancel()
        finally:
            self.parted.set()

    async def part(self) -> None:
        """Break it off, and wait until it has ended."""
        self._scope.cancel()
        with anyio.CancelScope(shield=True):
            await self.parted.wait()
