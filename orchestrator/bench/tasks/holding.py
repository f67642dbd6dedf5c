"""Holds the conversations of cases with a voice, and marks them.

With `virtual` time nothing waits and the same seed gives the same bytes; a voice that waits for a network needs `real`
time, in which cases are held side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Literal

import anyio
import msgspec

from orchestrator.bench.tasks.case import Case, Events
from orchestrator.bench.tasks.catalogue import Task, score
from orchestrator.bench.tasks.dice import Dice
from orchestrator.bench.tasks.figures import Marked
from orchestrator.bench.tasks.record import Record
from orchestrator.bench.tasks.transcript import breaks, transcribe
from orchestrator.config import SessionConfig
from orchestrator.journal import Recorder
from orchestrator.ports import InteractionModel
from orchestrator.simulation import converse
from orchestrator.testing.virtual import run_virtual

__all__ = ["PACE", "Held", "Voice", "hold", "hold_all"]

PACE: Final = 15
"""Characters a second at which the assistant is heard: a person's speech, not a screen's."""
_SIDE_BY_SIDE: Final = 16
"""Conversations at once in real time: more, and the voice's server is measured instead of the voice."""

Voice = Callable[[], InteractionModel]
"""Makes a voice for one conversation."""


class Held(msgspec.Struct, frozen=True):
    """What came of the cases of one task, in order, and how often the voice broke."""

    marked: tuple[Marked, ...]
    broke: int = 0


async def hold(case: Case, voice: Voice, *, pace: int = PACE) -> tuple[Record, Record, int]:
    """Hold one case on the running loop. Returns its record, that of its clean version, and how often it broke."""
    record, broke = await _conversation(case.events, case, voice, pace)
    if not case.clean:
        return record, Record((), (), 0), broke
    clean, broke_too = await _conversation(case.clean, case, voice, pace)
    return record, clean, broke + broke_too


async def _conversation(events: Events, case: Case, voice: Voice, pace: int) -> tuple[Record, int]:
    journal = Recorder()
    await converse(events, model=voice(), journal=journal, config=SessionConfig(pace=pace))
    record = transcribe(journal.records, case.person, until_ms=case.until_ms, pace=pace)
    return record, breaks(journal.records)


def hold_all(
    tasks: Sequence[Task], seeds: Sequence[int], voice: Voice, *, clock: Literal["virtual", "real"]
) -> dict[str, Held]:
    """Hold every case of every task for every seed. The cases depend on the seed and the task, not on the voice."""
    cases = [
        (task.name, seed, case)
        for task in tasks
        for seed in seeds
        for case in task.cases(Dice("interaction", task.name, seed))
    ]
    if clock == "virtual":
        outcomes = [_in_no_time(case, voice) for _, _, case in cases]
    else:
        outcomes = anyio.run(_side_by_side, [case for _, _, case in cases], voice)
    held: dict[str, Held] = {task.name: Held(()) for task in tasks}
    for (name, seed, case), (record, clean, broke) in zip(cases, outcomes, strict=True):
        before = held[name]
        marked = Marked(seed, case.form, score(case.truth, record, clean))
        held[name] = Held((*before.marked, marked), before.broke + broke)
    return held


def _in_no_time(case: Case, voice: Voice) -> tuple[Record, Record, int]:
    return run_virtual(lambda: hold(case, voice))


async def _side_by_side(cases: Sequence[Case], voice: Voice) -> list[tuple[Record, Record, int]]:
    outcomes: dict[int, tuple[Record, Record, int]] = {}
    room = anyio.CapacityLimiter(_SIDE_BY_SIDE)

    async def one(number: int, case: Case) -> None:
        async with room:
            outcomes[number] = await hold(case, voice)

    async with anyio.create_task_group() as group:
        for number, case in enumerate(cases):
            group.start_soon(one, number, case)
    return [outcomes[number] for number in range(len(cases))]
