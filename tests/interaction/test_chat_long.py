"""Long conversations of chance: what holds of every prompt, and of what becomes of what was found."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any, Final

import anyio
import pytest

from background.models.scripted import Step as WorkStep
from interaction.models.chat_settings import ChatSettings
from orchestrator.completions.asking import CallDone, Completion, Done, FunctionCall, Piece, Request, Text
from orchestrator.completions.troubles import Cause, ModelTrouble
from orchestrator.effects import Emit, LedgerChanged
from orchestrator.events import UserActivity, UserEvent, UserLeft, UserText
from orchestrator.finding import Finding
from orchestrator.testing import ScriptedCompletions
from tests.interaction.chatting import Talk, hold

LINES: Final = ("Hello there", "When is the train to Lyon?", "ok", "Stop.", "No, the bus", "mm-hm", "and", "Thanks.")
WORDS: Final = ("Well, ", "that goes on and on, ", "I think so. ", "number {0} is fine, ", "there are {0} of them. ")
CAUSES: Final[tuple[Cause, ...]] = ("network", "cut off", "key", "rate limit", "refused", "stalled")
TALK_MS: Final = 240_000
WELL_MS: Final = TALK_MS + 20_000


class Chance(ScriptedCompletions):
    """Says and calls what comes to its mind, or fails; from `WELL_MS` on it is well."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self.chance: random.Random = chance
        self.open: int = 0
        self.said: int = 0

    async def stream(self, request: Request) -> AsyncIterator[Piece]:
        chance, well = self.chance, anyio.current_time() * 1_000 >= WELL_MS
        self.requests.append(request)
        self.open += 1
        try:
            await anyio.sleep(chance.choice((0.02, 0.3, 1.5)))
            for _ in range(1 if well else chance.randrange(6)):
                kind = 1.0 if well else chance.random()
                self.said += 1
                if kind < 0.06:
                    raise ModelTrouble(chance.choice(CAUSES), "it did not work")
                if kind < 0.35:
                    yield CallDone(self._call())
                else:
                    yield Text(chance.choice(WORDS).format(self.said))
                await anyio.sleep(chance.choice((0.0, 0.1, 0.9)))
            yield Done(Completion("said"))
        finally:
            self.open -= 1

    def _call(self) -> FunctionCall:
        chance = self.chance
        task = f"s-{chance.randrange(1, 8)}"
        made: tuple[tuple[str, dict[str, Any] | None], ...] = (
            ("delegate", {"task": f"thing {self.said}", "say": chance.choice(("Looking.", ""))}),
            ("delegate", {"task": f"thing {self.said}", "replaces": task}),
            ("amend", {"task_id": task, "text": f"rather {self.said}"}),
            ("cancel", {"task_id": task}),
            ("schedule", {"when": "in", "seconds": 5, "say": f"Boo {self.said}!"}),
            ("stay_silent", {"findings": [f"{task}.1"]}),
            ("delegate", None),
            ("fly", {}),
        )
        name, arguments = chance.choice(made)
        return FunctionCall(f"call_{self.said}", name, arguments, "{", "" if arguments else "it is cut off")


def a_person(chance: random.Random) -> list[tuple[int, UserEvent]]:
    events, at = list[tuple[int, UserEvent]](), 500
    while at < TALK_MS:
        kind = chance.random()
        if kind < 0.15:
            events.append((at, UserText("xx", op="delete")))
        elif kind < 0.25:
            events.append((at, UserActivity(chance.choice(("typing", "pause", "silent")))))
        else:
            for key in chance.choice(LINES):
                events.append((at, UserText(key)))
                at += chance.choice((20, 60, 120))
            if chance.random() < 0.7:
                events.append((at, UserText("", final=True)))
        at += chance.choice((20, 300, 900, 3_000, 9_000))
    return [*events, (WELL_MS, UserText("So?", True)), (WELL_MS + 60_000, UserLeft())]


def worked(chance: random.Random, number: int) -> list[WorkStep]:
    part = f"Part {number} of it is here. "
    rest = [Finding.progress("looking"), Finding.partial(part.strip())][: chance.randrange(3)]
    return [*rest, Finding.final(f"{part}The rest of it is {number}.")]


def held(seed: int) -> tuple[Talk, Chance]:
    chance = random.Random(seed)
    model = Chance(chance)
    work = [worked(chance, number) for number in range(400)]
    settings = ChatSettings(retry_most_ms=2_000)
    return hold(a_person(chance), model=model, answers=work, settings=settings), model


@pytest.mark.parametrize("seed", range(3))
def test_long_conversations_of_chance(seed: int) -> None:
    talk, model = held(seed)
    assert len(talk.requests) > 20
    assert model.open == 0 and not talk.unrested()
    for request in talk.requests:
        check_form(request)
    for before, after in pairwise(talk.requests):
        # One that was begun early ends with what the person was in the middle of saying.
        grown = [before.messages, before.messages[:-1]]
        assert any(after.messages[: len(prefix)] == prefix for prefix in grown)
    spoken = "".join("".join(part.text.split()) for part in talk.events(Emit) if part.style == "speech")
    for message in talk.requests[-1].messages:
        if message["role"] == "assistant" and message["content"]:
            assert "".join(message["content"].split()) in spoken, "what was not heard is not in the prompt"
    ends = {change.finding: change.state for change in talk.events(LedgerChanged) if change.finding}
    for found in talk.events(Finding):
        if found.terminal:
            assert ends[found.id] in ("heard", "acknowledged", "superseded", "cancelled")


def check_form(request: Request) -> None:
    """What every server wants of a prompt."""
    assert request.messages[0]["role"] == "system"
    calls: list[str] = []
    for message in request.messages:
        if message["role"] == "tool":
            assert message["tool_call_id"] == calls.pop(0)
            continue
        assert not calls, "every call has its result right behind it"
        for made in message.get("tool_calls", ()):
            calls.append(made["id"])
            assert isinstance(json.loads(made["function"]["arguments"]), dict)
        assert message.get("tool_calls") or message["content"].strip()
    assert not calls
