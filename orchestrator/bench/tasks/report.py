"""The outcome of a run as one value: what is printed, and what `--json` writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from orchestrator.bench.tasks.catalogue import Task
from orchestrator.bench.tasks.figures import Figure, figures
from orchestrator.bench.tasks.holding import Held

__all__ = ["NOTE", "Report", "TaskReport", "encode", "report"]

NOTE: Final = (
    "Symbolic miniatures of the published task forms: keys, transcripts and captions instead of sound and pictures,"
    " exact rules instead of judges, new cases from seeds. Not the published sets, so no number here can stand beside a"
    " published one."
)


class TaskReport(msgspec.Struct, frozen=True):
    """One task: where its form comes from, and each voice's figures."""

    title: str
    form_of: str
    voices: Mapping[str, Mapping[str, Figure]]


class Report(msgspec.Struct, frozen=True):
    """All of it. `broke` says how often a voice failed in its conversations."""

    note: str
    seeds: tuple[int, ...]
    tasks: Mapping[str, TaskReport]
    broke: Mapping[str, int]


def report(tasks: Sequence[Task], seeds: Sequence[int], outcomes: Mapping[str, Mapping[str, Held]]) -> Report:
    """From the outcomes of each voice, by its name, for each task."""
    return Report(
        NOTE,
        tuple(seeds),
        {
            task.name: TaskReport(
                task.title,
                task.form_of,
                {voice: figures(held[task.name].marked) for voice, held in outcomes.items()},
            )
            for task in tasks
        },
        {voice: sum(each.broke for each in held.values()) for voice, held in outcomes.items()},
    )


def encode(outcome: Report) -> bytes:
    """The report as JSON: the same bytes for the same figures."""
    return msgspec.json.format(msgspec.json.encode(outcome), indent=1) + b"\n"
