"""A person of a chaos run: asks, corrects, calls off, answers, interrupts, goes away and comes back."""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator
from typing import Final

import anyio
import anyio.lowlevel

from orchestrator.clock import Instant
from orchestrator.effects import Delegate, Effect, Emit, LedgerChanged, StopSpeaking
from orchestrator.events import Event, UserEvent, UserLeft, UserText
from orchestrator.finding import Finding
from orchestrator.ledger import OPEN
from orchestrator.resuming import Recap
from tests.chaos.notes import Notes

__all__ = ["Person", "Visit"]

_AT_ONCE: Final = 5
"""Tasks that a person has open at most; then they wait."""
_PATIENCE_S: Final = 100.0
"""How long the last visit may last: longer than any task may take."""


class Person:
    """What stays of a person between visits."""

    def __init__(self, name: str, chance: random.Random) -> None:
        self.name = name
        self.chance = chance
        self.asked = 0
        self.going = False
        """Whether the next visit is the last one."""
        self.changed = anyio.Event()
        self.tags: list[str] = []
        self.open: dict[str, str] = {}
        """Tasks by id, and the question of each that is to be answered."""
        self.unheard: set[str] = set()
        self.kinds: dict[str, str] = {}
        self.delegations: dict[str, str] = {}
        """Both of findings."""

    def go(self) -> None:
        """Ask nothing more, hear what is still to come, and leave."""
        self.going = True
        self.changed.set()

    async def pause(self, seconds: float) -> None:
        """Wait, unless it is time to go."""
        with anyio.move_on_after(seconds):
            await self.changed.wait()


class Visit:
    """One conversation of a person: its link and its journal."""

    def __init__(self, person: Person, notes: Notes) -> None:
        self._person = person
        self._notes = notes
        self._moved = anyio.Event()
        self._before: dict[str, str] = {}
        """What was open when the visit began, as far as this process knows; the journal tells anew of what still is."""
        self._asked = False
        self.lines = 0
        """How many lines of the journal have been written."""

    def begin(self, recap: Recap | None) -> None:
        """The conversation begins, or goes on."""
        person = self._person
        self._notes.write("opened", session=person.name, pid=os.getpid(), known=recap is not None)
        if recap is None:
            person.open.clear()
            person.unheard.clear()
        else:
            self._before = dict(person.open)
            person.open.clear()
            self._asked = bool(recap.asked)

    def saved(self, lines: int) -> None:
        """So many lines are kept."""
        self._notes.write("saved", lines=lines)

    # --- the journal -------------------------------------------------------------------------------------------------

    def record(self, at: Instant, n: int, item: Event | Effect) -> None:
        """Write it down, and take in what a person sees too."""
        self._notes.record(at, n, item)
        self.lines += 1
        match item:
            case Delegate():
                self._person.open[item.id] = self._before.get(item.id, "")
            case Finding():
                self._person.kinds[item.id] = item.kind
                self._person.delegations[item.id] = item.delegation
            case LedgerChanged(finding="") if item.state not in OPEN:
                self._person.open.pop(item.delegation, None)
            case LedgerChanged(state="heard") if self._person.kinds.get(item.finding) == "question":
                self._person.open[self._person.delegations[item.finding]] = item.finding
            case LedgerChanged() if self._person.kinds.get(item.finding) in ("final", "error"):
                # Owed until it has reached an end.
                ended = item.state not in ("owed", "offered", "speaking")
                (self._person.unheard.discard if ended else self._person.unheard.add)(item.finding)
            case _:
                return
        moved, self._moved = self._moved, anyio.Event()
        moved.set()

    # --- the link ----------------------------------------------------------------------------------------------------

    async def events(self) -> AsyncIterator[UserEvent]:
        """What the person does."""
        person, chance = self._person, self._person.chance
        if self._asked:
            yield UserText(f"white {person.asked}", final=True)
        while not person.going:
            await person.pause(chance.uniform(0.2, 1.6))
            for event, after_s in self._something(chance):
                yield event
                await anyio.sleep(after_s)
                if isinstance(event, UserLeft):
                    return
        async for event in self._last_words():
            yield event

    async def emit(self, part: Emit) -> None:
        """The person hears it."""
        await anyio.lowlevel.checkpoint()

    async def stop(self, stop: StopSpeaking) -> None:
        """The person notices."""
        await anyio.lowlevel.checkpoint()

    # --- what is done ------------------------------------------------------------------------------------------------

    def _something(self, chance: random.Random) -> list[tuple[UserEvent, float]]:
        die = chance.random()
        asked = [name for name, question in self._person.open.items() if question]
        if asked and die < 0.5:
            self._person.open[asked[0]] = ""
            return _line(f"{chance.choice(('red', 'green', 'blue'))} {self._person.asked}")
        if die < 0.55:
            return self._ask(chance) if len(self._person.open) < _AT_ONCE else []
        tag = chance.choice(self._person.tags[-6:]) if self._person.tags else ""
        if die < 0.66 and tag:
            return _line(f"rather {tag} {chance.choice(('small', 'large', 'round'))}{chance.randrange(100)}")
        if die < 0.73 and tag:
            return _line(f"stop {tag}")
        if die < 0.79 and tag:
            return _line(f"instead {tag} {self._errand(chance)}")
        if die < 0.81:
            # So that the conversation becomes too long to travel with every task.
            return _line("by the way " + "and so on " * chance.randrange(1_500))
        if die < 0.87:
            return _line("well, I only wanted to tell you at some length how very fine the weather is just now")
        if die < 0.96:
            return _keys("hm, wait a", chance)
        return [(UserLeft("the person left for a while"), 0.0)]

    def _ask(self, chance: random.Random) -> list[tuple[UserEvent, float]]:
        return _line(f"please {self._errand(chance)}{' now' if chance.random() < 0.2 else ''}")

    def _errand(self, chance: random.Random) -> str:
        person = self._person
        person.asked += 1
        tag = f"{person.name}x{person.asked}"
        self._person.tags.append(tag)
        die = chance.random()
        if die < 0.004:
            return f"{tag} poison {chance.choice((1, 99))}"
        work = chance.choices(("wait", "parts", "ask", "charge", "fail", "break"), (8, 4, 3, 5, 2, 1))[0]
        return f"{tag} {work} {chance.choice((0, 30, 200, 600, 1_200, 2_500)) + chance.randrange(9)}"

    async def _last_words(self) -> AsyncIterator[UserEvent]:
        """Answer what is still asked, and wait for what is still to come."""
        with anyio.move_on_after(_PATIENCE_S):
            while self._person.open or self._person.unheard:
                asked = [name for name, question in self._person.open.items() if question]
                if asked:
                    self._person.open[asked[0]] = ""
                    yield UserText(f"yellow {self._person.asked}", final=True)
                    continue
                moved = self._moved
                await moved.wait()


def _line(text: str) -> list[tuple[UserEvent, float]]:
    return [(UserText(text, final=True), 0.0)]


def _keys(text: str, chance: random.Random) -> list[tuple[UserEvent, float]]:
    """Typed key by key, and then thought better of, or not."""
    keys: list[tuple[UserEvent, float]] = [(UserText(key), 0.03) for key in text]
    if chance.random() < 0.5:
        return [*keys, *((UserText(key, op="delete"), 0.0) for key in reversed(text))]
    return [*keys, (UserText("", final=True), 0.0)]
