"""What can happen to a session: one closed union, one inbox, one order.

Tags are dotted and are the `type` of a journal line. Code is strict (every `match` ends in `assert_never`), the wire is
tolerant: a new field has a default, an unknown tag is counted and skipped (`orchestrator.codec`). A finding is its own
event, so that wire, journal and inbox know one shape of it.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from orchestrator.agenda_items import AgendaItem
from orchestrator.finding import Finding, Urgency

__all__ = [
    "Activity",
    "BusDown",
    "BusEvent",
    "BusPart",
    "BusUp",
    "DelegationState",
    "DelegationUpdate",
    "Event",
    "ModelAmended",
    "ModelCancelled",
    "ModelDelegated",
    "ModelEvent",
    "ModelFailed",
    "ModelRested",
    "ModelScheduled",
    "ModelSpoke",
    "ModelUnscheduled",
    "SinkStalled",
    "TickDue",
    "ToolsChanged",
    "UserActivity",
    "UserAudio",
    "UserEvent",
    "UserFinished",
    "UserFrame",
    "UserHeard",
    "UserLeft",
    "UserText",
]

Activity = Literal["typing", "pause", "speaking", "silent"]
"""`typing` and `speaking` take the floor, `pause` is a breath in mid-sentence, `silent` gives the floor back."""

DelegationState = Literal["offered", "queued", "running", "done", "failed", "cancelled", "superseded"]


BusPart = Literal["hand-off", "store"]
"""What can be away: the way to the workers, or the place where sessions are kept."""


class _Event(msgspec.Struct, frozen=True, tag_field="type", omit_defaults=True):
    pass


class TickDue(_Event, frozen=True, tag="tick"):
    """The session's deadline has come."""


class UserText(_Event, frozen=True, tag="user.text", omit_defaults=False):
    """Characters typed (`insert`) or taken back from the end (`delete`, `text` holding what was removed).

    Text is heard while it is typed: `final` (Enter) is a hint that the person has finished, not a gate.
    """

    text: str = ""
    final: bool = False
    op: Literal["insert", "delete"] = "insert"


class UserAudio(_Event, frozen=True, tag="user.audio"):
    """Speech, as transcript and reference. `final` when the recogniser holds the utterance for finished."""

    transcript: str = ""
    final: bool = False
    ref: str = ""


class UserFrame(_Event, frozen=True, tag="user.frame"):
    """A camera or screen frame, as reference and caption."""

    ref: str
    caption: str = ""


class UserActivity(_Event, frozen=True, tag="user.activity"):
    """What the person does, where the words are not (yet) known."""

    kind: Activity


class UserHeard(_Event, frozen=True, tag="user.heard"):
    """The client has played or shown every `Emit` up to and with number `emit`."""

    emit: int


class UserFinished(_Event, frozen=True, tag="user.finished"):
    """The person has no more to say (a pipe has ended): the session ends when nothing is worked on or owed any more."""


class UserLeft(_Event, frozen=True, tag="user.left"):
    """The person is gone; the session closes."""

    reason: str = ""


class ToolsChanged(_Event, frozen=True, tag="tools.changed"):
    """What the background can do has changed while the conversation goes on: a file was edited, a server came up.

    `routes` is then the whole of `SessionConfig.routes`.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    """Those that take or do something else under the same name."""
    routes: dict[str, str] = {}
    problem: str = ""
    """What is wrong with them now, for the person to read; empty when all is well (again)."""
    read_again: tuple[str, ...] = ()
    """Where a file was saved and what stands in it has the same names and forms as before: what it does may be new."""


class ModelSpoke(_Event, frozen=True, tag="model.spoke"):
    """The voice wants to say `text`. The session paces it, and cuts it when the person begins.

    `about` names the findings that this text delivers. `overlap` asks to be heard also while the person holds the
    floor (a short acknowledgement); the reason it gives goes into the journal.
    """

    text: str
    about: tuple[str, ...] = ()
    overlap: str = ""


class ModelDelegated(_Event, frozen=True, tag="model.delegated"):
    """The voice hands work to the background. `supersedes` names a delegation that this one replaces."""

    task: str
    tools: tuple[str, ...] = ()
    pool: str = ""
    supersedes: str = ""
    urgency: Urgency = "normal"
    deadline_ms: int | None = None


class ModelAmended(_Event, frozen=True, tag="model.amended"):
    """The voice corrects a running task, or passes on the answer to its question (`answers`: the finding's id)."""

    delegation: str
    text: str
    answers: str = ""


class ModelCancelled(_Event, frozen=True, tag="model.cancelled"):
    """The voice calls a task off, because the person wants it."""

    delegation: str
    reason: str = "the person called it off"


class ModelScheduled(_Event, frozen=True, tag="model.scheduled"):
    """The voice asks the session to say something at a time, after silence, or on a cue."""

    item: AgendaItem


class ModelUnscheduled(_Event, frozen=True, tag="model.unscheduled"):
    """The voice takes an item off the agenda; an empty `item` clears it."""

    item: str = ""


class ModelRested(_Event, frozen=True, tag="model.rested"):
    """The voice has dealt with every micro-turn up to and with `n` and has no more to say.

    `acknowledged` names findings that, in its judgement, need no words (the person has moved on, knows it already).
    `takes_back`: the person went on before they heard a word of its answer; what waits to be said of it is not said.
    """

    n: int
    acknowledged: tuple[str, ...] = ()
    takes_back: bool = False


class ModelFailed(_Event, frozen=True, tag="model.failed"):
    """The voice broke. `final` when it will not come back; until it does, findings are said verbatim.

    `say` is what the person is told of it, where the voice knows better than the session what they can do.
    """

    reason: str
    final: bool = False
    say: str = ""


class DelegationUpdate(_Event, frozen=True, tag="delegation.update"):
    """The bus tells how a task fares. Never the answer itself: that is a terminal `Finding`."""

    delegation: str
    state: DelegationState
    reason: str = ""
    again: bool = False
    """Only with `queued`: it had been given up, and whoever runs the background lets it be tried once more."""


class BusDown(_Event, frozen=True, tag="bus.down"):
    """The hand-off cannot be reached, or sessions cannot be kept. What is submitted meanwhile waits."""

    reason: str = ""
    part: BusPart = "hand-off"


class BusUp(_Event, frozen=True, tag="bus.up"):
    """What was away is back."""

    part: BusPart = "hand-off"


class SinkStalled(_Event, frozen=True, tag="sink.stalled"):
    """A bounded outbox fills up: its reader is slower than the session. `over` when the reader has caught up."""

    sink: Literal["link", "model", "bus"]
    over: bool = False


UserEvent = UserText | UserAudio | UserFrame | UserActivity | UserHeard | UserFinished | UserLeft
ModelEvent = (
    ModelSpoke
    | ModelDelegated
    | ModelAmended
    | ModelCancelled
    | ModelScheduled
    | ModelUnscheduled
    | ModelRested
    | ModelFailed
)
BusEvent = Finding | DelegationUpdate | BusDown | BusUp
Event = (
    TickDue
    | ToolsChanged
    | UserText
    | UserAudio
    | UserFrame
    | UserActivity
    | UserHeard
    | UserFinished
    | UserLeft
    | ModelSpoke
    | ModelDelegated
    | ModelAmended
    | ModelCancelled
    | ModelScheduled
    | ModelUnscheduled
    | ModelRested
    | ModelFailed
    | Finding
    | DelegationUpdate
    | BusDown
    | BusUp
    | SinkStalled
)
