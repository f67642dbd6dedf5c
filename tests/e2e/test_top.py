"""`duologue top` at a real terminal: drawn over itself, live, and the terminal given back as it was."""

from __future__ import annotations

import signal
import sys
import termios
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import pexpect
import pytest

from tests.e2e.programs import LONG_S, Library, Programs
from tests.e2e.test_over_redis import FIND, SEARCHING, chat_over, worker
from tests.plugins.redis_server import RedisServer

TAKEN = "\x1b[?1049h\x1b[?25l"
GIVEN_BACK = "\x1b[?25h\x1b[?1049l"
COLOUR = "\x1b\\[[0-9;]*m"

Terminal: TypeAlias = "pexpect.spawn[str]"
Sit: TypeAlias = Callable[..., Terminal]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture
def sit(library: Library, environment: dict[str, str]) -> Iterator[Sit]:
    """Start `duologue top` at a terminal of this size."""
    started: list[Terminal] = []

    def run(url: str, *arguments: str, rows: int = 30, columns: int = 110, **variables: str) -> Terminal:
        terminal: Terminal = pexpect.spawn(
            sys.executable,
            ["-m", "orchestrator.cli", "top", "--interval", "0.2", "--redis", url, *arguments],
            cwd=str(library.folder),
            env={**environment, **variables},
            dimensions=(rows, columns),
            encoding="utf-8",
            timeout=LONG_S,
        )
        terminal.delaybeforesend = None
        started.append(terminal)
        return terminal

    yield run
    for terminal in started:
        terminal.close(force=True)


def settings(terminal: Terminal) -> list[Any]:
    return termios.tcgetattr(terminal.child_fd)


def resize(terminal: Any, rows: int, columns: int) -> None:
    terminal.setwinsize(rows, columns)


def test_what_happens_is_on_the_screen_a_moment_later(
    sit: Sit, programs: Programs, library: Library, redis_server: RedisServer
) -> None:
    library.grow()
    top = sit(redis_server.url)
    top.expect_exact(TAKEN)
    top.expect("nobody works here: a task that comes has to wait")
    chat = chat_over(programs, redis_server.url)
    chat.type(FIND)
    top.expect("no worker serves the default pool: 1 task waits")
    other = worker(programs, redis_server.url)
    chat.hear(SEARCHING)
    top.expect("tasks: 0 waiting, 1 running")
    top.expect("all is well")
    top.expect(r"worker-[0-9a-f-]+ +\S+:\d+ +\(default\) +1/8 ")
    top.expect(rf"worker-[0-9a-f-]+ +{FIND}")
    other.kill()
    top.expect(r"was not heard of for \d+\.\d s: it hangs, or has died, and what it")
    top.expect("STALE")
    top.send("q")
    top.expect_exact(GIVEN_BACK)
    top.expect(pexpect.EOF)
    top.wait()
    assert top.exitstatus == 0


def test_redis_goes_and_comes_and_it_goes_on(sit: Sit, own_server: RedisServer) -> None:
    """Also when it is not there to begin with."""
    top = sit(own_server.url, rows=10, columns=70)
    top.expect_exact(TAKEN)
    top.expect("! Redis does not answer for")
    own_server.start()
    top.expect("nobody works here")
    own_server.kill()
    top.expect("! Redis does not answer for [0-9.]+ s; what follows is from before")
    own_server.start()
    top.expect("nobody works here")
    top.send("q")
    top.expect(pexpect.EOF)
    top.wait()
    assert top.exitstatus == 0


@pytest.mark.parametrize(
    ("how", "code"),
    [("q", 0), ("Q", 0), ("\x03", 130), (signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGHUP, 0)],
)
def test_however_it_is_left_the_terminal_is_as_before(
    sit: Sit, redis_server: RedisServer, how: str | signal.Signals, code: int
) -> None:
    top = sit(redis_server.url)
    before = settings(top)
    top.expect_exact(TAKEN)
    top.expect("nobody works here")
    assert settings(top) != before
    # Neither a key that means nothing nor Ctrl-Z leaves the screen taken and nobody there.
    top.send("x\x1a")
    top.expect("nobody works here")
    if isinstance(how, str):
        top.send(how)
    else:
        top.kill(how)
    top.expect_exact(GIVEN_BACK)
    after = settings(top)
    top.expect(pexpect.EOF)
    top.wait()
    assert top.exitstatus == code
    assert after == before
    assert "Traceback" not in str(top.before)


def test_it_leaves_also_while_redis_hangs(sit: Sit, own_server: RedisServer) -> None:
    own_server.start()
    top = sit(own_server.url)
    top.expect("nobody works here")
    own_server.hang()
    top.expect("! Redis does not answer for")
    top.send("\x03")
    top.expect_exact(GIVEN_BACK)
    top.expect(pexpect.EOF)
    top.wait()
    assert top.exitstatus == 130
    own_server.wake()


def test_a_screen_that_changes_its_size(sit: Sit, redis_server: RedisServer) -> None:
    top = sit(redis_server.url, "--interval", "30")
    top.expect("nobody works here: a task that comes has to wait; start a worker")
    resize(top, 5, 40)
    # Drawn anew at once, not at the next look.
    top.expect("! nobody works here: a task that comes\x1b")
    top.send("q")
    top.expect(pexpect.EOF)


def test_colours_only_where_they_are_wanted(sit: Sit, redis_server: RedisServer) -> None:
    colourful = sit(redis_server.url)
    colourful.expect(rf"{COLOUR}! nobody works here")
    plain = sit(redis_server.url, NO_COLOR="1")
    plain.expect("! nobody works here")
    plain.send("q")
    plain.expect(pexpect.EOF)
    assert "\x1b[1" not in str(plain.before)
    assert "\x1b[0m" not in str(plain.before)


def test_a_terminal_that_cannot_be_drawn_on(sit: Sit, redis_server: RedisServer) -> None:
    top = sit(redis_server.url, TERM="dumb")
    top.expect("! nobody works here[^\x1b]+\r\n")
    top.expect("! nobody works here[^\x1b]+\r\n")
    top.send("\x03")
    top.expect(pexpect.EOF)
    top.wait()
    assert top.exitstatus == 130
    assert "\x1b" not in str(top.before)
