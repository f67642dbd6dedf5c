"""What every tool must do, whoever wrote it: run this on your own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

import anyio
import msgspec

from orchestrator.bundle import Bundle
from orchestrator.errors import ToolFailed, ToolRetry
from orchestrator.ports import Progress, Resource, Result, Tool, ToolContext, ToolInfo

__all__ = ["AloneContext", "check_tool"]

T = TypeVar("T")

STRANGE: Final = "an_argument_that_no_tool_has"


class AloneContext:
    """A `ToolContext` without a task or a person: it notes what a tool tells and gives the answers it was given."""

    def __init__(self, *, answers: Sequence[str] = (), approves: bool = True, remaining_s: float = 60.0) -> None:
        self._answers = list(answers)
        self._approves = approves
        self._remaining_s = remaining_s
        self.told: list[str] = []
        """What the tool told with `progress`."""
        self.asked: list[str] = []
        """What it asked, with `ask` or `approve`."""

    @property
    def bundle(self) -> Bundle:
        """A bundle with nothing in it."""
        return Bundle(id="alone-1", session="alone", task="")

    @property
    def remaining_s(self) -> float:
        """What was given at construction; it does not run down."""
        return self._remaining_s

    async def progress(self, text: str) -> None:
        """Note it."""
        self.told.append(text)

    async def ask(self, question: str) -> str:
        """The next of the given answers; empty when there is none left."""
        self.asked.append(question)
        return self._answers.pop(0) if self._answers else ""

    async def approve(self, question: str) -> bool:
        """What was given at construction."""
        self.asked.append(question)
        return self._approves

    async def use(self, resource: Resource[T]) -> T:
        """Refused: nothing here would close it."""
        raise ToolFailed(f"{resource.name} cannot be opened here.")


async def check_tool(
    tool: Tool, arguments: Mapping[str, Any], *, context: ToolContext | None = None, patience_s: float = 10.0
) -> Result:
    """Check that `tool` keeps the contract of the `Tool` port; returns the result of one good call for you to look at.

    It is called a few times: to its end, cancelled at once, left at its first chunk, and with wrong arguments (none of
    those that its schema requires, and, if its schema allows no others, one more).

    Args:
        tool: The tool.
        arguments: Arguments with which it succeeds.
        context: What its calls get; an `AloneContext` when left out.
        patience_s: Seconds that it may take to end after it was cancelled or left.

    Raises:
        AssertionError: it breaks the contract; the message says how.
    """
    context = context or AloneContext()
    _check_info(tool.info)
    result = await _check_chunks(tool, arguments, context)
    await _check_cancel(tool, arguments, context, patience_s)
    await _check_left(tool, arguments, context, patience_s)
    if tool.info.schema.get("required"):
        await _check_refuses(tool, {}, context, "without the arguments that its schema requires")
    if tool.info.schema.get("additionalProperties") is False:
        await _check_refuses(tool, {**arguments, STRANGE: 1}, context, "with an argument that its schema does not have")
    return result


def _check_info(info: ToolInfo) -> None:
    name = info.name
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name), f"{name!r} is no name that models accept"
    assert info.description.strip(), f"{name} has no description, so no model knows what it is for"
    assert info.schema.get("type") == "object", f"the schema of {name} is not that of an object"
    back = msgspec.json.decode(msgspec.json.encode(info), type=ToolInfo)
    assert back == info, f"the description of {name} does not come through JSON as it was"
    properties = info.schema.get("properties", {})
    missing = [each for each in info.schema.get("required", []) if each not in properties]
    assert not missing, f"the schema of {name} requires {missing}, which it does not describe"


async def _check_chunks(tool: Tool, arguments: Mapping[str, Any], context: ToolContext) -> Result:
    name = tool.info.name
    chunks = [chunk async for chunk in tool.call(arguments, context)]
    assert chunks, f"{name} ended without a result"
    *before, last = chunks
    strays = [chunk for chunk in before if not isinstance(chunk, Progress)]
    assert not strays, f"{name} yields only Progress before its result, but it yielded {strays[0]!r}"
    assert isinstance(last, Result), f"the last chunk of {name} is {last!r}, not a Result"
    assert last.ok, f"{name} failed with the arguments given: {last.text}"
    assert last.text.strip(), f"the result of {name} has no text, and text is all that a voice can say"
    try:
        msgspec.json.encode(last)
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise AssertionError(f"the data of {name}'s result cannot be written as JSON: {error}") from error
    return last


async def _check_cancel(tool: Tool, arguments: Mapping[str, Any], context: ToolContext, patience_s: float) -> None:
    for after_s in (0.0, 0.01):
        started = anyio.current_time()
        with anyio.move_on_after(after_s):
            async for _ in tool.call(arguments, context):
                pass
        took = anyio.current_time() - started
        assert took <= after_s + patience_s, f"{tool.info.name} went on for {took:.1f} s after it was cancelled"


async def _check_left(tool: Tool, arguments: Mapping[str, Any], context: ToolContext, patience_s: float) -> None:
    chunks = tool.call(arguments, context)
    await anext(chunks)
    started = anyio.current_time()
    close = getattr(chunks, "aclose", None)
    if close is not None:
        await close()
    took = anyio.current_time() - started
    assert took <= patience_s, f"{tool.info.name} went on for {took:.1f} s after its caller had left"


async def _check_refuses(tool: Tool, arguments: Mapping[str, Any], context: ToolContext, how: str) -> None:
    name = tool.info.name
    try:
        chunks = [chunk async for chunk in tool.call(arguments, context)]
    except ToolRetry as error:
        assert error.what.strip(), f"{name} asks for another try, and does not say what was wrong"
        return
    except Exception as error:
        raise AssertionError(f"called {how}, {name} raised {error!r} instead of ToolRetry") from error
    last = chunks[-1] if chunks else None
    asks_again = isinstance(last, Result) and last.retry and not last.ok
    assert asks_again, f"called {how}, {name} went ahead ({last!r}) instead of raising ToolRetry"
