"""The guard and the stream: the floor, what is said at once, and that the cut of the stream changes nothing."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interaction.models.chat_guard import Guard, GuardSettings
from interaction.models.chat_guard_sentences import facts, sentence_end, sentences
from orchestrator.context import Said, Spoke
from orchestrator.effects import Floor, Offer
from orchestrator.finding import Finding
from tests.interaction.guarding import ASKED, TRAIN, spoken, turn

# --- the floor -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("floor", ["person", "both"])
def test_nothing_goes_out_over_the_person(floor: Floor) -> None:
    guard = Guard()
    guard.begin("reply", line="hello")
    assert guard.say("Hello ") == "Hello "
    guard.look(turn(floor=floor))
    assert guard.say("there. How are") == ""
    assert guard.say(" you?", overlap=True) == " you?"
    assert guard.end() == ""
    assert [(held.text, held.rule) for held in guard.withheld] == [("there. How are", "floor")]


def test_no_fallback_over_the_person() -> None:
    guard = Guard()
    guard.look(turn(work=(TRAIN,)))
    guard.begin("reply", line=ASKED)
    guard.say("The train to Lyon leaves at 9:12. ")
    guard.look(turn(work=(TRAIN,), floor="person"))
    assert guard.end() == ""


# --- what remains ----------------------------------------------------------------------------------------------------


def test_filler_may_be_off() -> None:
    guard = Guard(GuardSettings(fallback=""))
    guard.look(turn(work=(TRAIN,)))
    guard.begin("reply", line=ASKED)
    assert spoken(guard, "The train to Lyon leaves at 9:12.") == ""
    guard.begin("reply", line=ASKED)
    assert guard.delegate("find a hotel in Lyon") is None
    assert spoken(guard, "The hotel in Lyon costs 80 euros.") == ""


def test_what_may_be_known_may_be_said() -> None:
    guard = Guard(known="The office of the railway is open until 18:00.")
    guard.recall((Said(text="My train is number 6607", revision=1), Spoke(text="Noted, car 12.", revision=2)))
    guard.look(turn(work=(TRAIN,)))
    guard.begin("reply", line=ASKED)
    said = "Your train 6607, car 12. The railway is open until 18:00."
    assert spoken(guard, said) == said


# --- the stream ------------------------------------------------------------------------------------------------------

PIECES = ["The", " capital", " of", " Nor", "way", " is", " Oslo", ".", " It", " has", " 700,000", " people", "."]


def test_with_nothing_at_stake_every_piece_goes_out_at_once() -> None:
    guard = Guard()
    guard.look(turn(Spoke(text="Here is something quite different.")))
    guard.begin("reply", line="What's the capital of Norway?")
    assert [guard.say(piece) for piece in PIECES] == PIECES
    assert guard.end() == ""


def test_a_sentence_waits_only_while_it_begins_like_one_that_was_said() -> None:
    guard = Guard()
    guard.look(turn(Spoke(text="The capital is big.")))
    guard.begin("reply", line="What about Norway?")
    assert [guard.say(piece) for piece in PIECES[:5]] == ["", "", "The capital of", " Nor", "way"]


TEXTS = st.lists(
    st.sampled_from(
        [
            "The next train to Lyon leaves at 9:12.",
            "I'm looking that up.",
            "Dr. Who lives at No. 5, e.g. in Bath.",
            "Do you want to go?",
            "The capital of Norway is Oslo!",
            "今、調べています。すぐです。",
            "1. One\n2. Two\n",
            "Well... I found it.",
            'She said "no." Then she left.',
            "no end at all",
            "  ",
            "It costs 4.50 (about).",
        ]
    ),
    max_size=6,
).map(" ".join)


@given(TEXTS, st.lists(st.integers(0, 200), max_size=12), st.booleans(), st.booleans())
def test_however_the_stream_is_cut_the_same_goes_out(text: str, cuts: list[int], opened: bool, handed: bool) -> None:
    def run(pieces: list[str]) -> tuple[str, list[str]]:
        guard = Guard()
        guard.look(turn(Spoke(text="I'm looking that up."), work=(TRAIN,) if opened else ()))
        guard.begin("reply", line=ASKED)
        if handed:
            guard.delegate("find a hotel in Lyon")
        return spoken(guard, *pieces), [withheld.text for withheld in guard.withheld]

    at = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    pieces = [text[start:end] for start, end in pairwise(at)]
    whole = run([text])
    assert run(pieces) == whole
    assert run(list(text)) == whole


def test_a_sentence_without_an_end_does_not_wait_for_ever() -> None:
    guard = Guard()
    guard.look(turn(work=(TRAIN,)))
    guard.begin("reply", line="Tell me a story")
    assert len(guard.say("once upon a time " * 60)) > 400
    assert guard.say("x" * 5_000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is 9.12 now. Go!", ["It is 9.12 now.", "Go!"]),
        ("Ask Dr. Who. He knows.", ["Ask Dr. Who.", "He knows."]),
        ("Wait... what?! Yes", ["Wait...", "what?!", "Yes"]),
        ('He said "go." And left', ['He said "go."', "And left"]),
        ("好的。马上。", ["好的。", "马上。"]),
        ("- one\n- two", ["- one", "- two"]),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected
    assert sentence_end("It costs 4.") is None


@pytest.mark.parametrize(
    ("text", "numbers", "named"),
    [
        ("It leaves at 9:12 for Lyon.", {"912"}, {"lyon"}),
        ("1. The first is in Bath", set[str](), {"bath"}),
        ("Der Zug nach Lyon um 9:12", {"912"}, set[str]()),
        ("I'm on it. The rest is easy.", set[str](), set[str]()),
        ("It costs 1,200 for the two of us", {"1200", "two"}, set[str]()),
    ],
)
def test_facts(text: str, numbers: set[str], named: set[str]) -> None:
    assert facts(text).numbers == numbers
    assert facts(text).names == named


def test_while_a_task_is_open_a_sentence_about_something_else_waits_for_a_few_words_only() -> None:
    guard = Guard()
    guard.look(turn(work=(TRAIN,)))
    guard.begin("reply", line="What do you think of whales?")
    pieces = ["Whales", " are", " big", " and", " gentle", " animals", "."]
    assert [guard.say(piece) for piece in pieces] == ["", "", "", "", "Whales are big and gentle", " animals", "."]


def test_telling_what_is_found_waits_for_a_few_words_while_another_task_is_open() -> None:
    guard = Guard()
    other = Finding("Whales eat krill, tons of it a day.", "final", delegation="s-2", seq=1)
    guard.look(turn(work=(TRAIN,), offers=(Offer(other, "what whales eat"),)))
    guard.begin("tell", offers=(Offer(other, "what whales eat"),))
    pieces = ["Whales", " eat", " krill", ", tons", " of", " it."]
    assert [guard.say(piece) for piece in pieces][4] == "Whales eat krill, tons of"


def test_what_is_on_the_matter_of_a_task_waits_until_it_is_whole() -> None:
    guard = Guard()
    guard.look(turn(work=(TRAIN,)))
    guard.begin("reply", line="What do you think of whales?")
    assert [guard.say(piece) for piece in ["The", " next", " train", " to", " Lyon", " leaves", " at", " 9:12."]] == [
        ""
    ] * 8
    assert guard.end() == guard.settings.fallback
    assert [held.rule for held in guard.withheld] == ["delegated"]
