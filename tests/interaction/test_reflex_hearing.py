"""When words are complete: never half a sentence, and the same whatever pieces they come in."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interaction.models.reflex_hearing import Hearing, Utterance
from orchestrator.effects import Heard


def heard(*script: tuple[str, int], complete: bool = True) -> list[str]:
    """What is complete after pieces of (text typed, quiet after it). "<<" before a text takes it back, "|" is Enter."""
    hearing = Hearing(lambda _: complete)
    found: list[Utterance] = []
    for text, quiet_ms in script:
        if text.startswith("<<"):
            pieces = [Heard(text[2:], op="delete")]
        elif text.endswith("|"):
            pieces = [Heard(text[:-1], final=True)]
        else:
            pieces = [Heard(text)] if text else []
        found.extend(hearing.hear(pieces, quiet_ms))
    return [f"{item.text}" + (f" [for {item.revises}]" if item.revises else "") for item in found]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ([("find the ledger|", 0)], ["find the ledger"]),
        ([("find the ledger", 0), ("", 1200)], []),
        ([("find the ledger", 0), ("", 1600)], ["find the ledger"]),
        ([("find the ledger", 0), ("", 1600), ("|", 0)], ["find the ledger"]),
        ([("find it. ", 0)], ["find it."]),
        ([("find it.", 0), ("", 300)], []),
        ([("find it.", 0), ("", 600)], ["find it."]),
        ([("find it.", 0), ("", 600), ("", 800), ("|", 0)], ["find it."]),
        ([("is it? yes! no. ", 0)], ["is it?", "yes!", "no."]),
        ([("one.\ntwo\r\nthree", 0)], ["one.", "two"]),
        # a full stop inside a word is no end
        ([("read journal.md and 3.14 now", 0)], []),
        ([("read docs/journal.", 0), ("", 600), ("md|", 0)], ["read docs/journal.md"]),
        ([("read docs/journal.", 0), ("", 1600)], ["read docs/journal."]),
        ([("e.g. this, Dr. Who and J. Smith ", 0)], []),
        ([("well... ", 0), ("find it|", 0)], ["well... find it"]),
        ([("1. find it ", 0)], []),
        ([('whenever I say "go. now" stop. ', 0)], ['whenever I say "go. now" stop.']),
        ([("he said (it is here.) ", 0)], ["he said (it is here.)"]),
        # taken back before it was acted upon
        ([("find Pariss", 0), ("<<s", 0), ("|", 0)], ["find Paris"]),
        # taken back afterwards
        ([("find Paris. ", 0), ("<<Paris. ", 0), ("Lyon. ", 0)], ["find Paris.", "find Lyon. [for 1]"]),
        ([("find Paris. ", 0), ("<< ", 0), (" ", 0)], ["find Paris."]),
        ([("find Paris. ", 0), ("<<. ", 0), ("!|", 0)], ["find Paris."]),
        ([("find Paris|", 0), ("<<Paris", 0), ("Lyon|", 0)], ["find Paris", "find Lyon [for 1]"]),
        ([("a bb. c dd. ", 0), ("<<bb. c dd. ", 0), ("xx. ", 0)], ["a bb.", "c dd.", "a xx. [for 1]"]),
        # what goes on was not complete
        ([("find it", 0), ("", 1600), (" in docs|", 0)], ["find it", "find it in docs [for 1]"]),
        ([("<<nothing", 0), ("hello|", 0)], ["hello"]),
        ([("   |", 0), ("|", 0)], []),
    ],
)
def test_words_are_complete(script: list[tuple[str, int]], expected: list[str]) -> None:
    assert heard(*script) == expected


def test_what_does_not_look_complete_waits_for_enter() -> None:
    assert heard(("find the", 0), ("", 9_000), complete=False) == []
    assert heard(("find the", 0), ("", 9_000), (" ledger|", 0), complete=False) == ["find the ledger"]


def test_a_breath_is_waited_for_and_silence_given_back_is_not() -> None:
    breath = Hearing(lambda _: True)
    assert breath.hear([Heard("find the ledger"), Heard(activity="pause")], 0) == []
    assert breath.hear([], 3_000) == []
    assert [item.text for item in breath.hear([], 4_000)] == ["find the ledger"]
    given_back = Hearing(lambda _: True)
    assert given_back.hear([Heard("find the ledger"), Heard(activity="silent")], 200) == []
    assert [item.text for item in given_back.hear([], 600)] == ["find the ledger"]


def test_a_frame_is_no_text() -> None:
    hearing = Hearing(lambda _: True)
    assert hearing.hear([Heard("a cat", frame="f1", final=True)], 0) == []


_PIECES = st.lists(
    st.tuples(st.text(alphabet='ab. ?!"\n\u201c.', max_size=12), st.sampled_from(["insert", "delete", "final"])),
    max_size=30,
)


@given(_PIECES)
def test_key_by_key_is_the_same_as_in_pieces(pieces: list[tuple[str, str]]) -> None:
    whole, keys = Hearing(lambda _: True), Hearing(lambda _: True)
    of_whole: list[Utterance] = []
    of_keys: list[Utterance] = []
    for text, kind in pieces:
        if kind == "delete":
            of_whole += whole.hear([Heard(text, op="delete")], 0)
            of_keys += keys.hear([Heard(text, op="delete")], 0)
        else:
            of_whole += whole.hear([Heard(text, final=kind == "final")], 0)
            for char in text:
                of_keys += keys.hear([Heard(char)], 0)
            of_keys += keys.hear([Heard("", final=kind == "final")], 0)
    assert of_whole == of_keys
    assert [item.number for item in of_whole] == list(range(1, len(of_whole) + 1))


@pytest.mark.parametrize("shape", ["a", "a ", ". ", "a. ", '"a. ', "....", "a.b.", "\n", "? "])
def test_long_input_takes_linear_time(shape: str) -> None:
    def seconds(length: int) -> float:
        hearing = Hearing(lambda _: False)
        text = (shape * length)[:length]
        begun = time.process_time()
        for char in text:
            hearing.hear([Heard(char)], 0)
        for _ in range(length):
            hearing.hear([Heard("x", op="delete")], 0)
        return time.process_time() - begun

    # Quadratic time would be 16 times as much for 4 times the text; processor time, so that no neighbour counts.
    assert seconds(40_000) < 9 * seconds(10_000) + 0.05
