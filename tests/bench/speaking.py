"""Records made by hand: who said what when, in whole milliseconds."""

from __future__ import annotations

from orchestrator.bench.tasks.record import Kind, Record, Saying, Stretch, Word

__all__ = ["heard", "said", "stretch"]


def said(start_ms: int, text: str, *, word_ms: int = 300) -> Saying:
    """An utterance of the assistant whose words follow each other without a gap."""
    words = text.split()
    return Saying(
        tuple(
            Word(start_ms + word_ms * index, start_ms + word_ms * (index + 1), word) for index, word in enumerate(words)
        )
    )


def stretch(start_ms: int, end_ms: int, kind: Kind = "turn") -> Stretch:
    """Something the person said."""
    return Stretch(start_ms, end_ms, "words", kind)


def heard(*assistant: Saying, person: tuple[Stretch, ...] = (), until_ms: int = 60_000) -> Record:
    """The record of a conversation."""
    return Record(person, assistant, until_ms)
