"""Counting repetitions aloud (RepCount-A as "Interaction Models", Thinking Machines Lab, May 2026, poses it).

The last number said after the last-but-one repetition is right if it is within one of the truth.
"""

from __future__ import annotations

from typing import Final

import msgspec

from orchestrator.bench.tasks.record import Record, tokens
from orchestrator.bench.tasks.scores.marks import Marks

__all__ = ["NUMBER_WORDS", "Repetitions", "numbers", "score_counting"]

_UP_TO_NINE: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_UP_TO_NINETEEN: Final = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
NUMBER_WORDS: Final = (*_UP_TO_NINE, *_UP_TO_NINETEEN, "twenty")
_VALUES: Final = {word: value for value, word in enumerate(NUMBER_WORDS)}


class Repetitions(msgspec.Struct, frozen=True, tag=True):
    """When each repetition was complete."""

    at_ms: tuple[int, ...]


def numbers(text: str) -> list[int]:
    """The numbers in a text, in digits or in words up to twenty."""
    found: list[int] = []
    for token in tokens(text):
        if token.isascii() and token.isdigit():
            found.append(int(token))
        elif token in _VALUES:
            found.append(_VALUES[token])
    return found


def score_counting(truth: Repetitions, record: Record) -> Marks:
    """`off_by_one`, `exact`, and how many numbers were said again."""
    count, since = len(truth.at_ms), truth.at_ms[-2]
    said = [(word.start_ms, number) for word in record.words for number in numbers(word.text)]
    last = next((number for at_ms, number in reversed(said) if at_ms >= since), None)
    counted = [number for at_ms, number in said if at_ms >= truth.at_ms[0]]
    return {
        "off_by_one": float(last is not None and abs(last - count) <= 1),
        "exact": float(last == count),
        "spoken": len(set(counted) & set(range(1, count + 1))) / count,
        "duplicates": float(len(counted) - len(set(counted))),
    }
