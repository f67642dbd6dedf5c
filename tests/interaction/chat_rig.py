"""What the tables of the chat voice's brain are made with: a brain, and a session of as many words as it needs."""

from __future__ import annotations

from typing import Any

import msgspec

from interaction.models.chat_actions import (
    Action,
    Ask,
    Came,
    ClearTimer,
    Close,
    Happening,
    SetTimer,
    Tell,
    Turned,
)
from interaction.models.chat_asking import Asking
from interaction.models.chat_brain import ChatBrain
from interaction.models.chat_settings import ChatSettings
from orchestrator.completions.asking import Completion, Done, Piece, Request, Text
from orchestrator.completions.profile import Profile
from orchestrator.completions.troubles import Cause, ModelTrouble
from orchestrator.context import Entry, Said
from orchestrator.effects import Heard, MicroTurn, Offer, Work
from orchestrator.events import ModelEvent
from orchestrator.finding import Finding
from orchestrator.ports import Opening
from tests.interaction.chatting import NONCE

DONE = Done(Completion())
ENTER = Heard("", final=True)
RUNNING = (Work("s-1", "the train", "running"),)


class Rig:
    """A brain, and a session of as many words as it needs."""

    def __init__(self, settings: ChatSettings | None = None, **opening: Any) -> None:
        settings = settings or ChatSettings()
        asking = Asking(Opening("s", **opening), model="m", profile=Profile(), nonce=NONCE, settings=settings)
        self.brain: ChatBrain = ChatBrain(asking, settings=settings)
        self.at_ms: int = 0
        self.n: int = 0
        self.revision: int = 0
        self.requests: dict[int, Request] = {}

    def take(self, happening: Happening, at_ms: int | None = None) -> tuple[Action, ...]:
        """What the brain does; requests are kept and shown by their number alone."""
        self.at_ms = self.at_ms + 10 if at_ms is None else at_ms
        actions = self.brain.take(happening, self.at_ms)
        for action in actions:
            if isinstance(action, Ask):
                self.requests[action.number] = action.request
        return actions

    def turn(self, *heard: Heard, entries: tuple[Entry, ...] = (), **fields: Any) -> tuple[Action, ...]:
        """One micro-turn, 200 ms after the last one."""
        self.at_ms += 200
        self.n += 1
        stamped: list[Entry] = []
        for entry in entries:
            self.revision += 1
            stamped.append(msgspec.structs.replace(entry, revision=self.revision))
        values: dict[str, Any] = {"quiet_ms": 0 if heard else 200, **fields}
        turn = MicroTurn(self.n, self.at_ms, self.revision, heard=heard, entries=tuple(stamped), **values)
        return self.take(Turned(turn), self.at_ms)

    def line(self, text: str, **fields: Any) -> tuple[Action, ...]:
        """The person says a whole line at once."""
        fields.setdefault("entries", (Said(text=text),))
        return self.turn(Heard(text), ENTER, **fields)

    def came(self, number: int, *pieces: Piece | str) -> list[ModelEvent]:
        """Pieces of an answer, and what the session is told because of them."""
        told: list[ModelEvent] = []
        for piece in pieces:
            told += events(self.take(Came(number, Text(piece) if isinstance(piece, str) else piece)))
        return told


def events(actions: tuple[Action, ...]) -> list[ModelEvent]:
    return [action.event for action in actions if isinstance(action, Tell)]


def requests(actions: tuple[Action, ...]) -> list[int]:
    return [action.number for action in actions if isinstance(action, Ask)]


def closed(actions: tuple[Action, ...]) -> list[int]:
    return [action.number for action in actions if isinstance(action, Close)]


def timers(actions: tuple[Action, ...]) -> dict[str, int | None]:
    return {
        action.timer: action.at_ms if isinstance(action, SetTimer) else None
        for action in actions
        if isinstance(action, SetTimer | ClearTimer)
    }


def an_offer(text: str = "At 9:12.", seq: int = 1, **fields: Any) -> Offer:
    return Offer(Finding(text, delegation="s-1", seq=seq), "the train", **fields)


def trouble(cause: Cause, retry_after_s: float | None = None) -> ModelTrouble:
    return ModelTrouble(cause, "no", retry_after_s=retry_after_s)
