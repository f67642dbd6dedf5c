"""What a timing policy decides, with its reason: the answer to "why did it say that now?" and "why was it silent?"."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Decision", "Drop", "Hold", "Splice", "Style"]

Style = Literal["weave", "say", "interject", "card", "announce"]
"""`weave`: the voice phrases it. `say`: verbatim. `interject`: the voice phrases it, spoken at the next clause boundary
of the assistant's own speech. `card`: shown, not spoken. `announce`: shown, and the session says in one sentence that
it is there."""


def _weave() -> Style:
    return "weave"


class Hold(msgspec.Struct, frozen=True, tag_field="type", tag="hold"):
    """Not now. `findings` wait."""

    reason: str
    findings: tuple[str, ...] = ()
    until_ms: int | None = None
    """When it is worth asking again (milliseconds of session time), where the policy knows; the grid asks anyway."""


class Splice(msgspec.Struct, frozen=True, tag_field="type", tag="splice", omit_defaults=True):
    """Now: one utterance for all of `findings`."""

    findings: tuple[str, ...]
    reason: str
    # Factories, since a default that is not a plain value is written out: a line says how it is told.
    style: Style = msgspec.field(default_factory=_weave)
    over_person: bool = msgspec.field(default_factory=bool)
    """Spoken even while the person holds the floor; `reason` says why."""
    brief: bool = False
    """In one sentence: it comes late, or there is much of it."""
    quiet_ms: int = 0
    """Ahead of its moment: the voice phrases it now, and it is heard once the person has been quiet for so long."""


class Drop(msgspec.Struct, frozen=True, tag_field="type", tag="drop"):
    """Never aloud. Only for what is not a finished result: progress, what expired, what was overtaken."""

    findings: tuple[str, ...]
    reason: str
    state: Literal["dropped", "expired", "superseded"] = "dropped"


Decision = Hold | Splice | Drop
