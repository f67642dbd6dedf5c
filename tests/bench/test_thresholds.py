"""The benchmark is alive: each threshold of the default policy moves what it is about, and docs/timing.md shows how."""

from __future__ import annotations

from pathlib import Path
from statistics import mean

import pytest

from orchestrator.bench.families import train_seeds
from orchestrator.bench.running import run
from orchestrator.bench.scoring import Score
from orchestrator.bench.table import Row, tabulate
from orchestrator.timing import AtBoundary, Settle, TimingPolicy, WaitForGap, default_policy

PAGE = Path(__file__).parents[2] / "docs" / "timing.md"

CHANGED: dict[str, TimingPolicy] = {
    "nothing": default_policy(),
    "`quiet_ms` 300 to 2,000": default_policy(gap=WaitForGap(quiet_ms=2_000)),
    "`silence_ms` 1,200 to 0": default_policy(gap=WaitForGap(silence_ms=0)),
    "`open_ms` 2,800 to 0": default_policy(gap=WaitForGap(open_ms=0)),
    "`ahead_ms` 600 and `ahead_chars` 40, both to 0": default_policy(ahead_ms=0, boundary=AtBoundary(ahead_chars=0)),
    "`finish_chars` 100 to 10,000": default_policy(boundary=AtBoundary(ahead_chars=40, finish_chars=10_000)),
    "`window_ms` 250 to 0": default_policy(settle=Settle(window_ms=0)),
    "`card_ms` 20,000 to 3,000": default_policy(card_ms=3_000),
}


@pytest.fixture(scope="module")
def scores() -> list[Score]:
    return run(CHANGED, seeds=train_seeds(8))


def of(scores: list[Score], changed: str) -> list[float]:
    """The figures of a row of the page."""
    mine = [score for score in scores if score.system == changed]
    rows = {row.family: row for row in tabulate(mine).rows}
    every = rows["all"]
    figures = [figure(every, name) for name in ("delay_p50", "delay_p95", "cut_ins", "cards", "words")]
    figures.insert(1, mean(delay for score in mine for delay in score.delays))
    figures.append(figure(rows["assistant-speaks"], "wait_p50"))
    figures.append(mean(delay for score in mine if score.family == "two-at-once" for delay in score.delays))
    figures.append(mean(score.overlap_ms for score in mine))
    return figures


def figure(row: Row, name: str) -> float:
    value = row.figures[name].value
    assert value is not None
    return value


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_the_page_shows_how_each_threshold_moves_the_table(scores: list[Score]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    rows: list[str] = []
    for changed in CHANGED:
        p50, middle, p95, cut_ins, cards, words, talking, two, over = of(scores, changed)
        rows.append(
            f"| {changed} | {p50:.0f} | {middle:.0f} | {p95:.0f} | {over:.1f} | {cut_ins:.1f} | {cards:.1f} |"
            f" {words:.1f} | {talking:.0f} | {two:.0f} |"
        )
    assert [row in page for row in rows] == [True] * len(rows), "\n".join(rows)


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_each_threshold_moves_what_it_is_about_the_way_one_expects(scores: list[Score]) -> None:
    now, quiet, silent, unsure, late, patient, alone, hasty = (of(scores, changed) for changed in CHANGED)
    assert quiet[1] > now[1] + 200, "more quiet costs time"
    assert silent[1] < now[1] and silent[8] > now[8] + 1, "who takes every Enter for the end is sooner, and speaks over"
    assert unsure[3] > now[3] and unsure[1] < now[1], "who does not wait out a thought is sooner, and cuts in"
    assert unsure[8] > now[8] + 1, "and is run into"
    assert late[1] > now[1], "without phrasing ahead it takes longer"
    assert patient[6] > now[6] + 1_000, "a result that may not break in waits for the end"
    assert alone[7] > now[7], "without settling the second of two waits for the first"
    assert hasty[4] > now[4] and hasty[5] < now[5], "an impatient card takes words from the voice"
