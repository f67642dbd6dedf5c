"""`duologue bench splice` in a real process."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.cli.conftest import Duologue

SMALL = ("--policy", "default", "--policy", "eager", "--family", "pause", "--family", "typing", "--seeds", "2")


def test_the_table_is_the_same_bytes_each_time(duologue: Duologue) -> None:
    first, second = (duologue("bench", "splice", *SMALL, "--json", PYTHONHASHSEED=seed) for seed in ("1", "77"))
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


OWN = """
import msgspec
from orchestrator.timing import FirstOf, SilentProgress, Speak

class AtOnce(msgspec.Struct, frozen=True, tag=True):
    def decide(self, moment, pending):
        return FirstOf((SilentProgress(), Speak())).decide(moment, pending)

class Closed:
    def __init__(self):
        self.decide = lambda moment, pending: None

value, nonsense, closed = AtOnce(), 3, Closed()
"""


def test_a_policy_of_ones_own_is_played_in_several_processes_as_in_one(duologue: Duologue, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    small = ("--policy", "mine:AtOnce", "--policy", "default", "--family", "typing", "--seeds", "2", "--json")
    one, two = (duologue("bench", "splice", *small, "--jobs", jobs) for jobs in ("1", "2"))
    assert (one.returncode, two.returncode, one.stderr) == (0, 0, "")
    assert one.stdout == two.stdout
    waits = {
        row["system"]: row["figures"]["wait_p50"]["value"]
        for row in msgspec.json.decode(one.stdout)["rows"]
        if row["family"] == "all"
    }
    assert set(waits) == {"mine:AtOnce", "default"}
    assert waits["mine:AtOnce"] < waits["default"]


@pytest.mark.parametrize(
    ("policy", "what"),
    [
        ("nowhere:at_all", "the policy 'nowhere:at_all' cannot be found"),
        ("mine:other", "the policy 'mine:other' cannot be found"),
        ("broken:value", "the policy 'broken:value' cannot be found"),
        ("mine:nonsense", "'mine:nonsense' is no policy"),
        ("mine:closed", "the policy 'mine:closed' cannot be sent to other processes"),
    ],
)
def test_a_policy_that_cannot_be_used_is_told_in_three_lines(
    duologue: Duologue, tmp_path: Path, policy: str, what: str
) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    (tmp_path / "broken.py").write_text("value = 1 / 0\n")
    done = duologue("bench", "splice", "--policy", policy, "--seeds", "2", "--jobs", "2")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 3 and what in done.stderr
