"""What a timing policy sees: the moment, and what is waiting to be said."""

from __future__ import annotations

from typing import Protocol

import msgspec

from orchestrator.clock import Instant
from orchestrator.decisions import Decision
from orchestrator.effects import Floor
from orchestrator.finding import Finding

__all__ = ["Moment", "Pending", "TimingPolicy", "ids"]


class Pending(msgspec.Struct, frozen=True):
    """A finding that is owed to the person."""

    finding: Finding
    arrived: Instant
    since: Instant
    """Since when it has been waiting: its arrival, or the last cut of its delivery."""
    offers: int = 0
    """How often it was offered before."""
    unspoken: int = 0
    """How often the voice was given it and said nothing."""
    cuts: int = 0
    """How often its delivery was interrupted."""
    said: str = ""
    """What the person has heard of it."""
    moved_on: bool = False
    """Whether the person turned to something else since its delivery was cut."""
    asked: int = 0
    """The place in the conversation (its revision) at which the work that found it was asked for."""
    arrived_to: Floor = "nobody"
    """Who had the floor when it arrived."""
    taken: int = 0
    """How often it was taken back from the voice before its first word."""

    @property
    def id(self) -> str:
        """The finding's id."""
        return self.finding.id


class Moment(msgspec.Struct, frozen=True):
    """Everything that may matter to a decision; all of it was true at `now`."""

    now: Instant
    floor: Floor = "nobody"
    floor_since: Instant = Instant(0)
    quiet_ms: int = 86_400_000
    """For how long the person has done nothing."""
    ended: bool = True
    """The person said that they have finished (Enter); otherwise they may only have paused."""
    tempo_ms: int = 250
    """The person's typical time between two inputs."""
    pause_ms: int = 0
    """How long the person pauses at a place like this one (within a line, or where `ended`, between two) and then goes
    on; one of the longest of late. 0: not known."""
    unsure: bool = False
    """The person types what may yet be a backchannel."""
    answered: bool = True
    """The assistant has said something, or handed work over, since the person last did anything: so it took what they
    said for whole. True also while there is no voice that could."""
    reply_due: bool = False
    """The person has finished and the voice has not answered yet."""
    remaining_chars: int = 0
    """What the assistant still has to say."""
    to_clause_chars: int = 0
    """What it still has to say until its next clause boundary."""
    delivering: tuple[str, ...] = ()
    """The findings it is telling just now."""
    last_splice: Instant | None = None
    topic: int = 0
    """Grows each time the person turns to something else."""
    running: int = 0
    """Tasks still at work: more may arrive."""


class TimingPolicy(Protocol):
    """Decides when findings are spoken. A value: no state, no clock, no randomness, equal in, equal out."""

    def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
        """What to do with `pending` (never empty) at `moment`; `None`: no opinion."""
        ...


def ids(pending: tuple[Pending, ...]) -> tuple[str, ...]:
    """The ids of `pending`, as a decision names them."""
    return tuple(item.id for item in pending)
