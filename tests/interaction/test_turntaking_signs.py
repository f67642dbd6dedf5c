"""What turns are judged by: how a line looks, how fast somebody goes; and what comes of it before the turn is given."""

from __future__ import annotations

import pytest

from interaction.turntaking import Backchannel, Prepare, Respond, TurnSettings, Turntaking, Wait
from interaction.turntaking_tempo import Tempo
from interaction.turntaking_words import look
from orchestrator.effects import Heard, MicroTurn
from tests.interaction.taking_turns import ENTER, SPEAKING, rows

# --- preparing -------------------------------------------------------------------------------------------------------


def test_preparations_are_bounded_and_come_ever_more_rarely() -> None:
    taking, prepared = Turntaking(), list[int]()
    at_ms = 0
    for _ in range(12):
        at_ms += 200
        taking.hear(MicroTurn(n=0, at_ms=at_ms, heard=(Heard(" Is it so?"),), floor="person"))
        at_ms += 400
        decision = taking.hear(MicroTurn(n=0, at_ms=at_ms, quiet_ms=400, floor="person"))
        if isinstance(decision, Prepare):
            prepared.append(at_ms)
    assert prepared == [600, 1_200, 2_400]


@pytest.mark.parametrize(
    ("key_ms", "line", "prepared_ms"),
    [
        (60, "is it late?", 60),
        (150, "is it late?", 150),
        (900, "is it late?", 380),
        (60, "find me a train to Lyon", 600),
    ],
)
def test_behind_a_sentence_it_is_enough_that_the_next_key_is_overdue(key_ms: int, line: str, prepared_ms: int) -> None:
    taking = Turntaking()
    at_ms = 0
    for key in line:
        at_ms += key_ms
        taking.hear(MicroTurn(n=0, at_ms=at_ms, heard=(Heard(key),), floor="person"))
    for quiet_ms in range(10, prepared_ms, 10):
        turn = MicroTurn(n=0, at_ms=at_ms + quiet_ms, quiet_ms=quiet_ms, floor="person")
        assert isinstance(taking.hear(turn), Wait), quiet_ms
    turn = MicroTurn(n=0, at_ms=at_ms + prepared_ms, quiet_ms=prepared_ms, floor="person")
    assert isinstance(taking.hear(turn), Prepare)


def test_to_wait_before_enter_is_no_pause_of_somebody_who_goes_on() -> None:
    taking = Turntaking()
    for begun in (1_000, 3_000, 5_000):
        rows(
            [
                (begun, "is it late?", 0, "person", "wait"),
                (begun + 200, "", 200, "person", "prepare is it late?"),
                (begun + 400, "", 400, "person", "keep"),
                (begun + 500, ENTER, 0, "nobody", "respond! is it late?"),
            ],
            taking,
        )
        taking.answered()


@pytest.mark.parametrize("line", ["Hi", "a train to", "it costs 4,", 'he said "yes?', "well", "because"])
def test_no_preparation_for_short_or_unfinished_lines(line: str) -> None:
    taking = Turntaking()
    decisions = [taking.hear(MicroTurn(n=0, at_ms=200, heard=(Heard(line),), floor="person"))]
    decisions += [
        taking.hear(MicroTurn(n=0, at_ms=200 + quiet, quiet_ms=quiet, floor="person"))
        for quiet in range(200, 1_500, 200)
    ]
    assert not [decision for decision in decisions if not isinstance(decision, Wait)]


def test_preparing_can_be_turned_off() -> None:
    rows(
        [
            (200, "is it late?", 0, "person", "wait"),
            (600, "", 400, "person", "wait"),
            (800, "", 600, "nobody", "respond is it late?"),
        ],
        Turntaking(TurnSettings(preempt=False)),
    )


def test_a_person_who_pauses_is_not_at_an_end_after_a_moment() -> None:
    taking = Turntaking()
    at_ms = 0
    for word in ("is ", "the ", "shop ", "still "):
        rows([(at_ms + 200, word, 0, "person", "wait")], taking)
        for quiet in (200, 400, 600, 800):
            rows([(at_ms + 200 + quiet, "", quiet, "person", "wait")], taking)
        at_ms += 1_000
    rows(
        [
            (at_ms + 200, "open?", 0, "person", "wait"),
            (at_ms + 500, "", 300, "person", "wait"),
            (at_ms + 800, "", 600, "nobody", "wait"),
            (at_ms + 1_000, "", 800, "nobody", "prepare is the shop still open?"),
            (at_ms + 1_200, "", 1_000, "nobody", "respond! is the shop still open?"),
        ],
        taking,
    )


def test_tempo_is_a_median() -> None:
    tempo = Tempo()
    for number in range(20):
        tempo.hear(200 * number, 0, 2)
    tempo.hear(4_000, 200, 0)
    tempo.hear(7_000, 3_200, 0)
    tempo.hear(7_200, 0, 1)
    assert (tempo.gap_ms, tempo.pause_ms) == (100, 0)


# --- a listener's word -----------------------------------------------------------------------------------------------


def telling(taking: Turntaking, *, spoken: bool) -> list[int]:
    """When a listener's word is put in, while somebody tells for half a minute with a comma every two seconds."""
    nods: list[int] = []
    for at_ms in range(0, 30_000, 200):
        pieces: tuple[Heard, ...] = (SPEAKING,) if at_ms == 0 and spoken else ()
        if at_ms % 2_000 == 0:
            pieces = (*pieces, Heard(" and then we went on," if at_ms != 20_000 else " do you know it?"))
        decision = taking.hear(MicroTurn(n=0, at_ms=at_ms, heard=pieces, quiet_ms=at_ms % 2_000, floor="person"))
        if isinstance(decision, Backchannel):
            nods.append(at_ms)
        assert not isinstance(decision, Respond)
    return nods


def test_a_listeners_word_in_a_long_telling() -> None:
    nods = telling(Turntaking(), spoken=True)
    assert nods == [6_400, 14_400, 22_400]
    assert telling(Turntaking(TurnSettings(backchannels=False)), spoken=True) == []
    assert telling(Turntaking(), spoken=False) == []
    assert telling(Turntaking(TurnSettings(typed_backchannels=True)), spoken=False) == nods


# --- how a line looks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("When is the next train?", "ended"),
        ("Find it. ", "ended"),
        ('He said "go."', "ended"),
        ("(is it?)", "ended"),
        ("今何時ですか？", "ended"),  # noqa: RUF001
        ("when is the next train", "complete"),
        ("find me a train to Lyon", "complete"),
        ("please call Anna", "complete"),
        ("ok", "complete"),
        ("wie spät ist es", "complete"),
        ("I like trains", "open"),
        ("turn it on", "open"),
        ("where are you from", "open"),
        ("call 555", "open"),
        ("well...", "open"),
        ("open notes.", "ended"),
        ("open notes/a.", "open"),
        ("find me a train to", "unfinished"),
        ("because", "unfinished"),
        ("and", "unfinished"),
        ("I was there,", "unfinished"),
        ('he said "go', "unfinished"),
        ("a list (one", "unfinished"),
        ("ask Dr.", "unfinished"),
        ("1.", "unfinished"),
        ("it costs $", "unfinished"),
        ("what is 17 *", "unfinished"),
        ("a book and", "unfinished"),
        ("ich komme, weil", "unfinished"),
        ("", "open"),
    ],
)
def test_how_a_line_looks(line: str, expected: str) -> None:
    assert look(line) == expected
