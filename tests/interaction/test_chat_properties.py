"""What holds of the chat voice for any interleaving of what is typed, what the model sends and what is found."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final

import anyio
from hypothesis import given, settings
from hypothesis import strategies as st

from interaction.models.chat_settings import ChatSettings
from orchestrator.completions.asking import FunctionCall, Piece, Request
from orchestrator.completions.troubles import Cause, ModelTrouble
from orchestrator.effects import StepModel
from orchestrator.events import ModelFailed, ModelRested, ModelSpoke, UserActivity, UserEvent, UserLeft, UserText
from orchestrator.finding import Finding
from orchestrator.testing import ScriptedCompletions
from orchestrator.testing.scripted_completions import Step
from tests.interaction.chatting import Talk, call, hold
from tests.orchestrator.driving import only, states

REST_MS: Final = 30_000
"""After the last key. By then everything has come to its end: what was typed is answered, what was found is told."""

_WORDS = ("Hello there", "and", "When is the train?", "ok", "Stop.", "No, the bus", " ", "mm-hm", "Tell me all of it!")
_CALLS = (
    call("delegate", task="the next train", say="Looking."),
    call("delegate", task="the weather"),
    call("amend", task_id="s-1", text="Lyon"),
    call("cancel", task_id="s-1"),
    call("schedule", when="in", seconds=2, say="Boo!"),
    call("stay_silent", findings=["s-1.1"]),
    FunctionCall("call_2", "delegate", None, "{", "it is cut off"),
)
_CAUSES: tuple[Cause, ...] = ("network", "cut off", "key", "rate limit", "refused", "too long", "stalled")

keys: st.SearchStrategy[UserEvent] = st.one_of(
    st.builds(UserText, st.sampled_from(_WORDS), st.booleans()),
    st.builds(UserText, st.sampled_from(("x", "train")), st.just(False), st.just("delete")),
    st.builds(UserActivity, st.sampled_from(("typing", "pause", "silent"))),
)
person = st.lists(st.tuples(st.integers(20, 3_000), keys), max_size=12)
steps: st.SearchStrategy[Step] = st.one_of(
    st.sampled_from(("Well, ", "that is ", "so. ", "It leaves at nine. ")),
    st.sampled_from(("Well, ", "that is ", "so. ", "It leaves at nine. ")),
    st.sampled_from((0.01, 0.15, 0.9, 2.5)),
    st.sampled_from(_CALLS),
    st.sampled_from(_CAUSES).map(lambda cause: ModelTrouble(cause, "it did not work")),
)
answers = st.lists(st.lists(steps, max_size=6), max_size=10)


class Counted(ScriptedCompletions):
    """Counts the streams that are open at once. When its scripts are over, or `well_s` has come, it says one word."""

    def __init__(self, *scripts: Any, well_s: float) -> None:
        super().__init__(*scripts)
        self._well_s = well_s
        self.open: int = 0
        self.most: int = 0

    async def stream(self, request: Request) -> AsyncIterator[Piece]:
        if len(self.requests) >= len(self._scripts) or anyio.current_time() >= self._well_s:
            self._scripts[len(self.requests) :] = [("Yes.",)]
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            async for piece in super().stream(request):
                yield piece
        finally:
            self.open -= 1


def held(events: list[tuple[int, UserEvent]], scripts: list[list[Step]]) -> tuple[Talk, Counted]:
    at, timed = 0, list[tuple[int, UserEvent]]()
    for gap, event in events:
        at += gap
        timed.append((at, event))
    # They say one last thing and wait; by then the model is well.
    last: list[tuple[int, UserEvent]] = [
        (at + 8_000, UserText("So?", True)),
        (at + 10_000, UserText("Well?", True)),
        (at + REST_MS, UserLeft()),
    ]
    model = Counted(*scripts, well_s=(at + 6_000) / 1_000)
    work = [[Finding.partial("At nine"), Finding.final(f"The train {number} leaves at nine.")] for number in range(40)]
    talk = hold([*timed, *last], model=model, answers=work, settings=ChatSettings(retry_most_ms=2_000))
    return talk, model


@settings(max_examples=25, deadline=None)
@given(person, answers)
def test_every_turn_is_rested_and_no_request_is_left(
    events: list[tuple[int, UserEvent]], scripts: list[list[Step]]
) -> None:
    talk, model = held(events, scripts)
    assert model.open == 0
    # The one that is said, the one that is begun early; the conversation is too short for a summary.
    assert model.most <= 2
    newest = 0
    for record in talk.records:
        match record.item:
            case StepModel(turn=turn):
                newest = turn.n
            case ModelRested(n=n):
                assert n <= newest
            case _:
                pass
    assert not talk.unrested()


@settings(max_examples=25, deadline=None)
@given(person, answers)
def test_it_speaks_only_when_it_is_asked_or_has_something_to_tell(
    events: list[tuple[int, UserEvent]], scripts: list[list[Step]]
) -> None:
    talk, _ = held(events, scripts)
    offered = {offer.finding.id for step in talk.events(StepModel) for offer in step.turn.offers}
    for event in talk.events(ModelSpoke):
        assert set(event.about) <= offered
    first = next((at for at, step in only(StepModel, talk.records) if step.turn.heard), 10**9)
    assert all(at >= first for at, event in only(ModelSpoke, talk.records) if not event.about)
    down = False
    for record in talk.records:
        match record.item:
            case ModelFailed():
                down = True
            case ModelSpoke() | ModelRested():
                down = False
            case _:
                pass
    assert not down, "the last thing asked was answered"
    # What was found is heard, or it is known why not.
    for found in talk.events(Finding):
        if found.terminal:
            assert states(talk.records, found.id)[-1:] != ["offered"]
            assert states(talk.records, found.id)[-1:] != ["speaking"]
