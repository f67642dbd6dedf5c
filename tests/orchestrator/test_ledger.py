"""The ledger's tables, and what they forbid."""

from __future__ import annotations

from typing import get_args

import pytest

from orchestrator.clock import START
from orchestrator.effects import FindingState
from orchestrator.events import DelegationState
from orchestrator.finding import Finding
from orchestrator.ledger import DELEGATION_TRANSITIONS, FINDING_TRANSITIONS, IllegalTransition, Job, Ledger


def a_ledger(tasks: int = 1) -> Ledger:
    ledger = Ledger()
    for number in range(1, tasks + 1):
        ledger.add(Job(f"s-{number}", "task", START, 1_000, 1, 1))
    return ledger


def test_the_tables_know_every_state() -> None:
    assert set(FINDING_TRANSITIONS) == set(get_args(FindingState))
    assert set(DELEGATION_TRANSITIONS) == set(get_args(DelegationState))


@pytest.mark.parametrize("table", [FINDING_TRANSITIONS, DELEGATION_TRANSITIONS])
def test_every_state_can_be_reached_and_left_or_is_an_end(table: dict[str, tuple[str, ...]]) -> None:
    first = next(iter(table))
    reached, edge = {first}, [first]
    while edge:
        for following in table[edge.pop()]:
            if following not in reached:
                reached.add(following)
                edge.append(following)
    assert reached == set(table)


@pytest.mark.parametrize("state", ["heard", "speaking"])
def test_a_state_is_not_left_in_a_way_the_table_does_not_know(state: FindingState) -> None:
    ledger = a_ledger()
    ledger.arrive(Finding("x", delegation="s-1", seq=1), now=START)
    (note,) = ledger.owed()
    with pytest.raises(IllegalTransition, match=f"owed -> {state}"):
        ledger.settle(note, state)


@pytest.mark.parametrize("state", ["expired", "dropped"])
def test_a_finished_result_cannot_be_dropped(state: FindingState) -> None:
    ledger = a_ledger()
    ledger.arrive(Finding("x", delegation="s-1", seq=1), now=START)
    with pytest.raises(IllegalTransition, match="finished"):
        ledger.settle(ledger.owed()[0], state)


def test_a_gap_is_noticed_and_a_duplicate_counted() -> None:
    ledger = a_ledger()
    for seq in (1, 2, 2, 5):
        ledger.arrive(Finding("x", "partial", delegation="s-1", seq=seq), now=START)
    assert (ledger.gaps, ledger.duplicates) == (1, 1)
    assert [note.finding.seq for note in ledger.owed()] == [1, 2, 5]


def test_a_second_worker_begins_again_and_the_first_is_not_listened_to() -> None:
    ledger = a_ledger()
    ledger.arrive(Finding("a", "partial", delegation="s-1", seq=1), now=START)
    ledger.arrive(Finding("b", "partial", delegation="s-1", attempt=2, seq=1), now=START)
    ledger.arrive(Finding("c", delegation="s-1", seq=2), now=START)
    assert [note.finding.text for note in ledger.owed()] == ["b"]


def test_what_a_finding_replaces_is_not_owed_any_more() -> None:
    ledger = a_ledger()
    ledger.arrive(Finding("3 so far", "partial", delegation="s-1", seq=1), now=START)
    ledger.arrive(Finding("5 so far", "partial", delegation="s-1", seq=2, supersedes=("s-1.1",)), now=START)
    assert [note.finding.text for note in ledger.owed()] == ["5 so far"]


def test_it_answers_what_is_being_worked_on() -> None:
    ledger = a_ledger(tasks=2)
    ledger.arrive(Finding("40 files read", "progress", delegation="s-2", seq=1), now=START)
    assert [(work.delegation, work.state, work.progress) for work in ledger.work()] == [
        ("s-1", "offered", ""),
        ("s-2", "running", "40 files read"),
    ]


def test_it_forgets_what_ended_long_ago_and_nothing_that_is_owed() -> None:
    ledger = a_ledger(tasks=1)
    ledger.arrive(Finding("x", delegation="s-1", seq=1), now=START)
    for number in range(2, 100):
        ledger.add(Job(f"s-{number}", "task", START, 1_000, 1, 1))
        ledger.end(ledger.jobs[f"s-{number}"], "cancelled", "no")
    assert len(ledger.jobs) < 12
    assert "s-1" in ledger.jobs
    assert ledger.count == 99
