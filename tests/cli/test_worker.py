"""A worker says what it does, and leaves in order."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest

from orchestrator.bundle import Bundle
from orchestrator.bus import connect
from orchestrator.events import BusDown, DelegationUpdate
from orchestrator.finding import Finding
from tests.cli.conftest import Duologue, Start, line_with
from tests.plugins.redis_server import RedisServer

PROGRAM = Path(__file__).with_name("echo_worker.py")


def ended(program: subprocess.Popen[str]) -> str:
    """The rest of what it said, once it has ended."""
    assert program.stdout is not None
    rest = program.stdout.read()
    program.wait(timeout=30)
    return rest


async def submit(url: str, task: str) -> None:
    async with connect(url).front() as front:
        await front.submit(Bundle(f"s-{task.split()[-1]}", "s", task))


async def answer(url: str, task: str) -> str:
    """Hand a task over and wait for what comes back."""
    async with connect(url).front() as front:
        updates = front.updates("s")
        await front.submit(Bundle("s-1", "s", task))
        async for update in updates:
            match update:
                case Finding(terminal=True):
                    return update.text
                case Finding() | DelegationUpdate() | BusDown():
                    continue
                case _:
                    continue
    return ""


@pytest.mark.anyio
async def test_it_tells_of_a_task(start: Start, redis_server: RedisServer) -> None:
    worker = start(PROGRAM, redis_server.url)
    assert "waiting for tasks" in line_with(worker, f"connected to {redis_server.url}")
    assert await answer(redis_server.url, "0.1 the ledger") == "Found the ledger."
    assert line_with(worker, "taken") == "s-1 taken: 0.1 the ledger\n"
    assert re.fullmatch(r"s-1 done after \d+ ms\n", line_with(worker, "done"))


@pytest.mark.anyio
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_first_signal_finishes_what_runs(
    start: Start, redis_server: RedisServer, number: signal.Signals
) -> None:
    worker = start(PROGRAM, redis_server.url)
    line_with(worker, "connected")
    await submit(redis_server.url, "1 task")
    line_with(worker, "taken")
    worker.send_signal(number)
    line_with(worker, "finishing: no new tasks are taken")
    rest = ended(worker)
    assert "s-task done after" in rest
    assert rest.endswith("stopped\n")
    assert worker.returncode == 0


@pytest.mark.anyio
async def test_the_second_signal_hands_back_what_runs(start: Start, redis_server: RedisServer) -> None:
    worker = start(PROGRAM, redis_server.url)
    line_with(worker, "connected")
    await submit(redis_server.url, "60 task")
    line_with(worker, "taken")
    worker.send_signal(signal.SIGINT)
    line_with(worker, "finishing")
    worker.send_signal(signal.SIGINT)
    line_with(worker, "stopping now")
    rest = ended(worker)
    assert "s-task handed back after" in rest
    assert worker.returncode == 130
    other = start(PROGRAM, redis_server.url)
    assert "(attempt 2)" in line_with(other, "s-task taken")


def test_it_waits_for_a_redis_that_is_away(start: Start, own_server: RedisServer) -> None:
    worker = start(PROGRAM, own_server.url.replace("//", "//:secret@"))
    away = line_with(worker, "Redis is away, waiting for it")
    assert "secret" not in away
    worker.send_signal(signal.SIGTERM)
    assert ended(worker).endswith("stopped\n")
    assert worker.returncode == 0


def test_it_says_when_redis_goes_and_comes_back(start: Start, own_server: RedisServer) -> None:
    own_server.start()
    worker = start(PROGRAM, own_server.url)
    line_with(worker, "connected to")
    own_server.kill()
    line_with(worker, "Redis is away")
    own_server.start()
    line_with(worker, "connected again to")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "by rules; with --background-model NAME"),
        (
            ("--background-model", "qwen3@http://me:secret@127.0.0.1:9/v1"),
            "the language model qwen3@http://127.0.0.1:9/v1",
        ),
    ],
    ids=["rules", "a model"],
)
def test_it_says_who_thinks(start: Start, own_server: RedisServer, options: tuple[str, ...], words: str) -> None:
    worker = start("-m", "orchestrator.cli", "worker", "--redis", own_server.url, *options)
    told = line_with(worker, "tasks are done by")
    assert words in told
    assert "secret" not in told


def test_a_chat_and_a_worker_of_the_command_itself(
    start: Start, duologue: Duologue, redis_server: RedisServer, tmp_path: Path
) -> None:
    (tmp_path / "notes.md").write_text("The ledger is kept in the blue cupboard.\n")
    worker = start("-m", "orchestrator.cli", "worker", "--redis", redis_server.url)
    line_with(worker, "waiting for tasks")
    done = duologue("chat", "--plain", "--redis", redis_server.url, piped="find the word ledger\n")
    assert "notes.md" in done.stdout
    assert done.returncode == 0
    line_with(worker, " taken: ")
    line_with(worker, " done after ")
