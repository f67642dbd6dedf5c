"""The benchmarks still run, and say what they measured in one shape. What they measure is not judged here."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from benchmarks.__main__ import NAMES, main
from benchmarks.handoff.sides import PEERS, Side
from benchmarks.measuring import Report, missing, shown, table


@pytest.mark.timeout(180)  # one of them starts many processes
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


def test_what_there_is_not_is_told_and_several_rounds_show_their_spread() -> None:
    rows = (missing("a peer", "not installed"), shown("a side", [3.0, 1.0, 2.0], "ms"))
    assert (rows[0].value, rows[1].value, rows[1].low, rows[1].high) == (None, 2.0, 1.0, 3.0)
    printed = table(Report("name", "title", rows))
    assert "not installed" in printed
    assert "1..3" in printed


def test_every_peer_has_its_program_and_its_versions() -> None:
    root = Path(__file__).parents[2]
    for side in PEERS:
        assert (root / side.program).is_file()
        assert "==" in (root / f"benchmarks/peers/constraints-{side.environment}.txt").read_text()
    assert not Side("nobody", "nowhere.py", "nobody").installed
