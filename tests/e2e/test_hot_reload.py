"""`duologue chat --tools FILE`: the file is edited while the person talks, and the talk goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.terminals import TAKEN, Sit, leave, row

LIGHTS = '''
from orchestrator import tool


@tool
async def trains(start: str, end: str) -> str:
    """Find the next trains.

    Args:
        start: Station to leave from.
        end: Station to arrive at.
    """
    return f"The next train from {start} to {end} leaves at 9:12."
'''
BY_BUS = '''

@tool
async def buses(start: str, end: str) -> str:
    """Find the next buses.

    Args:
        start: Stop to leave from.
        end: Stop to arrive at.
    """
    return f"The next bus from {start} to {end} leaves at 8:03."
'''


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Not among the files that are searched."""
    file = tmp_path / "my_travels.py"
    file.write_text(LIGHTS)
    return file


def save(file: Path, text: str) -> None:
    beside = file.with_suffix(".new")
    beside.write_text(text)
    beside.replace(file)


def test_at_a_terminal(sit: Sit, file: Path) -> None:
    terminal = sit("-m", "orchestrator.cli", "chat", "--tools", file)
    terminal.expect_exact(TAKEN)
    terminal.send("find the next trains from Ulm to Bonn\r")
    terminal.expect(row("from Ulm to Bonn leaves at 9:12"))
    save(file, LIGHTS.replace("9:12", "10:30") + BY_BUS)
    terminal.expect_exact("[tools] new: buses")
    terminal.send("find the next buses from Ulm to Bonn\r")
    terminal.expect(row("The next bus from Ulm to Bonn leaves at 8:03"))
    terminal.send("find the next trains from Ulm to Bonn\r")
    terminal.expect(row("leaves at 10:30"))
    save(file, "def oh no")
    terminal.expect(r"\[tools\] [^\r\n]*is used as it was: SyntaxError[^\r\n]*my_travels.py:1")
    terminal.send("find the next buses from Bonn to Ulm\r")
    terminal.expect(row("The next bus from Bonn to Ulm leaves at 8:03"))
    save(file, LIGHTS)
    terminal.expect_exact("[tools] gone: buses")
    leave(terminal)
    assert terminal.exitstatus == 0


def test_in_plain_lines(environment: dict[str, str], file: Path) -> None:
    read, write = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-m", "orchestrator.cli", "chat", "--plain", "--tools", str(file)],
        stdin=read,
        stdout=subprocess.PIPE,
        text=True,
        cwd=file.parent,
        env=environment,
    ) as chat:
        os.close(read)
        assert chat.stdout is not None
        os.write(write, b"find the next trains from Ulm to Bonn\n")
        assert any("leaves at 9:12" in line for line in chat.stdout)
        save(file, LIGHTS + BY_BUS)
        assert any(line == "  [tools] new: buses\n" for line in chat.stdout)
        os.write(write, b"find the next buses from Ulm to Bonn\n")
        os.close(write)
        assert any("leaves at 8:03" in line for line in chat.stdout)
        assert chat.wait(timeout=30) == 0
