"""What to do when a model call comes to nothing: wait and try again, go on with another model, or give up."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

import msgspec

from background.models.chat_models import Line
from background.models.chat_settings import ChatReasonerSettings
from orchestrator.completions.troubles import Cause, ModelTrouble

__all__ = ["NextStep", "Troubles", "in_one_line"]

_SPREAD: Final = 0.25
"""By how much a pause may be longer, so that many workers do not come back at one time."""
_REASONS: Final[dict[Cause, str]] = {
    "rate limit": "The model server takes no more just now",
    "busy": "The model server is busy",
    "network": "The model server cannot be reached",
    "server": "The model server failed",
    "cut off": "The answer of the model broke off",
    "stalled": "The model server fell silent",
}


class NextStep(msgspec.Struct, frozen=True):
    """Wait for so long, and ask again: `Troubles.line` is whom."""

    pause_s: float
    progress: str


class Troubles:
    """The tries of one task."""

    def __init__(self, models: Sequence[Line], settings: ChatReasonerSettings, chance: random.Random) -> None:
        self._models = tuple(models)
        self._settings = settings
        self._chance = chance
        self._place = 0
        self._tries = 0

    @property
    def line(self) -> Line:
        """Whom to ask."""
        return self._models[self._place]

    def worked(self) -> None:
        """A call has worked: the next trouble is a new one."""
        self._tries = 0

    def next_step(self, trouble: ModelTrouble, *, left_s: float) -> NextStep | None:
        """What to do, when there are so many seconds left; `None`: nothing helps."""
        if trouble.transient and self._tries < self._settings.retries:
            pause = self._pause(trouble)
            if pause < left_s:
                self._tries += 1
                reason = _REASONS.get(trouble.cause, "The model server failed")
                return NextStep(pause, f"{reason}; trying again in {_told(pause)}")
        if self._place + 1 < len(self._models) and left_s > 0:
            self._place += 1
            self._tries = 0
            return NextStep(0.0, f"{trouble.what.rstrip('.')}; going on with the model {self.line.model}")
        return None

    def _pause(self, trouble: ModelTrouble) -> float:
        spread = 1 + _SPREAD * self._chance.random()
        if trouble.retry_after_s is not None:
            # Never earlier than the server asks for.
            return trouble.retry_after_s * spread
        doubled: float = self._settings.first_pause_s * 2.0**self._tries
        return min(self._settings.longest_pause_s, doubled) * spread


def _told(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds >= 1 else "a moment"


def in_one_line(trouble: ModelTrouble) -> str:
    """What, why and what to do, as one line for the person.

    >>> in_one_line(ModelTrouble("key", "the model server refuses the key", "it is not known there", "set a new one"))
    'I could not finish that: the model server refuses the key (it is not known there). Set a new one.'
    """
    what = " ".join(trouble.what.split()).rstrip(".")
    why = f" ({' '.join(trouble.why.split()).rstrip('.')})" if trouble.why else ""
    todo = " ".join(trouble.todo.split()).rstrip(".")
    return f"I could not finish that: {what}{why}." + (f" {todo[0].upper()}{todo[1:]}." if todo else "")
