"""The neutral record that scorers read: who said what when. Nothing in it knows of sessions or voices.

Times are whole milliseconds since the conversation began.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec

__all__ = ["MERGE_GAP_MS", "Kind", "Record", "Saying", "Span", "Stretch", "Word", "spans", "speaking", "tokens"]

MERGE_GAP_MS: Final = 500
"""Silences up to this long do not end a stretch of speech (Full-Duplex-Bench v1.5, `get_timing.py`)."""

_BETWEEN_WORDS_MS: Final = 200

Kind = Literal["turn", "backchannel", "tic", "aside"]
"""A sound meant for the assistant; a listener's word; an um or a cough; words meant for somebody else."""

_TOKEN: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)?")


class Word(msgspec.Struct, frozen=True):
    """One word of the assistant, as it was heard."""

    start_ms: int
    end_ms: int
    text: str


class Saying(msgspec.Struct, frozen=True):
    """One utterance of the assistant. Never empty."""

    words: tuple[Word, ...]

    @property
    def start_ms(self) -> int:
        """When its first word began."""
        return self.words[0].start_ms

    @property
    def end_ms(self) -> int:
        """When its last word ended."""
        return self.words[-1].end_ms

    @property
    def text(self) -> str:
        """Its words."""
        return " ".join(word.text for word in self.words)


class Stretch(msgspec.Struct, frozen=True):
    """One thing the person (or somebody near) said: from the first key or sound to the last."""

    start_ms: int
    end_ms: int
    text: str
    kind: Kind = "turn"


class Record(msgspec.Struct, frozen=True):
    """A whole conversation."""

    person: tuple[Stretch, ...]
    assistant: tuple[Saying, ...]
    until_ms: int

    @property
    def words(self) -> tuple[Word, ...]:
        """All words of the assistant, in the order of time."""
        return tuple(
            sorted((word for saying in self.assistant for word in saying.words), key=lambda word: word.start_ms)
        )


class Span(msgspec.Struct, frozen=True):
    """A stretch of time in which somebody is heard: `start_ms` is in it, `end_ms` is not."""

    start_ms: int
    end_ms: int

    def holds(self, at_ms: int) -> bool:
        """Whether it goes on at `at_ms`."""
        return self.start_ms <= at_ms < self.end_ms


def spans(words: Iterable[Word], *, gap_ms: int = MERGE_GAP_MS) -> list[Span]:
    """Where the assistant is heard; silences of at most `gap_ms` are part of its speech."""
    found: list[Span] = []
    for word in sorted(words, key=lambda word: (word.start_ms, word.end_ms)):
        if found and word.start_ms - found[-1].end_ms <= gap_ms:
            found[-1] = Span(found[-1].start_ms, max(found[-1].end_ms, word.end_ms))
        else:
            found.append(Span(word.start_ms, word.end_ms))
    return found


def speaking(speech: Sequence[Span], at_ms: int) -> Span | None:
    """What is being said at `at_ms`, also between two words of it: the gap there is at most a micro-turn."""
    return next((span for span in speech if span.start_ms < at_ms < span.end_ms + _BETWEEN_WORDS_MS), None)


def tokens(text: str) -> Sequence[str]:
    """The words of a text in small letters, without marks."""
    return _TOKEN.findall(text.casefold())
