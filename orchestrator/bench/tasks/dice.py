"""Seeded chance that is the same on every Python: only `random.random` is promised to be."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

__all__ = ["Dice"]

T = TypeVar("T")


class Dice:
    """Chance that follows from `key` alone."""

    def __init__(self, *key: str | int) -> None:
        self._random = random.Random("/".join(str(part) for part in key))

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1."""
        return int(self._random.random() * limit)

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def one_of(self, choices: Sequence[T]) -> T:
        """One of them."""
        return choices[self.below(len(choices))]

    def some_of(self, choices: Sequence[T], count: int) -> list[T]:
        """`count` of them, each at most once, in any order."""
        left = list(choices)
        return [left.pop(self.below(len(left))) for _ in range(count)]
