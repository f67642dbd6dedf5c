"""What is still owed to somebody who has said their last word."""

from __future__ import annotations

import anyio
import pytest

from interaction.links.owed import Owed, Vigil
from orchestrator.agenda_items import AfterSilence, AgendaItem, At, Every, OnCue
from orchestrator.clock import START, from_ms, to_ms
from orchestrator.effects import Delegate, Effect, Emit, LedgerChanged, MicroTurn, StepModel, StopSpeaking
from orchestrator.events import (
    Event,
    ModelFailed,
    ModelRested,
    ModelScheduled,
    ModelSpoke,
    ModelUnscheduled,
    UserText,
)
from orchestrator.finding import Finding


def after(*items: Event | Effect) -> Owed:
    owed = Owed()
    for item in items:
        owed.take(START, item)
    return owed


TASK = (Delegate("s-1", "find it", 1, deadline_ms=10_000), LedgerChanged("offered", delegation="s-1"))
FINAL = Finding("found", delegation="s-1", seq=1)
ANSWERED = (*TASK, FINAL, LedgerChanged("done", delegation="s-1"), LedgerChanged("owed", finding=FINAL.id))
QUESTION = Finding("which one?", "question", delegation="s-1", seq=1)


def test_nothing_said_nothing_owed() -> None:
    assert after().until(START) is None


def test_input_is_owed_an_answer_until_the_voice_has_rested() -> None:
    step = StepModel(MicroTurn(1, 0))
    assert after(UserText("hi", True)).attending(START)
    assert after(UserText("hi", True), step).attending(START)
    assert not after(UserText("hi", True), step, ModelRested(1)).attending(START)
    assert not after(UserText("hi", True), step, ModelFailed("gone", final=True)).attending(START)
    assert after(UserText("hi", True), step, StepModel(MicroTurn(2, 0)), ModelRested(1)).attending(START)


@pytest.mark.parametrize("last", [Emit(2, "c", 1, ends=True), StopSpeaking("the person began")])
def test_speech_is_owed_until_it_has_ended(last: Effect) -> None:
    speech = (ModelSpoke("a b c"), Emit(1, "a b ", 1))
    assert after(*speech).attending(START)
    assert not after(*speech, last).attending(START)


def test_a_task_is_owed_until_a_little_after_its_deadline_and_no_longer() -> None:
    bound = after(*TASK).until(START)
    assert bound is not None
    assert 10_000 < to_ms(bound) <= 20_000
    assert after(*TASK).until(bound) is None
    assert after(*TASK).unfinished() == ("find it",)


def test_the_answer_is_owed_until_it_was_heard() -> None:
    assert after(*ANSWERED).until(START) is not None
    assert after(*ANSWERED).unfinished() == ()
    assert after(*ANSWERED, LedgerChanged("speaking", finding=FINAL.id)).until(START) is not None
    assert after(*ANSWERED, LedgerChanged("heard", finding=FINAL.id)).until(START) is None


@pytest.mark.parametrize("state", ["cancelled", "superseded", "failed"])
def test_a_task_that_ended_otherwise_is_not_owed(state: str) -> None:
    assert after(*TASK, LedgerChanged(state, delegation="s-1")).until(START) is None  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_progress_is_not_owed() -> None:
    progress = Finding("looking", "progress", delegation="s-9", seq=1)
    assert after(progress, LedgerChanged("owed", finding=progress.id)).until(START) is None


def test_a_task_that_asks_somebody_who_is_gone_is_not_waited_for() -> None:
    asked = (*TASK, QUESTION, LedgerChanged("owed", finding=QUESTION.id))
    assert after(*asked).until(START) is not None
    heard = (*asked, LedgerChanged("heard", finding=QUESTION.id))
    assert after(*heard).until(START) is None
    assert after(*heard).unfinished() == ("find it",)
    assert after(*heard, Finding("I took the first", "progress", delegation="s-1", seq=2)).until(START) is not None


@pytest.mark.parametrize(
    ("item", "owed"),
    [
        (At(id="a", say="stretch", in_ms=5_000), True),
        (Every(id="a", say="tick", period_ms=1_000, times=3), True),
        (Every(id="a", say="tick", period_ms=1_000, for_ms=3_000), True),
        (Every(id="a", say="tick", period_ms=1_000), False),
        (AfterSilence(id="a", say="still there?", quiet_ms=3_000), True),
        (AfterSilence(id="a", say="still there?", quiet_ms=3_000, once=False), False),
        (OnCue(id="a", say="yes", phrase="ready"), False),
    ],
)
def test_what_will_be_said_by_itself_is_owed_if_it_ends(item: AgendaItem, owed: bool) -> None:
    assert (after(ModelScheduled(item)).until(START) is not None) is owed
    assert after(ModelScheduled(item)).until(from_ms(60_000)) is None
    assert after(ModelScheduled(item), ModelUnscheduled("a")).until(START) is None
    assert after(ModelScheduled(item), ModelUnscheduled()).until(START) is None


@pytest.mark.anyio
async def test_the_vigil_ends_when_the_answer_was_heard_and_not_before() -> None:
    vigil = Vigil()
    heard = anyio.Event()

    async def answer() -> None:
        for item in (LedgerChanged("speaking", finding=FINAL.id), LedgerChanged("heard", finding=FINAL.id)):
            await anyio.sleep(0.2)
            vigil.record(START, item)
        heard.set()

    for item in ANSWERED:
        vigil.record(START, item)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(answer)
        with anyio.fail_after(20):
            await vigil.nothing_owed()
    assert heard.is_set()


@pytest.mark.anyio
async def test_the_vigil_waits_for_what_the_session_has_not_recorded_yet() -> None:
    vigil = Vigil()
    vigil.record(START, ModelRested(0))
    vigil.expect()
    with anyio.move_on_after(0.8) as early:
        await vigil.nothing_owed()
    assert early.cancelled_caught
    vigil.record(START, UserText("hi", True))
    vigil.record(START, StepModel(MicroTurn(1, 0)))
    vigil.record(START, ModelRested(1))
    with anyio.fail_after(20):
        await vigil.nothing_owed()


@pytest.mark.anyio
async def test_a_vigil_without_a_journal_goes_by_the_output() -> None:
    vigil = Vigil()
    vigil.expect()
    with anyio.move_on_after(1) as early:
        await vigil.nothing_owed()
    assert early.cancelled_caught
    with anyio.fail_after(20):
        await vigil.nothing_owed()
