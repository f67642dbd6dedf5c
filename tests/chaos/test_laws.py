"""Each law of a conversation is kept by a good journal, and broken by one that is bad in just that way."""

from __future__ import annotations

import pytest

from tests.chaos.evidence import Life
from tests.chaos.laws import LAWS, broken
from tests.chaos.notes import Line

D = "p-abc-1"


def line(type_: str, /, **fields: object) -> Line:
    return {"t": 0, "at_ms": 0, "type": type_, **fields}


def delegate(task: str = "please x wait 1") -> Line:
    return line("delegate", id=D, task=task)


def task_is(state: str) -> Line:
    return line("ledger", state=state, finding="", delegation=D, reason="")


def finding(seq: int, kind: str = "final", text: str = "The x is done.", attempt: int = 1) -> Line:
    tail = f"{seq}" if attempt == 1 else f"{attempt}.{seq}"
    return line("finding", id=f"{D}.{tail}", delegation=D, kind=kind, text=text, seq=seq, attempt=attempt)


def is_now(state: str, tail: str = "1", reason: str = "") -> Line:
    return line("ledger", state=state, finding=f"{D}.{tail}", delegation="", reason=reason)


def emit(tail: str = "1", text: str = "The x is done.") -> Line:
    return line("emit", text=text, about=[f"{D}.{tail}"], style="speech")


def unsure(of: Line) -> Line:
    return {**of, "unsure": True}


def told(tail: str = "1") -> list[Line]:
    return [is_now("owed", tail), is_now("offered", tail), emit(tail), is_now("speaking", tail), is_now("heard", tail)]


OPENED = line("opened", pid=1, known=True)
ASKED = [OPENED, delegate(), task_is("offered"), task_is("queued"), task_is("running")]
GOOD = [*ASKED, finding(1), task_is("done"), *told()]
CORRECTED = line("amend", delegation=D, text="red")

GOOD_ONES: dict[str, list[Line]] = {
    "answered and heard": GOOD,
    "answered, and then replaced": [*GOOD, task_is("superseded")],
    "called off": [*ASKED, task_is("cancelled"), finding(1), is_now("cancelled")],
    "the same answer twice": [*GOOD, finding(1)],
    "late words of an earlier attempt": [
        *ASKED,
        *(finding(1, attempt=2), task_is("done"), *told("2.1")),
        *(finding(1, "partial"), is_now("superseded")),
    ],
    "cut in the middle and told again": [
        *ASKED,
        *(finding(1), task_is("done"), is_now("owed"), is_now("offered"), emit(text="The x"), is_now("speaking")),
        *(is_now("owed", reason="its delivery was cut"), *told()[1:]),
    ],
    "a correction that was followed": [
        *(*ASKED, CORRECTED, finding(1, text="The x is done as red."), task_is("done"), *told()),
    ],
    "heard, killed before that was kept, and told again": [
        *(*ASKED, finding(1), task_is("done"), is_now("owed"), is_now("offered")),
        *(unsure(emit()), unsure(is_now("speaking")), unsure(is_now("heard"))),
        *(OPENED, *told()[1:]),
    ],
    "heard, killed before that was known to be kept, and it was": [
        *(*ASKED, finding(1), task_is("done"), is_now("owed"), unsure(is_now("heard")), OPENED),
    ],
    "handed over and forgotten, and another one has its number": [
        *(OPENED, unsure(delegate("please y wait 1")), OPENED, *GOOD[1:]),
    ],
    "called off and forgotten": [*ASKED, unsure(task_is("cancelled")), OPENED, *GOOD[len(ASKED) :]],
    "the same answer again, when nobody remembers the task": [*GOOD, finding(1), is_now("dropped")],
    "given up after three workers": [*ASKED, task_is("failed"), *told("3.0")],
    "an outage of which two tell": [*GOOD, *[line("bus.down")] * 2, *[line("bus.up")] * 2],
    "an outage": [*GOOD, line("bus.down"), line("bus.up")],
    "away at two visits": [*GOOD, line("bus.down"), OPENED, line("bus.down"), line("bus.up")],
}

BAD_ONES: list[tuple[str, list[Line]]] = [
    ("every task ends once", ASKED),
    ("every task ends once", [*GOOD, task_is("failed")]),
    ("every task ends once", [*ASKED, task_is("cancelled"), task_is("cancelled")]),
    ("an id stands for one task", [*GOOD, delegate("please y wait 1")]),
    ("every answer is accounted for", [*ASKED, finding(1), task_is("done")]),
    ("every answer is accounted for", [*ASKED, finding(1), task_is("done"), *told()[:-1]]),
    ("every answer is accounted for", [*ASKED, finding(1), is_now("dropped"), task_is("cancelled")]),
    ("nothing is told twice", [*GOOD, is_now("heard")]),
    ("nothing is told twice", [*GOOD, emit()]),
    ("nothing is told twice", [*ASKED, finding(1), task_is("done"), is_now("owed"), is_now("superseded"), emit()]),
    ("nothing is told twice", [*GOOD, finding(1, attempt=2), *told("2.1")]),
    ("nothing is told twice", [*GOOD, emit("9")]),
    ("nothing is told twice", [*GOOD, OPENED, emit()]),
    ("nothing is told twice", [*GOOD, unsure(emit())]),
    (
        "no older attempt after a newer one",
        [*ASKED, finding(1, "partial", attempt=2), *told("2.1"), finding(1), task_is("done"), *told()],
    ),
    ("an answer follows the last correction", [*ASKED, CORRECTED, finding(1), task_is("done"), *told()]),
    ("nobody gives up", [*ASKED, task_is("failed"), *told("0")]),
    ("nobody gives up", [*ASKED, task_is("failed"), *told("2.0")]),
    ("nobody gives up", [*ASKED, finding(1, "error", "That took longer than 9 seconds"), task_is("failed"), *told()]),
    ("who is told of an outage is told of its end", [*GOOD, line("bus.down")]),
    ("who is told of an outage is told of its end", [*GOOD, *[line("bus.down")] * 3, *[line("bus.up")] * 3]),
    ("who is told of an outage is told of its end", [*GOOD, line("bus.up")]),
]


@pytest.mark.parametrize("name", GOOD_ONES)
def test_a_good_journal_keeps_every_law(name: str) -> None:
    assert broken(Life("p", tuple(GOOD_ONES[name]), finished=True)) == []


@pytest.mark.parametrize(("law", "lines"), BAD_ONES)
def test_a_bad_journal_breaks_its_law(law: str, lines: list[Line]) -> None:
    found = broken(Life("p", tuple(lines), finished=True))
    assert law in {violation.law for violation in found}


def test_every_law_can_be_broken() -> None:
    assert {law for law, _ in BAD_ONES} == set(LAWS)


def test_who_was_killed_owes_no_end() -> None:
    assert broken(Life("p", tuple(ASKED), finished=False)) == []
    assert broken(Life("p", (*ASKED, finding(1), task_is("done"), *told()[:2]), finished=False)) == []
