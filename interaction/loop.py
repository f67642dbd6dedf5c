"""The driver: one `while` around one inbox, with a timeout at the session's deadline.

Everything that happens comes in through the inbox, in one order; the session answers with effects; effects go to
outboxes, each with a writer of its own, so that a slow socket, voice or Redis cannot hold a micro-turn. A child that
fails becomes an event.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import assert_never

import anyio
import msgspec
from anyio.abc import ObjectReceiveStream, ObjectSendStream

from interaction.closing import closing
from interaction.errands import Errand, run_errands
from interaction.keeping import Keeper, Sent
from interaction.outbox import Outbox
from interaction.voice import run_voice
from orchestrator.bundle import Cancellation
from orchestrator.clock import SECOND, Clock, Instant, to_millisecond
from orchestrator.decisions import Drop, Hold, Splice
from orchestrator.effects import (
    Amend,
    Cancel,
    Close,
    Delegate,
    Effect,
    Emit,
    LedgerChanged,
    MicroTurn,
    StepModel,
    StopSpeaking,
)
from orchestrator.errors import DuologueError
from orchestrator.events import BusDown, Event, SinkStalled, TickDue, UserEvent, UserFinished, UserLeft
from orchestrator.journal import worth_writing
from orchestrator.ports import Equipped, FrontBus, InteractionModel, Journal, Link, Opening, OwnedSession, ToolInfo
from orchestrator.session import Session

__all__ = ["drive"]

_INBOX = 1_024
_FAREWELL_S = 2.0
"""How long the last words may take to reach a slow link when the session is over."""


async def drive(
    session: Session,
    *,
    model: InteractionModel,
    opening: Opening,
    link: Link,
    bus: FrontBus,
    clock: Clock,
    journal: Journal | None = None,
    owned: OwnedSession | None = None,
    tools: AsyncIterator[Equipped] | None = None,
) -> None:
    """Run `session` until it closes.

    When `link.events()` ends by itself, the person has no more to say (`UserFinished`): what is still worked on, owed
    or being said is finished first. A `UserLeft` ends the session at once. With `owned` it is saved as it goes. `tools`
    tells when the background has come to have others.

    Raises `SessionLost` when another process has taken the session over; nothing is said here any more.
    """
    speech: Outbox[Emit | StopSpeaking] = Outbox()
    keeper = Keeper(session, clock, owned, speech)
    shell = _Shell(session, clock, journal, keeper, speech)
    shell.take_up(() if owned is None or owned.kept is None else owned.kept.errands)
    try:
        await _drive(shell, model, opening, link, bus, tools)
    finally:
        await keeper.finish()
    if keeper.lost is not None:
        with anyio.move_on_after(_FAREWELL_S):
            await link.stop(StopSpeaking("the conversation goes on elsewhere"))
        raise keeper.lost


async def _drive(
    shell: _Shell,
    model: InteractionModel,
    opening: Opening,
    link: Link,
    bus: FrontBus,
    tools: AsyncIterator[Equipped] | None,
) -> None:
    inbox, arrivals = anyio.create_memory_object_stream[Event](_INBOX)
    async with anyio.create_task_group() as children, inbox, arrivals:
        # Subscribed before anything is submitted, so that no finding can come before its reader.
        updates = bus.updates(shell.session.config.id)
        children.start_soon(_listen, updates, inbox, None, _bus_failed)
        children.start_soon(run_errands, bus, shell.errands, inbox, shell.keeper)
        children.start_soon(shell.keeper.run, children.cancel_scope, inbox)
        children.start_soon(run_voice, model, shell.opening(opening), shell.turns, inbox)
        if tools is not None:
            children.start_soon(shell.equip, tools, inbox)
        async with anyio.create_task_group() as writers:
            writers.start_soon(_write, link, shell.speech, inbox)
            children.start_soon(_listen, link.events(), inbox, UserFinished(), _link_failed)
            await shell.run(arrivals)
            shell.speech.close()
            writers.cancel_scope.deadline = anyio.current_time() + _FAREWELL_S
        children.cancel_scope.cancel()


class _Shell:
    """Carries the session's effects out."""

    def __init__(
        self,
        session: Session,
        clock: Clock,
        journal: Journal | None,
        keeper: Keeper,
        speech: Outbox[Emit | StopSpeaking],
    ) -> None:
        self.session = session
        self.keeper = keeper
        self.clock = clock
        self.journal = journal
        self.speech = speech
        self.turns: Outbox[MicroTurn] = Outbox(high=256)
        self.told = len(session.entries())
        """The revision of the conversation that the voice has been told up to."""
        self.errands: Outbox[Errand] = Outbox(high=1_024)
        self._tools: tuple[ToolInfo, ...] | None = None
        """What the background can do by now, where that is not what the opening says."""
        self._untold = False

    async def equip(self, tools: AsyncIterator[Equipped], inbox: ObjectSendStream[Event]) -> None:
        """Take in what the background can do from now on."""
        async with closing(tools) as each:
            async for equipped in each:
                self._tools, self._untold = equipped.tools, True
                await inbox.send(equipped.event)

    def opening(self, opening: Opening) -> Callable[[], Opening]:
        """What a voice that is opened (again) is told: the conversation as it stands then."""

        def now() -> Opening:
            tools = opening.tools if self._tools is None else self._tools
            return msgspec.structs.replace(opening, tools=tools, context=self.session.entries())

        return now

    def take_up(self, errands: Sequence[Sent]) -> None:
        """Go on with what was open: every task is asked for again, and what had not been sent is."""
        unsent = {errand.id: errand for errand in errands if isinstance(errand, Delegate)}
        now = to_millisecond(self.clock.now())
        for task in self.session.open_delegations():
            if self.journal is not None:
                # Whoever follows the journal learns from it what is being worked on.
                self.journal.record(now, self.session.n, task)
            self._send(unsent.get(task.id, task))
        for errand in errands:
            # A task that is not open any more was called off, and needs nobody.
            if not isinstance(errand, Delegate):
                self._send(errand)

    async def run(self, arrivals: ObjectReceiveStream[Event]) -> None:
        while (deadline := self.session.deadline) is not None:
            self._take(await self._next(arrivals, deadline))

    async def _next(self, arrivals: ObjectReceiveStream[Event], deadline: Instant) -> Event:
        left = deadline - self.clock.now()
        if left > 0:
            with anyio.move_on_after(left / SECOND):
                return await arrivals.receive()
        return TickDue()

    def _take(self, event: Event) -> None:
        now = to_millisecond(self.clock.now())
        due = self.session.deadline
        effects = self.session.receive(event, now=now)
        self.keeper.mark(event, effects)
        if self.journal is not None:
            n = self.session.n
            if worth_writing(event, len(effects), late=due is not None and due < now):
                self.journal.record(now, n, event)
            for effect in effects:
                self.journal.record(now, n, effect)
        for effect in effects:
            self._carry_out(effect)

    def _carry_out(self, effect: Effect) -> None:
        stalled: SinkStalled | None = None
        match effect:
            case StepModel():
                if self.turns.put(self._told(effect.turn)):
                    stalled = SinkStalled("model")
            case Emit() | StopSpeaking():
                if self.speech.put(effect):
                    stalled = SinkStalled("link")
            case Delegate() | Amend() | Cancel():
                self._send(effect)
            case Close() | Splice() | Hold() | Drop() | LedgerChanged():
                pass
            case _:
                assert_never(effect)
        if stalled is not None:
            self._take(stalled)

    def _told(self, turn: MicroTurn) -> MicroTurn:
        if self._untold:
            turn, self._untold = msgspec.structs.replace(turn, tools=self._tools), False
        if turn.revision == self.told:
            return turn
        since, self.told = self.told, turn.revision
        return msgspec.structs.replace(turn, entries=self.session.entries(since, turn.revision))

    def _send(self, effect: Sent) -> None:
        match effect:
            case Delegate():
                bundle = self.session.bundle(effect)
                keep_ms = self.keeper.keep_ms
                errand: Errand = msgspec.structs.replace(bundle, keep_ms=keep_ms) if keep_ms else bundle
            case Amend():
                errand = self.session.amendment(effect)
            case Cancel():
                errand = Cancellation(effect.delegation, effect.reason)
            case _:
                assert_never(effect)
        self.keeper.sent(effect, errand)
        self.errands.put(errand)


async def _listen(
    events: AsyncIterator[Event] | AsyncIterator[UserEvent],
    inbox: ObjectSendStream[Event],
    last: Event | None,
    failed: Callable[[str], Event],
) -> None:
    try:
        async with closing(events) as each:
            async for event in each:
                await inbox.send(event)
    # What the outside world does to a link is an event. Anything else is a bug in it, and comes out as such.
    except (DuologueError, OSError, ValueError) as error:
        await inbox.send(failed(str(error) or type(error).__name__))
    if last is not None:
        await inbox.send(last)


def _bus_failed(reason: str) -> Event:
    return BusDown(reason)


def _link_failed(reason: str) -> Event:
    return UserLeft(f"the link failed: {reason}")


async def _write(link: Link, parts: Outbox[Emit | StopSpeaking], inbox: ObjectSendStream[Event]) -> None:
    try:
        while (got := await parts.get()) is not None:
            part, news = got
            match part:
                case Emit():
                    await link.emit(part)
                case StopSpeaking():
                    await link.stop(part)
            if news:
                await inbox.send(SinkStalled("link", over=True))
    except (DuologueError, OSError) as error:
        await inbox.send(UserLeft(f"the link failed: {error}"))
