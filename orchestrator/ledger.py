"""The ledger: of every delegation, how it stands; of every finding, whether the person has heard it.

Nothing finished is lost: a terminal finding leaves only as heard, acknowledged, superseded or cancelled, never by a
timer. The transitions are data (`FINDING_TRANSITIONS`, `DELEGATION_TRANSITIONS`); the diagrams in the docs are drawn
from them.
"""

from __future__ import annotations

from typing import Final

import msgspec

from orchestrator.clock import START, Instant
from orchestrator.effects import FindingState, Floor, LedgerChanged, Work
from orchestrator.events import DelegationState
from orchestrator.finding import Finding, Urgency
from orchestrator.growing import goes_on, reached

__all__ = [
    "DELEGATION_TRANSITIONS",
    "FINDING_TRANSITIONS",
    "OPEN",
    "IllegalTransition",
    "Job",
    "Ledger",
    "Note",
]

DELEGATION_TRANSITIONS: Final[dict[DelegationState, tuple[DelegationState, ...]]] = {
    "offered": ("queued", "running", "done", "failed", "cancelled", "superseded"),
    "queued": ("running", "done", "failed", "cancelled", "superseded"),
    "running": ("queued", "done", "failed", "cancelled", "superseded"),
    "done": ("superseded",),
    "failed": ("queued", "superseded"),
    "cancelled": (),
    "superseded": (),
}
"""`running` to `queued`: a worker died or handed back. `done` to `superseded`: the person wants it done otherwise.
`failed` to `queued`: an operator lets it be tried once more."""

FINDING_TRANSITIONS: Final[dict[FindingState, tuple[FindingState, ...]]] = {
    "owed": ("offered", "acknowledged", "superseded", "expired", "cancelled", "dropped"),
    "offered": ("owed", "speaking", "acknowledged", "superseded", "expired", "cancelled", "dropped"),
    "speaking": ("owed", "heard", "acknowledged", "superseded", "cancelled"),
    "heard": (),
    "acknowledged": (),
    "superseded": (),
    "expired": (),
    "cancelled": (),
    "dropped": (),
}
"""`speaking` to `owed`: the delivery was interrupted. `expired` and `dropped` are closed to terminal findings."""

OPEN: Final[tuple[DelegationState, ...]] = ("offered", "queued", "running")

_REMEMBERED: Final = 8
"""Ended delegations that are kept, so that "what did you find before?" has an answer."""


class IllegalTransition(Exception):
    """A bug in the core: a state was left in a way the tables do not know."""


class Job(msgspec.Struct):
    """A delegation."""

    id: str
    task: str
    since: Instant
    deadline_ms: int
    revision: int
    """The context revision that its bundle holds."""
    sent_revision: int
    """The context revision that the worker's side has been told up to."""
    state: DelegationState = "offered"
    tools: tuple[str, ...] = ()
    pool: str = ""
    attempt: int = 1
    required_revision: int = 0
    """Findings based on an older context answer the request as it was before a correction."""
    seen: set[int] = msgspec.field(default_factory=set[int])
    """Numbers of the findings of this attempt that have arrived."""
    progress: str = ""
    answered: bool = False
    """Whether the one terminal answer is there."""
    corrections: tuple[str, ...] = ()
    urgency: Urgency = "normal"
    waiting_since: Instant = START
    """Since when it lies without a worker, where it does."""
    stranded: bool = False
    """Its worker has gone, and the person has not been told."""
    strandings: int = 0
    """How often they were told so."""
    reported_missing: bool = False
    reassured: int = 0
    """How often the person was told that it still runs."""
    told: str = ""
    """What the person has heard of its answer as partials: the beginning of the answer, if that goes on with it."""


class Note(msgspec.Struct):
    """A finding in the ledger."""

    finding: Finding
    arrived: Instant
    since: Instant
    """Since when it has been owed: its arrival, or the last cut of its delivery."""
    state: FindingState = "owed"
    offers: int = 0
    """How often it was given to the voice or said."""
    offered_n: int = 0
    """The micro-turn at which it was last given to the voice."""
    offered_at: Instant | None = None
    unspoken: int = 0
    """How often the voice was given it and said nothing."""
    cuts: int = 0
    """How often its delivery was interrupted."""
    said: str = ""
    """What the person heard of it before it was cut."""
    continues: bool = False
    """Whether `said` was not cut, but is the beginning of its text that was told as an earlier part of the answer."""
    style: str = "weave"
    topic: int = 0
    """The topic of the conversation when it was last offered."""
    quiet_ms: int = 0
    """How long the person is to be quiet before it is heard, where it was last given to the voice ahead of that."""
    taken: int = 0
    """How often it was taken back from the voice before its first word."""
    arrived_to: Floor = "nobody"
    """Who had the floor when it arrived."""


class Ledger(msgspec.Struct):
    """Delegations by id and the findings that are not settled yet, both in order of arrival."""

    jobs: dict[str, Job] = msgspec.field(default_factory=dict[str, Job])
    notes: dict[str, Note] = msgspec.field(default_factory=dict[str, Note])
    count: int = 0
    """Delegations ever made; the next id derives from it."""
    duplicates: int = 0
    gaps: int = 0
    changes: list[LedgerChanged] = msgspec.field(default_factory=list[LedgerChanged])
    """Not yet collected by the session."""
    lawful: bool = True
    """Whether a finished finding is kept from being dropped, and old answers from being told."""

    def collect(self) -> list[LedgerChanged]:
        """The changes since the last call."""
        changes, self.changes = self.changes, []
        return changes

    # --- delegations -------------------------------------------------------------------------------------------------

    def open_jobs(self) -> list[Job]:
        """Delegations without a terminal answer that nobody called off."""
        return [job for job in self.jobs.values() if job.state in OPEN]

    def add(self, job: Job) -> None:
        """Enter a new delegation; forget the oldest of those that ended and owe nothing."""
        self.count += 1
        self.jobs[job.id] = job
        self.changes.append(LedgerChanged(state="offered", delegation=job.id))
        owing = {note.finding.delegation for note in self.notes.values()}
        ended = [other.id for other in self.jobs.values() if other.state not in OPEN and other.id not in owing]
        for forgotten in ended[:-_REMEMBERED]:
            del self.jobs[forgotten]

    def advance(self, job: Job, state: DelegationState, reason: str = "") -> None:
        """Move a delegation on. Raises `IllegalTransition` for what the table does not allow."""
        if state == job.state:
            return
        if state not in DELEGATION_TRANSITIONS[job.state]:
            raise IllegalTransition(f"delegation {job.id}: {job.state} -> {state}")
        job.state = state
        self.changes.append(LedgerChanged(state=state, delegation=job.id, reason=reason))

    def end(self, job: Job, state: DelegationState, reason: str) -> None:
        """Cancel or supersede a delegation, and with it every finding of it that is not heard."""
        if state not in DELEGATION_TRANSITIONS[job.state]:
            return
        self.advance(job, state, reason)
        for note in self.of(job.id):
            self.settle(note, "cancelled" if state == "cancelled" else "superseded", reason)

    def reopen(self, job: Job, reason: str, *, now: Instant) -> None:
        """Let a delegation that failed be tried once more: its time begins anew, and its next answer is heard."""
        self.advance(job, "queued", reason)
        job.since, job.waiting_since, job.answered, job.progress = now, now, False, ""
        job.reported_missing, job.reassured, job.stranded, job.strandings = False, 0, False, 0

    # --- findings ----------------------------------------------------------------------------------------------------

    def of(self, delegation: str) -> list[Note]:
        """The unsettled findings of a delegation."""
        return [note for note in self.notes.values() if note.finding.delegation == delegation]

    def owed(self) -> list[Note]:
        """What the person is still to hear and is not being told just now."""
        return [note for note in self.notes.values() if note.state == "owed"]

    def settle(self, note: Note, state: FindingState, reason: str = "") -> None:
        """Move a finding on; one that has reached its end leaves the ledger. Raises `IllegalTransition`."""
        if state not in FINDING_TRANSITIONS[note.state]:
            raise IllegalTransition(f"finding {note.finding.id}: {note.state} -> {state}")
        if state in ("expired", "dropped") and note.finding.terminal and self.lawful:
            raise IllegalTransition(f"finding {note.finding.id} is finished; it cannot be {state}")
        note.state = state
        self.changes.append(LedgerChanged(state=state, finding=note.finding.id, reason=reason))
        if not FINDING_TRANSITIONS[state]:
            del self.notes[note.finding.id]
            self._remember(note)

    def _remember(self, note: Note) -> None:
        job = self.jobs.get(note.finding.delegation)
        if job is None or note.finding.kind != "partial":
            return
        text = note.finding.text
        if note.state != "heard":
            # `said` is all that was heard where it was cut; else it is the earlier part that it goes on with.
            text = "" if note.continues else reached(text, note.said)
        if len(text) > len(job.told) or (note.state == "heard" and not job.told.startswith(text)):
            job.told = text

    def arrive(self, finding: Finding, *, now: Instant) -> Job | None:
        """Enter a finding. Returns the delegation when its answer came too old and the work must be done again."""
        job = self.jobs.get(finding.delegation)
        if job is None:
            self._refuse(finding, "dropped", "nobody asked for it")
            return None
        if finding.attempt == job.attempt and finding.seq in job.seen:
            self.duplicates += 1
            return None
        if finding.attempt < job.attempt:
            self._refuse(finding, "superseded", "it comes from an attempt that was given up")
            return None
        if finding.attempt > job.attempt and not job.answered:
            self._restart(job, finding.attempt)
        if finding.seq > 1 and finding.seq - 1 not in job.seen:
            self.gaps += 1
        job.seen.add(finding.seq)
        if job.state == "cancelled":
            self._refuse(finding, "cancelled", "the task was called off")
        elif job.state == "superseded":
            self._refuse(finding, "superseded", "the request was replaced")
        elif job.answered:
            self._refuse(finding, "superseded", "the answer is there already")
        elif finding.kind in ("partial", "final", "error") and finding.context_revision < job.required_revision:
            self._refuse(finding, "superseded", "it answers the request as it was before the correction")
            return job if finding.terminal else None
        else:
            self._accept(job, finding, now)
        return None

    def _accept(self, job: Job, finding: Finding, now: Instant) -> None:
        if finding.terminal:
            job.answered = True
            self.advance(job, "done" if finding.kind == "final" else "failed")
        elif job.state != "running":
            self.advance(job, "running")
        if finding.kind == "progress":
            job.progress = finding.text
        later = [note.finding.text for note in self.of(job.id) if note.finding.seq > finding.seq]
        if finding.kind == "partial" and any(goes_on(text, finding.text) for text in (*later, f"{job.told}\n")):
            return self._refuse(finding, "superseded", "a later part of the answer came first, and holds it")
        replaced = [note for note in self.of(job.id) if note.state == "owed"]
        for note in replaced:
            grown = finding.kind == note.finding.kind == "partial" and goes_on(finding.text, note.finding.text)
            # A partial that the person has begun to hear is finished; one still waiting is contained in the answer.
            if finding.terminal or grown or note.finding.id in finding.supersedes:
                self.settle(note, "superseded", f"{finding.id} replaces it")
        note = Note(finding, now, now)
        self.notes[finding.id] = note
        self.changes.append(LedgerChanged(state="owed", finding=finding.id))
        if finding.channel == "thinking":
            self.settle(note, "acknowledged", "silent context for the voice")

    def _restart(self, job: Job, attempt: int) -> None:
        for note in self.of(job.id):
            if note.state in ("owed", "offered"):
                self.settle(note, "superseded", f"the task was begun again (attempt {attempt})")
        job.attempt = attempt
        job.seen.clear()

    def _refuse(self, finding: Finding, state: FindingState, reason: str) -> None:
        self.changes.append(LedgerChanged(state=state, finding=finding.id, reason=reason))

    def work(self) -> tuple[Work, ...]:
        """The answer to "what are you working on?"."""
        untold = {note.finding.delegation for note in self.notes.values() if note.finding.terminal}
        return tuple(
            Work(job.id, job.task, job.state, job.since // 1_000_000, job.progress, job.tools, job.id in untold)
            for job in self.jobs.values()
        )
