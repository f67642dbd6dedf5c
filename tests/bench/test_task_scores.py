"""Each scorer on records made by hand, with the edges that the published definitions have."""

from __future__ import annotations

from math import log, sqrt

import pytest

from orchestrator.bench.tasks.record import Record, Saying, Span, spans, speaking, tokens
from orchestrator.bench.tasks.scores.answers import Expected, score_answer
from orchestrator.bench.tasks.scores.counting import Repetitions, numbers, score_counting
from orchestrator.bench.tasks.scores.listening import ToldStory, distance, score_listening
from orchestrator.bench.tasks.scores.localisation import Action, score_localisation, union_share
from orchestrator.bench.tasks.scores.marks import holds_any, repeated
from orchestrator.bench.tasks.scores.overlapping import Behaviour, Overlap, score_overlap
from orchestrator.bench.tasks.scores.proactive import Due, Moments, area, score_moments
from orchestrator.bench.tasks.scores.takeover import (
    InterruptedTurn,
    PausedTurn,
    TakenTurn,
    score_interruption,
    score_pauses,
    score_turn,
    takeover,
)
from orchestrator.bench.tasks.scores.windows import score_windows
from tests.bench.speaking import heard, said, stretch

NOTHING = heard()

# --- the record -------------------------------------------------------------------------------------------------------


def test_short_silences_are_part_of_speech() -> None:
    words = (*said(1_000, "a b").words, *said(2_100, "c").words, *said(3_000, "d").words)
    assert spans(words) == [Span(1_000, 2_400), Span(3_000, 3_300)]
    assert spans(words, gap_ms=499) == [Span(1_000, 1_600), Span(2_100, 2_400), Span(3_000, 3_300)]


def test_somebody_speaks_also_between_two_words() -> None:
    speech = [Span(1_000, 2_000), Span(5_000, 6_000)]
    assert [speaking(speech, at_ms) for at_ms in (1_000, 1_001, 2_199, 2_200)] == [None, speech[0], speech[0], None]


def test_words_are_compared_as_whole_words() -> None:
    assert tokens("It's up, Anna: 7!") == ["it's", "up", "anna", "7"]
    assert holds_any("Please sit straight.", ("sit straight",))
    assert not holds_any("a cuppa", ("up",))


def test_saying_the_same_again_is_counted() -> None:
    assert repeated([said(0, "Mm-hm."), said(900, "mm-hm"), said(1_800, "Yes.")]) == 1


# --- Full-Duplex-Bench v1 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("saying", "taken"),
    [
        (said(0, "one two three", word_ms=333), False),  # under a second and three words
        (said(0, "one two three four", word_ms=200), True),  # four words
        (said(0, "one two three", word_ms=334), True),  # over a second
        (said(0, "well", word_ms=1_000), True),
        (said(0, "well", word_ms=999), False),
    ],
)
def test_a_takeover_is_a_second_or_four_words(saying: Saying, taken: bool) -> None:
    assert takeover(saying.words) is taken


def test_silence_takes_no_turn() -> None:
    assert takeover(()) is False


PAUSED = PausedTurn(1_000, 5_000, 6_000)


@pytest.mark.parametrize(
    ("record", "taken", "answered", "latency"),
    [
        (NOTHING, 0, 0, None),
        (heard(said(5_400, "it is nine now")), 0, 1, 0.4),
        (heard(said(3_000, "it is nine now")), 1, 0, None),
        (heard(said(3_000, "mm-hm"), said(5_600, "it is nine now")), 0, 1, 0.6),
        (heard(said(11_001, "it is nine now")), 0, 0, None),  # too late is no answer
    ],
)
def test_pauses_are_no_ends(record: Record, taken: int, answered: int, latency: float | None) -> None:
    marks = score_pauses(PAUSED, record)
    assert (marks["takeover"], marks["answered"], marks["latency_s"]) == (taken, answered, latency)


@pytest.mark.parametrize(
    ("record", "taken", "early", "latency"),
    [
        (NOTHING, 0, 0, None),
        (heard(said(2_250, "hello and good morning")), 1, 0, 0.25),
        (heard(said(1_900, "hello and good morning")), 1, 1, 0.0),  # the published latency is never negative
        (heard(said(2_250, "hello")), 0, 0, None),  # too little to be a turn, so it has no latency
        (heard(said(400, "before it")), 0, 0, None),
    ],
)
def test_the_turn_is_taken_after_its_end(record: Record, taken: int, early: int, latency: float | None) -> None:
    marks = score_turn(TakenTurn(1_000, 2_000, 6_000), record)
    assert (marks["takeover"], marks["early"], marks["latency_s"]) == (taken, early, latency)


def test_an_interruption_is_answered_by_what_begins_after_it() -> None:
    truth = InterruptedTurn(5_000, 6_000, 6_000, ("joke",))
    going_on = heard(said(3_000, "one joke and more and more and more and more and more and more"))
    assert score_interruption(truth, going_on)["takeover"] == 0
    answer = heard(said(3_000, "a long answer"), said(6_700, "here is a joke"))
    assert score_interruption(truth, answer) == {"takeover": 1, "answers": 1, "latency_s": 0.7, "duplicates": 0}
    beside = heard(said(6_700, "I did not get that"))
    assert score_interruption(truth, beside)["answers"] == 0


STORY = ToldStory(0, 20_000, (Span(5_000, 5_600), Span(11_000, 11_600)))


def test_a_listener_who_says_nothing_is_as_far_off_as_can_be() -> None:
    assert score_listening(STORY, NOTHING) == {"takeover": 0, "per_minute": 0, "jsd": 1, "duplicates": 0}


def test_a_listener_is_nearer_in_the_pauses_than_in_the_words() -> None:
    there = score_listening(STORY, heard(said(5_100, "mm-hm"), said(11_100, "right")))
    elsewhere = score_listening(STORY, heard(said(2_000, "mm-hm"), said(8_000, "right")))
    assert (there["takeover"], there["per_minute"]) == (0, 6)
    assert there["jsd"] is not None and elsewhere["jsd"] is not None
    assert there["jsd"] < 0.5 < elsewhere["jsd"]


def test_a_listeners_word_may_come_again_and_a_sentence_may_not() -> None:
    words = (said(2_000, "mm-hm"), said(5_100, "mm-hm"))
    assert score_listening(STORY, heard(*words))["duplicates"] == 0
    sentences = (said(8_000, "I see what you mean"), said(14_000, "I see what you mean"))
    assert score_listening(STORY, heard(*words, *sentences))["duplicates"] == 1


@pytest.mark.parametrize("saying", [said(5_000, "I see what"), said(5_000, "really", word_ms=1_000)])
def test_three_words_or_a_second_are_no_backchannel(saying: Saying) -> None:
    marks = score_listening(STORY, heard(saying))
    assert (marks["takeover"], marks["per_minute"]) == (1, 0)


def test_the_distance_of_histograms() -> None:
    assert distance([1, 2, 3], [1, 2, 3]) == pytest.approx(0, abs=1e-9)
    assert distance([1, 0], [0, 1]) == pytest.approx(sqrt(log(2)), abs=1e-6)


# --- Full-Duplex-Bench v1.5 -------------------------------------------------------------------------------------------

LONG = "I can look things up and tell you what I found while you go on talking about it"
CLEAN = heard(said(2_000, LONG))


def cut_at(at_ms: int) -> Saying:
    return Saying(tuple(word for word in said(2_000, LONG).words if word.end_ms <= at_ms))


@pytest.mark.parametrize(
    ("record", "wants", "right", "respond", "resume"),
    [
        (NOTHING, "respond", 0, 0, 0),
        (NOTHING, "resume", 0, 0, 0),  # silence goes on with nothing
        (CLEAN, "resume", 1, 0, 1),  # spoke on through it
        (CLEAN, "respond", 0, 0, 1),
        (heard(cut_at(4_400)), "resume", 0, 0, 0),  # stopped, and left it at that
        (heard(cut_at(4_400), said(6_000, "Here is a joke for you")), "respond", 1, 1, 0),
        (heard(cut_at(4_400), said(6_000, "Here is a joke for you")), "resume", 0, 1, 0),
        (heard(cut_at(4_400), said(6_000, "tell you what I found while you")), "resume", 1, 0, 1),  # took it up again
        (heard(cut_at(4_400), said(6_000, "Excuse me, I did not catch any of that")), "resume", 0, 0, 0),
        (heard(said(6_000, "Here is a joke for you")), "respond", 0, 1, 0),  # it was not speaking: nothing to try
    ],
)
def test_what_becomes_of_speech_that_is_spoken_into(
    record: Record, wants: Behaviour, right: int, respond: int, resume: int
) -> None:
    marks = score_overlap(Overlap(4_000, 5_000, 8_000, wants, ("joke",)), record, CLEAN)
    assert (marks["right"], marks["respond"], marks["resume"]) == (right, respond, resume)


def test_how_long_both_are_heard_and_how_long_nobody_is() -> None:
    truth = Overlap(4_000, 5_000, 8_000, "respond", ("joke",))
    marks = score_overlap(truth, heard(cut_at(4_400), said(5_650, "a joke")), CLEAN)
    assert (marks["stop_s"], marks["response_s"]) == (0.4, 0.65)
    assert score_overlap(truth, CLEAN, CLEAN)["stop_s"] == 1.0  # to the end of the overlap
    assert score_overlap(truth, NOTHING, CLEAN)["stop_s"] is None


# --- tau-voice --------------------------------------------------------------------------------------------------------


def test_yielding_has_two_seconds() -> None:
    person = (stretch(0, 1_000), stretch(4_000, 9_000))
    yields = heard(said(1_500, "w " * 12), person=person)  # to 5.1 s
    assert score_windows(yields)["yield_rate"] == 1
    assert score_windows(yields)["yield_s"] == pytest.approx(1.1)
    stays = heard(said(1_500, "w " * 15), person=person)  # to 6.0 s: two seconds are too many
    assert (score_windows(stays)["yield_rate"], score_windows(stays)["yield_s"]) == (0, None)


@pytest.mark.parametrize(("words", "right"), [(11, 0), (12, 1)])
def test_a_backchannel_is_spoken_through_for_a_second(words: int, right: int) -> None:
    record = heard(said(1_400, "w " * words), person=(stretch(0, 1_000), stretch(4_000, 4_300, "backchannel")))
    assert score_windows(record)["backchannel"] == right


def test_a_backchannel_into_silence_is_no_case() -> None:
    assert score_windows(heard(person=(stretch(4_000, 4_300, "backchannel"),)))["backchannel"] is None


@pytest.mark.parametrize("kind", ["tic", "aside"])
@pytest.mark.parametrize(("answer_ms", "right"), [(None, 1), (4_300, 0), (6_300, 0), (6_301, 1)])
def test_what_is_not_meant_for_it_is_not_answered_within_two_seconds(
    kind: str, answer_ms: int | None, right: int
) -> None:
    answers = () if answer_ms is None else (said(answer_ms, "what was that"),)
    record = heard(*answers, person=(stretch(4_000, 4_300, "tic" if kind == "tic" else "aside"),))
    assert score_windows(record)[kind] == right


def test_a_turn_is_responded_to_before_the_next() -> None:
    person = (stretch(0, 1_000), stretch(5_000, 6_000))
    marks = score_windows(heard(said(7_000, "only now"), person=person))
    assert (marks["response_rate"], marks["response_s"]) == (0.5, 1.0)
    both = score_windows(heard(said(1_400, "yes"), said(6_600, "no"), person=person))
    assert (both["response_rate"], both["response_s"]) == (1, 0.5)


def test_beginning_in_the_persons_turn_is_an_interruption() -> None:
    marks = score_windows(heard(said(500, "oh"), person=(stretch(0, 1_000), stretch(5_000, 6_000))))
    assert marks["interrupts"] == 0.5


def test_silence_yields_nothing_and_answers_nothing_that_was_not_meant_for_it() -> None:
    person = (stretch(0, 1_000), stretch(3_000, 3_300, "tic"), stretch(5_000, 6_000, "aside"))
    marks = score_windows(heard(person=person))
    assert (marks["response_rate"], marks["yield_rate"], marks["tic"], marks["aside"]) == (0, None, 1, 1)


# --- TimeSpeak and CueSpeak -------------------------------------------------------------------------------------------

DUE = Expected(("tea",), Span(5_000, 7_000), 5_000, 2_000)


@pytest.mark.parametrize(
    ("record", "right", "content", "time"),
    [
        (NOTHING, 0, 0, 0),
        (heard(said(5_600, "tea")), 1, 1, 1),
        (heard(said(5_600, "coffee")), 0, 0, 1),
        (heard(said(7_000, "tea")), 0, 1, 0),  # the end of the window is outside it
        (heard(said(4_999, "tea"), said(6_000, "well")), 0, 1, 1),  # the right words and the right time, apart
        (heard(said(1_000, "I will say tea")), 0, 0, 0),  # before anything was due
    ],
)
def test_content_and_time_must_be_right_together(record: Record, right: int, content: int, time: int) -> None:
    marks = score_answer(DUE, record)
    assert (marks["right"], marks["content"], marks["time"]) == (right, content, time)


def test_how_far_off_and_how_often() -> None:
    marks = score_answer(DUE, heard(said(4_000, "tea"), said(5_300, "tea"), said(9_000, "tea")))
    assert (marks["off_s"], marks["duplicates"]) == (0.3, 2)


# --- counting ---------------------------------------------------------------------------------------------------------

FIVE = Repetitions((1_000, 2_000, 3_000, 4_000, 5_000))


def test_numbers_are_read_in_digits_and_in_words() -> None:
    assert numbers("That makes Twelve, or 13.") == [12, 13]
    assert numbers("someone is often often") == []


@pytest.mark.parametrize(
    ("record", "near", "exact"),
    [
        (NOTHING, 0, 0),
        (heard(said(5_200, "five")), 1, 1),
        (heard(said(4_100, "4")), 1, 0),
        (heard(said(5_200, "six")), 1, 0),
        (heard(said(5_200, "seven")), 0, 0),
        (heard(said(3_900, "five")), 0, 0),  # before the last but one
        (heard(said(4_100, "five"), said(5_200, "nine")), 0, 0),  # the last number counts
    ],
)
def test_the_last_number_is_within_one(record: Record, near: int, exact: int) -> None:
    marks = score_counting(FIVE, record)
    assert (marks["off_by_one"], marks["exact"]) == (near, exact)


def test_numbers_said_and_said_again() -> None:
    marks = score_counting(FIVE, heard(said(1_100, "one"), said(2_100, "two"), said(3_100, "two")))
    assert (marks["spoken"], marks["duplicates"]) == (0.4, 1)


# --- PAUC -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("points", "omega", "expected"),
    [
        ([], 0.5, 0.25),  # silence
        ([(0.0, 2.0)], 0.5, 1.0),  # all of it at once
        ([(0.0, 0.0)], 0.5, 0.0),  # wrong at once
        ([(0.0, 1.0)], 0.5, 0.5),
        ([(10.0, 2.0)], 0.5, 0.625),  # at the last moment: half of the time is forgiven
        ([(10.0, 2.0)], 0.0, 0.25),
        ([(10.0, 2.0)], 1.0, 1.0),  # time does not matter
        ([(2.0, 1.0), (6.0, 2.0)], 0.5, (1 * 0.5 + 2 * 1 + 7 * 2) / 20),
    ],
)
def test_the_area_under_the_accumulated_score(points: list[tuple[float, float]], omega: float, expected: float) -> None:
    assert area(points, 10.0, omega=omega) == pytest.approx(expected)


MOMENTS = Moments(
    2_000,
    (
        Due(Span(10_000, 20_000), 16_000, (("red",), ("wine",))),
        Due(Span(30_000, 40_000), 36_000, (("salt", "salty"),)),
    ),
)


def test_silence_has_a_pauc_of_exactly_a_quarter() -> None:
    assert score_moments(MOMENTS, NOTHING) == {
        "pauc": 0.25,
        "answered": 0.0,
        "duplicate_rate": None,
        "out_of_span_rate": None,
    }


def test_replies_are_scored_by_what_they_tell_together() -> None:
    marks = score_moments(MOMENTS, heard(said(12_000, "it is wine"), said(16_000, "red"), said(30_000, "salt")))
    assert marks["pauc"] == pytest.approx(((1 * 0.5 + 2 * 1 + 7 * 2) / 20 + 1.0) / 2)
    assert marks["answered"] == 1


def test_a_wrong_answer_is_worse_than_none() -> None:
    marks = score_moments(MOMENTS, heard(said(10_000, "a bird"), said(30_000, "a bird")))
    assert (marks["pauc"], marks["answered"]) == (0.0, 0.0)


def test_replies_outside_and_replies_again() -> None:
    marks = score_moments(MOMENTS, heard(said(1_000, "ok"), said(5_000, "salt"), said(31_000, "salt")))
    assert (marks["duplicate_rate"], marks["out_of_span_rate"]) == (0.5, 0.5)  # "ok" acknowledges the request


# --- start and stop ---------------------------------------------------------------------------------------------------

POURS = Action(4_000, Span(10_000, 20_000))


@pytest.mark.parametrize(
    ("record", "iou"),
    [
        (NOTHING, 0.0),
        (heard(said(10_000, "start"), said(20_000, "stop")), 1.0),
        (heard(said(15_000, "Start."), said(25_000, "Stop!")), 1 / 3),
        (heard(said(21_000, "start"), said(25_000, "stop")), 0.0),
        (heard(said(10_000, "start")), 0.0),  # no end was said
        (heard(said(20_000, "stop")), 0.0),
        (heard(said(9_000, "stop"), said(10_000, "start"), said(15_000, "stop")), 0.5),
        (heard(said(2_000, "I will say start and stop")), 0.0),  # the acknowledgement
    ],
)
def test_the_said_span_is_laid_over_the_true_one(record: Record, iou: float) -> None:
    marks = score_localisation(POURS, record)
    assert marks["iou"] == pytest.approx(iou)
    assert marks["above_half"] == (iou >= 0.5)


def test_spans_without_length_share_nothing() -> None:
    assert union_share(Span(1, 1), Span(1, 1)) == 0.0
