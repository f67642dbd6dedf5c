"""What goes to the background: the task with the whole conversation, and what follows it.

A bundle is not a lone query. It carries the conversation up to `revision`; what the person says after that follows as
amendments, so that "actually, make that Lyon" reaches a search that is already running.
"""

from __future__ import annotations

import msgspec

from orchestrator.context import Entry
from orchestrator.finding import Urgency

__all__ = ["Amendment", "Budget", "Bundle", "Cancellation"]


class Budget(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a task may cost. `None` means no limit of that kind."""

    calls: int | None = None
    """Model calls."""
    tokens: int | None = None
    tool_calls: int | None = 50
    cost: float | None = None
    """Money, in the currency in which the reasoner was told its prices."""


class Bundle(msgspec.Struct, frozen=True, omit_defaults=True):
    """A task and everything a reasoner needs for it.

    `id` derives from the session (`f"{session}-{n}"`), so that a repeated hand-off is recognised.
    """

    id: str
    session: str
    task: str
    context: tuple[Entry, ...] = ()
    revision: int = 0
    """The context revision that `context` reaches."""
    pending: tuple[str, ...] = ()
    """Ids of the delegations still open when this one was made."""
    tools: tuple[str, ...] = ()
    """The tools this task may use; empty means all the worker has."""
    pool: str = ""
    """The worker pool; empty is the default pool."""
    deadline_ms: int = 120_000
    """How long the task may take, in milliseconds from the hand-off. Relative, since clocks differ between machines."""
    budget: Budget = Budget()
    tainted: bool = False
    """Whether untrusted text (from the web, from files of others) has entered the conversation."""
    approved: tuple[str, ...] = ()
    """The tools for which the person has given leave for the whole conversation ("always")."""
    traceparent: str = ""
    """W3C trace context, passed on as it came."""
    urgency: Urgency = "normal"
    """`high` and `critical` tasks are taken before all others of their pool."""

    keep_ms: int = 0
    """How long the answer must stay known for a session that may come back for it, where that is longer than usual."""
    attempt: int = 0
    """The last attempt that its session has heard of. After a loss of data counting goes on from there, also when the
    front end that hands it over again has heard of none: findings are told apart by it."""

    @property
    def urgent(self) -> bool:
        """Whether it goes before the tasks that wait already."""
        return self.urgency in ("high", "critical")


class Amendment(msgspec.Struct, frozen=True, tag_field="type", tag="amendment", omit_defaults=True):
    """What was said after the bundle left. `text` is set for a correction that the task must follow."""

    delegation: str
    entries: tuple[Entry, ...] = ()
    revision: int = 0
    text: str = ""
    answers: str = ""
    """The id of the `question` finding that `text` answers."""
    question: str = ""
    """Where it asked for leave: what it asked. `text` is then what the person said, word for word, and the leave is for
    nothing else."""


class Cancellation(msgspec.Struct, frozen=True, tag_field="type", tag="cancellation", omit_defaults=True):
    """Stop this task; nobody wants its result any more."""

    delegation: str
    reason: str = ""
