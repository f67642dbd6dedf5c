"""`duologue bench interaction`: holds the conversations and prints the tables."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from typing import Literal

from orchestrator.bench.tasks.catalogue import TASKS, Measure, Task
from orchestrator.bench.tasks.figures import Figure
from orchestrator.bench.tasks.holding import hold_all
from orchestrator.bench.tasks.report import NOTE, Report, encode, report
from orchestrator.cli.bench_voices import make_sure, named_voice
from orchestrator.cli.table import WIDE, Column, table
from orchestrator.errors import ConfigError

__all__ = ["interaction_page", "lines"]

_BETTER = {"more": " +", "less": " -", "": ""}


def interaction_page(
    voices: Sequence[str],
    *,
    seeds: int,
    tasks: Sequence[str],
    clock: Literal["virtual", "real"] | None,
    as_json: bool,
) -> int:
    """Hold all cases with all voices and print what came of it. Returns the exit code.

    Raises:
        ConfigError: there is no such voice, or no such task.
        ModelError: the model of a `chat:` voice cannot be used.
    """
    from orchestrator.siblings import require

    for package in ("interaction", "background"):
        require(package)
    chosen = _chosen(tasks)
    numbers = range(1, seeds + 1)
    # The floor of every table is in it, whoever else is asked for.
    named = [named_voice(name) for name in dict.fromkeys(("silent", *(voices or ("reflex",))))]
    for voice in named:
        make_sure(voice)
    outcomes = {voice.name: hold_all(chosen, numbers, voice.make, clock=clock or voice.clock) for voice in named}
    outcome = report(chosen, numbers, outcomes)
    if as_json:
        sys.stdout.buffer.write(encode(outcome))
    else:
        for line in lines(outcome, chosen):
            sys.stdout.write(f"{line}\n")
    return 0


def _chosen(names: Sequence[str]) -> list[Task]:
    unknown = sorted(set(names) - {task.name for task in TASKS})
    if unknown:
        raise ConfigError(
            f"there is no task called {unknown[0]!r}",
            f"there are {', '.join(task.name for task in TASKS)}",
            "use one of these, or none for all of them",
        )
    return [task for task in TASKS if not names or task.name in names]


def lines(outcome: Report, tasks: Sequence[Task]) -> list[str]:
    """The tables, one for each task, with a voice a row."""
    seeds = len(outcome.seeds)
    out = [*textwrap.wrap(NOTE, 100), ""]
    out += textwrap.wrap(
        f"Means over {seeds} seeds with 95 % intervals over seeds; + more is better, - less is better; n/a: no case"
        " came to it. The voice `silent` is the floor.",
        100,
    )
    for task in tasks:
        told = outcome.tasks[task.name]
        out += ["", f"{told.title} (a form of {told.form_of}; --task {task.name})"]
        columns = [
            Column("voice"),
            *(Column(f"{each.title}{_BETTER[each.better]}", right=True) for each in task.measures),
        ]
        rows = [
            [voice, *(_cell(figures.get(each.name)) for each in task.measures)]
            for voice, figures in told.voices.items()
        ]
        out += [f"  {line}" for line in table(columns, rows, WIDE)]
        out += [f"  {line}" for line in _forms(outcome, task, task.measures[0])]
    for voice, count in outcome.broke.items():
        if count:
            out += ["", f"{voice} broke {count} times: what it says of itself then is in its figures."]
    return out


def _cell(figure: Figure | None) -> str:
    if figure is None or figure.mean is None:
        return "n/a"
    if figure.low is None or figure.high is None or figure.low == figure.high:
        return f"{figure.mean:.2f}"
    return f"{figure.mean:.2f} [{figure.low:.2f}, {figure.high:.2f}]"


def _forms(outcome: Report, task: Task, measure: Measure) -> list[str]:
    """The first measure once more, form by form: an average hides what a voice cannot do at all."""
    told: list[str] = []
    for voice, figures in outcome.tasks[task.name].voices.items():
        forms = figures[measure.name].forms
        if forms and len(set(forms.values())) > 1:
            parts = ", ".join(f"{form} {value:.2f}" for form, value in forms.items())
            told.append(f"{voice}, {measure.title}: {parts}")
    return told
