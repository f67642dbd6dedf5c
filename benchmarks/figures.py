"""How a figure is taken on a noisy machine: sides interleaved, several rounds, the median told."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import msgspec

__all__ = ["Figure", "interleaved", "percentile"]


class Figure(msgspec.Struct, frozen=True):
    """One line of a table. `bar` is what was set out to be reached, where something was."""

    what: str
    value: float
    unit: str
    bar: str = ""


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of `values` lie."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def interleaved(rounds: int, *sides: Callable[[], object]) -> list[float]:
    """The median seconds of each side, run in turn so that a slow moment hits all of them."""
    taken: list[list[float]] = [[] for _ in sides]
    for _ in range(rounds):
        for side, times in zip(sides, taken, strict=True):
            begun = time.perf_counter()
            side()
            times.append(time.perf_counter() - begun)
    return [statistics.median(times) for times in taken]
