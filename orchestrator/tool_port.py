"""What a tool is, to whoever writes one and to whoever runs one. The rest of the seams is in `ports`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

import msgspec

from orchestrator.bundle import Bundle
from orchestrator.finding import Source

__all__ = [
    "Checking",
    "OpenTools",
    "Progress",
    "Reread",
    "Resource",
    "Result",
    "SyncToolContext",
    "Tool",
    "ToolCall",
    "ToolContext",
    "ToolInfo",
    "ToolLimits",
    "ToolSource",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# --- what models and reasoners see -----------------------------------------------------------------------------------


class ToolLimits(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a tool may take. Times are in seconds; `None` means no limit of its own (the task's deadline still
    holds)."""

    timeout: float | None = 30.0
    idle_timeout: float | None = None
    """Longest silence between two yields."""
    concurrency: int | None = None
    """How many calls may run at once in one worker."""
    max_output_chars: int = 20_000
    """Beyond it the middle is cut: head and tail are kept, and the rest can be read by its handle."""
    retries: int = 0
    idempotent: bool = True
    """Whether a second run does no harm. A redelivered task does not run a tool again that is not."""
    on_duplicate: Literal["run", "reuse"] = "run"
    needs_approval: bool = False
    channel: Literal["commentary", "thinking"] = "commentary"
    read_only: bool | None = None
    """Whether it changes nothing outside. `None`: taken to be so where it is idempotent."""
    question: str = ""
    """How leave is asked for, as "Shall I send a card to {to}?"; made of name and arguments when empty."""
    announce: str = ""
    """Told when a call begins, before it has anything to tell itself. `{name}` stands for an argument."""

    @property
    def effects(self) -> bool:
        """Whether a call may change something outside: then a tainted task asks the person first."""
        return not self.idempotent if self.read_only is None else not self.read_only


class ToolInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the models are told of a tool. `schema` is the JSON Schema of its arguments (an object)."""

    name: str
    description: str
    schema: Mapping[str, Any] = {}
    limits: ToolLimits = ToolLimits()


class ToolCall(msgspec.Struct, frozen=True):
    """One call as a reasoner asks for it."""

    name: str
    arguments: Mapping[str, Any]


# --- what a call brings ----------------------------------------------------------------------------------------------


class Progress(msgspec.Struct, frozen=True):
    """A tool tells what it is doing."""

    text: str
    untrusted: bool = False
    """Whether it holds words of somebody else, as `Result.untrusted`."""


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a tool call came to. Exactly one a call, and the last chunk. `ok` is false for every kind of failure."""

    text: str
    """For a model or a person to read."""
    data: Any = None
    """The value itself, JSON-encodable."""
    sources: tuple[Source, ...] = ()
    ok: bool = True
    retry: bool = False
    """Only with `ok` false: the model may mend its arguments and try again."""
    untrusted: bool = False
    """Whether it holds text that nobody here vouches for (a web page, an answer of a foreign server). It reaches models
    in a frame only, and the task, and the conversation with it, is tainted from then on."""
    rest: str = ""
    """The handle by which what was cut out of `text` can be read; set by whoever runs the tool."""


# --- what a running tool may ask for ---------------------------------------------------------------------------------


class Resource(Protocol[T_co]):
    """Something that the calls of a worker share, as a pool of connections: opened when it is first used, and closed
    with the worker. `orchestrator.resources.resource` makes one of an async context manager."""

    @property
    def name(self) -> str: ...

    @property
    def needs(self) -> Mapping[str, Resource[Any]]:
        """By name: the resources that `open` is given, open."""
        ...

    def open(self, **needed: Any) -> AbstractAsyncContextManager[T_co]: ...


class ToolContext(Protocol):
    """What a running async tool may ask for. A tool gets it by annotating a parameter with it."""

    @property
    def bundle(self) -> Bundle: ...

    @property
    def remaining_s(self) -> float:
        """Seconds until the task's deadline, or the end of this call where that is earlier."""
        ...

    async def progress(self, text: str) -> None:
        """Tell what is being done. Also proves that the tool is alive (`idle_timeout`)."""
        ...

    async def ask(self, question: str) -> str:
        """Ask the person and wait for the answer; it is put to them at a good moment."""
        ...

    async def approve(self, question: str) -> bool:
        """Ask the person for leave. No answer in time is a no."""
        ...

    async def use(self, resource: Resource[T]) -> T:
        """The opened resource. A parameter annotated `Annotated[Pool, database]` gets it without asking.

        Raises `ToolFailed` where it cannot be opened; the next call tries again.
        """
        ...


class SyncToolContext(Protocol):
    """The same for a tool that is no coroutine, and runs in a thread: each of these waits where it is called."""

    @property
    def bundle(self) -> Bundle: ...

    @property
    def remaining_s(self) -> float:
        """Seconds until the task's deadline, or the end of this call where that is earlier."""
        ...

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the call any more: time-out, correction, call-off. A thread cannot be stopped from
        outside, so a long call looks here now and then, and ends."""
        ...

    def check_cancelled(self) -> None:
        """End the call here if nobody waits for it any more, by an exception that is not to be caught."""
        ...

    def progress(self, text: str) -> None:
        """Tell what is being done. Also proves that the tool is alive (`idle_timeout`)."""
        ...

    def ask(self, question: str) -> str:
        """Ask the person and wait for the answer; it is put to them at a good moment."""
        ...

    def approve(self, question: str) -> bool:
        """Ask the person for leave. No answer in time is a no."""
        ...


# --- tools and where they come from ----------------------------------------------------------------------------------


class Tool(Protocol):
    """Something that can be done."""

    @property
    def info(self) -> ToolInfo: ...

    def call(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncIterator[Progress | Result]:
        """Do it. Every chunk but the last is `Progress`; the last is the one `Result`.

        Raises `ToolRetry` or `ToolFailed` to say what the caller should do; anything else is a bug in the tool.
        """
        ...


@runtime_checkable
class Checking(Protocol):
    """A tool that can say whether arguments fit before it is called: then nobody is asked for leave in vain."""

    def check(self, arguments: Mapping[str, Any]) -> None:
        """Raises `ToolRetry` where they do not fit."""
        ...


class OpenTools(Protocol):
    """The tools of a source that is open. They may change while it is: each task gets what there is when it begins."""

    @property
    def tools(self) -> Sequence[Tool]: ...

    @property
    def problem(self) -> str:
        """Why it does not have what it should have, in a line for the person; empty when all is well."""
        ...

    async def changed(self) -> None:
        """Return when `tools` or `problem` is no longer what it was at the call. One that never changes waits for
        ever."""
        ...


@runtime_checkable
class Reread(Protocol):
    """What open tools may have beside `OpenTools` where they come from a file that is read again when it is saved."""

    @property
    def spec(self) -> str:
        """Where they come from, for the person to read."""
        ...

    @property
    def readings(self) -> int:
        """How often it has been read again."""
        ...


@runtime_checkable
class ToolSource(Protocol):
    """Where tools come from that are not known before it is asked: a server, a folder that is watched.

    It may be opened several times at once: by each worker, and by a front end that wants to know what there is.
    """

    @property
    def name(self) -> str: ...

    def open(self) -> AbstractAsyncContextManager[OpenTools]:
        """Be connected. Leaving closes it. Where the source cannot be reached it opens all the same, with the tools it
        knows of (or none), and goes on trying: a dead server must not keep a worker from working."""
        ...
