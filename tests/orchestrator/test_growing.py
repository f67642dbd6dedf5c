"""An answer that grows while it is told: no part of it is told twice, and none is lost."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.clock import from_ms
from orchestrator.effects import Emit, StepModel
from orchestrator.events import DelegationUpdate, Event, ModelAmended, ModelDelegated, UserHeard
from orchestrator.finding import Finding
from orchestrator.growing import goes_on, reached
from orchestrator.journal import Record
from orchestrator.session import Session
from orchestrator.testing.playing import play, silent_voice
from tests.orchestrator.driving import a_session, found, only, said, states, types

ONE = "The first train leaves at nine."
TWO = f"{ONE} It goes by way of Ulm."
THREE = f"{TWO} It is there at noon."


def working(**config: Any) -> Session:
    session = a_session(pace=60, reassure_ms=None, **config)
    session.receive(ModelDelegated("the train"), now=from_ms(0))
    session.receive(DelegationUpdate("s-1", "running"), now=from_ms(0))
    return session


def part(text: str, seq: int, **fields: Any) -> Finding:
    return found(text, seq=seq, kind="partial", **fields)


@pytest.mark.parametrize(
    ("text", "before", "goes"),
    [
        (TWO, ONE, True),
        (f"{ONE}\n\nMore.", ONE, True),
        (ONE, ONE, False),
        (ONE, TWO, False),
        ("24 trains.", "2", False),
        ("It is nine o'clock.", "It is nine", False),
        ("No more. It was.", "No.", False),
        (ONE, "", False),
        ("He said “no.” Then he left.", "He said “no.”", True),
    ],
)
def test_what_goes_on_with_what(text: str, before: str, goes: bool) -> None:
    assert goes_on(text, before) is goes


@pytest.mark.parametrize(
    ("heard", "up_to"),
    [
        ("", ""),
        ("The first", ""),
        (ONE, ONE),
        (f"So far: {ONE} It goes by", ONE),
        (TWO, TWO),
        ("something else altogether", ""),
        ("The first train  leaves\nat nine. It", ONE),
    ],
)
def test_how_far_it_was_heard(heard: str, up_to: str) -> None:
    assert reached(THREE, heard) == up_to


def test_of_a_text_that_says_the_same_twice_the_longest_end_counts() -> None:
    text = "It is long. It is blue. It is long. It is cold."
    assert reached(text, "It is long. It is blue. It is long.") == "It is long. It is blue. It is long."
    assert reached(text, "So far: It is long. It is blue. It is long.") == "It is long. It is blue. It is long."


def test_a_final_goes_on_with_the_partial_that_was_heard() -> None:
    events: list[tuple[int, Event]] = [(1_000, part(ONE, 1)), (5_000, found(THREE, seq=2))]
    records = play(working(), events, until_ms=12_000)
    assert said(records) == f"{ONE}It goes by way of Ulm. It is there at noon."
    assert states(records, "s-1.1")[-1] == states(records, "s-1.2")[-1] == "heard"
    (offer,) = [offer for _, step in only(StepModel, records) for offer in step.turn.offers if offer.continues]
    assert (offer.said, offer.rest) == (ONE, "It goes by way of Ulm. It is there at noon.")


def test_it_does_so_too_when_the_final_comes_while_the_partial_is_being_said() -> None:
    events: list[tuple[int, Event]] = [(1_000, part(ONE, 1)), (1_300, found(TWO, seq=2))]
    assert said(play(working(), events, until_ms=12_000)) == f"{ONE}It goes by way of Ulm."


def test_a_partial_that_has_grown_takes_the_place_of_the_one_before() -> None:
    events: list[tuple[int, Event]] = [
        *types("one moment", 900),
        (1_000, part(ONE, 1)),
        (1_200, part(TWO, 2)),
        (8_000, found(THREE, seq=3)),
    ]
    records = play(working(), events, until_ms=15_000)
    assert states(records, "s-1.1") == ["owed", "superseded"]
    assert said(records) == f"{TWO}It is there at noon."


def test_a_partial_of_another_kind_is_told_beside_it() -> None:
    events: list[tuple[int, Event]] = [*types("one moment", 900), (1_000, part(ONE, 1)), (1_200, part("Snow.", 2))]
    assert said(play(working(), events, until_ms=15_000)) == f"{ONE} Snow."


def test_a_final_that_begins_otherwise_is_told_whole() -> None:
    events: list[tuple[int, Event]] = [(1_000, part(ONE, 1)), (5_000, found("It leaves at ten.", seq=2))]
    assert said(play(working(), events, until_ms=12_000)) == f"{ONE}It leaves at ten."


def test_a_final_that_was_told_whole_in_its_parts_is_not_told_again() -> None:
    events: list[tuple[int, Event]] = [(1_000, part(TWO, 1)), (6_000, found(TWO, seq=2))]
    records = play(working(), events, until_ms=12_000)
    assert said(records) == TWO
    assert states(records, "s-1.2")[-1] == "acknowledged"


def test_a_part_that_comes_after_a_later_one_is_not_told_again() -> None:
    told = play(working(), [(1_000, part(TWO, 2)), (6_000, part(ONE, 1))], until_ms=12_000)
    assert said(told) == TWO
    assert states(told, "s-1.1") == ["superseded"]
    telling = play(working(), [(1_000, part(TWO, 2)), (1_200, part(ONE, 1))], until_ms=12_000)
    assert said(telling) == TWO
    other = play(working(), [(1_000, part(TWO, 2)), (6_000, part("Snow.", 1))], until_ms=12_000)
    assert said(other) == f"{TWO}Snow."


def test_a_final_that_comes_twice_while_the_voice_phrases_it_is_told_once() -> None:
    twice: list[tuple[int, Event]] = [(1_000, found(THREE, seq=1)), (1_200, found(THREE, seq=1))]
    records = play(working(), twice, until_ms=12_000, latency_ms=400)
    assert said(records) == THREE
    assert states(records, "s-1.1") == ["owed", "offered", "speaking", "heard"]


def test_a_part_is_broken_off_when_the_answer_says_it_otherwise() -> None:
    events: list[tuple[int, Event]] = [(1_000, part(ONE, 1)), (1_300, found("It leaves at ten.", seq=2))]
    records = play(working(), events, until_ms=12_000)
    assert ONE not in said(records)
    assert said(records).endswith("It leaves at ten.")
    assert states(records, "s-1.1")[-1] == "superseded"


def test_after_a_correction_nothing_counts_as_told() -> None:
    events: list[tuple[int, Event]] = [
        (1_000, part(ONE, 1)),
        (5_000, ModelAmended("s-1", "on Sunday")),
        (6_000, found(TWO, seq=2)),
    ]
    assert said(play(working(), events, until_ms=12_000)) == f"{ONE}{TWO}"


def test_the_session_itself_goes_on_in_the_same_way() -> None:
    events: list[tuple[int, Event]] = [(1_000, part(ONE, 1)), (30_000, found(TWO, seq=2))]
    assert said(play(working(), events, until_ms=60_000, voice=silent_voice)) == f"{ONE}It goes by way of Ulm."


@pytest.mark.parametrize("heard", [True, False])
def test_what_is_not_confirmed_as_heard_is_told_again_after_a_cut(heard: bool) -> None:
    """Over a loudspeaker: the partial has been sent, the final follows, and then the person begins."""
    session = working(hearing="reported")
    records: list[Record] = play(session, [(1_000, part(ONE, 1)), (1_500, found(TWO, seq=2))], until_ms=4_000)
    confirmed: list[tuple[int, Event]] = [(4_100, UserHeard(only(Emit, records)[-1][1].seq))] if heard else []
    cut = play(session, [*confirmed, *types("no wait", 4_200)], until_ms=30_000)
    assert said(records).startswith(ONE)
    assert (ONE in said(cut)) is not heard


def test_a_word_that_happens_to_stand_in_it_proves_nothing() -> None:
    """Cut after "As I", a delivery was once taken for heard up to the "I" of a later sentence, and the first one was
    never told."""
    text = "There is a table at nine. It is for 29 people. Dinner comes to 58 euros."
    assert reached(text, "As I") == ""
    assert reached(text, "As I was saying: It") == ""
    assert reached(text, "As I was saying: It is for 29 people.") == text[:46]
    assert reached(text, "By the way: There is a table at nine. It") == text[:25]
