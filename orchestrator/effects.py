"""What a session asks for, and what it tells of its own decisions: one closed union.

`Session.receive` returns these in order. The shell carries out the first seven; decisions and ledger changes are for
whoever listens to the journal.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from orchestrator.context import Entry
from orchestrator.decisions import Drop, Hold, Splice, Style
from orchestrator.events import Activity, DelegationState
from orchestrator.finding import Finding, Urgency
from orchestrator.tool_port import ToolInfo

__all__ = [
    "NOT_CURRENT",
    "Amend",
    "Cancel",
    "Close",
    "Delegate",
    "Effect",
    "Emit",
    "FindingState",
    "Floor",
    "Heard",
    "LedgerChanged",
    "MicroTurn",
    "Offer",
    "StepModel",
    "StopSpeaking",
    "Work",
]

NOT_CURRENT: Final = "What you just phrased is no longer current and was not said."
"""The notice to a voice whose words tell a finding that was cancelled, replaced or heard while it phrased them."""

Floor = Literal["nobody", "person", "assistant", "both"]

FindingState = Literal[
    "owed", "offered", "speaking", "heard", "acknowledged", "superseded", "expired", "cancelled", "dropped"
]


class Heard(msgspec.Struct, frozen=True, omit_defaults=True):
    """One piece of what the person did in a micro-turn: text (typed or transcribed), an activity, or a frame."""

    text: str = ""
    op: Literal["insert", "delete"] = "insert"
    final: bool = False
    activity: Activity | None = None
    frame: str = ""
    """The reference of a frame, where this is one; `text` then holds its caption."""


class Offer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A finding that the voice is to phrase now. `said` is what the person has heard of it before it was cut.

    With `continues` nothing was cut: `said` is the beginning of the finding's own text, which the person was told as an
    earlier part of the answer (or is being told just now). The voice goes on after it, and does not tell it again.
    """

    finding: Finding
    task: str = ""
    style: Style = "weave"
    said: str = ""
    continues: bool = False
    brief: bool = False
    """To be told in one sentence: it comes late, or there is much of it."""

    @property
    def rest(self) -> str:
        """What of the finding's text is still to be told, where it `continues`; else all of it."""
        text = self.finding.text
        return text[len(self.said.rstrip()) :].lstrip() if self.continues else text


class Work(msgspec.Struct, frozen=True, omit_defaults=True):
    """One delegation as the person would want it told: the task, how it stands, for how long, what was last done."""

    delegation: str
    task: str
    state: DelegationState
    since_ms: int = 0
    """Milliseconds of session time at which it was handed over."""
    progress: str = ""
    tools: tuple[str, ...] = ()
    untold: bool = False
    """Its answer is there, and the person has not heard it to the end."""


class MicroTurn(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that the voice is told at one micro-turn."""

    n: int
    at_ms: int
    revision: int = 0
    floor: Floor = "nobody"
    heard: tuple[Heard, ...] = ()
    quiet_ms: int = 0
    """For how long the person has not done anything."""
    offers: tuple[Offer, ...] = ()
    notices: tuple[str, ...] = ()
    """Facts in plain words: what was cancelled, that the hand-off is away. The session says itself what must be
    said."""
    work: tuple[Work, ...] = ()
    """Open delegations and the last few that ended, oldest first."""
    counts: tuple[tuple[str, int], ...] = ()
    """Tallies the agenda keeps: (phrase, how often)."""
    agenda: tuple[str, ...] = ()
    """Ids of what stands on the agenda."""
    expecting: str = ""
    """The id of a `question` finding the person has heard and not answered yet."""
    unheard: str = ""
    """After an interruption: what of the voice's own last utterance the person did not hear."""
    entries: tuple[Entry, ...] = ()
    """The conversation up to `revision`, from where the voice was last told. The shell puts it in when the turn is
    handed over, as it does for a bundle: so journals do not repeat the conversation. A voice that has just been opened
    may know some of them already, from `Opening.context`; their `revision` tells."""
    tools: tuple[ToolInfo, ...] | None = None
    """What the background can do from now on, where that has changed since the voice was last told; put in by the shell
    as well."""


class _Effect(msgspec.Struct, frozen=True, tag_field="type", omit_defaults=True):
    pass


class StepModel(_Effect, frozen=True, tag="step"):
    """Give the voice its micro-turn."""

    turn: MicroTurn


class Emit(_Effect, frozen=True, tag="emit", omit_defaults=False):
    """Show or play `text`. Pieces of one `utterance` join without anything between; `ends` closes it.

    `about` names the findings this piece delivers. `reason` says why, where it goes out while the person holds the
    floor.
    """

    seq: int
    text: str
    utterance: int = 0
    about: tuple[str, ...] = ()
    style: Literal["speech", "card"] = "speech"
    ends: bool = False
    reason: str = ""


class StopSpeaking(_Effect, frozen=True, tag="stop"):
    """Fall silent now and throw away what is queued but not heard. `flushed` is what the session itself took back."""

    reason: str
    flushed: str = ""


class Delegate(_Effect, frozen=True, tag="delegate"):
    """Hand a task over. The bundle is built from it by `Session.bundle`: `revision` fixes the conversation it holds."""

    id: str
    task: str
    revision: int
    tools: tuple[str, ...] = ()
    pool: str = ""
    pending: tuple[str, ...] = ()
    deadline_ms: int = 120_000
    supersedes: str = ""
    urgency: Urgency = "normal"


class Amend(_Effect, frozen=True, tag="amend"):
    """Tell a running task what was said after revision `since`, up to `revision`; `text` is a correction it must
    follow."""

    delegation: str
    since: int
    revision: int
    text: str = ""
    answers: str = ""
    question: str = ""
    """The question for leave that `text` answers, in the person's own words."""


class Cancel(_Effect, frozen=True, tag="cancel"):
    """Call a task off."""

    delegation: str
    reason: str


class Close(_Effect, frozen=True, tag="close"):
    """The session is over; nothing follows."""

    reason: str = ""


class LedgerChanged(_Effect, frozen=True, tag="ledger", omit_defaults=False):
    """A finding or a delegation changed its state."""

    state: FindingState | DelegationState
    finding: str = ""
    delegation: str = ""
    reason: str = ""


Effect = StepModel | Emit | StopSpeaking | Delegate | Amend | Cancel | Close | Splice | Hold | Drop | LedgerChanged
