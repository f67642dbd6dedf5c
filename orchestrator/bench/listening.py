"""Writing the benchmark's journal of a session: what its effects sound like from outside.

What is told is judged by the words that went out, not by what the session believes: a fact is told when its words have
been said whole in one utterance.
"""

from __future__ import annotations

import msgspec

from orchestrator.bench.record import (
    Card,
    FactReady,
    FactStale,
    Line,
    SpeechBegins,
    SpeechCut,
    SpeechEnds,
    SpeechPiece,
)
from orchestrator.bench.scenario import Arrival, Fact, Happening, Scenario
from orchestrator.effects import Emit
from orchestrator.finding import Finding

__all__ = ["Listener"]


class _Heard(msgspec.Struct):
    """An utterance as far as it has been heard."""

    id: str
    text: str = ""
    told: set[str] = msgspec.field(default_factory=set[str])
    until_ms: int = 0
    over: bool = False


class Listener:
    """Hears one run. `lines` is the journal so far, in the order in which things became known."""

    def __init__(self, scenario: Scenario, pace: int) -> None:
        self.lines: list[Line] = []
        self._facts: dict[str, Fact] = {fact.id: fact for fact in scenario.facts}
        self._pace = pace
        self._of: dict[str, tuple[str, ...]] = {}
        """The facts in each finding."""
        self._terminal: dict[str, str] = {}
        """The request that each terminal finding answers."""
        self._heard: dict[int, _Heard] = {}
        self._ready: set[str] = set()

    def brought(self, finding: Finding, request: str, arrival: Arrival, now_ms: int) -> list[Happening]:
        """A finding has reached the front end."""
        self._of[finding.id] = arrival.facts
        if finding.terminal:
            self._terminal[finding.id] = request
        new = [fact for fact in arrival.facts if fact not in self._ready]
        self._ready.update(new)
        for fact in new:
            urgency = finding.urgency
            self.lines.append(FactReady(now_ms, fact, request, self._facts[fact].must, urgency))
            if arrival.expires_ms:
                self.lines.append(FactStale(now_ms + arrival.expires_ms, fact, "expired"))
        if new:
            self.lines.extend(FactStale(now_ms, fact) for fact in arrival.replaces)
        return [Happening("fact.ready", fact) for fact in new]

    def emitted(self, emit: Emit, replies: list[tuple[str, str]], now_ms: int) -> list[tuple[int, Happening]]:
        """Something goes out. Returns what others may wait for, and when they can hear it."""
        about = tuple(dict.fromkeys(fact for finding in emit.about for fact in self._of.get(finding, ())))
        closes = tuple(self._closed(finding) for finding in emit.about if emit.ends and self._closed(finding))
        if emit.style == "card":
            tells = self._whole(emit.text, set())
            self.lines.append(Card(now_ms, emit.text, tells, closes))
            return [(now_ms, Happening("fact.told", fact)) for fact in tells]
        happenings: list[tuple[int, Happening]] = []
        heard = self._heard.get(emit.utterance)
        answers: tuple[str, ...] = ()
        if heard is None:
            heard = self._heard[emit.utterance] = _Heard(f"u{len(self._heard) + 1}")
            self.lines.append(SpeechBegins(now_ms, heard.id))
            happenings.append((now_ms, Happening("speech.begins")))
            happenings.extend((now_ms, Happening("fact.begins", fact)) for fact in about)
            answers = () if emit.about else _answered(emit.text, replies)
        lasts = len(emit.text) * 1_000 // self._pace
        heard.text += emit.text
        heard.until_ms = now_ms + lasts
        about = tuple(fact for fact in about if fact not in heard.told)
        tells = self._whole(heard.text, heard.told)
        heard.told.update(tells)
        self.lines.append(SpeechPiece(now_ms, heard.id, emit.text, lasts, about, tells, closes, answers))
        happenings.extend((heard.until_ms, Happening("fact.told", fact)) for fact in tells)
        if emit.ends:
            heard.over = True
            self.lines.append(SpeechEnds(now_ms, heard.id))
            happenings.append((heard.until_ms, Happening("speech.ends")))
        return happenings

    def stopped(self, now_ms: int) -> list[tuple[int, Happening]]:
        """The assistant falls silent."""
        happenings: list[tuple[int, Happening]] = []
        for heard in self._heard.values():
            if not heard.over:
                heard.over = True
                self.lines.append(SpeechCut(now_ms, heard.id))
                happenings.append((now_ms, Happening("speech.ends")))
        return happenings

    def needless(self, finding: str) -> None:
        """The session holds that a finding needs no more words, as the person has heard it in its parts."""
        request = self._terminal.get(finding)
        for at in range(len(self.lines) - 1, -1, -1):
            line = self.lines[at]
            if isinstance(line, SpeechPiece) and any(fact in line.tells for fact in self._of.get(finding, ())):
                if request is not None and request not in line.closes:
                    self.lines[at] = msgspec.structs.replace(line, closes=(*line.closes, request))
                return

    def journal(self, end_ms: int) -> list[Line]:
        """All lines up to `end_ms`, in the order of time; each utterance is about no more than its words show."""
        said = {heard.id: heard for heard in self._heard.values()}
        cut = {line.utterance for line in self.lines if isinstance(line, SpeechCut)}
        lines: list[Line] = []
        for line in self.lines:
            if isinstance(line, SpeechPiece) and line.about and line.utterance not in cut:
                words = said[line.utterance].told
                line = msgspec.structs.replace(line, about=tuple(fact for fact in line.about if fact in words))
            if line.at_ms <= end_ms:
                lines.append(line)
        return sorted(lines, key=lambda line: line.at_ms)

    def _closed(self, finding: str) -> str:
        return self._terminal.get(finding, "")

    def own(self, finding: str, request: str) -> None:
        """The session itself gives a request up, with a finding of its own."""
        self._terminal[finding] = request

    def _whole(self, text: str, told: set[str]) -> tuple[str, ...]:
        return tuple(fact.id for fact in self._facts.values() if fact.id not in told and fact.words in text)


def _answered(text: str, replies: list[tuple[str, str]]) -> tuple[str, ...]:
    """The turn that an utterance which begins with `text` answers; it is then off the list."""
    for place, (reply, turn) in enumerate(replies):
        if text.strip() and reply.startswith(text.strip()):
            del replies[: place + 1]
            return (turn,)
    return ()
