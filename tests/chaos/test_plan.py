"""A seed stands for a schedule, and a schedule leaves everybody the time to come to himself."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.chaos.plan import KINDS, planned


def test_a_seed_repeats_its_schedule() -> None:
    assert planned(7, 60_000) == planned(7, 60_000)
    assert planned(7, 60_000) != planned(8, 60_000)


def test_a_longer_run_begins_like_a_shorter_one() -> None:
    short, long = planned(7, 30_000, persistence="none"), planned(7, 60_000, persistence="none")
    assert long.harms[: len(short.harms) // 2] == short.harms[: len(short.harms) // 2]


@pytest.mark.parametrize("seed", range(20))
def test_a_minute_sees_every_kind_of_harm(seed: int) -> None:
    assert {harm.kind for harm in planned(seed, 60_000, persistence="always").harms} == set(KINDS)


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_done_to_somebody_to_whom_something_is_being_done(seed: int) -> None:
    plan = planned(seed, 120_000)
    for target in range(plan.workers):
        harms = [harm for harm in plan.harms if harm.kind.endswith(("worker", "both")) and harm.target == target]
        for one, other in pairwise(harms):
            assert other.at_ms >= one.at_ms + one.lasts_ms + plan.lease_ms
    for kind in ("redis", "line"):
        harms = [harm for harm in plan.harms if harm.kind.endswith(kind)]
        for one, other in pairwise(harms):
            assert other.at_ms >= one.at_ms + one.lasts_ms + plan.lease_ms
