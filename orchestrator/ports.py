"""The seams: Protocols only. Whoever writes a voice, a link, a bus, a reasoner or a tool writes to these.

Nothing here is inherited from. `orchestrator.testing` has a conformance check for each.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import msgspec

from orchestrator.bundle import Amendment, Bundle, Cancellation
from orchestrator.clock import Clock, Instant
from orchestrator.context import Entry
from orchestrator.effects import Effect, Emit, MicroTurn, StopSpeaking
from orchestrator.events import BusEvent, Event, ModelEvent, ToolsChanged, UserEvent
from orchestrator.finding import Finding, Urgency
from orchestrator.journal import Opened
from orchestrator.state import Snapshot
from orchestrator.tool_port import (
    OpenTools,
    Progress,
    Resource,
    Result,
    SyncToolContext,
    Tool,
    ToolCall,
    ToolContext,
    ToolInfo,
    ToolLimits,
    ToolSource,
)

__all__ = [
    "Begun",
    "Claim",
    "Clock",
    "Desk",
    "Equipped",
    "FrontBus",
    "InteractionModel",
    "InteractionStream",
    "Journal",
    "Link",
    "OpenTools",
    "OpenedJournal",
    "Opening",
    "Order",
    "OwnedSession",
    "Progress",
    "Reasoner",
    "Resource",
    "Result",
    "SessionStore",
    "StepLog",
    "Steps",
    "SyncToolContext",
    "Tool",
    "ToolCall",
    "ToolContext",
    "ToolInfo",
    "ToolLimits",
    "ToolSource",
    "VoiceTraits",
    "WorkerBus",
]

# --- the voice -------------------------------------------------------------------------------------------------------


class VoiceTraits(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a voice hears and speaks. `duplex`: it listens while it talks. `wants_silence`: step it at every grid
    point."""

    name: str
    about: str = ""
    """One line for the person: what this voice is, and what it is not."""
    hears: tuple[Literal["text", "audio", "frames"], ...] = ("text",)
    speaks: tuple[Literal["text", "audio"], ...] = ("text",)
    duplex: bool = True
    wants_silence: bool = False


class Opening(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a voice is told when a session begins, or goes on after a break (then `context` holds what was said)."""

    session: str
    tools: tuple[ToolInfo, ...] = ()
    pools: tuple[str, ...] = ()
    context: tuple[Entry, ...] = ()
    instructions: str = ""
    """What whoever built the assistant wants of it: its persona, its rules."""
    abouts: Mapping[str, str] = {}
    """What each pool is for, where it was told."""


class Equipped(msgspec.Struct, frozen=True):
    """The background has other tools than before: the event for the session, and all it can do now for the voice."""

    event: ToolsChanged
    tools: tuple[ToolInfo, ...] = ()


class InteractionStream(Protocol):
    """A voice in one session."""

    async def send(self, turn: MicroTurn) -> None:
        """Take in one micro-turn. Returns soon; what the voice makes of it comes from `events`."""
        ...

    def events(self) -> AsyncIterator[ModelEvent]:
        """What the voice says and asks for, when it will. One reader. After each turn a `ModelRested` is owed."""
        ...


class InteractionModel(Protocol):
    """A live voice."""

    @property
    def traits(self) -> VoiceTraits: ...

    def open(self, opening: Opening) -> AbstractAsyncContextManager[InteractionStream]:
        """Begin a stream for one session. Leaving the context ends it and whatever it still runs."""
        ...


class Link(Protocol):
    """The person's side: where input comes from and speech goes."""

    def events(self) -> AsyncIterator[UserEvent]:
        """What the person does. One reader.

        `UserLeft` ends the session at once. `UserFinished`, or the end of the iterator, means that the person has
        no more to say: what is worked on or owed is finished and heard first.
        """
        ...

    async def emit(self, part: Emit) -> None:
        """Show or play a piece of speech, or a card."""
        ...

    async def stop(self, stop: StopSpeaking) -> None:
        """Fall silent at once."""
        ...


class Journal(Protocol):
    """Where everything that happens is written down. Called in order, on the loop: must return at once."""

    def record(self, at: Instant, n: int, item: Event | Effect) -> None:
        """`item` happened at `at`, in micro-turn `n`."""
        ...


@runtime_checkable
class OpenedJournal(Journal, Protocol):
    """A journal that is also told how the session began: what a replay needs to know."""

    def opened(self, at: Instant, n: int, opened: Opened) -> None:
        """Before any record: the session is begun, or taken up again, at `at`."""
        ...


# --- the hand-off ----------------------------------------------------------------------------------------------------

Order: TypeAlias = Amendment | Cancellation
"""What the front end may tell a running task."""


class FrontBus(Protocol):
    """The front end's side of the hand-off. One for a process, shared by its sessions; an async context manager."""

    async def submit(self, bundle: Bundle) -> None:
        """Hand a task over. Idempotent by `bundle.id`.

        Raises:
            BusUnavailable: nothing is known to have been taken; submit again.
            BusBusy: the queue is full; nothing was taken.
        """
        ...

    async def order(self, order: Order) -> None:
        """Pass an amendment or a cancellation to whoever has the task. Raises `BusUnavailable`."""
        ...

    def updates(self, session: str) -> AsyncIterator[BusEvent]:
        """Findings and updates of this session's tasks, from now on, and `BusDown`/`BusUp`. Never ends by itself.

        While it is held, the front end looks after the session's tasks.
        """
        ...


class Begun(msgspec.Struct, frozen=True):
    """What was known of a step when it was to begin.

    `new`: nothing, so it may be done. `begun`: an earlier attempt began it, and how it ended is not known. `done`: it
    ended with `outcome`.
    """

    known: Literal["new", "begun", "done"]
    outcome: bytes = b""


class Steps(msgspec.Struct, frozen=True):
    """What the earlier attempts of a task have done."""

    outcomes: Mapping[str, bytes | None] = {}
    """By step; `None` where one was begun and how it ended is not known."""
    whole: bool = True
    """False where the bus has lost its data since: then what is not here may have been done all the same."""


class StepLog(Protocol):
    """What a task has done that must not be done twice, kept with the task itself.

    A step is written down before it is done. Each step of one attempt has a name of its own, and the same name in every
    attempt. All of these raise `ClaimLost` when another worker owns the task: then nothing was written.
    """

    async def begin(self, step: str) -> Begun:
        """Write down that `step` is begun. What must not be done twice is done only if it is `new`."""
        ...

    async def complete(self, step: str, outcome: bytes) -> None:
        """Write down how a step ended."""
        ...

    async def earlier(self) -> Steps:
        """What the attempts before this one have begun and completed."""
        ...


class Claim(Protocol):
    """A task this worker owns, until it finishes it or loses the lease.

    Everything that is told or written raises `ClaimLost` when another worker owns the task, and has not been done then.
    """

    @property
    def bundle(self) -> Bundle: ...

    @property
    def attempt(self) -> int:
        """1 for the first worker that took it; more after a death or a hand-back."""
        ...

    @property
    def left_ms(self) -> int:
        """Milliseconds until the deadline, which counts from the hand-off; 0 when it has passed."""
        ...

    def orders(self) -> AsyncIterator[Order]:
        """Amendments and cancellations, from the beginning (a later attempt sees the earlier ones again).

        Ends when the claim is finished, handed back or lost.
        """
        ...

    async def publish(self, *findings: Finding) -> None:
        """Send findings that are not terminal, in one step: all of them or none.

        What was cut off and is sent again must be the same findings: then it arrives once. Raises `ClaimLost`.
        """
        ...

    async def finish(self, *findings: Finding) -> None:
        """Send the terminal finding and acknowledge the task, in one step. Raises `ClaimLost`.

        The terminal one is the last; before it may come what has not been sent yet.
        """
        ...

    @property
    def steps(self) -> StepLog: ...

    async def confirm_cancelled(self, reason: str) -> None:
        """The task was called off and has stopped: acknowledge it without a result."""
        ...

    async def hand_back(self) -> None:
        """Give the task to another worker at once (graceful stop)."""
        ...


class WorkerBus(Protocol):
    """A worker's side of the hand-off; an async context manager."""

    async def claim(self, *, room: int) -> Sequence[Claim]:
        """Wait until there is work and take up to `room` tasks, never more.

        May be cancelled: what had been read then is not lost. Does not raise when the bus is away: it waits.
        """
        ...


# --- where sessions are kept -----------------------------------------------------------------------------------------


class OwnedSession(Protocol):
    """A session that is this process's alone, until it is left or lost."""

    @property
    def kept(self) -> Snapshot | None:
        """What was there when it was opened: all of it, or nothing where it is new."""
        ...

    @property
    def away_ms(self) -> int:
        """How long ago `kept` was saved, by the store's own clock."""
        ...

    @property
    def keep_ms(self) -> int:
        """How long what is saved lives without anybody; 0: only as long as this process. Then once, at the end, is
        enough."""
        ...

    @property
    def revision(self) -> int:
        """Up to which revision the conversation is there: the next snapshot to save begins after it."""
        ...

    async def save(self, snapshot: Snapshot) -> bool:
        """Put `snapshot` in the place of the last one. Returns whether it is there now; if not, look at `revision`
        again: the store has lost what it had, or has more than was known.

        Raises:
            SessionLost: another owner has it; nothing was saved.
            BusUnavailable: it is not known to be saved; save the newest again.
        """
        ...

    async def watch(self) -> None:
        """Wait until the store has lost what was saved and needs it again. Raises `SessionLost`."""
        ...


class SessionStore(Protocol):
    """Where sessions are kept while nobody holds them. One for a process; an async context manager."""

    def own(self, id: str, *, take_over: bool = False) -> AbstractAsyncContextManager[OwnedSession]:
        """Be the one owner of a session. Leaving gives it free; what was saved stays.

        Where an owner has died, this waits until that is certain. `take_over` takes it from a living one, too, who then
        gets `SessionLost`.

        Raises:
            UsageError: a living owner has it.
            BusUnavailable: the store cannot be reached.
        """
        ...


# --- the background --------------------------------------------------------------------------------------------------


class Desk(Protocol):
    """What a reasoner works with. One for a task."""

    @property
    def tools(self) -> Sequence[ToolInfo]:
        """What this task may use."""
        ...

    @property
    def remaining_s(self) -> float: ...

    async def call(self, *calls: ToolCall) -> Sequence[Result]:
        """Run calls side by side. Results come in call order, exactly one each: a failure is a `Result` too."""
        ...

    def amendments(self) -> Sequence[Amendment]:
        """What the person said since this was last read. Reading it is what makes later findings count as informed."""
        ...

    async def amended(self) -> None:
        """Return as soon as there is a correction (an amendment with `text`) not yet read."""
        ...

    async def progress(self, text: str) -> None: ...

    async def publish(self, finding: Finding) -> None:
        """Send a partial finding now (from inside code that cannot yield)."""
        ...

    async def ask(self, question: str, *, urgency: Urgency = "high") -> str:
        """Put a question to the person and wait for the answer."""
        ...

    async def approve(self, tool: str, question: str) -> bool:
        """Ask the person for leave to run `tool`, in their own words; no answer in time is a no. The tools of the desk
        ask by themselves: this is for those that an agent brings."""
        ...


class Reasoner(Protocol):
    """What thinks in the background."""

    def run(self, bundle: Bundle, desk: Desk) -> AsyncIterator[Finding]:
        """Work on the task. Yields findings; the terminal one (`final` or `error`) is the last. Cancelled from
        outside."""
        ...
