"""The voice of the benchmark: it understands every line, answers, hands work over and phrases findings.

It is symbolic on purpose. It never mistakes a pause for an end, and it takes `think_ms` to its first word, so that what
a run shows is the timing of findings and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from orchestrator.bench.scenario import Meaning, Step
from orchestrator.effects import Heard, MicroTurn, Offer
from orchestrator.events import ModelAmended, ModelCancelled, ModelDelegated, ModelEvent, ModelRested, ModelSpoke

__all__ = ["SymbolicVoice"]

_WHOLE_MS: Final = 250
"""A line that is complete by its words is taken for complete after so much silence, also without an Enter."""
_SENTENCE_MS: Final = 80
"""How long the voice takes for each further sentence."""
_SENTENCES: Final = re.compile(r"(?<=[.!?])\s+")


class SymbolicVoice:
    """One voice in one run."""

    def __init__(self, steps: Iterable[Step], think_ms: int) -> None:
        self._lines: dict[str, Step] = {step.line: step for step in steps if step.line}
        self._think_ms = think_ms
        self._draft: str = ""
        self._free_ms: int = 0
        self.replies: list[tuple[str, str]] = []
        """(text, turn) of each answer that has been given and not yet been heard by anybody."""

    def turn(self, turn: MicroTurn, now_ms: int, delegations: Mapping[str, str]) -> list[tuple[int, ModelEvent]]:
        """What the voice makes of a micro-turn, and when. `delegations` has the newest one of each request."""
        out: list[tuple[int, ModelEvent]] = []
        step = self._understood(turn)
        if step is not None:
            at_ms = self._thinks(now_ms)
            out.extend((at_ms, event) for event in _deeds(step.means, delegations))
            if step.means.say:
                self.replies.append((step.means.say, step.id))
                out.extend(self._says(step.means.say, (), at_ms))
        if turn.offers:
            text = _phrased(turn.offers)
            out.extend(self._says(text, tuple(offer.finding.id for offer in turn.offers), self._thinks(now_ms)))
        out.append((max(now_ms, self._free_ms), ModelRested(turn.n)))
        return out

    def _thinks(self, now_ms: int) -> int:
        self._free_ms = max(now_ms + self._think_ms, self._free_ms)
        return self._free_ms

    def _says(self, text: str, about: tuple[str, ...], at_ms: int) -> list[tuple[int, ModelEvent]]:
        sentences = _SENTENCES.split(text)
        said: list[tuple[int, ModelEvent]] = []
        for number, sentence in enumerate(sentences):
            blank = "" if number == 0 else " "
            said.append((at_ms + number * _SENTENCE_MS, ModelSpoke(blank + sentence, about)))
        self._free_ms = at_ms + (len(sentences) - 1) * _SENTENCE_MS
        return said

    def _understood(self, turn: MicroTurn) -> Step | None:
        ended = False
        for heard in turn.heard:
            ended = self._takes_in(heard) or ended
        line = self._draft.strip()
        step = next((self._lines[known] for known in self._lines if line.endswith(known)), None) if line else None
        whole = step is not None and (ended or turn.quiet_ms >= _WHOLE_MS)
        if whole or ended:
            self._draft = ""
        return step if whole else None

    def _takes_in(self, heard: Heard) -> bool:
        if heard.op == "delete":
            self._draft = self._draft[: len(self._draft) - len(heard.text)]
        else:
            self._draft += heard.text
        return heard.final


def _deeds(means: Meaning, delegations: Mapping[str, str]) -> list[ModelEvent]:
    if means.cancels:
        return [ModelCancelled(delegations.get(means.cancels, ""))]
    if means.corrects:
        return [ModelAmended(delegations.get(means.corrects, ""), means.asks)]
    if means.asks:
        return [ModelDelegated(means.asks, supersedes=delegations.get(means.instead_of, ""))]
    return []


def _phrased(offers: tuple[Offer, ...]) -> str:
    parts: list[str] = []
    for offer in offers:
        rest = _unsaid(offer)
        lead = (
            "" if offer.continues else "As I was saying: " if offer.said else "By the way: " if not parts else "Also: "
        )
        parts.append(lead + rest)
    return " ".join(parts)


def _unsaid(offer: Offer) -> str:
    """The sentences of the finding that the person has not heard whole."""
    if offer.continues or not offer.said:
        return offer.rest
    left = [sentence for sentence in _SENTENCES.split(offer.finding.text) if sentence not in offer.said]
    return " ".join(left) or offer.finding.text
