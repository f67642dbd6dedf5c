"""docs/timing.md tells the truth: its pictures are drawn from real runs, its code runs, no policy is left out."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator import timing
from orchestrator.timing import BASELINES, FirstOf, default_policy
from tests.orchestrator.timing_scenes import SCENES

PAGE = Path(__file__).parents[2] / "docs" / "timing.md"


@pytest.mark.parametrize("name", list(SCENES))
def test_the_lanes_are_real(name: str) -> None:
    drawn = SCENES[name]()
    assert drawn in PAGE.read_text(encoding="utf-8"), drawn


def test_every_policy_is_told_of() -> None:
    page = PAGE.read_text(encoding="utf-8")
    policies = [name for name in timing.__all__ if hasattr(getattr(timing, name), "decide") and name != "TimingPolicy"]
    assert [name for name in policies if f"`{name}" not in page and f"### {name}\n" not in page] == []
    assert [name for name in BASELINES if f"| `{name}` |" not in page] == []


def test_the_code_runs() -> None:
    """Writing one's own policy, and testing it, as the page shows."""
    page = PAGE.read_text(encoding="utf-8")
    own, tested = (code for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "Assistant(" not in code)
    names: dict[str, Any] = {"__name__": "page"}
    exec(compile(own.replace("from __future__ import annotations", ""), "own", "exec", dont_inherit=True), names)
    exec(compile(tested, "tested", "exec", dont_inherit=True), names)
    tests: list[Callable[[], None]] = [names[name] for name in names if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()
    assert isinstance(names["policy"], FirstOf)
    assert names["policy"].policies[-1] == default_policy()
