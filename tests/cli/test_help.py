"""Help is quick, because it imports next to nothing: shown by what is imported, not by a clock."""

from __future__ import annotations

import subprocess
import sys

import pytest

from orchestrator.version import __version__
from tests.cli.conftest import Duologue

HEAVY = {
    "anyio",
    "asyncio",
    "background",
    "hiredis",
    "interaction",
    "msgspec",
    "openai",
    "prompt_toolkit",
    "pydantic",
    "redis",
    "structlog",
    "tools",
}
COMMANDS = ("chat", "worker", "simulate", "doctor", "bench", "top", "tasks")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], *([command, "--help"] for command in COMMANDS)])
def test_nothing_heavy_is_imported(environment: dict[str, str], arguments: list[str]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "orchestrator.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=50, check=True)
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    imported = {line.rpartition("|")[2].strip() for line in lines}
    assert "click" in imported, "the list of imports was not understood"
    assert {name.partition(".")[0] for name in imported} & HEAVY == set()
    assert [name for name in imported if name.startswith("orchestrator.")] != []


def test_help_names_every_command(duologue: Duologue) -> None:
    done = duologue("--help")
    assert done.returncode == 0
    assert [command for command in COMMANDS if f"\n  {command} " not in done.stdout] == []


def test_the_version(duologue: Duologue) -> None:
    assert duologue("--version").stdout == f"duologue {__version__}\n"


def test_the_package_is_the_command_too(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "orchestrator", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=50, check=True)
    assert done.stdout == f"duologue {__version__}\n"
