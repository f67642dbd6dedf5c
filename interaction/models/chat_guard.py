"""The guard behind the model: what a prompt cannot promise. (Being written.)"""

from __future__ import annotations

from typing import Literal

import msgspec

from orchestrator.effects import Floor, Offer, Work

__all__ = ["Guard", "GuardSettings", "Refusal", "Withheld"]

Kind = Literal["reply", "tell"]


class Withheld(msgspec.Struct, frozen=True):
    """Words of the model that did not go out: which rule held them back, and why, in words for the model."""

    text: str
    rule: str
    reason: str


class Refusal(msgspec.Struct, frozen=True):
    """A call that was not carried out; `reason` is what the model is told."""

    rule: str
    reason: str


class GuardSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the guard does where it may do one thing or the other."""

    fallback: str = "I'm still on that."
    """Said where all of an answer was withheld; empty: nothing."""
    remembered: int = 6
    """Utterances that are looked back upon for repetitions."""
    acknowledgement_words: int = 12
    """A sentence beside a hand-off may be so long."""


class Guard:
    """Stands between the model's stream and the session, for one conversation; pure."""

    def __init__(self, settings: GuardSettings | None = None) -> None:
        self.settings: GuardSettings = settings or GuardSettings()
        self.withheld: list[Withheld] = []

    def begin(
        self,
        kind: Kind,
        *,
        offers: tuple[Offer, ...] = (),
        work: tuple[Work, ...] = (),
        line: str = "",
        said_before: tuple[str, ...] = (),
    ) -> None:
        """The model begins an answer to `line` (`reply`), or to tell what it is offered (`tell`).

        `said_before`: the assistant's last utterances, oldest first.
        """
        self.withheld = []

    def look(self, *, floor: Floor, offers: tuple[Offer, ...] | None = None, work: tuple[Work, ...] = ()) -> None:
        """A micro-turn has come while the model speaks: who holds the floor, what is still offered and open."""

    def say(self, text: str, *, overlap: bool = False) -> str:
        """The model has said `text`. Returns what may go out now; the rest waits until its sentence is whole."""
        return text

    def end(self) -> str:
        """The model has finished: what may still go out, or the one honest sentence where nothing did."""
        return ""

    def delegate(self, task: str, work: tuple[Work, ...] = ()) -> Refusal | None:
        """The model wants to hand `task` over. `None`: it may."""
        return None
