"""Real processes that talk: what the tests of the consoles share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).with_name("echo_talk.py")

Talk: TypeAlias = Callable[..., "subprocess.CompletedProcess[bytes]"]
Begin: TypeAlias = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def environment() -> dict[str, str]:
    """What a program of the tests runs in."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DUOLOGUE_")}
    return {**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "LANG": "C.UTF-8"}


@pytest.fixture
def command() -> list[str]:
    """How the program that talks is started; its arguments follow."""
    return [sys.executable, str(PROGRAM)]


@pytest.fixture
def talk(command: list[str], environment: dict[str, str]) -> Talk:
    """Pipe something into the program and wait for its end."""

    def run(kind: str, piped: bytes, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
        whole = [*command, kind, *map(str, arguments)]
        return subprocess.run(whole, input=piped, capture_output=True, env=environment, timeout=40, check=False)

    return run


@pytest.fixture
def begin(command: list[str], environment: dict[str, str]) -> Iterator[Begin]:
    """Start the program and go on; it does not outlive the test."""
    begun: list[subprocess.Popen[bytes]] = []

    def run(kind: str, *, stdin: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
        program = subprocess.Popen(
            [*command, kind], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        )
        begun.append(program)
        return program

    yield run
    for program in begun:
        program.kill()
        program.wait()
        for stream in (program.stdin, program.stdout, program.stderr):
            if stream is not None:
                stream.close()
