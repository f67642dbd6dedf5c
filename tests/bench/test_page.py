"""docs/benchmark.md names all there is: line types, families, measures; and its example runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast, get_args

import msgspec
import pytest

from orchestrator.bench import record
from orchestrator.bench.families import FAMILIES, scenario
from orchestrator.bench.scenario import Arrival, Cue, Fact, Meaning, Scenario, Step, Stroke, Work
from orchestrator.bench.table import MEASURES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "benchmark.md").read_text(encoding="utf-8")
LINES = cast("tuple[type[msgspec.Struct], ...]", get_args(record.Line))


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.__name__)
def test_every_line_of_the_journal_is_told_of(line: type[msgspec.Struct]) -> None:
    row = next(row for row in PAGE.splitlines() if row.startswith("| `") and f"`{line.__struct_config__.tag}`" in row)
    assert [field for field in line.__struct_fields__ if field != "at_ms" and f"`{field}`" not in row] == []


@pytest.mark.parametrize("part", [Arrival, Cue, Fact, Meaning, Scenario, Step, Stroke, Work])
def test_every_field_of_a_scenario_is_told_of(part: type[msgspec.Struct]) -> None:
    assert [field for field in part.__struct_fields__ if f"`{field}`" not in PAGE] == []


def test_every_family_and_every_measure_is_told_of() -> None:
    assert [family for family in FAMILIES if f"`{family}`" not in PAGE] == []
    titles = {measure.title for measure in MEASURES.values()} - {"p95", "clean %"}
    assert [title for title in titles if f"\n| {title} |" not in PAGE] == []


def test_the_example_of_a_driver_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    given = scenario("pause", 3)
    heard: list[str] = []
    exec(code, {"scenario": given, "heard": heard})
    assert "".join(heard).replace("qq", "") == given.steps[0].line
