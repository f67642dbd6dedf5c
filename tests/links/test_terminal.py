"""A person at a real pseudo terminal."""

from __future__ import annotations

import re
import signal
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import pexpect
import pytest

# What prompt_toolkit writes when it has taken the terminal over, and when it gives it back.
TAKEN = "\x1b[?2004h"
GIVEN_BACK = "\x1b[?2004l"
_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")

Terminal: TypeAlias = "pexpect.spawn[str]"
Start: TypeAlias = Callable[..., Terminal]


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """Where what the person did is written."""
    return tmp_path / "events"


@pytest.fixture
def start(command: list[str], environment: dict[str, str], events: Path) -> Iterator[Start]:
    """Start the program at a terminal."""
    started: list[Terminal] = []

    def run(path: Path = events, *, columns: int = 60, **variables: str) -> Terminal:
        terminal: Terminal = pexpect.spawn(
            command[0],
            [*command[1:], "terminal", str(path)],
            env={**environment, **variables},
            dimensions=(24, columns),
            encoding="utf-8",
            timeout=30,
        )
        terminal.delaybeforesend = None
        started.append(terminal)
        return terminal

    yield run
    for terminal in started:
        terminal.close(force=True)


def heard(path: Path) -> list[tuple[str, Any]]:
    """What reached the session, in short: (what, text)."""
    found: list[tuple[str, Any]] = []
    for line in path.read_bytes().splitlines():
        event = msgspec.json.decode(line)
        what = "enter" if event.get("final") else event.get("op", event["type"].removeprefix("user."))
        found.append(("insert" if what == "text" else what, event.get("text", event.get("reason", ""))))
    return found


def settings(terminal: Terminal) -> list[Any]:
    return termios.tcgetattr(terminal.child_fd)


def seen(terminal: Terminal) -> str:
    """What was printed up to and with what was last expected."""
    return f"{terminal.before}{terminal.after}"


def ended(terminal: Terminal) -> None:
    """Wait until the program is gone. Not `close`, which would end it with a signal of its own."""
    terminal.expect(pexpect.EOF)
    terminal.wait()


def leave(terminal: Terminal, key: str = "\x04") -> str:
    """Press `key`, and give what was printed until the end."""
    terminal.send(key)
    ended(terminal)
    return terminal.before or ""


def test_every_key_is_heard_as_it_is_typed(start: Start, events: Path) -> None:
    terminal = start()
    terminal.expect_exact(TAKEN)
    terminal.send("helo\x7f")
    terminal.send("lo\r")
    terminal.expect("You said: hello")
    leave(terminal)
    assert heard(events) == [
        ("insert", "h"),
        ("insert", "e"),
        ("insert", "l"),
        ("insert", "o"),
        ("delete", "o"),
        ("insert", "l"),
        ("insert", "o"),
        ("enter", ""),
        ("left", "the person left"),
    ]
    assert terminal.exitstatus == 0


def test_an_edit_in_the_middle_is_heard_as_taking_back_and_typing_again(start: Start, events: Path) -> None:
    terminal = start()
    terminal.expect_exact(TAKEN)
    terminal.send("ac\x1b[Db\r")
    terminal.expect("You said: abc")
    leave(terminal)
    assert heard(events)[:5] == [("insert", "a"), ("insert", "c"), ("delete", "c"), ("insert", "bc"), ("enter", "")]


def test_what_is_pasted_is_one_line_and_one_insertion(start: Start, events: Path) -> None:
    terminal = start()
    terminal.expect_exact(TAKEN)
    terminal.send("\x1b[200~two\nlines \x07\x1b[201~\r")
    terminal.expect("You said: two lines")
    leave(terminal)
    assert heard(events)[:2] == [("insert", "two lines \ufffd"), ("enter", "")]


def test_a_huge_paste_is_cut(start: Start, events: Path) -> None:
    terminal = start()
    terminal.expect_exact(TAKEN)
    terminal.send("\x1b[200~" + "x" * 40_000 + "\x1b[201~")
    terminal.expect("x" * 30)
    terminal.send("\r")
    terminal.expect("You said:")
    leave(terminal)
    assert sum(len(text) for what, text in heard(events) if what == "insert") == 16_384


def test_an_empty_line_is_nothing(start: Start, events: Path) -> None:
    terminal = start()
    terminal.expect_exact(TAKEN)
    terminal.send("\r\r")
    leave(terminal)
    assert heard(events) == [("left", "the person left")]


def test_finished_lines_stand_above_and_work_is_shown_below(start: Start) -> None:
    terminal = start()
    terminal.expect_exact(TAKEN)
    terminal.send("work 1 the ledger\r")
    terminal.expect("you: .*work 1 the ledger\r+\n")
    terminal.expect("working: looking for the ledger")
    terminal.expect("duologue: .*Found the ledger.\r+\n")
    leave(terminal)
    assert terminal.exitstatus == 0


def test_the_first_key_interrupts(start: Start) -> None:
    terminal = start()
    terminal.expect_exact(TAKEN)
    terminal.send("long\r")
    terminal.expect("and on")
    terminal.send("x")
    terminal.expect(" --\r+\n")
    leave(terminal, "\x7f\x04")


def test_a_long_utterance_moves_up_in_whole_rows(start: Start) -> None:
    terminal = start(columns=30)
    terminal.expect_exact(TAKEN)
    terminal.send("long\r")
    terminal.expect("you: .*long\r+\n")
    terminal.expect("duologue: .*on and on, on\r+\n")
    terminal.expect("  and on, on and on, on and\r+\n")
    leave(terminal)


def test_the_terminal_may_change_its_size(start: Start) -> None:
    terminal = start()
    terminal.expect_exact(TAKEN)
    terminal.setwinsize(10, 20)  # pyright: ignore[reportUnknownMemberType]
    terminal.send("0123456789\r")
    terminal.expect("duologue: .*You said:\r+\n.*  0123456789\r+\n")
    leave(terminal)


def test_speech_cannot_command_the_terminal(start: Start) -> None:
    terminal = start()
    terminal.expect_exact(TAKEN)
    terminal.send("show\r")
    terminal.expect("before red.*after\r+\n")
    out = seen(terminal) + leave(terminal)
    assert "owned" not in out
    assert "\x1b[31m" not in out
    assert "\x9b" not in out
    assert "\u202e" not in out


def test_no_colours_are_used(start: Start) -> None:
    terminal = start(NO_COLOR="1")
    terminal.expect_exact(TAKEN)
    terminal.send("work 0 it\r")
    terminal.expect("Found it")
    out = seen(terminal) + leave(terminal)
    weights = {part for codes in re.findall(r"\x1b\[([0-9;]*)m", out) for part in codes.split(";")}
    assert weights <= {"", "0", "1", "2"}


@pytest.mark.parametrize(
    ("how", "code", "reason"),
    [
        ("\x04", 0, "the person left"),
        ("\x03", 130, "interrupted"),
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 0, "the program was told to stop"),
    ],
)
def test_the_terminal_is_as_before_however_it_ends(
    start: Start, events: Path, how: str | signal.Signals, code: int, reason: str
) -> None:
    terminal = start()
    before = settings(terminal)
    terminal.expect_exact(TAKEN)
    terminal.send("work 60 the ledger\r")
    terminal.expect("looking for")
    assert settings(terminal) != before
    if isinstance(how, str):
        terminal.send(how)
    else:
        terminal.kill(how)
    terminal.expect_exact(GIVEN_BACK)
    terminal.expect("left while still working on: 60 the ledger\r\n")
    after = settings(terminal)
    ended(terminal)
    assert terminal.exitstatus == code
    assert heard(events)[-1] == ("left", reason)
    assert after == before


@pytest.mark.parametrize(("name", "code", "told"), [("problem", 3, "the plug is out"), ("events", 1, "it broke")])
def test_the_terminal_is_as_before_after_an_error(
    start: Start, tmp_path: Path, name: str, code: int, told: str
) -> None:
    terminal = start(tmp_path / name)
    before = settings(terminal)
    terminal.expect_exact(TAKEN)
    terminal.send("crash\r" if name == "events" else "\x04")
    terminal.expect_exact(told)
    after = settings(terminal)
    ended(terminal)
    assert terminal.exitstatus == code
    assert after == before


def test_hanging_up_ends_it(start: Start, events: Path) -> None:
    terminal = start()
    terminal.expect_exact(TAKEN)
    terminal.kill(signal.SIGHUP)
    ended(terminal)
    assert terminal.exitstatus == 0
    assert heard(events)[-1][0] == "left"


def test_the_first_lines_say_what_it_is_and_how_to_leave(start: Start) -> None:
    terminal = start()
    terminal.expect_exact(TAKEN)
    first = _SEQUENCE.sub("", terminal.before or "").splitlines()
    assert first[0] == "An echo, for tests."
    assert first[1].startswith("Ctrl-C or Ctrl-D leaves. Try:")
    leave(terminal)


def test_a_terminal_that_cannot_be_drawn_on_gets_plain_lines(start: Start) -> None:
    terminal = start(TERM="dumb")
    terminal.sendline("hello")
    terminal.expect("duologue: You said: hello\r\n")
    out = seen(terminal) + leave(terminal)
    assert "\x1b" not in out
    assert terminal.exitstatus == 0
