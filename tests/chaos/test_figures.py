"""The figures say what the journals say."""

from __future__ import annotations

import msgspec

from benchmarks.measuring import Report
from tests.chaos.evidence import Evidence
from tests.chaos.figures import report
from tests.chaos.laws import Violation
from tests.chaos.test_sides import EMPTIED, END, at, claimed, evidence, finished

AT_END = {**END, "used_memory": 2**21}
DEATH = at(1_000, "ended", name="a", pid=5, code=-9, expected=True)


def value(found: Report, what: str) -> float | None:
    [row] = [row for row in found.rows if row.what.strip() == what]
    return row.value


def killed(*harm: dict[str, object]) -> Evidence:
    """A worker dies with a task, and another one begins it 900 ms later, which is a lease and a half."""
    workers = (claimed(1, worker="a-5"), claimed(1_900, 2, "b"), finished(2_000, "1", "b"))
    return evidence(workers=workers, driver=(*harm, DEATH, AT_END))


def test_a_rerun_is_told_in_leases() -> None:
    assert value(report([killed()], []), "a worker killed, to the re-run of its task, p50 of 1") == 1.5


def test_a_rerun_in_the_middle_of_other_harm_is_told_apart() -> None:
    found = report([killed({**EMPTIED, "t": 1_500})], [])
    assert value(found, "the same, with more harm in between, p50 of 1") == 1.5
    assert value(found, "empty redis") == 1


def test_what_broke_is_the_first_row() -> None:
    whole, broken = report([killed()], []), report([killed()], [Violation("a law", "was broken")])
    assert (whole.rows[0].met, broken.rows[0].met) == (True, False)


def test_work_is_counted() -> None:
    found = report([killed()], [])
    assert (value(found, "tasks handed over"), value(found, "done"), value(found, "heard")) == (1, 1, 1)
    assert value(found, "attempts after the first") == 1


def test_several_runs_are_told_together() -> None:
    found = report([killed(), msgspec.structs.replace(killed())], [])
    assert value(found, "tasks handed over") == 2
