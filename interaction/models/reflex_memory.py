"""Memory: what the voice must know from one micro-turn to the next. Everything in it is bounded."""

from __future__ import annotations

import msgspec

from interaction.models.reflex_words import phrase_key
from orchestrator.agenda_items import AgendaItem, OnCount
from orchestrator.context import Entry, Found, Spoke
from orchestrator.effects import MicroTurn

__all__ = ["Issued", "Memory"]

_KEPT = 64


class Issued(msgspec.Struct):
    """A task that was handed over. `delegation` is empty until the session has told its id."""

    task: str
    tool: str
    utterance: int
    turn: int
    delegation: str = ""


class Planned(msgspec.Struct):
    """An agenda item of this voice. `seen` once the session has shown it on the agenda."""

    item: AgendaItem
    utterance: int
    seen: bool = False
    mentions: int = 0
    """For a count: how often its phrase was in what the person said since."""
    asked: int = 0
    """Of these, how often in a question about the count itself."""


class Memory(msgspec.Struct):
    """What was asked, what was handed over, what was said."""

    issued: list[Issued] = msgspec.field(default_factory=list[Issued])
    planned: dict[str, Planned] = msgspec.field(default_factory=dict[str, Planned])
    tasks: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    """Delegation to task, as it reads after corrections."""
    utterances: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    """Delegation to the number of the utterance that last spoke of it."""
    spoken: list[tuple[tuple[str, ...], str]] = msgspec.field(default_factory=list[tuple[tuple[str, ...], str]])
    """(finding ids, the words that were to deliver them)."""
    answered: set[str] = msgspec.field(default_factory=set[str])
    """Questions whose answer has been passed on."""
    cut: tuple[str, ...] = ()
    """Findings whose delivery was interrupted, until they are offered again."""
    unheard: str = ""
    last_said: str = ""
    last_about: tuple[str, ...] = ()
    last_answer: str = ""
    last_source: str = ""
    rest: str = ""
    last_acted: str = ""
    """"work" or "item": what a correction without a name is about."""
    matter: int = 0
    """The number of the utterance that last changed the subject."""
    statements: int = 0
    acks: int = 0
    numbers: dict[str, int] = msgspec.field(default_factory=dict[str, int])

    def recall(self, context: tuple[Entry, ...]) -> None:
        """Take up a conversation that was broken off: what was said last, and what was found."""
        for entry in context[-200:]:
            if isinstance(entry, Spoke) and entry.text:
                self.last_said = entry.text + entry.cut
            elif isinstance(entry, Found) and entry.finding is not None and entry.finding.terminal:
                self.last_answer = entry.finding.text

    def begin(self, turn: MicroTurn) -> None:
        """Learn the ids of what was handed over, and which items are gone."""
        for work in turn.work:
            if work.delegation in self.tasks:
                continue
            self.tasks[work.delegation] = work.task
            for issued in self.issued:
                if not issued.delegation and issued.task == work.task:
                    issued.delegation = work.delegation
                    self.utterances[work.delegation] = issued.utterance
                    break
        present = {work.delegation for work in turn.work}
        if len(self.tasks) > _KEPT + len(present):
            self.tasks = {key: task for key, task in self.tasks.items() if key in present}
            self.utterances = {key: number for key, number in self.utterances.items() if key in present}
        # What the session has not shown two turns later it did not take.
        self.issued = [item for item in self.issued if item.delegation or turn.n - item.turn <= 2][-_KEPT:]
        for item_id in list(self.planned):
            planned = self.planned[item_id]
            if item_id in turn.agenda:
                planned.seen = True
            elif planned.seen:
                del self.planned[item_id]
        if turn.unheard:
            self.unheard, self.cut = turn.unheard, self.last_about

    def said(self, text: str, about: tuple[str, ...]) -> None:
        """Remember what is being said, for "say that again" and for going on after an interruption."""
        self.last_said, self.last_about, self.unheard = text, about, ""
        if about:
            self.spoken = [*self.spoken[-_KEPT:], (about, text)]
            self.cut = tuple(finding for finding in self.cut if finding not in about)

    def remembered(self, finding: str) -> tuple[tuple[str, ...], str] | None:
        """The words that were last meant to deliver a finding, with all that they were about."""
        return next((spoken for spoken in reversed(self.spoken) if finding in spoken[0]), None)

    def new_id(self, kind: str, taken: tuple[str, ...]) -> str:
        """An id for an agenda item that nothing else has."""
        while True:
            number = self.numbers[kind] = self.numbers.get(kind, 0) + 1
            if f"{kind}-{number}" not in taken:
                return f"{kind}-{number}"

    def overhear(self, text: str, *, asking: bool) -> None:
        """Keep the same tally as the agenda, so that the word in "how often did I say um?" can be taken off again."""
        if not any(isinstance(planned.item, OnCount) for planned in self.planned.values()):
            return
        words = f" {phrase_key(text)} "
        for planned in self.planned.values():
            if isinstance(planned.item, OnCount):
                # Two blanks between words, so that one mention right after another is not missed.
                found = words.replace(" ", "  ").count(f" {phrase_key(planned.item.phrase).replace(' ', '  ')} ")
                planned.mentions += found
                planned.asked += found if asking else 0
