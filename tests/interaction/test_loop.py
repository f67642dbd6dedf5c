"""The driver in virtual time: the real loop, outboxes and bus; nothing waits for a real clock."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import anyio

from background.models.scripted import ScriptedReasoner
from background.worker import Worker
from interaction.clock import SystemClock
from interaction.links.scripted import ScriptedLink
from interaction.loop import drive
from orchestrator.bundle import Bundle
from orchestrator.bus.memory import MemoryBus
from orchestrator.clock import SECOND, Instant, from_ms
from orchestrator.context import what_was_said
from orchestrator.effects import Close, Emit, MicroTurn, StepModel, StopSpeaking
from orchestrator.errors import BusBusy, BusUnavailable
from orchestrator.events import (
    BusDown,
    BusEvent,
    BusUp,
    Event,
    ModelDelegated,
    ModelEvent,
    ModelFailed,
    ModelRested,
    ModelSpoke,
    SinkStalled,
    TickDue,
    UserEvent,
    UserLeft,
    UserText,
)
from orchestrator.finding import Finding
from orchestrator.journal import Record, Recorder
from orchestrator.ports import FrontBus, InteractionModel, InteractionStream, Link, Opening, Order, VoiceTraits
from orchestrator.session import Session
from orchestrator.testing.playing import Voice, plain_voice
from orchestrator.testing.virtual import run_virtual
from tests.orchestrator.driving import a_session, only, said, states


class _Stream:
    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self.spoken, self.heard = anyio.create_memory_object_stream[ModelEvent](100)

    async def send(self, turn: MicroTurn) -> None:
        for event in self._voice(turn):
            await self.spoken.send(event)

    async def events(self) -> AsyncIterator[ModelEvent]:
        async for event in self.heard:
            yield event


class FunctionVoice:
    """A pure voice as an `InteractionModel`. Fails when it is opened, as often as it is told."""

    traits = VoiceTraits("function")

    def __init__(self, voice: Voice, *, failures: int = 0) -> None:
        self._voice = voice
        self._failures = failures
        self.openings: list[Opening] = []

    @asynccontextmanager
    async def open(self, opening: Opening) -> AsyncGenerator[InteractionStream]:
        self.openings.append(opening)
        if len(self.openings) <= self._failures:
            raise RuntimeError("no such model\nand a long story")
        stream = _Stream(self._voice)
        with stream.spoken, stream.heard:
            yield stream


def delegating(turn: MicroTurn) -> Sequence[ModelEvent]:
    """Delegates every line, and tells what it is offered."""
    asks = [piece.text for piece in turn.heard if piece.final and piece.text]
    return [*(ModelDelegated(task) for task in asks), *plain_voice(turn)]


def talk(
    events: Sequence[tuple[int, UserEvent]],
    *,
    voice: InteractionModel | None = None,
    link: Callable[[SystemClock], Link] | None = None,
    front: Callable[[FrontBus], FrontBus] = lambda bus: bus,
    answer: Sequence[Finding] = (Finding.final("The answer."),),
    session: Session | None = None,
) -> tuple[list[Record], Session]:
    """Hold a conversation and return its journal. Every task gets `answer`."""
    session = session or a_session()
    recorder = Recorder()

    async def main() -> None:
        clock = SystemClock()
        bus = MemoryBus()
        scripted = ScriptedLink([(from_ms(at), event) for at, event in events], clock)
        async with bus.front() as side, bus.worker() as work, anyio.create_task_group() as group:
            group.start_soon(Worker(work, ScriptedReasoner(*[answer] * 5)).run)
            await drive(
                session,
                model=voice or FunctionVoice(delegating),
                opening=Opening("s"),
                link=link(clock) if link is not None else scripted,
                bus=front(side),
                clock=clock,
                journal=recorder,
            )
            group.cancel_scope.cancel()

    run_virtual(main)
    return list(recorder.records), session


def test_a_whole_conversation() -> None:
    records, _ = talk([(1_000, UserText("look it up", final=True))])
    assert said(records) == "The answer."
    assert isinstance(records[-1].item, Close)


def test_when_the_input_ends_what_is_owed_is_heard_first() -> None:
    records, session = talk([(0, UserText("look it up", final=True))])
    assert states(records, "s-1.1")[-1] == "heard"
    assert only(Close, records)[0][1].reason == "the person had no more to say"
    assert session.deadline is None


def test_who_leaves_is_gone_at_once() -> None:
    records, _ = talk([(1_000, UserText("look it up", final=True)), (1_001, UserLeft("bye"))], answer=())
    assert only(Close, records) == [(1_001, Close("bye"))]


def test_the_grid_is_kept_and_whole_milliseconds_are_handed_in() -> None:
    records, session = talk([(12_345, UserText("x")), (13_000, UserLeft())])
    assert all(record.at % from_ms(1) == 0 for record in records)
    assert session.missed == 0
    assert session.n >= 13_000 // 200


def test_a_voice_that_cannot_be_opened_is_opened_again_and_told_the_conversation() -> None:
    voice = FunctionVoice(delegating, failures=3)
    records, _ = talk([(0, UserText("look it up", final=True)), (20_000, UserLeft())], voice=voice)
    failures = [event for _, event in only(ModelFailed, records)]
    assert [event.reason for event in failures] == ["RuntimeError: no such model"] * 3
    assert len(voice.openings) == 4
    assert "look it up" in what_was_said(voice.openings[-1].context)
    # What was said while it was away is not lost.
    assert "The answer." in said(records)


def test_a_voice_that_breaks_in_the_middle_loses_nothing_of_what_was_said() -> None:
    broke: list[int] = []

    def voice(turn: MicroTurn) -> Sequence[ModelEvent]:
        if not broke:
            broke.append(turn.n)
            raise ConnectionError("gone")
        return delegating(turn)

    records, _ = talk([(0, UserText("look it up", final=True)), (20_000, UserLeft())], voice=FunctionVoice(voice))
    assert said(records).endswith("The answer.")


class Away:
    """A front bus that cannot be reached for a while."""

    def __init__(self, bus: FrontBus, *, until_s: float, busy: bool = False) -> None:
        self._bus = bus
        self._until_s = until_s
        self._busy = busy
        self.submitted: list[str] = []

    async def submit(self, bundle: Bundle) -> None:
        if self._busy:
            raise BusBusy("full", length=1_000, oldest_ms=61_000)
        if anyio.current_time() < self._until_s:
            raise BusUnavailable("away")
        self.submitted.append(bundle.id)
        await self._bus.submit(bundle)

    async def order(self, order: Order) -> None:
        if anyio.current_time() < self._until_s:
            raise BusUnavailable("away")
        await self._bus.order(order)

    async def updates(self, session: str) -> AsyncIterator[BusEvent]:
        updates = self._bus.updates(session)
        if self._until_s:
            yield BusDown("connection refused")
            await anyio.sleep(self._until_s)
            yield BusUp()
        async for update in updates:
            yield update


def test_while_the_bus_is_away_the_person_is_told_and_the_work_waits() -> None:
    records, _ = talk([(0, UserText("look it up", final=True))], front=lambda bus: Away(bus, until_s=30))
    words = said(records)
    assert "can't reach the background" in words
    assert words.endswith("The answer.")
    assert next(at for at, part in only(Emit, records) if part.text == "The answer.") < 33_000


def test_a_task_that_is_called_off_before_it_could_be_handed_over_is_never_handed_over() -> None:
    from orchestrator.events import ModelCancelled

    away: list[Away] = []

    def front(bus: FrontBus) -> FrontBus:
        away.append(Away(bus, until_s=10))
        return away[0]

    def voice(turn: MicroTurn) -> Sequence[ModelEvent]:
        if any("never mind" in piece.text for piece in turn.heard):
            return [ModelCancelled("s-1"), ModelRested(turn.n)]
        return delegating(turn)

    events: list[tuple[int, UserEvent]] = [
        (0, UserText("look it up", final=True)),
        (2_000, UserText("never mind", final=True)),
        (15_000, UserLeft()),
    ]
    talk(events, voice=FunctionVoice(voice), front=front)
    assert away[0].submitted == []


def test_a_full_queue_is_an_answer_with_its_length_and_age() -> None:
    records, _ = talk([(0, UserText("look it up", final=True))], front=lambda bus: Away(bus, until_s=0, busy=True))
    assert "1000 tasks wait, the oldest for 61 seconds" in said(records)
    assert states(records, "s-1") == ["offered", "failed"]


class SlowLink:
    """A person whose screen takes ten seconds for each piece."""

    def __init__(self, clock: SystemClock) -> None:
        self._clock = clock
        self.shown = ""

    async def events(self) -> AsyncIterator[UserEvent]:
        yield UserText("talk", final=True)
        await self._clock.sleep_until(Instant(3_000 * SECOND))

    async def emit(self, part: Emit) -> None:
        await anyio.sleep(10)
        self.shown += part.text

    async def stop(self, stop: StopSpeaking) -> None:
        self.shown += "--"


def test_a_slow_screen_stops_the_speech_and_not_the_session() -> None:
    story = "word " * 400

    def voice(turn: MicroTurn) -> Sequence[ModelEvent]:
        return [*([ModelSpoke(story)] if turn.heard else []), ModelRested(turn.n)]

    shown: list[SlowLink] = []

    def link(clock: SystemClock) -> Link:
        shown.append(SlowLink(clock))
        return shown[0]

    records, session = talk([], voice=FunctionVoice(voice), link=link, session=a_session(pace=60))
    stalls = [event.over for _, event in only(SinkStalled, records)]
    assert stalls[:2] == [False, True]
    assert shown[0].shown.strip() == story.strip()
    assert session.missed == 0


def test_a_link_that_breaks_ends_the_session_in_order() -> None:
    class Broken(SlowLink):
        async def emit(self, part: Emit) -> None:
            raise BrokenPipeError("nobody reads")

    records, _ = talk([], link=Broken)
    assert "the link failed" in only(Close, records)[0][1].reason


def test_two_runs_are_the_same() -> None:
    events: list[tuple[int, UserEvent]] = [(100, UserText("look it up", final=True)), (900, UserText("hm"))]
    assert talk(events)[0] == talk(events)[0]


def test_every_event_of_a_recording_can_be_fed_again() -> None:
    """The journal of a real loop replays to the same effects in a bare session."""
    records, _ = talk([(100, UserText("look it up", final=True)), (900, UserText("and?", final=True))])
    session = a_session()
    again: list[Record] = []
    inputs = [record for record in records if isinstance(record.item, Event)]
    for record in inputs:
        while (deadline := session.deadline) is not None and deadline < record.at:
            _take(session, TickDue(), deadline, again)
        _take(session, record.item, record.at, again)  # type: ignore[arg-type]
    assert [record.item for record in again if isinstance(record.item, StepModel | Emit)] == [
        record.item for record in records if isinstance(record.item, StepModel | Emit)
    ]


def _take(session: Session, event: Event, now: Instant, records: list[Record]) -> None:
    records.extend(Record(now, session.n, effect) for effect in session.receive(event, now=now))
