"""What the tests of the guard stand on: a task, findings, and a guard that is spoken through."""

from __future__ import annotations

from interaction.models.chat_guard import Guard
from orchestrator.context import Entry
from orchestrator.effects import Floor, MicroTurn, Offer, Work
from orchestrator.finding import Finding

TRAIN = Work("s-1", "find the next train to Lyon", "running", progress="asking the timetable of the railway")
ZUG = Work("s-1", "den nächsten Zug nach Lyon finden", "running")
FOUND = Finding("The next train to Lyon leaves at 9:12 from platform 4.", "final", delegation="s-1", seq=3)
PART = Finding("There are three trains to Lyon before noon.", "partial", delegation="s-1", seq=2)
OLD = Finding("The next train to Paris leaves at 8:40 from Bercy.", "final", delegation="s-0", seq=1)
ASKED = "When is the next train to Lyon?"


def turn(
    *entries: Entry, work: tuple[Work, ...] = (), floor: Floor = "nobody", offers: tuple[Offer, ...] = ()
) -> MicroTurn:
    return MicroTurn(n=1, at_ms=200, floor=floor, work=work, entries=entries, offers=offers)


def spoken(guard: Guard, *pieces: str) -> str:
    return "".join(guard.say(piece) for piece in pieces) + guard.end()


def rule_of(guard: Guard) -> str:
    return guard.withheld[0].rule if guard.withheld else ""
