"""Whose turn it is, as tables of micro-turns made by hand."""

from __future__ import annotations

import pytest

from interaction.turntaking import Turntaking, Yield
from interaction.turntaking_line import Line
from orchestrator.context import Said
from orchestrator.effects import Floor, Heard, MicroTurn
from tests.interaction.taking_turns import BREATH, ENTER, SILENT, SPEAKING, Row, back, rows, said


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(
            [(200, "when is it?", 0, "person", "wait"), (400, ENTER, 0, "nobody", "respond when is it?")],
            id="Enter ends it",
        ),
        pytest.param(
            [(200, (Heard("find it", final=True),), 0, "nobody", "respond find it"), (400, "", 200, "nobody", "wait")],
            id="a line with its Enter",
        ),
        pytest.param(
            [
                (200, "is it late?", 10, "person", "wait"),
                (400, "", 210, "person", "prepare is it late?"),
                (600, "", 410, "person", "keep"),
                (790, "", 600, "nobody", "respond! is it late?"),
                (820, "", 630, "nobody", "wait"),
            ],
            id="prepared, then given",
        ),
        pytest.param(
            [
                (200, "is it late?", 10, "person", "wait"),
                (600, "", 410, "person", "prepare is it late?"),
                (800, " ", 50, "person", "keep"),
                (1_000, "", 250, "person", "keep"),
                (1_400, "", 650, "nobody", "respond! is it late?"),
            ],
            id="a space is no going on",
        ),
        pytest.param(
            [
                (200, "is it late?", 10, "person", "wait"),
                (600, "", 410, "person", "prepare is it late?"),
                (800, " And", 50, "person", "wait"),
                (1_000, " dark?", 50, "person", "wait"),
                (1_400, "", 450, "person", "prepare is it late? And dark?"),
                (1_600, "", 650, "nobody", "respond! is it late? And dark?"),
            ],
            id="a preparation is thrown away when the person goes on",
        ),
        pytest.param(
            [
                (200, "is it late?", 10, "person", "wait"),
                (600, "", 410, "person", "prepare is it late?"),
                (800, back("late?"), 50, "person", "wait"),
                (1_000, "dark?", 50, "person", "wait"),
                (1_600, "", 650, "nobody", "respond is it dark?"),
            ],
            id="words taken back before they were answered were never said",
        ),
        pytest.param([(200, ENTER, 0, "nobody", "wait"), (400, "   ", 0, "person", "wait")], id="nothing is nothing"),
        pytest.param(
            [
                (200, "find it", 0, "person", "wait"),
                (2_400, "", 2_200, "nobody", "respond find it"),
                (2_600, ENTER, 0, "nobody", "wait"),
            ],
            id="an Enter after the answer asks nothing",
        ),
        pytest.param(
            [
                (200, "a train to", 0, "person", "wait"),
                (2_000, "", 1_800, "nobody", "wait"),
                (2_200, ENTER, 0, "nobody", "respond a train to"),
            ],
            id="a bare Enter after a pause",
        ),
        pytest.param(
            [
                (200, "a train to", 0, "person", "wait"),
                (1_800, "", 1_600, "nobody", "wait"),
                (4_000, "", 3_800, "nobody", "wait"),
                (4_600, "", 4_400, "nobody", "respond a train to"),
            ],
            id="broken off, and answered at last",
        ),
        pytest.param(
            [
                (200, "Hello.", 0, "person", "wait"),
                (800, "", 600, "nobody", "respond Hello."),
                (2_000, " Is it late?", 0, "person", "wait"),
                (2_600, "", 600, "nobody", "respond+ Is it late?"),
            ],
            id="a line that goes on after it was answered",
        ),
        pytest.param(
            [
                (200, "Hello.", 0, "person", "wait"),
                (800, "", 600, "nobody", "respond Hello."),
                (2_000, (Heard(" Is it late?"), ENTER), 0, "nobody", "respond+ Is it late?"),
                (3_000, (Heard("And dark?"), ENTER), 0, "nobody", "respond And dark?"),
            ],
            id="and is entered then",
        ),
        pytest.param(
            [
                (200, "a train to Paris.", 0, "person", "wait"),
                (800, "", 600, "nobody", "respond a train to Paris."),
                (2_000, back("Paris."), 0, "person", "wait"),
                (2_200, "Lyon.", 0, "person", "wait"),
                (2_800, "", 600, "nobody", "respond+[Paris.] Lyon."),
            ],
            id="a correction after the answer",
        ),
        pytest.param(
            [
                (200, "cats and dogs.", 0, "person", "wait"),
                (800, "", 600, "nobody", "respond cats and dogs."),
                (2_000, back(" and dogs."), 0, "person", "wait"),
                (4_000, "", 2_000, "nobody", "wait"),
                (4_200, ENTER, 0, "nobody", "respond[and dogs.] cats"),
            ],
            id="shortened after the answer, and entered",
        ),
        pytest.param(
            [
                (200, "a train to Paris.", 0, "person", "wait"),
                (800, "", 600, "nobody", "respond a train to Paris."),
                (2_000, back("a train to Paris."), 0, "person", "wait"),
                (2_200, ENTER, 0, "nobody", "wait"),
            ],
            id="all taken back",
        ),
        pytest.param(
            [
                (200, (Heard("one", final=True), Heard("two")), 0, "person", "wait"),
                (400, ENTER, 0, "nobody", "respond one\ntwo"),
            ],
            id="two lines, one answer",
        ),
        pytest.param(
            [
                (200, SPEAKING, 0, "person", "wait"),
                (400, "is it", 0, "person", "wait"),
                (600, " late", 0, "person", "wait"),
                (800, SILENT, 0, "nobody", "respond is it late"),
            ],
            id="speech in pieces, then silence",
        ),
        pytest.param(
            [
                (200, SPEAKING, 0, "person", "wait"),
                (600, SILENT, 0, "nobody", "wait"),
                (900, (Heard("is it late", final=True),), 0, "nobody", "respond is it late"),
            ],
            id="the transcript comes after the silence",
        ),
        pytest.param(
            [
                (200, (SPEAKING, Heard("I went to the shop")), 0, "person", "wait"),
                (400, BREATH, 0, "person", "wait"),
                (2_700, "", 2_300, "nobody", "prepare I went to the shop"),
                (4_400, "", 4_000, "nobody", "respond! I went to the shop"),
            ],
            id="a breath is waited out",
        ),
        pytest.param(
            [
                (200, Heard("a cat", frame="f-1"), 0, "nobody", "wait"),
                (400, "", 200, "nobody", "wait"),
            ],
            id="a frame is not said",
        ),
    ],
)
def test_decisions(table: list[Row]) -> None:
    rows(table)


@pytest.mark.parametrize(
    "table",
    [
        pytest.param(
            [
                (200, (Heard("is it late?"), ENTER), 0, "nobody", "respond is it late?"),
                (400, "", 200, "nobody", "wait"),
                (600, "and", 0, "person", "yield"),
                (800, " dark", 0, "person", "wait"),
                (1_000, ENTER, 0, "nobody", "respond is it late?\nand dark"),
            ],
            id="a follow-up before the answer: two lines, one answer",
        ),
        pytest.param(
            [
                (200, "is it late?", 0, "person", "wait"),
                (800, "", 600, "nobody", "respond is it late?"),
                (1_000, " Or dark?", 0, "person", "yield"),
                (1_600, "", 600, "nobody", "respond is it late? Or dark?"),
            ],
            id="the line goes on before the answer",
        ),
        pytest.param(
            [
                (200, (Heard("is it late?"), ENTER), 0, "nobody", "respond is it late?"),
                (400, "o", 0, "person", "wait"),
                (600, (Heard("k"), ENTER), 0, "nobody", "wait"),
                (800, "", 200, "nobody", "wait"),
            ],
            id="a listener's word leaves the answer alone",
        ),
        pytest.param(
            [
                (200, (Heard("is it late?"), ENTER), 0, "nobody", "respond is it late?"),
                (400, "o", 0, "person", "wait"),
                (600, "r dark?", 0, "person", "yield"),
                (1_200, "", 600, "nobody", "respond is it late?\nor dark?"),
            ],
            id="what began like one",
        ),
        pytest.param(
            [
                (200, (Heard("is it late?"), ENTER), 0, "nobody", "respond is it late?"),
                (400, " ", 0, "person", "wait"),
                (1_000, "", 600, "nobody", "wait"),
            ],
            id="a space asks nothing",
        ),
        pytest.param(
            [
                (200, (Heard("is it late?"), ENTER), 0, "nobody", "respond is it late?"),
                (400, SPEAKING, 0, "person", "yield"),
                (800, SILENT, 0, "nobody", "respond is it late?"),
            ],
            id="a cough costs a request and loses nothing",
        ),
        pytest.param(
            [
                (200, "is it late?", 0, "person", "wait"),
                (800, "", 600, "nobody", "respond is it late?"),
                (1_000, back("late?"), 0, "person", "yield"),
                (1_200, "dark?", 0, "person", "wait"),
                (1_800, "", 600, "nobody", "respond is it dark?"),
            ],
            id="corrected before the answer",
        ),
        pytest.param(
            [
                (200, (Heard("one?"), ENTER), 0, "nobody", "respond one?"),
                (400, (Heard("and two?"), ENTER), 0, "nobody", "respond one?\nand two?"),
            ],
            id="a whole line at once takes the place of the request",
        ),
    ],
)
def test_before_the_answer_has_begun(table: list[Row]) -> None:
    rows(table, answers=False)


def test_what_comes_after_the_answer_has_begun_is_answered_alone() -> None:
    taking = Turntaking()
    rows([(200, (Heard("one?"), ENTER), 0, "nobody", "respond one?")], taking, answers=False)
    rows([(400, "an", 0, "person", "yield")], Turntaking(), answers=False, busy=True)
    taking.answered()
    rows([(600, (Heard("and two?"), ENTER), 0, "nobody", "respond and two?")], taking)


def test_words_typed_while_the_answer_begins_wait_for_their_own() -> None:
    taking = Turntaking()
    rows([(200, "one?", 0, "person", "wait"), (800, "", 600, "nobody", "respond one?")], taking, answers=False)
    # It may still become "ok": the request goes on, and its first words come.
    rows([(1_000, " o", 0, "person", "wait")], taking, answers=False)
    taking.answered()
    rows([(1_200, "r two?", 0, "person", "wait"), (1_800, "", 600, "nobody", "respond+ or two?")], taking)


@pytest.mark.parametrize(
    ("pieces", "floor", "expected"),
    [
        ("stop", "person", "yield"),
        ("stop", "both", "yield"),
        (SPEAKING, "person", "yield"),
        (back("x"), "person", "yield"),
        ("o", "person", "wait"),
        ("mm-hm", "person", "wait"),
        ((Heard("ok"), ENTER), "nobody", "wait"),
        ((Heard("stop"), ENTER), "nobody", "respond stop"),
        ("", "person", "wait"),
        (" ", "person", "wait"),
    ],
)
def test_while_the_voice_is_busy(pieces: str | Heard | tuple[Heard, ...], floor: Floor, expected: str) -> None:
    rows([(200, pieces, 0, floor, expected)], busy=True)


def test_yes_is_an_answer_where_one_is_expected() -> None:
    rows([(200, (Heard("yes"), ENTER), 0, "nobody", "respond yes")], busy=True, expecting="s-1.2")
    table: list[Row] = [(200, "yes", 0, "person", "wait"), (1_700, "", 1_500, "nobody", "respond yes")]
    rows(table, expecting="s-1.2")


def test_what_was_cut_off_is_given_way_to() -> None:
    micro_turn = MicroTurn(n=1, at_ms=200, heard=(Heard("no"),), floor="person", unheard="and then it")
    assert isinstance(Turntaking().hear(micro_turn), Yield)


def test_a_listeners_word_that_the_session_kept_closes_the_line() -> None:
    taking = Turntaking()
    rows([(200, "Hello.", 0, "person", "wait"), (800, "", 600, "nobody", "respond Hello.")], taking)
    noted = MicroTurn(
        n=9, at_ms=2_000, heard=(back("lo."), Heard("p me.")), entries=(Said(text="ok", backchannel=True),)
    )
    assert said(taking.hear(noted)) == "wait"
    rows([(2_600, "", 600, "nobody", "respond p me.")], taking)


def test_lines_that_come_while_the_answer_begins() -> None:
    line = Line()
    line.insert("one?")
    line.ask()
    line.insert(" or two?")
    line.enter()
    line.insert("three")
    line.settle()
    assert (line.pending, line.continues) == ("or two?\nthree", True)
    line.ask()
    line.settle()
    assert (line.pending, line.fresh) == ("", "")
