"""Conversations to measure with: a minute of talk, and a crowd of sessions on the real driver."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel

from interaction.clock import SystemClock
from interaction.loop import drive
from interaction.models.reflex import ReflexModel
from orchestrator.bus.memory import MemoryBus
from orchestrator.clock import Instant, from_ms
from orchestrator.config import SessionConfig
from orchestrator.effects import Emit, MicroTurn, StopSpeaking
from orchestrator.events import Event, ModelDelegated, ModelEvent, ModelRested, ModelSpoke, UserEvent, UserText
from orchestrator.finding import Finding
from orchestrator.ports import FrontBus, InteractionModel, Opening
from orchestrator.scenario import GivenDelegation, GivenModel, GivenStep, GivenTool, Scenario
from orchestrator.session import Session
from orchestrator.timing import default_policy

__all__ = ["KEY_MS", "crowd", "minute_of_events", "minute_of_scenario", "talkative", "typed"]

KEY_MS = 80
"""A quick typist: twelve keys a second."""
ANSWER = "Yes, that is so, and there would be a good deal more to say about it."
RESULT = "The next train leaves at 9:12, from platform four, and it is direct."
LINES = (
    (2_000, "when is the next train to Lyon?"),
    (12_000, "tell me something while I wait"),
    (18_000, "and what do you think of the weather?"),
    (21_500, "wait, that is not what I meant"),
    (31_000, "I would rather hear of the sea"),
    (40_000, "good, go on"),
    (48_000, "is there anything else?"),
    (55_000, "thank you very much"),
)
"""What the person types in a minute, and when they begin; the fourth line interrupts the answer to the third."""


def typed(at_ms: int, text: str) -> list[tuple[int, UserEvent]]:
    """A line typed key by key from `at_ms` on, and Enter."""
    keys: list[tuple[int, UserEvent]] = [(at_ms + KEY_MS * at, UserText(key)) for at, key in enumerate(text)]
    return [*keys, (at_ms + KEY_MS * len(text), UserText("", final=True))]


def minute_of_events() -> list[tuple[int, Event]]:
    """The minute for `play`, with the finding of the one delegation."""
    events: list[tuple[int, Event]] = [event for at_ms, text in LINES for event in typed(at_ms, text)]
    return [*events, (9_000, Finding(RESULT, delegation="s-1", seq=1))]


def talkative(turn: MicroTurn) -> Sequence[ModelEvent]:
    """The voice of the minute for `play`: hands over what is about trains, answers the rest, tells what it is given."""
    said: list[ModelEvent] = [ModelSpoke(offer.finding.text, (offer.finding.id,)) for offer in turn.offers]
    if any(piece.final for piece in turn.heard):
        said.append(ModelSpoke(ANSWER) if turn.at_ms > LINES[1][0] else ModelDelegated("the next train"))
    return (*said, ModelRested(turn.n))


def minute_of_scenario() -> Scenario:
    """The same minute for the real driver, bus, worker and tool."""
    events = [(from_ms(at_ms), event) for begun, text in LINES for at_ms, event in typed(begun, text)]
    return Scenario(
        tools=(GivenTool("trains", "Looks up a train.", (GivenStep(4_500, result=RESULT),)),),
        rules=(
            GivenModel("train", "On it.", GivenDelegation("trains", "the next train")),
            GivenModel(".", ANSWER),
        ),
        events=tuple(events),
    )


class _Person:
    """Does what is given, each event so long after the session began, and then stays and is silent."""

    def __init__(self, events: Sequence[tuple[int, UserEvent]], clock: SystemClock) -> None:
        self._events = events
        self._clock = clock

    async def events(self) -> AsyncIterator[UserEvent]:
        for at_ms, event in self._events:
            await self._clock.sleep_until(from_ms(at_ms))
            yield event
        await anyio.sleep_forever()

    async def emit(self, part: Emit) -> None:
        await anyio.lowlevel.checkpoint()

    async def stop(self, stop: StopSpeaking) -> None:
        await anyio.lowlevel.checkpoint()


@asynccontextmanager
async def crowd(
    size: int,
    *,
    events: Sequence[tuple[int, UserEvent]] = (),
    make: Callable[[SessionConfig, SystemClock], Session] | None = None,
    within_s: float = 0.2,
    model: InteractionModel | None = None,
) -> AsyncGenerator[None]:
    """Hold `size` sessions on the real driver, with the rule-based voice (or `model`) and one shared front end.

    They begin spread evenly over `within_s` seconds; the body runs when all have begun, and ends them all.
    """
    model = model or ReflexModel()
    begun = anyio.current_time()
    async with MemoryBus().front() as front, anyio.create_task_group() as sessions:
        for number in range(size):
            await anyio.sleep_until(begun + number * within_s / size)
            sessions.start_soon(_converse, f"s{number}", model, front, events, make or _session)
        yield
        sessions.cancel_scope.cancel()


def _session(config: SessionConfig, clock: SystemClock) -> Session:
    return Session(config, timing=default_policy(), started_at=Instant(0))


async def _converse(
    name: str,
    model: InteractionModel,
    front: FrontBus,
    events: Sequence[tuple[int, UserEvent]],
    make: Callable[[SessionConfig, SystemClock], Session],
) -> None:
    clock = SystemClock()
    session = make(SessionConfig(id=name), clock)
    await drive(session, model=model, opening=Opening(name), link=_Person(events, clock), bus=front, clock=clock)
