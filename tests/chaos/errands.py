"""The words that persons, voice and reasoner of a chaos run have in common.

A person says `please TAG KIND NUMBER`, `rather TAG WORD`, `stop TAG` or `instead TAG OTHER KIND NUMBER`; whatever else
they say is an answer to a question, where one is open, and small talk where none is.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias, cast

import msgspec

__all__ = ["ON_PURPOSE", "WORK", "Errand", "Work", "errand"]

Work: TypeAlias = Literal["wait", "parts", "ask", "charge", "fail", "break", "poison"]
"""`charge` calls a tool that must not run twice; `poison` kills the process of whoever works on it."""

WORK: Final[tuple[Work, ...]] = ("wait", "parts", "ask", "charge", "fail", "break", "poison")

ON_PURPOSE: Final = "broken on purpose"
"""What a reasoner that breaks because it was told to says in its trace."""


class Errand(msgspec.Struct, frozen=True):
    """What a task asks for."""

    tag: str
    work: Work
    number: int


def errand(task: str) -> Errand:
    """The errand in a task's words. Raises `ValueError` for a task of somebody else's."""
    words = task.split()
    start = {"please": 1, "instead": 2}.get(words[0]) if words else None
    if start is None or len(words) < start + 3 or words[start + 1] not in WORK:
        raise ValueError(f"not an errand: {task!r}")
    return Errand(words[start], cast(Work, words[start + 1]), int(words[start + 2]))
