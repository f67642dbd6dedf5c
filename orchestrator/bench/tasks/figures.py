"""From the marks of many cases to a figure with an interval.

A seed's value is the mean over its forms of the mean over the cases of a form (a macro average); the figure is the mean
over seeds. The interval is the 95 % bootstrap over seeds: so it tells of the cases drawn, not of the voice's mood.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from orchestrator.bench.tasks.dice import Dice
from orchestrator.bench.tasks.scores.marks import Marks

__all__ = ["Figure", "Marked", "figures"]

_RESAMPLES = 1_000
_DIGITS = 4


class Marked(msgspec.Struct, frozen=True):
    """The marks of one case."""

    seed: int
    form: str
    marks: Marks


class Figure(msgspec.Struct, frozen=True, omit_defaults=True):
    """A mean with its interval. `cases` says how many came to it; where none did there is no mean."""

    cases: int
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    forms: Mapping[str, float] = {}
    """The mean over all cases of each form, where there are several."""


def figures(marked: Sequence[Marked]) -> dict[str, Figure]:
    """One figure for each measure that any case has."""
    names = dict.fromkeys(name for one in marked for name in one.marks)
    return {name: _figure(name, marked) for name in names}


def _figure(name: str, marked: Sequence[Marked]) -> Figure:
    by_seed: dict[int, dict[str, list[float]]] = {}
    by_form: dict[str, list[float]] = {}
    for one in marked:
        value = one.marks.get(name)
        if value is not None:
            by_seed.setdefault(one.seed, {}).setdefault(one.form, []).append(value)
            by_form.setdefault(one.form, []).append(value)
    if not by_seed:
        return Figure(0)
    values = [_mean(_mean(cases) for cases in forms.values()) for forms in by_seed.values()]
    low, high = _interval(values)
    forms = {form: _rounded(_mean(cases)) for form, cases in by_form.items()} if len(by_form) > 1 else {}
    return Figure(sum(map(len, by_form.values())), _rounded(_mean(values)), low, high, forms)


def _interval(values: Sequence[float]) -> tuple[float | None, float | None]:
    if len(values) < 2:
        return None, None
    dice = Dice("bootstrap", len(values))
    means = sorted(_mean(dice.one_of(values) for _ in values) for _ in range(_RESAMPLES))
    return _rounded(means[_RESAMPLES // 40]), _rounded(means[-1 - _RESAMPLES // 40])


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found)


def _rounded(value: float) -> float:
    return round(value, _DIGITS)
