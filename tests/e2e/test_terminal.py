"""A person at a real terminal: `duologue chat`, and a program of their own, on a pty."""

from __future__ import annotations

import os
import re
import signal
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pexpect
import pytest

from tests.e2e.journals import Record, of, read, speech, told_once
from tests.e2e.programs import Library
from tests.e2e.terminals import EMPTIED, GIVEN_BACK, TAKEN, Sit, Terminal, leave, row
from tests.plugins.redis_server import RedisServer

SEARCHING = "files? read"
OWN_TOOL = Path(__file__).with_name("own_tool.py")


@pytest.fixture
def chat(sit: Sit) -> Callable[..., Terminal]:
    """`duologue chat`, recorded."""

    def run(*arguments: str) -> Terminal:
        terminal = sit("-m", "orchestrator.cli", "chat", "--record", "../talk.ndjson", *arguments)
        terminal.expect_exact(TAKEN)
        return terminal

    return run


def settings(terminal: Terminal) -> list[Any]:
    return termios.tcgetattr(terminal.child_fd)


def typed_until(terminal: Terminal, words: str) -> None:
    """Type on, key after key, until the screen says `words`."""
    for key in "and while you are at it I would also like to know what is for lunch today and tomorrow " * 8:
        terminal.send(key)
        if terminal.expect([words, pexpect.TIMEOUT], timeout=0.1) == 0:
            return
    pytest.fail(f"{words!r} was never shown")


def told_at(journal: list[Record], finding: str) -> list[int]:
    return [record["at_ms"] for record in of(journal, "emit") if finding in record.get("about", [])]


def test_a_sentence_is_acted_on_before_enter(chat: Callable[..., Terminal], library: Library) -> None:
    terminal = chat()
    terminal.send("find the word ledger. ")
    terminal.expect(row("blue cupboard"))
    leave(terminal)
    assert terminal.exitstatus == 0
    journal = read(library.journal)
    assert [record for record in of(journal, "user.text") if record.get("final")] == []
    told_once(journal, "blue cupboard")


def test_who_has_a_model_server_is_told_how_to_use_it(
    chat: Callable[..., Terminal], environment: dict[str, str]
) -> None:
    environment["OPENAI_BASE_URL"] = "http://127.0.0.1:9/v1"
    terminal = chat()
    assert terminal.before is not None
    assert "OPENAI_BASE_URL is set: add --model NAME" in terminal.before
    leave(terminal)
    named = chat("--model", "qwen3")
    assert named.before is not None
    assert "add --model" not in named.before
    leave(named)


@pytest.mark.slow
@pytest.mark.timeout(150)
def test_talk_search_correct_ask_and_hear_it_in_a_pause(chat: Callable[..., Terminal], library: Library) -> None:
    library.grow()
    terminal = chat()
    terminal.send("find the word ledger\r")
    terminal.expect(SEARCHING)
    terminal.send("how far are you?\r")
    terminal.expect(row("ledger"))
    terminal.send("no, I meant the agenda\r")
    terminal.expect(row("agenda"))
    terminal.send("a")
    library.shrink()
    typed_until(terminal, "an answer waits")
    terminal.send(EMPTIED)
    terminal.expect(row("plans.md line 3"))
    leave(terminal)
    assert terminal.exitstatus == 0
    journal = read(library.journal)
    final = told_once(journal, "green door")
    assert "blue cupboard" not in speech(journal)
    assert speech(journal).count("green door") == 1
    # Not one word of it while the person typed, and the journal says why.
    last_key = of(journal, "user.text")[-1]["at_ms"]
    assert final["at_ms"] < last_key <= min(told_at(journal, final["id"]))
    reasons = {hold["reason"] for hold in of(journal, "hold") if final["id"] in hold["findings"]}
    assert "the person has the floor" in reasons


@pytest.mark.slow
def test_the_first_key_interrupts_and_what_was_cut_is_told_again(
    chat: Callable[..., Terminal], library: Library
) -> None:
    terminal = chat("--pace", "25")
    terminal.send("find the word ledger\r")
    terminal.expect("Found")
    terminal.send("x")
    terminal.expect(" --\r+\n")
    terminal.send(EMPTIED)
    terminal.expect(row(r"cupboard\."))
    leave(terminal)
    assert terminal.exitstatus == 0
    journal = read(library.journal)
    final = told_once(journal, "blue cupboard")
    states = [record["state"] for record in of(journal, "ledger", finding=final["id"])]
    assert states.count("owed") == 2
    assert states[-1] == "heard"
    [stop] = of(journal, "stop")
    assert stop["at_ms"] == next(key["at_ms"] for key in of(journal, "user.text") if key["text"] == "x")


def test_a_reminder_comes_by_itself(chat: Callable[..., Terminal]) -> None:
    terminal = chat()
    terminal.send("remind me in 1 second to stretch\r")
    terminal.expect(row(r"Reminder: stretch\."))
    leave(terminal)
    assert terminal.exitstatus == 0


def test_a_reminder_outlives_the_program(
    chat: Callable[..., Terminal], environment: dict[str, str], redis_server: RedisServer
) -> None:
    environment["DUOLOGUE_LEASE_MS"] = "600"
    first = chat("--redis", redis_server.url, "--session", "mine")
    first.expect_exact("[A new conversation, kept as mine.]")
    first.send("remind me in 3 seconds to stretch\r")
    first.expect(row("[Ii]n 3 seconds"))
    first.kill(signal.SIGKILL)
    first.expect(pexpect.EOF)
    second = chat("--redis", redis_server.url, "--session", "mine")
    second.expect_exact('[Going on with mine: last you said "remind me in 3 seconds to stretch".]')
    second.expect(row(r"Reminder: stretch\."))
    leave(second)
    assert second.exitstatus == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "code"), [("\x03", 130), ("\x04", 0), (signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGHUP, 0)]
)
def test_it_leaves_at_once_in_the_middle_of_work_and_the_terminal_is_as_before(
    sit: Sit, library: Library, how: str | signal.Signals, code: int
) -> None:
    library.grow()
    terminal = sit("-m", "orchestrator.cli", "chat")
    before = settings(terminal)
    terminal.expect_exact(TAKEN)
    terminal.send("find the word ledger\r")
    terminal.expect(SEARCHING)
    assert settings(terminal) != before
    if isinstance(how, str):
        terminal.send(how)
    else:
        terminal.kill(how)
    terminal.expect_exact(GIVEN_BACK)
    terminal.expect("left while still working on: find the word ledger\r\n")
    after = settings(terminal)
    terminal.expect(pexpect.EOF)
    terminal.wait()
    assert terminal.exitstatus == code
    assert after == before
    assert "Traceback" not in str(terminal.before)


def test_a_program_of_ones_own_with_a_slow_tool(sit: Sit, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    terminal = sit(OWN_TOOL, ready)
    terminal.expect_exact(TAKEN)
    assert re.search(r"Ctrl-C or Ctrl-D leaves", str(terminal.before))
    terminal.send("find the next trains from Paris to Lyon\r")
    terminal.expect("working: asking the timetable")
    terminal.send("hello\r")
    terminal.expect(row(""))
    terminal.send("are you done?\r")
    terminal.expect(row("Not yet"))
    ready.write_text("now")
    terminal.expect(row("The next train from Paris to Lyon leaves at 9:12"))
    leave(terminal)
    assert terminal.exitstatus == 0
