"""The benchmarks still run, and say what they measured in one shape. What they measure is not judged here."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from benchmarks.__main__ import NAMES, main


@pytest.mark.parametrize("name", NAMES)
def test_it_measures_something(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    into = tmp_path / "figures.json"
    assert main([name, "--small", "--json", str(into)]) == 0
    (report,) = json.loads(into.read_bytes())
    assert report["name"] == name
    assert len(report["rows"]) >= 5
    for row in report["rows"]:
        assert set(row) == {"what", "value", "unit", "bar", "met", "low", "high"}
        assert row["value"] is None or (math.isfinite(row["value"]) and row["value"] >= 0)
        assert row["low"] is None or row["low"] <= row["value"] <= row["high"]
        assert (row["met"] is None) == (row["bar"] == "")
    printed = capsys.readouterr().out
    assert [row["what"] for row in report["rows"] if row["what"] not in printed] == []


def test_a_name_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["micro_turn", "nonsense"])
    assert left.value.code == 2
    assert "nonsense" in capsys.readouterr().err
