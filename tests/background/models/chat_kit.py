"""What the tests of the reasoner on a language model share: calls, messages, virtual time."""

from __future__ import annotations

import functools
import random
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec

import msgspec

from background.models.chat import ChatReasoner, ChatReasonerSettings
from orchestrator.bundle import Bundle
from orchestrator.completions.asking import FunctionCall, Request
from orchestrator.testing import ScriptedCompletions, run_virtual
from tests.background.office import a_bundle

P = ParamSpec("P")


def virtually(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """The test in virtual time."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        run_virtual(lambda: test(*args, **kwargs))

    return run


def a_reasoner(model: ScriptedCompletions, settings: ChatReasonerSettings | None = None, **more: Any) -> ChatReasoner:
    return ChatReasoner("m", endpoint=model, settings=settings, chance=random.Random(7), **more)


def call(name: str, /, id: str = "", **arguments: Any) -> FunctionCall:
    return FunctionCall(id or f"c-{name}", name, arguments)


def texts(request: Request) -> str:
    """All that a request says."""
    return "\n".join(str(message.get("content")) for message in request.messages)


def last_of(request: Request, role: str) -> str:
    return next(str(message["content"]) for message in reversed(request.messages) if message["role"] == role)


def results(request: Request) -> list[tuple[str, str]]:
    """The results in a request: the id of the call, and the text within the frame."""
    return [
        (str(message["tool_call_id"]), "\n".join(str(message["content"]).splitlines()[1:-1]))
        for message in request.messages
        if message["role"] == "tool"
    ]


def extends(earlier: Request, later: Request) -> bool:
    """Whether the prompt of `later` begins with the bytes of `earlier`."""
    return later.messages[: len(earlier.messages)] == earlier.messages and msgspec.json.encode(
        later.tools
    ) == msgspec.json.encode(earlier.tools)


def with_context(bundle: Bundle | None = None, **changes: Any) -> Bundle:
    return msgspec.structs.replace(bundle or a_bundle(), **changes)
