"""What a conversation was, read from its journal: what the assistant said when, and what it did."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from orchestrator.clock import to_ms
from orchestrator.decisions import Drop, Hold, Splice
from orchestrator.effects import Delegate, Emit, StopSpeaking
from orchestrator.finding import Finding
from orchestrator.journal import Record
from orchestrator.testing.conversation_person import Span

__all__ = ["Account", "Decided", "Utterance"]


class Utterance(msgspec.Struct):
    """One utterance of the assistant, or a card, with the instant of each piece (milliseconds, text)."""

    card: bool = False
    pieces: list[tuple[int, str]] = msgspec.field(default_factory=list[tuple[int, str]])
    about: set[str] = msgspec.field(default_factory=set[str])
    ended: bool = False
    cut: bool = False

    @property
    def text(self) -> str:
        """All that was said of it."""
        return "".join(text for _, text in self.pieces)

    @property
    def span(self) -> Span:
        """From its first piece to its last."""
        return Span(self.pieces[0][0], self.pieces[-1][0])

    def times(self, words: str) -> Iterator[Span]:
        """Each time that it holds `words` (case ignored): from the piece they begin in to the piece they end in."""
        for found in re.finditer(re.escape(words), self.text, re.IGNORECASE):
            yield Span(self._at(found.start()), self._at(max(found.start(), found.end() - 1)))

    def _at(self, place: int) -> int:
        seen = 0
        for at_ms, text in self.pieces:
            seen += len(text)
            if place < seen:
                return at_ms
        return self.pieces[-1][0]


class Decided(msgspec.Struct, frozen=True):
    """A decision, from when it was taken until the next one about the same findings."""

    decision: Hold | Splice | Drop
    span: Span


class Account:
    """A journal, put together."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.records: Sequence[Record] = tuple(records)
        self.utterances: Sequence[Utterance] = tuple(_utterances(self.records))
        self.ends_ms: int = to_ms(self.records[-1].at) if self.records else 0

    def said(self, words: str, *, card: bool) -> list[Span]:
        """Each time that `words` were said, or shown."""
        return [span for said in self.utterances if said.card == card for span in said.times(words)]

    def findings(self, words: str = "") -> list[tuple[int, Finding]]:
        """The findings with `words` in their text, and when they arrived (milliseconds)."""
        return [
            (to_ms(record.at), record.item)
            for record in self.records
            if isinstance(record.item, Finding) and words.lower() in record.item.text.lower()
        ]

    def delegated(self, words: str = "") -> list[tuple[int, Delegate]]:
        """The tasks with `words` in them, and when they were handed over (milliseconds)."""
        return [
            (to_ms(record.at), record.item)
            for record in self.records
            if isinstance(record.item, Delegate) and words.lower() in record.item.task.lower()
        ]

    def decisions(self, words: str = "") -> list[Decided]:
        """The decisions about findings with `words` in their text."""
        about = {finding.id for _, finding in self.findings(words)}
        taken: list[tuple[int, Hold | Splice | Drop]] = [
            (to_ms(record.at), record.item)
            for record in self.records
            if isinstance(record.item, Hold | Splice | Drop) and about & set(record.item.findings)
        ]
        until = [at_ms for at_ms, _ in taken[1:]] + [self.ends_ms]
        return (
            [
                Decided(decision, Span(at_ms, end if isinstance(decision, Hold) else at_ms))
                for (at_ms, decision), end in zip(taken, until, strict=True)
            ]
            if taken
            else []
        )


def _utterances(records: Iterable[Record]) -> Iterator[Utterance]:
    spoken: dict[int, Utterance] = {}
    for record in records:
        match record.item:
            case Emit(style="card") as shown:
                yield Utterance(True, [(to_ms(record.at), shown.text)], set(shown.about), ended=True)
            case Emit() as said:
                utterance = spoken.setdefault(said.utterance, Utterance())
                utterance.pieces.append((to_ms(record.at), said.text))
                utterance.about |= set(said.about)
                utterance.ended = said.ends
            case StopSpeaking():
                for utterance in spoken.values():
                    utterance.cut = utterance.cut or not utterance.ended
            case _:
                pass
    yield from (utterance for utterance in spoken.values() if utterance.text)
