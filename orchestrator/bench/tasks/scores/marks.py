"""What a scorer gives: a number for each measure, or `None` where the case did not come to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from orchestrator.bench.tasks.record import Saying, tokens

__all__ = ["Marks", "holds_any", "repeated"]

Marks: TypeAlias = Mapping[str, float | None]


def holds_any(text: str, wanted: Iterable[str]) -> bool:
    """Whether one of the phrases stands in `text` as whole words, in any case."""
    there = f" {' '.join(tokens(text))} "
    return any(f" {' '.join(tokens(phrase))} " in there for phrase in wanted)


def repeated(sayings: Iterable[Saying]) -> int:
    """How many utterances say nothing but what an earlier one said."""
    seen: set[str] = set()
    count = 0
    for saying in sayings:
        text = " ".join(tokens(saying.text))
        count += text in seen
        seen.add(text)
    return count
