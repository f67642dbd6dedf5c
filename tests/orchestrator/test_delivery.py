"""From owed to heard: what others learned the hard way, each one a test here."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.clock import from_ms
from orchestrator.decisions import Drop, Hold, Splice
from orchestrator.effects import Emit, LedgerChanged, MicroTurn, StepModel, StopSpeaking
from orchestrator.events import (
    BusDown,
    BusUp,
    DelegationUpdate,
    Event,
    ModelDelegated,
    ModelEvent,
    ModelFailed,
    ModelRested,
    ModelSpoke,
    UserActivity,
    UserText,
)
from orchestrator.finding import Finding
from orchestrator.journal import Record
from orchestrator.session import Session
from orchestrator.testing.playing import plain_voice, play, silent_voice
from orchestrator.timing import Moment, Pending
from tests.orchestrator.driving import a_session, found, only, said, states, types

ANSWER = "The first train leaves at 9:12, it is direct, and it arrives at noon."


def working(tasks: int = 1, **config: Any) -> Session:
    """A session with so many tasks at work."""
    session = a_session(**config)
    for number in range(tasks):
        session.receive(ModelDelegated(f"task {number + 1}"), now=from_ms(0))
        session.receive(DelegationUpdate(f"s-{number + 1}", "running"), now=from_ms(0))
    return session


def spoken(records: list[Record], finding: str) -> list[int]:
    """When pieces that deliver `finding` went out."""
    return [at for at, part in only(Emit, records) if finding in part.about and part.style == "speech"]


def test_a_result_that_arrives_while_the_person_types_is_held_and_then_spoken_once() -> None:
    events = [*types("one moment, I am still thinking", 1_000), (2_000, found(ANSWER))]
    records = play(working(), events, until_ms=12_000)
    assert said(records).count(ANSWER) == 1
    assert min(spoken(records, "s-1.1")) > 4_100
    holds = only(Hold, records)
    assert holds[0] == (2_020, Hold("the person has the floor", ("s-1.1",)))
    assert [splice.findings for _, splice in only(Splice, records)] == [("s-1.1",)]
    assert states(records, "s-1.1") == ["owed", "offered", "speaking", "heard"]


def test_the_same_while_the_person_is_known_to_speak_but_not_what() -> None:
    events: list[tuple[int, Event]] = [
        (1_000, UserActivity("speaking")),
        (2_000, found(ANSWER)),
        (6_000, UserActivity("pause")),
        (6_500, UserActivity("speaking")),
        (9_000, UserActivity("silent")),
    ]
    records = play(working(), events, until_ms=12_000)
    assert said(records) == ANSWER
    assert 10_200 <= min(spoken(records, "s-1.1")) <= 10_400  # nobody has answered: they might go on


def test_a_result_at_a_good_moment_is_spoken_at_once() -> None:
    records = play(working(), [(5_033, found(ANSWER))], until_ms=6_000)
    assert min(spoken(records, "s-1.1")) - 5_033 <= 20


def test_an_interrupted_delivery_is_offered_again_with_what_was_heard_of_it() -> None:
    session = working(pace=60)
    events: list[tuple[int, Event]] = [(1_000, found(ANSWER)), (1_700, UserText("wait a second", final=True))]
    records = play(session, events, until_ms=8_000)
    assert len(only(StopSpeaking, records)) == 1
    assert states(records, "s-1.1") == ["owed", "offered", "speaking", "owed", "offered", "speaking", "heard"]
    offers = [offer for _, step in only(StepModel, records) for offer in step.turn.offers]
    assert [bool(offer.said) for offer in offers] == [False, True]
    assert ANSWER.startswith(offers[1].said)


def test_read_out_it_goes_on_from_the_clause_that_was_cut() -> None:
    session = working(pace=60)
    # The voice is broken, so the session reads the result out itself.
    events: list[tuple[int, Event]] = [(5_000, found(ANSWER)), (5_900, UserText("what?", final=True))]

    def mute(turn: MicroTurn) -> list[ModelEvent]:
        return []

    session.receive(ModelFailed("gone", final=True), now=from_ms(0))
    records = play(session, events, until_ms=20_000, voice=mute)
    assert said(records).endswith("and it arrives As I was saying: and it arrives at noon.")
    assert states(records, "s-1.1")[-1] == "heard"


def test_after_the_person_moved_on_a_cut_delivery_is_shown_and_not_told_again() -> None:
    session = working(pace=60)

    def voice(turn: MicroTurn) -> list[ModelEvent]:
        asks = [piece.text for piece in turn.heard if piece.text.startswith("find")]
        return [*(ModelDelegated(task) for task in asks), *plain_voice(turn)]

    events: list[tuple[int, Event]] = [
        (1_000, found(ANSWER)),
        (1_700, UserText("find the ferry.")),
        (1_800, UserText("find the bus.", final=True)),
    ]
    records = play(session, events, until_ms=5_000, voice=voice)
    assert states(records, "s-1.1")[-1] == "acknowledged"
    cards = [part for _, part in only(Emit, records) if part.style == "card"]
    assert [(card.text, card.about) for card in cards] == [(ANSWER, ("s-1.1",))]


def test_two_results_within_the_settle_window_become_one_utterance() -> None:
    events: list[tuple[int, Event]] = [(1_000, found("First.")), (1_150, found("Second.", "s-2"))]
    records = play(working(tasks=2), events, until_ms=4_000)
    assert [splice.findings for _, splice in only(Splice, records)] == [("s-1.1", "s-2.1")]
    parts = only(Emit, records)
    assert [part.text for _, part in parts] == ["First. Second."]
    assert parts[0][1].about == ("s-1.1", "s-2.1")


def test_a_result_does_not_wait_for_a_second_one_for_ever() -> None:
    records = play(working(tasks=2), [(1_000, found("First."))], until_ms=4_000)
    assert 1_250 <= min(spoken(records, "s-1.1")) <= 1_300


def test_the_person_is_answered_first_and_then_told_the_result() -> None:
    def voice(turn: MicroTurn) -> list[ModelEvent]:
        if any(piece.final for piece in turn.heard):
            return [ModelSpoke("Half past ten."), ModelRested(turn.n)]
        return list(plain_voice(turn))

    events: list[tuple[int, Event]] = [(950, UserText("what time is it?", final=True)), (951, found(ANSWER))]
    records = play(working(), events, until_ms=5_000, voice=voice, latency_ms=700)
    assert said(records) == "Half past ten." + ANSWER
    assert "the person is answered first" in [hold.reason for _, hold in only(Hold, records)]


def test_progress_is_shown_and_not_spoken() -> None:
    events: list[tuple[int, Event]] = [(500 * n, found(f"{n} files", seq=n, kind="progress")) for n in range(1, 5)]
    session = working(reassure_ms=None)
    records = play(session, events, until_ms=5_000)
    assert said(records) == ""
    assert len(only(Drop, records)) == 4
    assert session.receive(UserText("?"), now=from_ms(5_100))[-1:][0].turn.work[0].progress == "4 files"  # type: ignore[union-attr]


def test_an_older_tasks_result_never_speaks_after_the_person_superseded_it() -> None:
    for arrival in (900, 1_100):
        session = working(pace=60)
        events: list[tuple[int, Event]] = [(arrival, found(ANSWER)), (1_000, ModelDelegated("Lyon", supersedes="s-1"))]
        # The person types, so that the first result is owed and not yet told when the request changes.
        records = play(session, [*types("make it Lyon instead", 500, every_ms=50), *events], until_ms=3_900)
        assert spoken(records, "s-1.1") == []
        assert states(records, "s-1.1")[-1] == "superseded"


def test_a_result_superseded_in_the_middle_of_its_delivery_stops() -> None:
    events: list[tuple[int, Event]] = [(1_000, found(ANSWER)), (1_500, ModelDelegated("Lyon", supersedes="s-1"))]
    records = play(working(pace=60), events, until_ms=3_900)
    assert [at for at, _ in only(StopSpeaking, records)] == [1_500]
    assert max(spoken(records, "s-1.1")) <= 1_500


def test_a_partial_never_speaks_after_its_final() -> None:
    events = [
        *types("hold on please", 500),
        (1_000, found("So far one.", seq=1, kind="partial")),
        (1_200, found("Two in all.", seq=2)),
        (3_000, found("So far one and a half.", seq=3, kind="partial")),
    ]
    records = play(working(), events, until_ms=6_000)
    assert said(records) == "Two in all."
    assert states(records, "s-1.1")[-1] == states(records, "s-1.3")[-1] == "superseded"


def test_a_stale_partial_expires_and_a_final_never_does() -> None:
    events = [
        *types("hold on please, I am still typing", 500),
        (1_000, found("So far.", seq=1, kind="partial", expires_at_ms=2_000)),
        (1_100, found("All.", "s-2", expires_at_ms=2_000)),
    ]
    records = play(working(tasks=2), events, until_ms=8_000)
    assert states(records, "s-1.1")[-1] == "expired"
    assert said(records) == "All."


def test_a_duplicate_is_ignored_and_a_late_attempt_too() -> None:
    again = found("From the first worker.", attempt=1, seq=9)
    events: list[tuple[int, Event]] = [
        (500, found("half", seq=1, kind="partial")),
        (510, found("half", seq=1, kind="partial")),
        (2_000, found("The answer.", attempt=2)),
        (2_010, found("The answer.", attempt=2)),
        (3_000, again),
        (3_100, found("A second final?", attempt=2, seq=2)),
    ]
    records = play(working(), events, until_ms=6_000)
    assert said(records) == "halfThe answer."
    assert states(records, again.id) == ["superseded"]


def test_a_finding_nobody_asked_for_is_not_told() -> None:
    records = play(working(), [(1_000, found("Hello!", "other-7"))], until_ms=3_000)
    assert said(records) == ""
    assert states(records, "other-7.1") == ["dropped"]


def test_thinking_is_silent_context() -> None:
    records = play(working(), [(1_000, found("hm", kind="partial", channel="thinking"))], until_ms=3_000)
    assert said(records) == ""
    assert states(records, "s-1.1") == ["owed", "acknowledged"]


def test_with_much_left_to_say_a_result_goes_in_at_the_next_clause() -> None:
    story = "Once there was a station master, who counted trains; all of them, day after day, for forty years, alone, "
    story += "until one day a train came that could not be counted at all."

    def voice(turn: MicroTurn) -> list[ModelEvent]:
        if any(piece.final for piece in turn.heard):
            return [ModelSpoke(story), ModelRested(turn.n)]
        return list(plain_voice(turn))

    events: list[tuple[int, Event]] = [(1_000, UserText("a story", final=True)), (1_600, found("It leaves at 9:12."))]
    records = play(working(pace=60), events, until_ms=6_000, voice=voice)
    assert min(spoken(records, "s-1.1")) - 1_600 <= 900
    heard = said(records)
    before = heard[: heard.index("It leaves")]
    assert before.rstrip().endswith(";")
    assert heard.replace("It leaves at 9:12.", "").replace(" ", "") == story.replace(" ", "")


def test_with_little_left_to_say_the_assistant_finishes_first() -> None:
    def voice(turn: MicroTurn) -> list[ModelEvent]:
        if any(piece.final for piece in turn.heard):
            return [ModelSpoke("All right, I am on it, just a moment."), ModelRested(turn.n)]
        return list(plain_voice(turn))

    events: list[tuple[int, Event]] = [(1_000, UserText("go", final=True)), (1_350, found("It leaves at 9:12."))]
    records = play(working(pace=60), events, until_ms=6_000, voice=voice)
    assert said(records) == "All right, I am on it, just a moment.It leaves at 9:12."


def test_the_delivery_of_one_result_is_not_broken_up_by_another() -> None:
    events: list[tuple[int, Event]] = [(1_000, found(ANSWER)), (1_600, found("Rain.", "s-2"))]
    records = play(working(tasks=2, pace=60), events, until_ms=8_000)
    assert said(records) == ANSWER + "Rain."


def test_urgent_skips_the_settling_and_critical_is_spoken_over_the_person_and_says_so() -> None:
    records = play(working(tasks=2), [(1_000, found("Now.", urgency="high"))], until_ms=2_000)
    assert min(spoken(records, "s-1.1")) - 1_000 <= 20
    events = [*types("I am still typing this long line", 500), (1_000, found("Fire!", urgency="critical"))]
    records = play(working(), events, until_ms=3_000)
    assert min(spoken(records, "s-1.1")) - 1_000 <= 20
    reasons = [part.reason for _, part in only(Emit, records) if part.about]
    assert reasons == ["critical: spoken even over the person"]


def test_a_person_who_never_stops_typing_gets_a_card_in_the_end() -> None:
    events = [*types("x" * 300, 0), (1_000, found(ANSWER))]
    records = play(working(), events, until_ms=29_000)
    cards = [(at, part.text) for at, part in only(Emit, records) if part.style == "card"]
    assert [text for _, text in cards] == [ANSWER]
    assert 21_000 <= cards[0][0] <= 21_200
    assert states(records, "s-1.1")[-1] == "acknowledged"


def test_a_question_of_the_background_is_put_and_its_answer_goes_back() -> None:
    from orchestrator.effects import Amend
    from orchestrator.events import ModelAmended

    session = working()

    def voice(turn: MicroTurn) -> list[ModelEvent]:
        if turn.expecting and any(piece.final for piece in turn.heard):
            return [ModelAmended("s-1", "Lyon", answers=turn.expecting), ModelRested(turn.n)]
        return list(plain_voice(turn))

    asks: list[tuple[int, Event]] = [
        (1_000, found("Where to?", kind="question")),
        (3_000, UserText("Lyon", final=True)),
    ]
    records = play(session, asks, until_ms=5_000, voice=voice)
    assert said(records) == "Where to?"
    answers = [(amend.text, amend.answers) for _, amend in only(Amend, records) if amend.text]
    assert answers == [("Lyon", "s-1.1")]
    # An answer is no correction: what is found after it is welcome.
    records = play(session, [(6_000, found("Lyon at 9.", seq=2, context_revision=0))], until_ms=8_000, voice=voice)
    assert said(records) == "Lyon at 9."


def test_nobody_there_to_work_is_said_within_a_few_seconds_and_the_task_still_gets_its_answer() -> None:
    session = a_session(deadline_ms=60_000)
    session.receive(ModelDelegated("the search"), now=from_ms(0))
    records = play(session, [(500, DelegationUpdate("s-1", "queued"))], until_ms=10_000)
    when = [at for at, part in only(Emit, records) if "Nobody is free" in part.text]
    assert len(when) == 1
    assert when[0] <= 3_400
    records = play(session, [], until_ms=70_000)
    assert "I have to give up" in said(records)
    assert states(records, "s-1.0")[-1] == "heard"
    assert states(records, "s-1") == ["failed"]


def test_the_bus_away_is_said_once_and_so_is_its_return() -> None:
    session = a_session()
    session.receive(ModelDelegated("the search"), now=from_ms(0))
    events: list[tuple[int, Event]] = [
        (500, BusDown("connection refused")),
        (700, BusDown("connection refused")),
        (4_000, BusUp()),
        (5_000, DelegationUpdate("s-1", "running")),
        (6_000, found(ANSWER)),
    ]
    records = play(session, events, until_ms=9_000)
    assert said(records).count("can't reach the background") == 1
    assert said(records).count("is back") == 2  # "as soon as it is back", "The background is back."
    assert said(records).endswith(ANSWER)


def test_a_long_silence_is_broken_by_an_honest_word_and_ever_more_rarely() -> None:
    session = working(reassure_ms=10_000)
    events: list[tuple[int, Event]] = [(2_000, found("412 files read", kind="progress"))]
    records = play(session, events, until_ms=100_000)
    words = [(at, part.text) for at, part in only(Emit, records) if "Still working" in part.text]
    assert [round(at, -3) for at, _ in words] == [10_000, 40_000]
    assert words[0][1] == 'Still working on "task 1": 412 files read.'


def test_a_policy_cannot_lose_a_finished_result() -> None:
    class Careless:
        def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Drop:
            return Drop(tuple(item.id for item in pending), "no")

    session = a_session(timing=Careless())
    session.receive(ModelDelegated("x"), now=from_ms(0))
    records = play(session, [(1_000, found(ANSWER))], until_ms=2_000)
    assert states(records, "s-1.1") == ["owed"]
    assert "a finished result is not dropped" in only(Hold, records)[0][1].reason


def test_a_voice_that_is_slow_to_phrase_a_result_is_given_it_again() -> None:
    session = working(offer_ms=2_000)
    given: list[int] = []

    def voice(turn: MicroTurn) -> list[ModelEvent]:
        given.extend(turn.n for _ in turn.offers)
        return []

    records = play(session, [(1_000, found(ANSWER))], until_ms=9_000, voice=voice)
    assert len(given) == 2
    assert said(records) == ANSWER  # read out as it is, in the end


@pytest.mark.parametrize("state", ["acknowledged"])
def test_the_voice_may_find_that_a_result_needs_no_words(state: str) -> None:
    def voice(turn: MicroTurn) -> list[ModelEvent]:
        return [ModelRested(turn.n, tuple(offer.finding.id for offer in turn.offers))]

    records = play(working(), [(1_000, found(ANSWER))], until_ms=3_000, voice=voice)
    assert states(records, "s-1.1")[-1] == state
    assert [part.style for _, part in only(Emit, records)] == ["card"]


def test_what_the_voice_phrases_too_late_is_not_said() -> None:
    session = working()
    events: list[tuple[int, Event]] = [(1_000, found(ANSWER)), (1_300, ModelDelegated("Lyon", supersedes="s-1"))]
    records = play(session, events, until_ms=3_500, latency_ms=600)
    assert said(records) == ""
    assert states(records, "s-1.1")[-1] == "superseded"


def test_every_ledger_line_names_what_it_is_about() -> None:
    records = play(working(), [(1_000, found(ANSWER))], until_ms=3_000, voice=silent_voice)
    changes = [change for _, change in only(LedgerChanged, records)]
    assert changes
    assert all(bool(change.finding) != bool(change.delegation) for change in changes)


def test_a_terminal_finding_ends_its_delegation_exactly_once() -> None:
    errors: list[tuple[int, Event]] = [
        (1_000, found("No such file.", kind="error")),
        (2_000, Finding("again", delegation="s-1", seq=2)),
    ]
    records = play(working(), errors, until_ms=5_000)
    assert states(records, "s-1") == ["failed"]
    assert said(records) == "No such file."


def test_a_final_that_is_owed_survives_a_second_attempt_of_its_task() -> None:
    events = [
        *types("hold on, I am still typing", 500),
        (1_000, found("The answer.")),
        (1_500, found("looking again", kind="progress", attempt=2)),
        (2_000, found("The answer.", attempt=2, seq=2)),
    ]
    records = play(working(), events, until_ms=8_000)
    assert said(records) == "The answer."
    assert states(records, "s-1.1")[-1] == "heard"


def test_a_partial_that_the_voice_is_still_phrasing_gives_way_to_its_final() -> None:
    events: list[tuple[int, Event]] = [
        (1_000, found("So far one.", kind="partial")),
        (1_300, found("Two in all.", seq=2)),
    ]
    records = play(working(), events, until_ms=5_000, latency_ms=600)
    assert said(records) == "Two in all."
    assert states(records, "s-1.1")[-1] == "superseded"


def test_a_cut_long_after_its_arrival_is_still_told_again() -> None:
    events: list[tuple[int, Event]] = [
        *types("x" * 160, 0),
        (1_000, found(ANSWER)),
        (17_300, UserText("wait, ")),
        (24_000, UserText("go on", final=True)),
    ]
    records = play(working(pace=60), events, until_ms=30_000)
    assert [part.style for _, part in only(Emit, records) if part.style == "card"] == []
    assert states(records, "s-1.1")[-1] == "heard"


def test_a_task_that_the_background_stopped_by_itself_is_told() -> None:
    records = play(working(), [(1_000, DelegationUpdate("s-1", "cancelled", "the worker is full"))], until_ms=5_000)
    assert 'The work on "task 1" was stopped: the worker is full.' in said(records)


def test_an_outage_that_is_over_before_it_was_told_is_not_told() -> None:
    events = [*types("still typing this", 500), (1_000, BusDown("away")), (1_200, BusUp())]
    assert said(play(working(), events, until_ms=6_000)) == ""
