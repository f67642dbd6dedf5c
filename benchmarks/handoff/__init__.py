"""The hand-off: what its guarantees cost over bare redis-py, beside other hand-offs, and how soon it is back."""

from __future__ import annotations

from benchmarks.handoff.cancelling import cancelling
from benchmarks.handoff.conversation import conversation
from benchmarks.handoff.dying import redis_dying, workers_dying
from benchmarks.handoff.in_one_process import in_one_process
from benchmarks.handoff.partials import partials
from benchmarks.handoff.side_by_side import side_by_side
from benchmarks.handoff.waiting import waiting
from benchmarks.measuring import Report

__all__ = ["run"]


def run(*, small: bool = False) -> Report:
    """Measure. `small` is for the test that this still works: it leaves out the peers. Needs a redis-server."""
    parts = [
        in_one_process(small=small),
        side_by_side(small=small),
        partials(small=small),
        waiting(small=small),
        conversation(small=small),
        cancelling(small=small),
        workers_dying(small=small),
        redis_dying(small=small),
    ]
    return Report(
        "handoff",
        "the bus with all its guarantees, against bare redis-py with none, and beside others",
        tuple(row for part in parts for row in part.rows),
        tuple(note for part in parts for note in part.notes),
    )
