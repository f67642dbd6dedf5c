"""Each example runs as its reader would run it, and says what it promises."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def run(name: str, *arguments: str, timeout: float = 50) -> str:
    """The output of an example, which must end well."""
    environment = {
        key: value
        for key, value in os.environ.items()
        if key != "REDIS_URL" and not key.startswith(("DUOLOGUE_", "OPENAI_"))
    }
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment,
        cwd=EXAMPLES.parent,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_hello_own_tool() -> None:
    assert "from Paris to Lyon leaves at 9:12" in run("hello_own_tool", "--demo")


def test_type_while_it_works() -> None:
    said = run("type_while_it_works")
    assert said.count("18 degrees") == 1
    assert said.index("[held: the person has the floor]") < said.index("[now: ") < said.index("18 degrees")


def test_correct_a_running_task() -> None:
    said = run("correct_a_running_task")
    assert "searching hotels in Paris" in said
    assert "The Station Hotel in Lyon has a room." in said
    assert "Hotel in Paris" not in said


def test_timers_and_cues() -> None:
    said = run("timers_and_cues")
    assert "10.2  duologue  Reminder: stretch." in said
    assert "15.0  duologue  ahoy" in said
    assert 'You have said "well" 2 times.' in said
    assert said.count("duologue  breathe") == 3


def test_two_specialists() -> None:
    said = run("two_specialists")
    assert "Room 4 is yours at 14" in said
    assert '"Moby" on the second floor' in said


def test_own_api_and_database() -> None:
    assert "There are 7 lamps left, and 5 have been sold." in run("own_api_and_database")


def test_language_models() -> None:
    said = run("language_models")
    assert "the model is played" in said
    assert said.endswith("Let me look.\nAt 9:12, and you need not change.\n")


@pytest.mark.slow
def test_workers_over_redis() -> None:
    said = run("workers_over_redis")
    assert "it is killed" in said
    assert said.count("I have counted to 8.") == 1


def test_each_is_short_and_tested() -> None:
    names = {path.stem for path in EXAMPLES.glob("*.py")}
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert names <= tested
    assert all(len(path.read_text().splitlines()) < 120 for path in EXAMPLES.glob("*.py"))
