"""Programs at a real terminal (a pty), typed at key by key."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeAlias

import pexpect
import pytest

from tests.e2e.programs import LONG_S, Library

__all__ = ["EMPTIED", "GIVEN_BACK", "TAKEN", "Sit", "Terminal", "leave", "row", "sit"]

# What prompt_toolkit writes when it has taken the terminal over, and when it gives it back.
TAKEN: Final = "\x1b[?2004h"
GIVEN_BACK: Final = "\x1b[?2004l"
EMPTIED: Final = "\x15"
"""Ctrl-U takes the line back."""

Terminal: TypeAlias = "pexpect.spawn[str]"
Sit: TypeAlias = Callable[..., Terminal]


@pytest.fixture
def sit(library: Library, environment: dict[str, str]) -> Iterator[Sit]:
    """Start a Python program at a terminal wide enough for every answer to be one row."""
    started: list[Terminal] = []

    def run(*arguments: str | Path) -> Terminal:
        terminal: Terminal = pexpect.spawn(
            sys.executable,
            [*map(str, arguments)],
            cwd=str(library.folder),
            env=environment,
            dimensions=(24, 250),
            encoding="utf-8",
            timeout=LONG_S,
        )
        terminal.delaybeforesend = None
        started.append(terminal)
        return terminal

    yield run
    for terminal in started:
        terminal.close(force=True)


def leave(terminal: Terminal, keys: str = f"{EMPTIED}\x04") -> None:
    """Leave, and wait for the end."""
    terminal.send(keys)
    terminal.expect(pexpect.EOF)
    terminal.wait()


def row(words: str) -> str:
    """A finished row of the assistant's, as it scrolls up."""
    return rf"duologue: [^\r\n]*{words}[^\r\n]*\r+\n"
