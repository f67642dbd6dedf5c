"""Everything a session knows, as one value: what `Session.snapshot` copies and `Session.restore` takes up again."""

from __future__ import annotations

import msgspec

from orchestrator.agenda import Agenda
from orchestrator.clock import START, Instant
from orchestrator.context import Context, Entry
from orchestrator.effects import Amend, Cancel, Delegate, Effect, Heard
from orchestrator.events import BusPart
from orchestrator.finding import Finding
from orchestrator.floor import FloorState, Person
from orchestrator.leave import Leave
from orchestrator.ledger import OPEN, Ledger
from orchestrator.speech import Speech

__all__ = ["Snapshot", "State", "Unproven"]


class Unproven(msgspec.Struct, frozen=True):
    """A piece of speech that had gone out when the connection broke, and that the person may have heard."""

    seq: int
    text: str
    about: tuple[str, ...]
    ends: bool
    """Whether nothing of what it tells was left to say after it."""


class State(msgspec.Struct):
    """The rooms of the core, and the few values that belong to none of them."""

    started_at: Instant = START
    n: int = 0
    """The present micro-turn."""
    next_grid: Instant = START
    early: Instant | None = None
    """When an early micro-turn is due, if one is wanted."""
    wake: Instant | None = None
    """When the timing policy wants to be asked again, where that is before the next grid point."""
    last_turn: Instant | None = None
    missed: int = 0
    """Grid points that came too late and were skipped."""
    context: Context = msgspec.field(default_factory=Context)
    ledger: Ledger = msgspec.field(default_factory=Ledger)
    agenda: Agenda = msgspec.field(default_factory=Agenda)
    person: Person = msgspec.field(default_factory=Person)
    speech: Speech = msgspec.field(default_factory=Speech)
    floor: FloorState = msgspec.field(default_factory=FloorState)
    heard: list[Heard] = msgspec.field(default_factory=list[Heard])
    """What the voice has not been told yet."""
    notices: list[str] = msgspec.field(default_factory=list[str])
    unheard: str = ""
    reply_since: Instant | None = None
    """Since when the person waits for the voice to answer what they finished saying."""
    reply_n: int = 0
    """The first micro-turn that told the voice so."""
    asked: list[str] = msgspec.field(default_factory=list[str])
    """The lines that the person finished and the voice has not dealt with: said to the next voice after a break."""
    acted_at: Instant | None = None
    """When the voice last did something about what was said."""
    last_splice: Instant | None = None
    topic: int = 0
    leave: Leave = msgspec.field(default_factory=Leave)
    expecting: str = ""
    """The id of a question of the background that the person has heard and not answered."""
    refused: tuple[str, ...] = ()
    """The findings of utterances that are not to be said any more, though the voice may not be at their end."""
    held: tuple[str, tuple[str, ...]] = ("", ())
    """The last hold that was reported; the journal gets a hold when it changes."""
    away: set[BusPart] = msgspec.field(default_factory=set[BusPart])
    """What of the background cannot be reached."""
    voice_down: bool = False
    resumed_at: Instant | None = None
    """When it was taken up again after a break, if it was: what happened in the absence is not held against anyone."""
    unproven: list[Unproven] = msgspec.field(default_factory=list["Unproven"])
    """What had gone out before the break and may have been heard, in order."""
    stalled: bool = False
    """The person's side takes nothing at the moment: speech waits."""
    finished: bool = False
    """The person has no more to say."""
    closed: bool = False

    @property
    def bus_down(self) -> bool:
        """Whether work does not get through just now."""
        return bool(self.away)

    @property
    def busy(self) -> bool:
        """Whether anything is still worked on, owed, promised for a time, or being said (by either side)."""
        attending = self.reply_since is not None or self.person.holding_since is not None or bool(self.heard)
        # A slow model may still answer, also after results have ceased to wait for it.
        attending = attending or bool(self.asked and not self.voice_down)
        # A task that waits for the person's answer waits for them, not they for it.
        running = any(not self.expecting.startswith(f"{job.id}.") for job in self.ledger.open_jobs())
        working = running or bool(self.ledger.notes or self.speech.active)
        return attending or working or self.agenda.promises

    def expect(self, question: Finding) -> None:
        """The person has heard a question, and may answer it: unless the task that asked has ended meanwhile."""
        job = self.ledger.jobs.get(question.delegation)
        if job is not None and job.state in OPEN:
            self.expecting = question.id
            self.leave.heard(question, self.context.revision)

    def note(self, entry: Entry, now: Instant) -> int:
        """Append to the conversation. Returns the new revision."""
        return self.context.append(entry, now=now, n=self.n)

    def dealt_with(self, now: Instant) -> None:
        """The voice does something about what was said."""
        self.asked.clear()
        self.acted_at = now

    def collect(self, out: list[Effect]) -> None:
        """Put what the ledger changed into `out`, so that it stands beside its cause."""
        out.extend(self.ledger.collect())


class Snapshot(msgspec.Struct, frozen=True):
    """A session at an instant: enough to go on elsewhere. `at` is the session time at which it was taken.

    The conversation only ever grows, so one who keeps a session needs each entry once: `said` holds those after
    revision `since` (0: all of them), in one batch or, where several were kept one after the other, in several.
    Everything else is small, and is in every snapshot.
    """

    version: int
    at: Instant
    config: bytes
    state: bytes
    said: tuple[bytes, ...] = ()
    since: int = 0
    revision: int = 0
    """The last revision of the conversation."""
    ended: tuple[str, ...] = ()
    """Delegations whose answer it knows: nobody else needs to keep that for it."""
    errands: tuple[Delegate | Amend | Cancel, ...] = ()
    """Effects that the shell had not carried out yet: it does so when the session goes on."""
