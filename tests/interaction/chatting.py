"""What the tests of the chat voice share: a conversation in virtual time, with a model that says what it is told to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import anyio

from background.models.scripted import ScriptedReasoner
from background.models.scripted import Step as WorkStep
from background.worker import Worker
from interaction.clock import SystemClock
from interaction.links.scripted import ScriptedLink
from interaction.loop import drive
from interaction.models.chat import ChatModel
from interaction.models.chat_settings import ChatSettings
from orchestrator.bus.memory import MemoryBus
from orchestrator.clock import from_ms
from orchestrator.completions.asking import FunctionCall, Request
from orchestrator.effects import Emit, StepModel
from orchestrator.events import ModelRested, UserEvent, UserText
from orchestrator.journal import Record, Recorder
from orchestrator.ports import Opening
from orchestrator.session import Session
from orchestrator.testing import ScriptedCompletions
from orchestrator.testing.scripted_completions import Step
from orchestrator.testing.virtual import run_virtual
from tests.orchestrator.driving import a_session, only

T = TypeVar("T")

NONCE = "a1b2c3d4e5"


def call(name: str, **arguments: Any) -> FunctionCall:
    """A function call as a model makes it."""
    return FunctionCall("call_1", name, arguments)


def typed(text: str, at_ms: int, *, every_ms: int = 50, enter: bool = True) -> list[tuple[int, UserEvent]]:
    """The person types `text`, and then Enter."""
    keys: list[tuple[int, UserEvent]] = [(at_ms + i * every_ms, UserText(key)) for i, key in enumerate(text)]
    return [*keys, (at_ms + len(text) * every_ms, UserText("", final=True))] if enter else keys


class Talk:
    """A conversation that was held."""

    def __init__(self, records: Sequence[Record], session: Session, model: ScriptedCompletions | None = None) -> None:
        self.records: list[Record] = list(records)
        self.model: ScriptedCompletions = model or ScriptedCompletions()
        self.session: Session = session

    @property
    def requests(self) -> list[Request]:
        """What the model was asked."""
        return self.model.requests

    def events(self, kind: type[T]) -> list[T]:
        """The events (or effects) of a kind, in order."""
        return [record.item for record in self.records if isinstance(record.item, kind)]

    def at(self, kind: type[T]) -> list[tuple[int, T]]:
        """The same with their milliseconds."""
        return only(kind, self.records)

    @property
    def said(self) -> str:
        """All that the person heard as speech, one utterance after the other."""
        words: dict[int, str] = {}
        for part in self.events(Emit):
            if part.style == "speech":
                words[part.utterance] = words.get(part.utterance, "") + part.text
        return " | ".join(text.strip() for text in words.values())

    def unrested(self) -> int:
        """The last micro-turn that the voice was given and has not rested; 0: none."""
        given = max((step.turn.n for step in self.events(StepModel)), default=0)
        rested = max((event.n for event in self.events(ModelRested)), default=0)
        return given if given > rested else 0


def hold(
    events: Sequence[tuple[int, UserEvent]],
    *scripts: Sequence[Step],
    answers: Sequence[Sequence[WorkStep]] = (),
    settings: ChatSettings | None = None,
    model: ScriptedCompletions | None = None,
    session: Session | None = None,
) -> Talk:
    """Hold a conversation in virtual time. The model plays `scripts`, the background `answers`."""
    session = session or a_session(pace=60)
    completions = model or ScriptedCompletions(*scripts)
    voice = ChatModel("scripted", endpoint=completions, settings=settings, nonce=lambda: NONCE)
    recorder = Recorder()

    async def main() -> None:
        clock = SystemClock()
        bus = MemoryBus()
        link = ScriptedLink([(from_ms(at), event) for at, event in events], clock)
        async with bus.front() as side, bus.worker() as work, anyio.create_task_group() as group:
            group.start_soon(Worker(work, ScriptedReasoner(*answers)).run)
            await drive(session, model=voice, opening=Opening("s"), link=link, bus=side, clock=clock, journal=recorder)
            group.cancel_scope.cancel()

    run_virtual(main)
    return Talk(recorder.records, session, completions)


def last_words(request: Request) -> str:
    """What the last message of a request says."""
    message: Mapping[str, Any] = request.messages[-1]
    return str(message["content"])
