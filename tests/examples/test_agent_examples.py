"""The examples with agents of other makes, each where its SDK is installed; the model is played on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent.parent / "examples" / "agents"

NEEDS = {
    "pydantic_ai_agent": ("pydantic_ai",),
    "openai_agents_agent": ("agents",),
    "langgraph_agent": ("langgraph", "langchain_openai"),
}

SETTINGS = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2", "MODEL")


@pytest.mark.parametrize("name", NEEDS)
def test_it_finds_a_hotel(name: str) -> None:
    for package in NEEDS[name]:
        pytest.importorskip(package)
    environment = {key: value for key, value in os.environ.items() if key not in SETTINGS}
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", EXAMPLES / f"{name}.py"],
        capture_output=True,
        text=True,
        timeout=50,
        env=environment,
        cwd=EXAMPLES.parent.parent,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("The Station Hotel has a room for 90 euros.") == 1


def test_each_is_short_and_tested() -> None:
    paths = list(EXAMPLES.glob("*.py"))
    assert {path.stem for path in paths} == set(NEEDS)
    assert all(len(path.read_text(encoding="utf-8").splitlines()) < 120 for path in paths)
