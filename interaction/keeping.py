"""Keeps a session while it goes on, so that another process can go on with it when this one is killed.

What is worth keeping is saved at once, the newest state each time, as soon as the save before is done; nothing waits
for it but the errands: a task is handed over only when the session that knows of it is kept, so that no work is done
for nobody, or twice. Keystrokes and silent micro-turns are saved a little later, with others.

What is not covered: words that went out in the moment before the process was killed, and whose save had not arrived
(a millisecond or two; all the time while Redis is away). These are said again. A client that lives on can say which
parts it has played (`UserHeard`), where `hearing` is "reported".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import anyio
import anyio.lowlevel
from anyio.abc import ObjectSendStream

from interaction.errands import Errand
from interaction.outbox import Outbox
from orchestrator.clock import Clock
from orchestrator.effects import Amend, Cancel, Close, Delegate, Effect, Emit, LedgerChanged, StopSpeaking
from orchestrator.errors import BusUnavailable, SessionLost
from orchestrator.events import (
    BusDown,
    BusUp,
    DelegationUpdate,
    Event,
    ModelScheduled,
    ModelUnscheduled,
    UserAudio,
    UserHeard,
    UserText,
)
from orchestrator.finding import Finding
from orchestrator.journal import worth_writing
from orchestrator.ports import OwnedSession
from orchestrator.session import Session

__all__ = ["Keeper", "Sent"]

Sent: TypeAlias = Delegate | Amend | Cancel
"""An effect whose carrying out is an errand."""

_LATER_S: Final = 0.3
"""How long what is not pressing may wait for something to be saved with."""
_WRITTEN_S: Final = 0.3
"""How long a save waits for a link that is slow to take the words."""
_FIRST_PAUSE_S: Final = 0.05
_LONGEST_PAUSE_S: Final = 0.5
_LAST_S: Final = 2.0
"""How long the last save may take when the session is over."""


class Keeper:
    """Saves one session. Without an owned session, or where it ends with the process, it has nothing to do until the
    end."""

    def __init__(
        self, session: Session, clock: Clock, owned: OwnedSession | None, speech: Outbox[Emit | StopSpeaking]
    ) -> None:
        self.lost: SessionLost | None = None
        """Set when the session is another's, and must not go on here."""
        self._session = session
        self._clock = clock
        self._owned = owned
        self._speech = speech
        self._eager = owned is not None and owned.keep_ms > 0
        self._pending: list[tuple[Errand, Sent]] = []
        self._marks = 0
        self._saved = 0
        self._pressing = anyio.Event()
        self._marked = anyio.Event()
        self._done = anyio.Event()

    @property
    def keep_ms(self) -> int:
        """How long the answers to this session must be kept for it."""
        return 0 if self._owned is None else self._owned.keep_ms

    def mark(self, event: Event, effects: Sequence[Effect]) -> None:
        """Something has happened to the session."""
        if self._eager and worth_writing(event, len(effects)):
            self._mark(pressing=_is_pressing(event, effects))

    def sent(self, effect: Sent, errand: Errand) -> None:
        """`errand` is on its way to the background."""
        self._pending.append((errand, effect))

    def done(self, errand: Errand) -> None:
        """It has been carried out, or need not be any more."""
        self._pending = [pair for pair in self._pending if pair[0] is not errand]
        if self._eager:
            self._mark(pressing=bool(self._pending))

    async def settled(self) -> None:
        """Return when all that has happened so far is kept."""
        wanted = self._marks
        while self._eager and self._saved < wanted:
            self._pressing.set()
            await self._done.wait()
        await anyio.lowlevel.checkpoint()

    async def run(self, over: anyio.CancelScope, inbox: ObjectSendStream[Event]) -> None:
        """Save what there is to save, until cancelled. Cancels `over` when the session is lost.

        That nothing can be saved is told as an outage: work waits for it, and what is asked for is not even tried.
        """
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._watch)
                while self._eager:
                    await self._wait_for_a_reason()
                    # First the words, then the record of them: said twice is better than never.
                    with anyio.move_on_after(_WRITTEN_S):
                        await self._speech.emptied()
                    await self._insist(inbox)
        except* SessionLost as group:
            self.lost = next(error for error in group.exceptions if isinstance(error, SessionLost))
            over.cancel()

    async def finish(self) -> None:
        """The session is over, or cut off: save it a last time, but do not wait long."""
        if self._owned is None or (self._eager and self.lost is not None):
            return
        with anyio.move_on_after(_LAST_S, shield=True):
            try:
                await self._insist()
            except SessionLost as lost:
                self.lost = lost

    async def _watch(self) -> None:
        while self._owned is not None:
            await self._owned.watch()
            self._mark(pressing=True)

    async def _wait_for_a_reason(self) -> None:
        while self._saved == self._marks:
            self._marked = anyio.Event()
            await self._marked.wait()
        with anyio.move_on_after(_LATER_S):
            await self._pressing.wait()
        self._pressing = anyio.Event()

    async def _insist(self, inbox: ObjectSendStream[Event] | None = None) -> None:
        pause_s = _FIRST_PAUSE_S
        told = False
        while trouble := await self._save():
            if inbox is not None and not told:
                told = True
                await inbox.send(BusDown(trouble, "store"))
            await anyio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        if inbox is not None and told:
            await inbox.send(BusUp("store"))

    async def _save(self) -> str:
        """Save it once. Returns why it could not be done; empty when it was."""
        owned = self._owned
        assert owned is not None
        try:
            while True:
                # Taken anew each time: what is saved is how things stand now.
                marks, errands = self._marks, tuple(effect for _, effect in self._pending)
                snapshot = self._session.snapshot(now=self._clock.now(), since=owned.revision, errands=errands)
                if await owned.save(snapshot):
                    break
        except BusUnavailable as trouble:
            return trouble.why or trouble.what
        self._saved = marks
        done, self._done = self._done, anyio.Event()
        done.set()
        return ""

    def _mark(self, *, pressing: bool) -> None:
        self._marks += 1
        self._marked.set()
        if pressing:
            self._pressing.set()


def _is_pressing(event: Event, effects: Sequence[Effect]) -> bool:
    match event:
        case UserText(final=True) | UserAudio(final=True) | UserHeard():
            return True
        case Finding() | DelegationUpdate() | ModelScheduled() | ModelUnscheduled():
            return True
        case _:
            told = Emit | StopSpeaking | Delegate | Amend | Cancel | LedgerChanged | Close
            return any(isinstance(effect, told) for effect in effects)
