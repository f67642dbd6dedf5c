"""Several questions at once, workers that die, attempts that are given up: what the person hears of it."""

from __future__ import annotations

from orchestrator.clock import from_ms
from orchestrator.effects import Amend, Emit, MicroTurn
from orchestrator.events import (
    BusDown,
    BusUp,
    DelegationUpdate,
    Event,
    ModelAmended,
    ModelDelegated,
    ModelEvent,
    ModelRested,
    ModelSpoke,
    UserText,
)
from orchestrator.testing.playing import plain_voice, play
from tests.orchestrator.driving import a_session, found, only, said, states

ANSWER = "The first train leaves at 9:12, it is direct, and it arrives at noon."


def test_two_questions_are_put_one_after_the_other() -> None:
    """Of two at once an answer could only be meant for one, and nobody would know for which."""
    session = a_session()
    for number in (1, 2):
        session.receive(ModelDelegated(f"search {number}"), now=from_ms(0))

    def voice(turn: MicroTurn) -> list[ModelEvent]:
        if turn.heard and turn.expecting:
            told = turn.heard[-1].text
            delegation = turn.expecting.rpartition(".")[0]
            return [ModelAmended(delegation, told, answers=turn.expecting), ModelRested(turn.n)]
        return list(plain_voice(turn))

    events: list[tuple[int, Event]] = [
        (1_000, found("Where to?", "s-1", kind="question", urgency="high")),
        (1_000, found("When?", "s-2", kind="question", urgency="high")),
        (5_000, UserText("Lyon", final=True)),
        (9_000, UserText("at noon", final=True)),
    ]
    records = play(session, events, until_ms=12_000, voice=voice)
    assert said(records) == "Where to?When?"
    asked = [at for at, part in only(Emit, records) if part.text == "When?"]
    assert asked[0] > 5_000
    answers = [(amend.delegation, amend.text) for _, amend in only(Amend, records) if amend.answers]
    assert answers == [("s-1", "Lyon"), ("s-2", "at noon")]


def test_a_question_of_a_task_that_ended_does_not_hold_up_another() -> None:
    session = a_session()
    for number in (1, 2):
        session.receive(ModelDelegated(f"search {number}"), now=from_ms(0))
    events: list[tuple[int, Event]] = [
        (1_000, found("Where to?", "s-1", kind="question", urgency="high")),
        (2_000, found("When?", "s-2", kind="question", urgency="high")),
        (6_000, found("It ran out of time.", "s-1", seq=2, kind="error")),
    ]
    when = [at for at, part in only(Emit, play(session, events, until_ms=12_000)) if "When?" in part.text]
    assert len(when) == 1
    assert when[0] >= 6_000


def test_a_question_that_is_heard_when_its_task_has_ended_expects_no_answer() -> None:
    """The answer to it overtook it while it was being spoken; the next question must not wait for ever."""
    session = a_session(pace=20)
    for number in (1, 2):
        session.receive(ModelDelegated(f"search {number}"), now=from_ms(0))
    events: list[tuple[int, Event]] = [
        (1_000, found("Where exactly would you like to go from there?", "s-1", kind="question", urgency="high")),
        (1_200, found("When?", "s-2", kind="question", urgency="high")),
        (2_000, found("It ran out of time.", "s-1", seq=2, kind="error")),
    ]
    assert said(play(session, events, until_ms=20_000)).count("When?") == 1


def test_a_later_attempt_does_not_ask_again_what_was_answered() -> None:
    session = a_session()
    session.receive(ModelDelegated("search"), now=from_ms(0))
    events: list[tuple[int, Event]] = [
        (1_000, found("Where to?", kind="question", urgency="high")),
        (4_000, found("Where to?", kind="question", urgency="high", attempt=2)),
        (6_000, ModelAmended("s-1", "Lyon", answers="s-1.1")),
        (8_000, found("The next one leaves at nine.", attempt=2, seq=2)),
    ]
    assert said(play(session, events, until_ms=12_000)) == "Where to?The next one leaves at nine."


def test_what_was_phrased_of_an_attempt_that_was_given_up_is_not_said() -> None:
    """Its worker died while the assistant still spoke of something else; the next attempt tells the same part again."""
    session = a_session(pace=20)
    session.receive(ModelDelegated("the search"), now=from_ms(0))
    session.receive(ModelSpoke("I am on it, and in the meantime let me tell you about the weather."), now=from_ms(0))
    events: list[tuple[int, Event]] = [
        (200, found("Part one.", kind="partial", urgency="high")),
        (400, found("Part one.", kind="partial", attempt=2)),
    ]
    records = play(session, events, until_ms=20_000)
    assert said(records).count("Part one.") == 1
    assert "superseded" in states(records, "s-1.1")


def test_a_worker_that_died_is_told_of_if_nobody_takes_its_place_soon() -> None:
    session = a_session(deadline_ms=60_000, reassure_ms=None)
    session.receive(ModelDelegated("the search"), now=from_ms(0))
    events: list[tuple[int, Event]] = [
        (500, DelegationUpdate("s-1", "running")),
        (8_000, DelegationUpdate("s-1", "queued", "its worker has gone")),
        (9_000, DelegationUpdate("s-1", "running")),
        (20_000, DelegationUpdate("s-1", "queued", "its worker has gone")),
    ]
    records = play(session, events, until_ms=40_000)
    told = [(at, part.text) for at, part in only(Emit, records)]
    assert "".join(text for _, text in told) == (
        'The worker on "the search" is gone. It goes on as soon as another one is there.'
    ), "the first was replaced within a second"
    assert 23_000 <= told[0][0] <= 23_400
    records = play(session, [(41_000, found(ANSWER, attempt=3))], until_ms=70_000)
    assert said(records) == ANSWER


def test_a_task_whose_worker_died_and_that_nobody_took_ends_with_the_reason() -> None:
    session = a_session(deadline_ms=30_000, reassure_ms=None)
    session.receive(ModelDelegated("the search"), now=from_ms(0))
    events: list[tuple[int, Event]] = [
        (500, DelegationUpdate("s-1", "running")),
        (1_000, DelegationUpdate("s-1", "queued", "its worker has gone")),
    ]
    assert "its worker was lost and no other took it within 30 seconds" in said(play(session, events, until_ms=40_000))


def test_the_background_is_back_when_all_of_it_is() -> None:
    """The way to the workers, and the place where the session is kept: work waits for both."""
    session = a_session()
    events: list[tuple[int, Event]] = [
        (1_000, BusDown("full", "store")),
        (1_100, BusDown("full")),
        (5_000, BusUp()),
        (9_000, BusUp("store")),
    ]
    told = [(at, part.text) for at, part in only(Emit, play(session, events, until_ms=12_000))]
    assert [text[:20] for _, text in told] == ["I can't reach the ba", "The background is ba"]
    assert told[1][0] >= 9_000
