"""A voice that does exactly what a person of a chaos run says, and tells findings in their own words."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Final

from interaction.models.reflex_stream import BrainStream
from interaction.models.reflex_work import asker
from orchestrator.effects import Heard, MicroTurn
from orchestrator.events import (
    ModelAmended,
    ModelCancelled,
    ModelDelegated,
    ModelEvent,
    ModelRested,
    ModelSpoke,
)
from orchestrator.ports import InteractionStream, Opening, VoiceTraits
from tests.chaos.errands import errand

__all__ = ["PlainVoice"]

_REPEATED: Final = 80
"""Characters of what the person said that are said again."""


class PlainVoice:
    """An `InteractionModel` without a mind of its own."""

    @property
    def traits(self) -> VoiceTraits:
        """Hears and speaks text."""
        return VoiceTraits(name="plain", about="Does what it is told; for chaos runs.")

    def open(self, opening: Opening) -> AbstractAsyncContextManager[InteractionStream]:
        """Begin a conversation, or go on with one."""
        return BrainStream(_Brain())


class _Brain:
    def __init__(self) -> None:
        self._line = ""
        self._answered: set[str] = set()

    def turn(self, turn: MicroTurn) -> tuple[ModelEvent, ...]:
        """What is done about one micro-turn."""
        events: list[ModelEvent] = []
        said: list[str] = []
        for words in self._lines(turn.heard):
            events.extend(self._obey(words, turn, said))
        if said:
            events.append(ModelSpoke(" ".join(said)))
        if turn.offers:
            # What was cut is begun anew: that it is told to the end once is what counts here.
            text = " ".join(offer.finding.text for offer in turn.offers)
            events.append(ModelSpoke(text, tuple(offer.finding.id for offer in turn.offers)))
        return (*events, ModelRested(turn.n))

    def _lines(self, pieces: tuple[Heard, ...]) -> list[str]:
        found: list[str] = []
        for piece in pieces:
            if piece.activity is not None:
                continue
            if piece.op == "delete":
                self._line = self._line[: len(self._line) - len(piece.text)]
            else:
                self._line += piece.text
            if piece.final:
                found.append(self._line)
                self._line = ""
        return found

    def _obey(self, line: str, turn: MicroTurn, said: list[str]) -> list[ModelEvent]:
        match line.split():
            case ["please", *_]:
                return [ModelDelegated(line, urgency="high" if line.endswith("now") else "normal")]
            case ["rather", tag, word]:
                return [ModelAmended(known, word) for known in _tasks(turn, tag)]
            case ["stop", tag]:
                return [ModelCancelled(known) for known in _tasks(turn, tag)]
            case ["instead", tag, *_]:
                return [ModelDelegated(line, supersedes=known) for known in _tasks(turn, tag)]
            case _:
                if turn.expecting and turn.expecting not in self._answered:
                    self._answered.add(turn.expecting)
                    return [ModelAmended(asker(turn, turn.expecting), line, answers=turn.expecting)]
                if line.strip():
                    said.append(f"You told me this: {line.strip()[:_REPEATED]}.")
                return []


def _tasks(turn: MicroTurn, tag: str) -> list[str]:
    """The newest delegation that this tag stands for."""
    return [work.delegation for work in turn.work if errand(work.task).tag == tag][-1:]
