"""Whole runs: the same bytes each time, journals that read back, and thresholds that move what they should."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.bench.families import FAMILIES, scenario, train_seeds
from orchestrator.bench.playing import play_scenario
from orchestrator.bench.record import (
    Line,
    PersonKey,
    SpeechPiece,
    encode_line,
    read_journal,
)
from orchestrator.bench.running import run, score_folder, write_scenarios
from orchestrator.bench.scenario import read_scenario
from orchestrator.bench.scoring import Score, score
from orchestrator.bench.table import as_json, tabulate
from orchestrator.errors import ScenarioError, UsageError
from orchestrator.timing import FirstOf, Speak, WaitForGap, default_policy
from orchestrator.timing.baselines import BASELINES


def played(family: str, seed: int = 0) -> list[Line]:
    return play_scenario(scenario(family, seed), default_policy(), system="default")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_run_is_the_same_each_time_and_its_journal_reads_back(family: str) -> None:
    lines = played(family)
    written = [encode_line(line) for line in lines]
    assert written == [encode_line(line) for line in played(family)]
    assert list(read_journal(written, family)) == lines
    assert score(read_journal(written, family)) == score(lines)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_run_comes_to_its_end_and_tells_something(family: str) -> None:
    for seed in range(3):
        lines = played(family, seed)
        made = scenario(family, seed)
        assert lines[-1].at_ms < made.limit_ms
        assert any(isinstance(line, SpeechPiece) and line.tells for line in lines)
        typed = "".join(line.text for line in lines if isinstance(line, PersonKey) and line.turn == "s1")
        assert typed.replace("qq", "") == made.steps[0].line  # a slip of the finger is a q that is taken back


def test_the_default_policy_loses_nothing_on_seeds_for_tuning() -> None:
    scores = run({"default": default_policy()}, seeds=train_seeds(3))
    assert sum(one.lost + one.unanswered + one.unreplied for one in scores) == 0


def mean(scores: list[Score], system: str, measure: str) -> float:
    value = tabulate(scores).row(system).figures[measure].value
    assert value is not None
    return value


def test_a_longer_gap_costs_delay_and_spares_the_person() -> None:
    """The benchmark is alive: one threshold of the default policy moves both sides of the table."""
    policies = {str(silence): default_policy(gap=WaitForGap(silence_ms=silence)) for silence in (0, 1_500)}
    scores = run(policies, seeds=train_seeds(10), families=("lines",))
    assert mean(scores, "1500", "delay_p50") > mean(scores, "0", "delay_p50") + 200
    assert mean(scores, "1500", "overlap_ms") < mean(scores, "0", "overlap_ms")
    assert mean(scores, "1500", "collisions") < mean(scores, "0", "collisions")


def test_what_speaks_at_once_is_quick_and_over_the_person() -> None:
    policies = {"default": default_policy(), "eager": BASELINES["eager"]()}
    scores = run(policies, seeds=train_seeds(4), families=("typing", "speaking"), lawless=BASELINES)
    assert mean(scores, "eager", "wait_p50") < mean(scores, "default", "wait_p50")
    assert mean(scores, "eager", "overlap_ms") > 20 * (mean(scores, "default", "overlap_ms") + 1)
    assert mean(scores, "eager", "cut_ins") > 50


def test_a_policy_that_forgets_staleness_is_found_out() -> None:
    policies = {"livekit": BASELINES["livekit"](), "default": default_policy()}
    families = ("superseded-before", "corrected", "interrupted")
    scores = run(policies, seeds=train_seeds(4), families=families, lawless=BASELINES)
    assert mean(scores, "livekit", "stale") > 0 and mean(scores, "default", "stale") == 0
    assert mean(scores, "livekit", "lost") > 0 and mean(scores, "default", "lost") == 0


def test_journals_that_are_written_score_as_the_run_did(tmp_path: Path) -> None:
    policies = {"plain": FirstOf((WaitForGap(), Speak()))}
    scores = run(policies, seeds=train_seeds(2), families=("pause", "two-at-once"), journals=tmp_path)
    assert sorted(score_folder(tmp_path), key=lambda one: (one.seed, one.family)) == scores
    assert as_json(tabulate(score_folder(tmp_path)))


def test_several_processes_make_the_same_table() -> None:
    policies = {"default": default_policy()}
    one = run(policies, seeds=train_seeds(2), families=("pause",), jobs=1)
    assert run(policies, seeds=train_seeds(2), families=("pause",), jobs=2) == one


def test_scenarios_are_written_for_others(tmp_path: Path) -> None:
    assert write_scenarios(tmp_path, ("pause", "urgent"), train_seeds(2)) == 4
    file = tmp_path / "urgent-1.json"
    assert read_scenario(file.read_bytes(), file.name) == scenario("urgent", 1)


def test_a_folder_without_journals(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no journal in"):
        score_folder(tmp_path)


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ([b"{"], "line 1 cannot be read"),
        ([b'{"type":"end","at_ms":1}'], "is not whole"),
        ([b'{"type":"person.away","at_ms":5}', b'{"type":"end","at_ms":1}'], "line 2 goes back in time"),
    ],
)
def test_journals_that_cannot_be_read(lines: list[bytes], what: str) -> None:
    with pytest.raises(ScenarioError, match=what):
        read_journal(lines, "x")


def test_unknown_lines_are_passed_over() -> None:
    lines = [encode_line(line) for line in played("pause")]
    assert read_journal([lines[0], b'{"type":"mood","at_ms":0}', b"", *lines[1:]], "x") == tuple(played("pause"))
