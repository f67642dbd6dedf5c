"""`duologue bench splice` in a real process."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tests.cli.conftest import Duologue

SMALL = ("--policy", "default", "--policy", "eager", "--family", "pause", "--family", "typing", "--seeds", "2")


def test_the_table_is_the_same_bytes_each_time(duologue: Duologue) -> None:
    first, second = (duologue("bench", "splice", *SMALL, "--json") for _ in range(2))
    assert first.returncode == 0 and first.stderr == ""
    assert first.stdout == second.stdout
    found = msgspec.json.decode(first.stdout)
    assert {row["system"] for row in found["rows"]} == {"default", "eager"}
    assert found["seeds"] == [1_000_000, 1_000_001]


def test_journals_made_elsewhere_are_scored(duologue: Duologue, tmp_path: Path) -> None:
    ran = duologue("bench", "splice", *SMALL, "--journals", "made")
    assert len(list((tmp_path / "made" / "eager").iterdir())) == 4
    assert duologue("bench", "splice", "--score", "made").stdout == ran.stdout
    stricter = duologue("bench", "splice", "--score", "made", "--quiet-ms", "900").stdout
    assert stricter != ran.stdout and "quiet for 900 ms" in stricter


def test_scenarios_are_written(duologue: Duologue, tmp_path: Path) -> None:
    done = duologue("bench", "splice", "--family", "urgent", "--seeds", "3", "--scenarios", "out")
    assert done.stdout == "3 scenarios written to out\n"
    assert len(list((tmp_path / "out").glob("urgent-*.json"))) == 3


def test_what_is_not_there_is_said(duologue: Duologue) -> None:
    done = duologue("bench", "splice", "--policy", "nonsense")
    assert done.returncode == 2 and "there is no policy 'nonsense'" in done.stderr and "default" in done.stderr
