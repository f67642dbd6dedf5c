"""`printf ... | duologue chat --plain` on the person's own files, in real processes."""

from __future__ import annotations

import re
import signal

import pytest

from tests.e2e.programs import Library, Programs

ANSWER = r'duologue: Found "ledger" in 1 place: notes\.md line 3: "The ledger is kept in the blue cupboard\."\.?\n'
SEARCHING_PLANS = r"\[working\] [\d,]+ files? read, 1 hit, the best so far in plans\.md"


def test_something_is_found_and_told_once_with_its_source(programs: Programs) -> None:
    chat = programs.piped("find the word ledger\n", "chat", "--plain")
    assert chat.said.startswith("you: find the word ledger\n")
    assert len(re.findall(ANSWER, chat.said)) == 1
    assert chat.said.count("blue cupboard") == 1
    assert (chat.code, chat.complained) == (0, "")


def test_three_lines_in_one_pipe_are_answered_in_their_order(programs: Programs) -> None:
    chat = programs.piped("find the word ledger\nwhat is 12 * 12?\nfind the word agenda\n", "chat", "--plain")
    steps = ["you: find the word ledger", "you: what is 12 * 12?", "you: find the word agenda"]
    assert [line for line in chat.said.splitlines() if line.startswith("you: ")] == steps
    for answer in ("blue cupboard", "12 * 12 = 144", "green door"):
        assert chat.said.count(answer) == 1
    assert chat.said.index(steps[1]) < chat.said.index("= 144")
    assert chat.said.index(steps[2]) < chat.said.index("green door")
    assert (chat.code, chat.complained) == (0, "")


@pytest.mark.parametrize("nothing", ["", "\n\n   \n"])
def test_nothing_piped_in(programs: Programs, nothing: str) -> None:
    chat = programs.piped(nothing, "chat", "--plain")
    assert (chat.said, chat.complained, chat.code) == ("", "", 0)


def test_a_reminder_is_waited_for(programs: Programs) -> None:
    chat = programs.piped("remind me in 2 seconds to stretch\n", "chat", "--plain")
    assert chat.said.endswith("\nduologue: Reminder: stretch.\n")
    assert chat.said.count("Reminder") == 1
    assert chat.code == 0


def test_the_last_line_needs_no_end(programs: Programs) -> None:
    chat = programs.piped("what is 12 * 12?", "chat", "--plain")
    assert chat.said.count("12 * 12 = 144") == 1
    assert chat.code == 0


def test_broken_bytes_are_shown_as_such_and_the_rest_is_understood(programs: Programs) -> None:
    chat = programs.piped(b"\xff\xfe\n\x80what is 12 * 12?\n", "chat", "--plain")
    assert "you: \ufffd\ufffd\n" in chat.said
    assert chat.said.count("= 144") == 1
    assert (chat.code, chat.complained) == (0, "")


def test_a_line_of_a_megabyte_is_cut_and_the_next_one_is_answered(programs: Programs) -> None:
    chat = programs.piped("word " * 200_000 + "\nwhat is 12 * 12?\n", "chat", "--plain")
    assert chat.said.count("longer than I can take in") == 1
    assert chat.said.count("12 * 12 = 144") == 1
    assert (chat.code, chat.complained) == (0, "")


def test_whoever_reads_may_stop_reading(programs: Programs) -> None:
    chat = programs.shell(
        "printf 'find the word ledger\\n' | { $DUOLOGUE chat --plain; echo \"ended with $?\" >&2; } | head -1"
    )
    assert chat.end() == 0
    assert chat.said == "you: find the word ledger\n"
    assert chat.complained.endswith("ended with 0\n")
    assert "Traceback" not in chat.complained


@pytest.mark.slow
def test_talking_goes_on_while_it_searches(programs: Programs, library: Library) -> None:
    library.grow()
    chat = programs.duologue("chat", "--plain")
    chat.type("find the word ledger")
    chat.hear(r"\[working\] [\d,]+ files? read")
    chat.type("how far are you?")
    chat.hear(r"duologue: .*ledger.*\n")
    chat.type("no, I meant the agenda")
    chat.hear(r"duologue: .*agenda")
    chat.hear(SEARCHING_PLANS)
    chat.type("what is 12 * 12?")
    chat.hear(r"12 \* 12 = 144")
    library.shrink()
    chat.hear("plans\\.md line 3")
    chat.no_more()
    assert chat.end() == 0
    assert chat.said.count("green door") == 1
    assert "blue cupboard" not in chat.said


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_it_and_what_was_not_done_is_told(
    programs: Programs, library: Library, number: signal.Signals, code: int
) -> None:
    library.grow()
    chat = programs.duologue("chat", "--plain")
    chat.type("find the word ledger")
    chat.hear("files read")
    chat.send(number)
    assert chat.end() == code
    assert chat.complained == "left while still working on: find the word ledger\n"
