"""A case: what the person does and when, and what should come of it."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from orchestrator.bench.tasks.person import By, Script
from orchestrator.bench.tasks.record import Stretch
from orchestrator.bench.tasks.scores.answers import Expected
from orchestrator.bench.tasks.scores.counting import Repetitions
from orchestrator.bench.tasks.scores.listening import ToldStory
from orchestrator.bench.tasks.scores.localisation import Action
from orchestrator.bench.tasks.scores.overlapping import Overlap
from orchestrator.bench.tasks.scores.proactive import Moments
from orchestrator.bench.tasks.scores.takeover import InterruptedTurn, PausedTurn, TakenTurn
from orchestrator.bench.tasks.scores.windows import Dialogue
from orchestrator.clock import Instant
from orchestrator.events import UserEvent

__all__ = ["Case", "Events", "Truth", "finished"]

Events: TypeAlias = tuple[tuple[Instant, UserEvent], ...]

Truth = (
    PausedTurn
    | TakenTurn
    | InterruptedTurn
    | ToldStory
    | Overlap
    | Dialogue
    | Expected
    | Repetitions
    | Moments
    | Action
)


class Case(msgspec.Struct, frozen=True):
    """One conversation to hold and score. `form` names its kind within the task."""

    form: str
    by: By
    events: Events
    person: tuple[Stretch, ...]
    until_ms: int
    truth: Truth
    clean: Events = ()
    """The same without what disturbs it, where the scorer wants that too."""


def finished(script: Script, form: str, truth: Truth, clean: Script | None = None) -> Case:
    """The case that ends where the script is now."""
    return Case(
        form,
        script.by,
        script.leaves(),
        tuple(script.stretches),
        script.at_ms,
        truth,
        clean.leaves() if clean is not None else (),
    )
