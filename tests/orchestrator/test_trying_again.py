"""A task that was given up and is tried again: the person is told in a few words, and hears the answer."""

from __future__ import annotations

from orchestrator.effects import LedgerChanged
from orchestrator.events import DelegationUpdate, Event, ModelCancelled
from orchestrator.testing.playing import play
from tests.orchestrator.driving import found, only, said, states, types
from tests.orchestrator.test_delivery import ANSWER, working

GIVEN_UP = "This was given up: every worker that took it stopped in the middle."


def test_a_task_that_was_given_up_and_is_tried_again_is_told_and_its_answer_heard() -> None:
    events: list[tuple[int, Event]] = [
        (1_000, found(GIVEN_UP, kind="error", attempt=6)),
        (9_000, DelegationUpdate("s-1", "queued", "an operator", again=True)),
        (9_500, DelegationUpdate("s-1", "running")),
        (12_000, found(ANSWER, attempt=7)),
    ]
    records = play(working(), events, until_ms=18_000)
    assert said(records) == f'{GIVEN_UP}The work on "task 1" is being tried again.{ANSWER}'
    assert states(records, "s-1") == ["failed", "queued", "running", "done"]
    assert states(records, "s-1.7.1")[-1] == "heard"


def test_what_is_tried_again_before_its_failure_was_told_is_not_told_as_failed() -> None:
    events = [
        *types("hold on, I am still typing", 500),
        (1_000, found(GIVEN_UP, kind="error")),
        (1_500, DelegationUpdate("s-1", "queued", again=True)),
        (2_000, found(ANSWER, attempt=2)),
    ]
    records = play(working(), events, until_ms=12_000)
    assert "given up" not in said(records)
    assert said(records).endswith(ANSWER)
    assert states(records, "s-1.1")[-1] == "superseded"


def test_only_a_task_that_failed_is_tried_again_and_only_when_that_is_said() -> None:
    def after(ending: Event, update: DelegationUpdate) -> list[str]:
        return states(play(working(), [(1_000, ending), (4_000, update)], until_ms=8_000), "s-1")

    again = DelegationUpdate("s-1", "queued", again=True)
    failed = found(GIVEN_UP, kind="error")
    assert after(failed, DelegationUpdate("s-1", "queued")) == ["failed"]
    assert after(failed, DelegationUpdate("s-1", "running", again=True)) == ["failed"]
    assert after(found(ANSWER), again) == ["done"]
    assert after(ModelCancelled("s-1"), again) == ["cancelled"]
    assert after(failed, again) == ["failed", "queued"]


def test_what_is_tried_again_has_all_its_time_anew() -> None:
    events: list[tuple[int, Event]] = [
        (50_000, found(GIVEN_UP, kind="error")),
        (55_000, DelegationUpdate("s-1", "queued", again=True)),
        (56_000, DelegationUpdate("s-1", "running")),
    ]
    records = play(working(deadline_ms=60_000, grace_ms=0), events, until_ms=125_000)
    assert [at for at, change in only(LedgerChanged, records) if change.state == "failed"] == [50_000, 115_000]
