"""The language of a model call: a request, the pieces in which the answer comes, and the port between the two.

Messages and tools are plain mappings in the shape of OpenAI's chat completions, because every server takes that shape;
what comes back is ours, because no two servers stream it alike.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import msgspec

if TYPE_CHECKING:
    from orchestrator.completions.profile import Profile

__all__ = [
    "CallBegun",
    "CallDone",
    "Completion",
    "Completions",
    "Done",
    "FunctionCall",
    "Message",
    "Piece",
    "Request",
    "Text",
    "Thought",
    "Usage",
]

Message: TypeAlias = Mapping[str, Any]
"""One message in the shape of chat completions: `role`, `content`, and what goes with it."""


class Request(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call of a model. What is left out is the server's own choice."""

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Mapping[str, Any], ...] = ()
    """Functions in the shape `{"type": "function", "function": {"name", "description", "parameters"}}`."""
    tool_choice: str | Mapping[str, Any] | None = None
    parallel_calls: bool | None = None
    """Whether the model may call several functions at once."""
    max_tokens: int | None = None
    temperature: float | None = None
    reasoning_effort: str = ""
    """`minimal`, `low`, `medium`, `high`; passed on where the profile says that the server knows it."""
    response_format: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = {}
    """Whatever else a server wants in the body."""


class Usage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tokens of one call, as the server counted them; `estimated` where it did not and we did (four characters a
    token)."""

    input: int = 0
    output: int = 0
    cached: int = 0
    """How many of `input` the server had in its prefix cache."""
    estimated: bool = False


class FunctionCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """One function call, whole.

    `arguments` is `None` where what came is not a JSON object even after mending; `raw` then holds it and `problem`
    says what is wrong, in words the model can act upon.
    """

    id: str
    name: str
    arguments: Mapping[str, Any] | None
    raw: str = ""
    problem: str = ""
    extra: Mapping[str, Any] = {}
    """What else the server put on the call and wants back with it in the next prompt, as fields of the call (Gemini:
    `extra_content`, without which it refuses the prompt)."""


class Text(msgspec.Struct, frozen=True):
    """A piece of what the model says."""

    text: str


class Thought(msgspec.Struct, frozen=True):
    """A piece of what a reasoning model thinks, where the server streams it. Never said."""

    text: str


class CallBegun(msgspec.Struct, frozen=True):
    """The model has begun to call a function."""

    id: str
    name: str


class CallDone(msgspec.Struct, frozen=True):
    """A function call is whole. In call order."""

    call: FunctionCall


class Completion(msgspec.Struct, frozen=True, omit_defaults=True):
    """All of an answer."""

    text: str = ""
    calls: tuple[FunctionCall, ...] = ()
    thoughts: str = ""
    usage: Usage = Usage()
    finish: str = ""
    """What the server gave as its reason (`stop`, `length`, `tool_calls`, ...); not relied upon."""
    model: str = ""
    """Which model answered, where the server says so."""


class Done(msgspec.Struct, frozen=True):
    """The answer is whole. The last piece, exactly once."""

    completion: Completion


Piece: TypeAlias = Text | Thought | CallBegun | CallDone | Done


class Completions(Protocol):
    """Whatever answers requests: an `Endpoint`, or a double."""

    @property
    def profile(self) -> Profile:
        """What it can and cannot do, as far as is known by now."""
        ...

    def stream(self, request: Request) -> AsyncIterator[Piece]:
        """Ask, and yield the answer as it comes; the last piece is `Done`. One try, no retries.

        Closing the iterator closes the connection, so that the server stops generating.

        Raises:
            ModelTrouble: there is no answer, or it broke off; what came before has been yielded.
        """
        ...
