"""Pipes and screen readers, with a whole assistant in a real process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import msgspec
import pytest

from tests.links.conftest import Begin, Talk

WORKING = "  [working] 0.5 the ledger\n  [working] looking for the ledger\n"


def test_a_piped_line_is_answered_before_the_end(talk: Talk) -> None:
    done = talk("plain", b"hello\n")
    assert done.stdout.decode() == "you: hello\nduologue: You said: hello\n"
    assert (done.returncode, done.stderr) == (0, b"")


def test_work_is_heard_before_the_end(talk: Talk) -> None:
    done = talk("plain", b"work 0.5 the ledger\n")
    assert done.stdout.decode() == f"you: work 0.5 the ledger\n{WORKING}duologue: Found the ledger.\n"
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_reminder_is_heard_before_the_end(talk: Talk) -> None:
    assert talk("plain", b"at 1.5 stretch\n").stdout.decode() == "you: at 1.5 stretch\nduologue: stretch\n"


def test_lines_of_a_pipe_do_not_interrupt_and_do_not_wait_for_work(talk: Talk) -> None:
    """Each is answered in its turn, no answer is cut, and work goes on beside them."""
    out = talk("plain", b"work 3 the ledger\n\nfirst of all this\nthen that").stdout.decode()
    said = [line for line in out.splitlines() if not line.startswith("  [")]
    assert said == [
        "you: work 3 the ledger",
        "you: first of all this",
        "duologue: You said: first of all this",
        "you: then that",
        "duologue: You said: then that",
        "duologue: Found the ledger.",
    ]


def test_a_file_can_be_the_input(command: list[str], environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "lines").write_bytes(b"hello\n")
    with (tmp_path / "lines").open("rb") as lines:
        whole = [*command, "plain"]
        done = subprocess.run(whole, stdin=lines, capture_output=True, env=environment, timeout=40, check=False)
    assert done.stdout.decode() == "you: hello\nduologue: You said: hello\n"


def test_no_input_at_all(talk: Talk) -> None:
    done = talk("plain", b"")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_the_output_is_only_ever_appended(talk: Talk) -> None:
    """And what a stranger's file holds cannot change that."""
    out = talk("plain", b"show\n").stdout.decode()
    assert re.findall(r"[^\x20-\x7e\n\ufffd]", out) == []
    assert "duologue: before red \ufffdafter\n" in re.sub(r" +", " ", out)


def test_a_huge_line_and_broken_bytes_do_no_harm(talk: Talk, tmp_path: Path) -> None:
    events = tmp_path / "events"
    done = talk("plain", b"x" * 50_000 + b"\n\xff\xfe\n", events)
    heard = [msgspec.json.decode(line) for line in events.read_bytes().splitlines()]
    assert heard.pop()["type"] == "user.finished"
    assert "".join(event["text"] for event in heard[:-1]) == "x" * 50_000
    assert [event.get("final", False) for event in heard] == [False, False, False, True, True]
    assert heard[-1]["text"] == "\ufffd\ufffd"
    assert done.returncode == 0


def test_a_reader_that_goes_away_is_no_error(begin: Begin) -> None:
    program = begin("plain")
    assert program.stdin is not None and program.stdout is not None and program.stderr is not None
    program.stdin.write(b"hello\nlong\n")
    program.stdin.flush()
    assert program.stdout.readline() == b"you: hello\n"
    program.stdout.close()
    assert program.wait(timeout=30) == 0
    assert program.stderr.read() == b""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGHUP, 0)])
def test_a_signal_leaves_and_names_what_still_ran(begin: Begin, number: signal.Signals, code: int) -> None:
    program = begin("plain")
    assert program.stdin is not None and program.stdout is not None and program.stderr is not None
    program.stdin.write(b"work 60 the ledger\n")
    program.stdin.flush()
    while b"looking" not in program.stdout.readline():
        assert program.poll() is None
    program.send_signal(number)
    assert program.wait(timeout=30) == code
    assert program.stderr.read() == b"left while still working on: 60 the ledger\n"


def test_typing_at_a_terminal_is_not_repeated_and_its_end_leaves_at_once(begin: Begin) -> None:
    keyboard, terminal = os.openpty()
    program = begin("plain", stdin=terminal)
    os.close(terminal)
    assert program.stdout is not None and program.stderr is not None
    os.write(keyboard, b"work 60 the ledger\n")
    assert program.stdout.readline() == b"  [working] 60 the ledger\n"
    os.write(keyboard, b"\x04")
    assert program.wait(timeout=30) == 0
    assert program.stderr.read() == b"left while still working on: 60 the ledger\n"
    os.close(keyboard)


def test_a_bug_is_told_in_plain_lines(talk: Talk) -> None:
    done = talk("plain", b"crash\n")
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[1:] == [
        "RuntimeError: it broke",
        "run it again with DUOLOGUE_DEBUG=1 to see where, and report it",
    ]


def test_an_error_for_people_has_three_lines_and_its_own_exit_code(talk: Talk, tmp_path: Path) -> None:
    done = talk("plain", b"hello\n", tmp_path / "problem")
    assert done.returncode == 3
    assert done.stderr.decode() == "the plug is out\nsomebody stumbled\nput it back\n"
