"""What stands at the bottom of the terminal, and what moves up from there."""

from __future__ import annotations

from interaction.links.screen import Live, Status
from orchestrator.decisions import Hold, Splice
from orchestrator.effects import Delegate, Emit, LedgerChanged
from orchestrator.events import BusDown, BusUp
from orchestrator.finding import Finding


def test_the_utterance_in_progress_stands_until_it_ends() -> None:
    live = Live()
    assert live.add(Emit(1, "It is ", 1), 40) == []
    assert live.rows(40) == ["duologue: It is"]
    assert live.add(Emit(2, "nine.", 1, ends=True), 40) == ["duologue: It is nine."]
    assert live.rows(40) == []


def test_an_interruption_marks_it() -> None:
    live = Live()
    live.add(Emit(1, "It is ", 1), 40)
    assert live.stop(40) == ["duologue: It is --"]


def test_it_follows_a_resize() -> None:
    live = Live()
    live.add(Emit(1, "one two three four", 1), 60)
    assert live.rows(60) == ["duologue: one two three four"]
    assert live.rows(20) == ["duologue: one two", "  three four"]


def test_a_long_utterance_moves_up_and_no_word_is_lost_or_broken() -> None:
    live, words = Live(), [f"word{number} " for number in range(100)]
    rows: list[str] = []
    for number, word in enumerate(words):
        half = len(word) // 2
        rows += live.add(Emit(number, word[:half], 1), 30)
        rows += live.add(Emit(number, word[half:], 1), 30)
        assert len(live.rows(30)) <= 4
    rows += live.finish(30)
    assert max(map(len, rows)) <= 30
    assert " ".join(" ".join(rows).split()) == "duologue: " + "".join(words).strip()


def test_the_status_tells_the_newest_of_what_is_worked_on_and_then_nothing() -> None:
    status = Status()
    assert status.line(80) == ""
    status.take(Delegate("s-1", "find the ledger", 1))
    assert status.line(80) == "working: find the ledger"
    status.take(LedgerChanged("queued", delegation="s-1"))
    assert status.line(80) == "working: find the ledger (queued)"
    status.take(LedgerChanged("running", delegation="s-1"))
    status.take(Finding("reading a.txt", "progress", delegation="s-1", seq=1))
    status.take(Delegate("s-2", "sum it up", 2))
    assert status.line(80) == "2 tasks: reading a.txt"
    status.take(LedgerChanged("done", delegation="s-1"))
    assert status.line(80) == "working: sum it up"
    status.take(LedgerChanged("cancelled", delegation="s-2"))
    assert status.line(80) == ""


def test_the_status_tells_what_waits_to_be_said_and_why() -> None:
    status = Status()
    status.take(Hold("the person has the floor", ("s-1.1",)))
    assert status.line(80) == "an answer waits: you have the floor"
    status.take(Splice(("s-1.1",), "a good moment"))
    assert status.line(80) == ""


def test_the_status_tells_that_the_background_is_away() -> None:
    status = Status()
    status.take(BusDown("refused"))
    assert status.line(80) == "the background is away: refused"
    status.take(BusUp())
    assert status.line(80) == ""


def test_the_status_takes_one_row_and_obeys_nothing() -> None:
    status = Status()
    status.take(Delegate("s-1", "\x1b[2J" + "find many things " * 20, 1))
    assert len(status.line(40)) <= 40
    assert "\x1b" not in status.line(40)
