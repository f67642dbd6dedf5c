"""A person at a real terminal, typing key by key, and models on a server: what they see, and that they can leave."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Final

import pexpect
import pytest

from orchestrator.testing import Hang, ModelServer, Reply, When
from tests.e2e.journals import read
from tests.e2e.programs import LONG_S, Library, Programs
from tests.e2e.talking_models import STORY, TOLD, check_conversation, models
from tests.e2e.terminals import GIVEN_BACK, TAKEN, Sit, Terminal, leave, row
from tests.plugins.redis_server import RedisServer

pytestmark = pytest.mark.timeout(120)

KEY_S: Final = 0.03
"""From one key to the next, as somebody types who is quick."""
_ESCAPES: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[@-Z\\-_])")


@pytest.fixture
def server(environment: dict[str, str]) -> Iterator[ModelServer]:
    with models().in_thread() as running:
        environment["OPENAI_BASE_URL"] = running.base_url
        yield running
    assert running.unanswered == []


@pytest.fixture
def chat(sit: Sit) -> Callable[..., Terminal]:
    def run(*arguments: str) -> Terminal:
        terminal = sit("-m", "orchestrator.cli", "chat", "--model", "voice", "--record", "../talk.ndjson", *arguments)
        terminal.logfile_read = StringIO()
        terminal.expect_exact(TAKEN)
        return terminal

    return run


def keys(terminal: Terminal, line: str, *, enter: bool = True) -> None:
    for key in line + "\r" * enter:
        terminal.send(key)
        terminal.expect(pexpect.TIMEOUT, timeout=KEY_S)


def rows(terminal: Terminal) -> list[str]:
    """The rows that were shown, in their order; one that grew while it was said is there once, as it ended."""
    assert isinstance(terminal.logfile_read, StringIO)
    shown = _ESCAPES.sub("", terminal.logfile_read.getvalue())
    grown: list[str] = []
    for line in re.findall(r"((?:you|duologue): [^\r\n]*?) *\r+\n", shown):
        if grown and line.startswith(grown[-1]):
            grown.pop()
        grown.append(line)
    return grown


def converse(terminal: Terminal, server: ModelServer) -> list[str]:
    """The conversation of the issue, typed key by key. Returns what stands on the screen."""
    keys(terminal, "tell me a story")
    terminal.expect("lighthouse")
    keys(terminal, "wait, where is the ledger, and what is 12 * 12?")
    terminal.expect(" --\r+\n")
    terminal.expect(row("look it up"))
    terminal.expect("working: ")
    server.wait(lambda: bool(server.asked("thinker", contains="blue cupboard")), within_s=LONG_S)
    keys(terminal, "sorry, I meant the agenda")
    terminal.expect(row("agenda then"))
    terminal.expect(row(re.escape(TOLD)))
    leave(terminal)
    assert terminal.exitstatus == 0
    return rows(terminal)


def check_rows(shown: list[str]) -> None:
    story, *rest = [line for line in shown if not line.startswith("you: ")]
    assert re.fullmatch(r"duologue: Long ago a lighthouse.* --", story)
    assert rest == ["duologue: I'll look it up.", "duologue: Sure, the agenda then.", f"duologue: {TOLD}"]
    assert [line for line in shown if line.startswith("you: ")] == [
        "you: tell me a story",
        "you: wait, where is the ledger, and what is 12 * 12?",
        "you: sorry, I meant the agenda",
    ]


def test_a_conversation_key_by_key(chat: Callable[..., Terminal], library: Library, server: ModelServer) -> None:
    check_rows(converse(chat("--background-model", "thinker"), server))
    check_conversation(read(library.journal), server)


def test_the_same_in_two_processes(
    chat: Callable[..., Terminal], programs: Programs, library: Library, server: ModelServer, redis_server: RedisServer
) -> None:
    worker = programs.duologue(
        *("worker", "--redis", redis_server.url, "--background-model", "thinker"), OPENAI_BASE_URL=server.base_url
    )
    worker.hear("waiting for tasks")
    check_rows(converse(chat("--redis", redis_server.url), server))
    check_conversation(read(library.journal), server)


@pytest.mark.parametrize(("how", "code"), [("\x03", 130), ("\x04", 0), (signal.SIGTERM, 0)])
def test_who_leaves_while_the_model_speaks_leaves_at_once_and_closes_the_request(
    chat: Callable[..., Terminal], environment: dict[str, str], how: str | signal.Signals, code: int
) -> None:
    # Longer than a busy machine takes to close it. What is begun early, to half of the line, may be over by then.
    with ModelServer(When(Reply(STORY * 10, between_ms=150), model="voice")).in_thread() as server:
        environment["OPENAI_BASE_URL"] = server.base_url
        _leave_in_the_middle(chat(), how, code)
        server.wait(lambda: server.asked("voice")[-1].closed_at is not None, within_s=LONG_S)


def _leave_in_the_middle(terminal: Terminal, how: str | signal.Signals, code: int) -> None:
    keys(terminal, "tell me a story")
    terminal.expect("lighthouse")
    terminal.send(how) if isinstance(how, str) else terminal.kill(how)
    terminal.expect_exact(GIVEN_BACK)
    terminal.expect(pexpect.EOF)
    terminal.wait()
    assert terminal.exitstatus == code
    assert "Traceback" not in str(terminal.before)


def test_who_leaves_while_nothing_has_come_yet(chat: Callable[..., Terminal], environment: dict[str, str]) -> None:
    with ModelServer(When(Hang(), model="voice")).in_thread() as silent:
        environment["OPENAI_BASE_URL"] = silent.base_url
        terminal = chat()
        keys(terminal, "hello there.")
        silent.wait(lambda: bool(silent.requests), within_s=LONG_S)
        leave(terminal, "\x03")
        assert terminal.exitstatus == 130
        silent.wait(lambda: all(asked.closed_at is not None for asked in silent.requests), within_s=LONG_S)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_who_leaves_before_it_has_begun(sit: Sit, server: ModelServer, how: signal.Signals) -> None:
    terminal = sit("-m", "orchestrator.cli", "chat", "--model", "voice", "--background-model", "thinker")
    # It is greeted at once; the client of the models takes its second now.
    terminal.expect("Ctrl-D leaves")
    terminal.kill(how)
    terminal.expect(pexpect.EOF)
    terminal.wait()
    assert terminal.exitstatus in (130, 0)
    assert "Traceback" not in str(terminal.before)
    assert server.requests == []


def test_a_long_answer_with_lists_is_readable(chat: Callable[..., Terminal], environment: dict[str, str]) -> None:
    said = "Two ways:\n\n1. Steep it, e.g. for 3 minutes.\n2. Leave it overnight.\n\nIt costs 3.50 EUR, «à peu près»."
    with ModelServer(When(Reply(said, between_ms=10), model="voice")).in_thread() as server:
        environment["OPENAI_BASE_URL"] = server.base_url
        terminal = chat()
        keys(terminal, "how do I make tea?")
        terminal.expect("à peu près».\r+\n")
        leave(terminal)
        assert terminal.exitstatus == 0
        assert isinstance(terminal.logfile_read, StringIO)
        shown = _ESCAPES.sub("", terminal.logfile_read.getvalue())
    for line in said.splitlines():
        assert re.search(rf"(duologue: |  ){re.escape(line)} *\r+\n", shown) or not line
