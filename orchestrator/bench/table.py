"""Scores put together into the table: for each system, over all scenarios and by family, as text and as JSON.

A figure is taken over all runs; its interval is the 5th to the 95th percentile of the same figure taken over the runs
of each seed alone. Nothing in it depends on chance, so the same journals give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from orchestrator.bench.scoring import FAULTS, Rules, Score

__all__ = ["ALL", "MEASURES", "Figure", "Row", "Table", "as_json", "as_text", "tabulate"]

ALL: Final = "all"
"""The name of the row over all families."""


class Figure(msgspec.Struct, frozen=True):
    """A measure with its interval over the seeds; `None` where there was nothing to measure."""

    value: float | None
    low: float | None = None
    high: float | None = None


class Row(msgspec.Struct, frozen=True):
    """One system in one family, or in all."""

    system: str
    family: str
    runs: int
    figures: dict[str, Figure]


class Table(msgspec.Struct, frozen=True):
    """All rows, and what they were made from."""

    rows: tuple[Row, ...]
    seeds: tuple[int, ...]
    rules: Rules

    def row(self, system: str, family: str = ALL) -> Row:
        """One row. Raises `KeyError`."""
        for row in self.rows:
            if (row.system, row.family) == (system, family):
                return row
        raise KeyError((system, family))


class _Measure(msgspec.Struct, frozen=True):
    title: str
    formula: str
    of: Callable[[Sequence[Score]], float | None]
    ranged: bool = False
    """Whether the text shows its interval."""


def _quantile(values: Sequence[float], share: float) -> float | None:
    """With straight lines between the ranks."""
    if not values:
        return None
    ranked = sorted(values)
    place = share * (len(ranked) - 1)
    below = int(place)
    above = min(below + 1, len(ranked) - 1)
    return ranked[below] + (ranked[above] - ranked[below]) * (place - below)


def _all(pick: Callable[[Score], Iterable[int]], share: float) -> Callable[[Sequence[Score]], float | None]:
    return lambda scores: _quantile([value for score in scores for value in pick(score)], share)


def _mean(pick: Callable[[Score], int]) -> Callable[[Sequence[Score]], float | None]:
    return lambda scores: sum(pick(score) for score in scores) / len(scores)


def _per_100(pick: Callable[[Score], int]) -> Callable[[Sequence[Score]], float | None]:
    return lambda scores: 100 * sum(pick(score) for score in scores) / len(scores)


MEASURES: Final[dict[str, _Measure]] = {
    "clean": _Measure(
        "clean %",
        f"100 * runs without any of ({', '.join(FAULTS)}) / runs",
        _per_100(lambda score: int(score.clean)),
        ranged=True,
    ),
    "delay_p50": _Measure(
        "delay",
        "median over facts of the good time (ms) from ready to first word",
        _all(lambda score: score.delays, 0.5),
        ranged=True,
    ),
    "delay_p95": _Measure("p95", "95th percentile of the same", _all(lambda score: score.delays, 0.95)),
    "overlap_ms": _Measure(
        "overlap",
        "mean over runs of the time (ms) in which the assistant is heard while the person types or speaks",
        _mean(lambda score: score.overlap_ms),
        ranged=True,
    ),
    "cut_ins": _Measure(
        "cut-ins", "utterances begun inside a turn of the person, per 100 runs", _per_100(lambda score: score.cut_ins)
    ),
    "collisions": _Measure(
        "collisions",
        "tellings of a fact that the person runs into within 500 ms, per 100 runs",
        _per_100(lambda score: score.collisions),
    ),
    "wait_p50": _Measure(
        "wait",
        "median over facts of the time (ms) from ready to first word, whatever the moment",
        _all(lambda score: score.waits, 0.5),
        ranged=True,
    ),
    "wait_p95": _Measure("p95", "95th percentile of the same", _all(lambda score: score.waits, 0.95)),
    "own_cuts": _Measure(
        "own cuts",
        "utterances the assistant breaks off inside a clause without need, per 100 runs",
        _per_100(lambda score: score.own_cuts),
    ),
    "lost": _Measure("lost", "facts that had to be told and never were, per 100 runs", _per_100(lambda s: s.lost)),
    "duplicates": _Measure(
        "twice", "tellings of a fact after the first, per 100 runs", _per_100(lambda s: s.duplicates)
    ),
    "stale": _Measure("stale", "facts told when they were stale, per 100 runs", _per_100(lambda score: score.stale)),
    "missed": _Measure(
        "missed", "facts that expired untold though there was time, per 100 runs", _per_100(lambda score: score.missed)
    ),
    "unanswered": _Measure(
        "unanswered",
        "requests without a result or an honest failure, per 100 runs",
        _per_100(lambda score: score.unanswered),
    ),
    "unreplied": _Measure(
        "unreplied", "turns that expected an answer and got none, per 100 runs", _per_100(lambda s: s.unreplied)
    ),
    "follow_up_p50": _Measure(
        "follow-up",
        "median time (ms) to the answer of what is asked while work is pending",
        _all(lambda score: score.follow_ups, 0.5),
        ranged=True,
    ),
    "follow_up_p95": _Measure("p95", "95th percentile of the same", _all(lambda score: score.follow_ups, 0.95)),
    "words": _Measure("words", "mean over runs of the words spoken", _mean(lambda score: score.words), ranged=True),
    "cards": _Measure("cards", "things shown and not spoken, per 100 runs", _per_100(lambda score: score.cards)),
}
"""Every column, in order; opposing ones stand side by side."""

_BLOCKS: Final = (
    ("When it speaks", ("delay_p50", "delay_p95", "overlap_ms", "cut_ins", "collisions", "wait_p50", "own_cuts")),
    ("What becomes of the findings", ("clean", "lost", "duplicates", "stale", "missed", "unanswered", "cards")),
    ("What it costs the person", ("follow_up_p50", "follow_up_p95", "unreplied", "words", "delay_p50")),
)


def tabulate(scores: Iterable[Score], rules: Rules | None = None) -> Table:
    """The table of `scores`; systems and families in the order in which they first come."""
    every = list(scores)
    systems = list(dict.fromkeys(score.system for score in every))
    families = list(dict.fromkeys(score.family for score in every))
    rows: list[Row] = []
    for system in systems:
        mine = [score for score in every if score.system == system]
        rows.append(_row(system, ALL, mine))
        for family in families:
            chosen = [score for score in mine if score.family == family]
            if chosen:
                rows.append(_row(system, family, chosen))
    return Table(tuple(rows), tuple(sorted({score.seed for score in every})), rules or Rules())


def _row(system: str, family: str, scores: Sequence[Score]) -> Row:
    seeds: dict[int, list[Score]] = {}
    for score in scores:
        seeds.setdefault(score.seed, []).append(score)
    figures: dict[str, Figure] = {}
    for name, measure in MEASURES.items():
        each = [value for own in seeds.values() if (value := measure.of(own)) is not None]
        figures[name] = Figure(
            _rounded(measure.of(scores)), _rounded(_quantile(each, 0.05)), _rounded(_quantile(each, 0.95))
        )
    return Row(system, family, len(scores), figures)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


# --- for machines ----------------------------------------------------------------------------------------------------


def as_json(table: Table) -> bytes:
    """The table as one JSON object, with the formula of each measure."""
    plain: dict[str, Any] = {
        "seeds": list(table.seeds),
        "rules_ms": msgspec.to_builtins(table.rules),
        "measures": {name: measure.formula for name, measure in MEASURES.items()},
        "interval": "5th to 95th percentile over the seeds",
        "rows": msgspec.to_builtins(table.rows),
    }
    return msgspec.json.format(msgspec.json.encode(plain), indent=1) + b"\n"


# --- for people ------------------------------------------------------------------------------------------------------


def as_text(table: Table, *, families: bool = False) -> str:
    """The table for people; with `families` also each family by itself."""
    names = [ALL, *dict.fromkeys(row.family for row in table.rows if row.family != ALL)] if families else [ALL]
    lines: list[str] = []
    for name in names:
        rows = [row for row in table.rows if row.family == name]
        if not rows:
            continue
        lines.extend(["All families" if name == ALL else f"Family {name}", ""])
        for title, measures in _BLOCKS:
            lines.extend([*_block(title, measures, rows), ""])
    lines.extend(_legend(table))
    return "\n".join(lines) + "\n"


def _block(title: str, measures: Sequence[str], rows: Sequence[Row]) -> list[str]:
    cells = [[title, *(MEASURES[name].title for name in measures)]]
    cells.extend([row.system, *(_cell(name, row.figures[name]) for name in measures)] for row in rows)
    widths = [max(len(line[at]) for line in cells) for at in range(len(measures) + 1)]
    return [
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(widths[at + 1]) for at, cell in enumerate(line[1:]))]
        ).rstrip()
        for line in cells
    ]


def _cell(name: str, figure: Figure) -> str:
    if figure.value is None:
        return "-"
    whole = name.endswith(("_p50", "_p95")) or name in ("clean", "overlap_ms", "words")
    value = _number(figure.value, whole=whole)
    if not MEASURES[name].ranged or figure.low is None or figure.high is None:
        return value
    return f"{value} [{_number(figure.low, whole=whole)}..{_number(figure.high, whole=whole)}]"


def _number(value: float, *, whole: bool) -> str:
    return f"{value:.0f}" if whole else f"{value:.1f}"


def _legend(table: Table) -> list[str]:
    seeds = table.seeds
    named = f"{seeds[0]} to {seeds[-1]}" if seeds else "none"
    runs = {row.system: row.runs for row in table.rows if row.family == ALL}
    lines = [f"{len(seeds)} seeds ({named}); {max(runs.values(), default=0)} runs a system. Times in ms."]
    lines.append(f"A moment is good when the person has been quiet for {table.rules.quiet_ms} ms.")
    lines.append("[..]: 5th to 95th percentile over the seeds. Counts are per 100 runs. clean % =")
    lines.append(f"{MEASURES['clean'].formula}.")
    lines.append("delay: the good time that goes by before the first word; wait: all the time. See docs/benchmark.md.")
    return lines
