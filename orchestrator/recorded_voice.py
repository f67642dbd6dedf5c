"""A stand-in for the voice of a recording, where its words told a finding.

When a finding is told is the policy's business, so those words move with it: they are said as long after the offer as
the recorded ones were. They are the recorded words where the same findings were offered in the same state; else each
finding is told in its own words. Words that the recording may hold only a part of (the person cut in while the voice
still wrote) are not used.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

import msgspec

from orchestrator.clock import to_ms
from orchestrator.delivery import verbatim
from orchestrator.effects import LedgerChanged, MicroTurn, Offer, StepModel, StopSpeaking
from orchestrator.events import Event, ModelEvent, ModelRested, ModelSpoke
from orchestrator.journal import Record

__all__ = ["RecordedVoice", "Telling"]


class Telling(msgspec.Struct):
    """How the voice told findings that it was offered together."""

    about: tuple[str, ...]
    said: tuple[str, ...]
    """What the person had heard of each before."""
    latency_ms: int
    """From the offer to the first word."""
    text: str = ""
    overlap: str = ""
    whole: bool = False
    """The voice had come to its end before anything cut in."""
    cut: bool = False


class RecordedVoice:
    """Answers offers as the voice of the recording did, where it did."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.tellings: list[Telling] = []
        self.acknowledged: dict[str, int] = {}
        """Findings that it held to need no words, with the latency of that judgement."""
        self.own_words: dict[str, None] = {}
        self._offers: dict[str, tuple[int, Offer]] = {}
        self._phrasing: dict[tuple[str, ...], int] = {}
        for record in records:
            self._learn(record)
        known = [telling.latency_ms for telling in self.tellings]
        self.latency_ms: int = int(median(known)) if known else 0

    @property
    def phrasing(self) -> int:
        """The first micro-turn with an offer that it has not answered yet; 0: it has answered all."""
        return min(self._phrasing.values(), default=0)

    def _learn(self, record: Record) -> None:
        at, item = to_ms(record.at), record.item
        match item:
            case StepModel():
                for offer in item.turn.offers:
                    self._offers[offer.finding.id] = (at, offer)
                    for telling in self._open():
                        telling.cut = telling.cut or offer.finding.id in telling.about
            case ModelSpoke() if item.about:
                self._told(item, at)
            case ModelRested():
                for telling in self._open():
                    telling.whole = True
                for finding in item.acknowledged:
                    if finding in self._offers:
                        self.acknowledged[finding] = at - self._offers[finding][0]
            case StopSpeaking():
                for telling in self._open():
                    telling.cut = True
            case LedgerChanged(state="owed"):
                for telling in self._open():
                    telling.cut = telling.cut or item.finding in telling.about
            case _:
                pass

    def _open(self) -> list[Telling]:
        return [telling for telling in self.tellings[-4:] if not (telling.whole or telling.cut)]

    def _told(self, spoke: ModelSpoke, at: int) -> None:
        for telling in self._open():
            if telling.about == spoke.about:
                telling.text += spoke.text
                return
        if any(finding not in self._offers for finding in spoke.about):
            return
        offers = [self._offers[finding] for finding in spoke.about]
        said = tuple(offer.said for _, offer in offers)
        latency = max(at - max(offered for offered, _ in offers), 0)
        self.tellings.append(Telling(spoke.about, said, latency, spoke.text, spoke.overlap))

    def answer(self, turn: MicroTurn) -> Sequence[tuple[int, ModelEvent]]:
        """What the stand-in says at this micro-turn: (milliseconds later, event)."""
        if not turn.offers:
            return ()
        offers = {offer.finding.id: offer for offer in turn.offers}
        told = {finding for telling in self.tellings for finding in telling.about}
        silent = tuple(finding for finding in offers if finding in self.acknowledged and finding not in told)
        waits = [self.acknowledged[finding] for finding in silent]
        words: list[str] = []
        overlap = ""
        left = [finding for finding in offers if finding not in silent]
        about = tuple(left)
        while left:
            telling = self._fitting(left, offers)
            if telling is None:
                finding = left.pop(0)
                self.own_words[finding] = None
                words.append(verbatim(offers[finding]))
            else:
                left = [finding for finding in left if finding not in telling.about]
                words.append(telling.text.strip())
                waits.append(telling.latency_ms)
                overlap = overlap or telling.overlap
        wait = max(waits, default=self.latency_ms)
        events: list[tuple[int, ModelEvent]] = []
        if about:
            self._phrasing[about] = turn.n
            events.append((wait, ModelSpoke(" ".join(words), about, overlap)))
        events.append((wait, ModelRested(turn.n, silent)))
        return events

    def _fitting(self, left: Sequence[str], offers: dict[str, Offer]) -> Telling | None:
        """The recorded words that tell the first of `left`, and nothing that is not offered now."""
        found = [
            telling
            for telling in self.tellings
            if left[0] in telling.about
            and telling.whole
            and all(
                finding in left and offers[finding].said == said
                for finding, said in zip(telling.about, telling.said, strict=True)
            )
        ]
        return max(found, key=lambda telling: len(telling.about), default=None)

    def done(self, event: Event) -> None:
        """The session has taken in `event`: what it phrases is phrased."""
        if isinstance(event, ModelSpoke):
            self._phrasing.pop(event.about, None)
