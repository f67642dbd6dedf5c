"""How much is told in one go, in which order, and what is told in short, shown or announced."""

from __future__ import annotations

from itertools import pairwise

import pytest

from orchestrator.clock import from_ms
from orchestrator.decisions import Hold, Splice
from orchestrator.effects import NOT_CURRENT, Emit, LedgerChanged, MicroTurn, StepModel
from orchestrator.events import (
    Event,
    ModelDelegated,
    ModelEvent,
    ModelFailed,
    ModelRested,
    ModelSpoke,
    UserActivity,
    UserText,
)
from orchestrator.testing.playing import plain_voice, play
from orchestrator.timing import Announce, FirstOf, Moment, Patience, Pending
from tests.orchestrator.driving import found, only, said, states, types
from tests.orchestrator.test_delivery import spoken, working

LONG = "There are three trains. " + "The first one leaves at nine and stops in every village on the way. " * 9


def test_what_comes_late_is_told_in_a_sentence() -> None:
    """The person goes on for sixteen seconds; then the result is no longer what the conversation is about."""
    events = [*types("a" * 170, 1_000), (2_000, found("There are three trains. The first leaves at 9:12."))]
    records = play(working(), events, until_ms=25_000)
    assert [splice.brief for _, splice in only(Splice, records)] == [True]
    assert said(records) == "There are three trains."
    assert states(records, "s-1.1")[-1] == "heard"


def test_what_is_too_long_is_told_in_a_sentence_and_where_nobody_can_be_asked_it_is_shown_as_well() -> None:
    records = play(working(), [(2_000, found(LONG))], until_ms=9_000)
    assert said(records) == "There are three trains."
    assert [step.turn.offers[0].brief for _, step in only(StepModel, records) if step.turn.offers] == [True]
    read_out = play(working(), [(1_000, ModelFailed("gone")), (6_000, found(LONG))], until_ms=20_000)
    assert said(read_out).endswith("There are three trains.")
    assert [part.text for _, part in only(Emit, read_out) if part.style == "card"] == [LONG]
    assert states(read_out, "s-1.1")[-1] == "heard"


def test_several_are_told_in_the_order_in_which_they_were_asked_failures_after_results_and_a_question_last() -> None:
    session = working(3)
    session.receive(ModelDelegated("task 4"), now=from_ms(100))
    events: list[tuple[int, Event]] = [
        *types("one moment", 1_000),
        (1_100, found("Which day?", "s-4", kind="question")),
        (1_200, found("The third failed.", "s-3", kind="error")),
        (1_300, found("The second.", "s-2")),
        (1_400, found("The first.", "s-1")),
    ]
    records = play(session, events, until_ms=12_000)
    assert said(records) == "The first. The second. The third failed. Which day?"


def test_no_more_than_a_few_sentences_go_out_in_one_go_and_the_rest_after_a_breath() -> None:
    session = working(3, pace=60)
    texts = [f"Number {n}. " + "It goes on for a while. " * 14 for n in (1, 2, 3)]
    arrive: list[tuple[int, Event]] = [(1_100 + n, found(text.strip(), f"s-{n}")) for n, text in enumerate(texts, 1)]
    records = play(session, [*types("one moment", 1_000), *arrive], until_ms=60_000)
    begun = [spoken(records, f"s-{n}.1") for n in (1, 2, 3)]
    assert all(states(records, f"s-{n}.1")[-1] == "heard" for n in (1, 2, 3))
    assert [later[0] - earlier[-1] >= 1_000 for earlier, later in pairwise(begun)] == [True, True]
    assert "there is more: after a breath" in {hold.reason for _, hold in only(Hold, records)}


def test_of_two_in_one_utterance_the_one_that_was_heard_is_not_told_again() -> None:
    session = working(2, pace=60)
    events: list[tuple[int, Event]] = [
        *types("hm?", 1_000),
        (1_100, found("It rains.", "s-1")),
        (1_100, found("The train leaves at nine and arrives in the evening, after a change in Lyon.", "s-2")),
        *types("wait", 2_700),
    ]
    records = play(session, events, until_ms=20_000)
    assert said(records).count("It rains.") == 1
    assert states(records, "s-1.1")[-2:] == ["speaking", "heard"]
    assert states(records, "s-2.1").count("owed") == 2


def test_a_cut_while_findings_are_read_out_hits_only_the_one_that_is_being_read() -> None:
    session = working(2, pace=60)
    events: list[tuple[int, Event]] = [
        (500, ModelFailed("gone")),
        *types("hm?", 3_000),
        (3_100, found("It rains a little.", "s-1")),
        (3_100, found("The train leaves at nine and arrives in the evening, after a change in Lyon.", "s-2")),
        *types("wait", 8_000),
    ]
    records = play(session, events, until_ms=30_000)
    assert said(records).count("It rains a little.") == 1
    assert states(records, "s-2.1")[-1] == "heard"


def test_what_finds_no_good_moment_at_all_is_shown_and_announced() -> None:
    """The voice is asked to read out a book; nothing may come into its speech."""

    class NoMoment:
        def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Hold:
            return Hold("never")

    policy = FirstOf((Patience(5_000, Announce()), NoMoment()))
    records = play(working(2, timing=policy), [(1_000, found("One.")), (1_050, found("Two.", "s-2"))], until_ms=9_000)
    assert [part.text for _, part in only(Emit, records) if part.style == "card"] == ["One.", "Two."]
    assert "I have put it on the screen." in said(records)
    assert [states(records, f"s-{n}.1")[-1] for n in (1, 2)] == ["acknowledged"] * 2


def test_what_is_phrased_ahead_is_heard_when_the_person_has_been_quiet_for_long_enough() -> None:
    slow_voice = play(
        working(), [*types("ok then", 1_000), (1_200, found("It rains."))], until_ms=4_000, latency_ms=250
    )
    (splice,) = (splice for _, splice in only(Splice, slow_voice))
    assert splice.quiet_ms == 1_200
    # Enter came at 1.70 s. The voice was asked 0.6 s before the gap was long enough, and was ready then.
    assert spoken(slow_voice, "s-1.1")[0] == 2_900
    quick_voice = play(working(), [*types("ok then", 1_000), (1_200, found("It rains."))], until_ms=4_000)
    assert spoken(quick_voice, "s-1.1") == [2_900]


def test_what_was_phrased_ahead_is_thrown_away_where_the_person_goes_on() -> None:
    events = [*types("ok", 1_000), (1_050, found("It rains.")), *types("and", 2_050)]
    records = play(working(), events, until_ms=6_000)
    assert said(records) == "It rains."
    assert min(spoken(records, "s-1.1")) >= 2_350 + 1_200
    assert "before its first word" in " ".join(change.reason for _, change in only(LedgerChanged, records))


def test_what_goes_stale_while_the_voice_phrases_it_is_not_said() -> None:
    gate = found("It leaves from gate 4.", kind="partial", expires_at_ms=2_000)
    records = play(working(), [(1_000, gate)], until_ms=4_000, latency_ms=1_100)
    assert said(records) == ""
    assert states(records, "s-1.1") == ["owed", "offered", "expired"]
    in_time = play(working(), [(1_000, gate)], until_ms=4_000, latency_ms=200)
    assert states(in_time, "s-1.1")[-1] == "heard"


def test_what_the_person_began_before_is_answered_first_and_decided_about_anew() -> None:
    """They begin while the voice takes its time to the first word; then they want something else."""

    def voice(turn: MicroTurn) -> list[ModelEvent]:
        if any(piece.final for piece in turn.heard):
            return [ModelDelegated("the bus", supersedes="s-1"), ModelSpoke("The bus then."), ModelRested(turn.n)]
        return list(plain_voice(turn))

    events = [(3_000, found("It rains.")), *types("no, the bus", 3_100)]
    records = play(working(), events, until_ms=8_000, voice=voice, latency_ms=400)
    assert said(records).startswith("The bus then.") and "rains" not in said(records)
    assert states(records, "s-1.1") == ["owed", "offered", "owed", "superseded"]
    # It waits from its arrival, not from then: patience is not begun anew by somebody who types again and again.
    typing = [(at, UserText("word ")) for at in range(3_100, 30_000, 400)]
    shown = play(working(), [(3_000, found("It rains.")), *typing], until_ms=30_000, latency_ms=400)
    assert [at for at, part in only(Emit, shown) if part.style == "card"] == [23_000]


def test_half_of_what_was_taken_back_is_not_told_as_all_of_it() -> None:
    """The voice goes on with an utterance that was refused, and its finding has been offered once more meanwhile."""

    def mute(turn: MicroTurn) -> list[ModelEvent]:
        return []

    session, about = working(), ("s-1.1",)
    early: list[tuple[int, Event]] = [(1_000, found("It rains. It is cold.")), (1_100, UserText("well", final=True))]
    records = play(session, [*early, (1_150, ModelSpoke("It rains.", about))], until_ms=15_000, voice=mute)
    assert states(records, "s-1.1")[:4] == ["owed", "offered", "owed", "offered"]
    assert [step.turn.notices for _, step in only(StepModel, records) if step.turn.notices] == [(NOT_CURRENT,)]
    assert said(play(session, [(15_010, ModelSpoke(" It is cold.", about))], until_ms=15_900, voice=mute)) == ""
    # It has come to its end, and what it says from now on is new.
    anew: list[tuple[int, Event]] = [(16_000, ModelRested(0)), (16_010, ModelSpoke("It rains. It is cold.", about))]
    assert said(play(session, anew, until_ms=18_000, voice=mute)) == "It rains. It is cold."


def test_one_refusal_makes_no_other_forgotten() -> None:
    """Two utterances were taken back, and the voice goes on with the one after the other."""

    def mute(turn: MicroTurn) -> list[ModelEvent]:
        return []

    session = working(2)
    results: list[tuple[int, Event]] = [(1_000, found("It rains.")), (1_010, found("It is cold.", "s-2"))]
    begins: tuple[int, Event] = (1_300, UserText("well", final=True))
    late: list[tuple[int, Event]] = [(1_400 + 10 * n, ModelSpoke("Late.", (f"s-{n}.1",))) for n in (1, 2)]
    records = play(session, [*results, begins, *late], until_ms=15_000, voice=mute)
    assert states(records, "s-1.1")[-1] == states(records, "s-2.1")[-1] == "offered"
    again: list[tuple[int, Event]] = [(15_000 + 10 * n, ModelSpoke("Later.", (f"s-{n}.1",))) for n in (1, 2)]
    assert said(play(session, again, until_ms=15_900, voice=mute)) == ""
    # An answer shows that it is at another utterance; what is refused after that is told of again.
    session.receive(ModelSpoke("Yes."), now=from_ms(16_000))
    session.receive(UserText("no", final=True), now=from_ms(16_500))
    stale = play(session, [(16_600, ModelSpoke("Stale.", ("s-1.1",)))], until_ms=17_000, voice=mute)
    assert [step.turn.notices for _, step in only(StepModel, stale) if step.turn.notices] == [(NOT_CURRENT,)]


@pytest.mark.parametrize("every_ms", [250, 700, 1_100])
@pytest.mark.parametrize("again", [UserActivity("silent"), UserActivity("pause"), UserText("", final=True)])
def test_who_says_again_and_again_that_they_are_silent_keeps_nothing_back(again: Event, every_ms: int) -> None:
    events = [
        *types("well", 1_000),
        (1_300, found("It rains.")),
        *((at, again) for at in range(1_600, 9_000, every_ms)),
    ]
    records = play(working(), events, until_ms=9_000, latency_ms=100)
    assert spoken(records, "s-1.1")[0] <= 2_700
    assert states(records, "s-1.1")[-1] == "heard"


def test_two_offers_that_cross_are_told_once() -> None:
    """The words of the first come after the second has been made; then come those of the second."""
    events: list[tuple[int, Event]] = [
        (3_000, found("It rains.")),
        (3_100, UserActivity("speaking")),
        (3_600, UserActivity("silent")),
    ]
    for latency_ms in (1_500, 2_500, 3_500):
        records = play(working(pace=60), events, until_ms=20_000, latency_ms=latency_ms)
        assert said(records) == "It rains."
        assert states(records, "s-1.1")[-1] == "heard"


def test_a_person_who_is_quicker_than_the_voice_each_time_has_it_read_out() -> None:
    lines = [(at, UserText("and?", final=True)) for at in range(3_500, 30_000, 4_500)]
    records = play(working(), [(3_000, found("It rains.")), *lines], until_ms=30_000, latency_ms=3_000)
    assert [splice.style for _, splice in only(Splice, records)] == ["weave", "weave", "weave", "say"]
    assert said(records) == "It rains."
