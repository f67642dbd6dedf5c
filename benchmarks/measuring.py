"""What a benchmark reports, and how sides are compared on a machine that is not quiet."""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from statistics import median

import msgspec

__all__ = [
    "Report",
    "Row",
    "at_least",
    "at_most",
    "in_turns",
    "missing",
    "percentile",
    "quiet",
    "ratio",
    "ratios",
    "shown",
    "table",
]


class Row(msgspec.Struct, frozen=True):
    """One figure. `bar` is what DESIGN asks of it, in words; `met` is `None` where it asks nothing.

    `low` and `high` are the least and the most of the rounds, where there were several. `value` is `None` where there
    was nothing to measure; `unit` then says why.
    """

    what: str
    value: float | None
    unit: str
    bar: str = ""
    met: bool | None = None
    low: float | None = None
    high: float | None = None


class Report(msgspec.Struct, frozen=True):
    """The figures of one benchmark, and in `notes` what a reader must know to judge them."""

    name: str
    title: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


def shown(what: str, found: float | Sequence[float], unit: str) -> Row:
    """A figure for orientation. Of several rounds it is the median."""
    value, low, high = _middle(found)
    return Row(what, value, unit, low=low, high=high)


def at_most(what: str, found: float | Sequence[float], unit: str, limit: float) -> Row:
    """A figure that should not be above `limit`. Of several rounds it is the median."""
    value, low, high = _middle(found)
    return Row(what, value, unit, f"at most {limit:g}", value <= limit, low, high)


def at_least(what: str, found: float | Sequence[float], unit: str, limit: float) -> Row:
    """A figure that should not be below `limit`. Of several rounds it is the median."""
    value, low, high = _middle(found)
    return Row(what, value, unit, f"at least {limit:g}", value >= limit, low, high)


def missing(what: str, why: str) -> Row:
    """A figure that there is not."""
    return Row(what, None, why)


def _middle(found: float | Sequence[float]) -> tuple[float, float | None, float | None]:
    if isinstance(found, float | int):
        return found, None, None
    return median(found), min(found), max(found)


@contextmanager
def quiet() -> Generator[None]:
    """Without the garbage collector: what was thrown away before is collected before, and nothing meanwhile."""
    gc.collect()
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that `percent` of `values` do not exceed (nearest rank)."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(0, int(rank) - 1)]


def in_turns(sides: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Measure every side once a round, so that what else the machine does hits all of them."""
    found: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds):
        # Every other round backwards, so that no side always has the warm caches of the same other.
        for name in list(sides)[:: -1 if number % 2 else 1]:
            gc.collect()
            found[name].append(sides[name]())
    return found


def ratio(side: Sequence[float], floor: Sequence[float]) -> float:
    """How many times `floor` a side takes: the median over the rounds of the ratio within a round."""
    return median(ratios(side, floor))


def ratios(side: Sequence[float], floor: Sequence[float]) -> list[float]:
    """The same for each round, to be shown with its spread."""
    return [one / other for one, other in zip(side, floor, strict=True)]


def table(report: Report) -> str:
    """The report as a table to read in a terminal."""
    cells = [(row.what, _measured(row), _spread(row), row.bar, _verdict(row.met)) for row in report.rows]
    heads = ("what", "measured", "least..most", "bar", "met")
    widths = [max(len(line[column]) for line in (heads, *cells)) for column in range(len(heads))]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in (heads, tuple("-" * width for width in widths), *cells)
    ]
    notes = [f"- {note}" for note in report.notes]
    return "\n".join([f"{report.name}: {report.title}", "", *lines, *([""] if notes else []), *notes])


def _measured(row: Row) -> str:
    return row.unit if row.value is None else f"{_figure(row.value)} {row.unit}"


def _spread(row: Row) -> str:
    return "" if row.low is None or row.high is None else f"{_figure(row.low)}..{_figure(row.high)}"


def _figure(value: float) -> str:
    if value == round(value) and abs(value) < 1e6:
        return f"{value:.0f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _verdict(met: bool | None) -> str:
    return "" if met is None else "yes" if met else "no"
