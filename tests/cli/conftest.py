"""The command in real processes, and a real Redis where one is needed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.plugins.redis_cluster import shared_cluster
from tests.plugins.redis_kinds import certificates, tls_server, unix_server
from tests.plugins.redis_sentinels import shared_sentinels
from tests.plugins.redis_server import own_server, redis_server, shared_server

__all__ = [
    "certificates",
    "own_server",
    "redis_server",
    "shared_cluster",
    "shared_sentinels",
    "shared_server",
    "tls_server",
    "unix_server",
]

ROOT = Path(__file__).resolve().parents[2]

Done: TypeAlias = "subprocess.CompletedProcess[str]"
Duologue: TypeAlias = Callable[..., Done]
Start: TypeAlias = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment that says nothing to Duologue."""
    for name in list(os.environ):
        if name.startswith(("DUOLOGUE_", "OPENAI_")) or name == "REDIS_URL":
            monkeypatch.delenv(name)
    return {**os.environ, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"}


@pytest.fixture
def duologue(environment: dict[str, str], tmp_path: Path) -> Duologue:
    """Run `duologue ARGUMENTS` in an empty folder to its end."""

    def run(*arguments: str | Path, piped: str = "", **variables: str) -> Done:
        return subprocess.run(
            [sys.executable, "-m", "orchestrator.cli", *map(str, arguments)],
            input=piped,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**environment, **variables},
            timeout=50,
            check=False,
        )

    return run


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Start a Python program, or `-m orchestrator.cli ...`, that does not outlive the test."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str | Path) -> subprocess.Popen[str]:
        program = subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=tmp_path,
            env=environment,
        )
        started.append(program)
        return program

    yield run
    for program in started:
        program.kill()
        program.wait()
        for stream in (program.stdin, program.stdout):
            if stream is not None:
                stream.close()


def line_with(program: subprocess.Popen[str], words: str) -> str:
    """The next line of output that holds `words`. Fails when the program ends before it."""
    assert program.stdout is not None
    seen: list[str] = []
    for line in program.stdout:
        seen.append(line)
        if words in line:
            return line
    pytest.fail(f"it ended without saying {words!r}; it said:\n{''.join(seen)}")
