"""What every tool must do, whoever wrote it: run this on your own."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

import anyio
import msgspec

from orchestrator.errors import ToolRetry
from orchestrator.function_tool import as_tool
from orchestrator.resources import Resources
from orchestrator.testing.alone_context import AloneContext, Given
from orchestrator.testing.tool_run_checks import check_run
from orchestrator.tool_port import Progress, Resource, Result, Tool, ToolContext, ToolInfo
from orchestrator.toolbox import Toolbox

__all__ = ["AloneContext", "check_tool", "check_toolbox"]

STRANGE: Final = "an_argument_that_no_tool_has"
WRONG: Final[Mapping[str, Any]] = {
    "string": {"an": ["object"]},
    "integer": {"an": ["object"]},
    "number": {"an": ["object"]},
    "boolean": {"an": ["object"]},
    "array": 12_345.5,
    "object": 12_345.5,
}
"""By type of a schema: what is surely none, and what no mending makes one."""


async def check_tool(
    tool: Tool,
    arguments: Mapping[str, Any],
    *,
    context: ToolContext | None = None,
    resources: Mapping[Resource[Any], object] | None = None,
    patience_s: float = 10.0,
) -> Result:
    """Check that `tool` keeps the contract of the `Tool` port, alone and within the limits of a worker; returns the
    result of one good call for you to look at.

    What is checked: its schema and description, there and back through JSON; that a good call has exactly one result,
    last, with text, and with data that JSON holds; that each required argument that is missing, each of a wrong type,
    and one more than there are, ends in `ToolRetry`; that cancelling it, or leaving it, at once or at any chunk, ends
    it, and leaves no task behind; and, as a worker runs it: one result in any case, after a time-out, with an output
    that is too long (the rest of which can be read), several calls at once, and not without leave where it needs some.

    It is called some twenty times with the same arguments, so give it a double for what it changes.

    Args:
        tool: The tool.
        arguments: Arguments with which it succeeds, as JSON would bring them.
        context: What its calls get; an `AloneContext` when left out.
        resources: Doubles for what it shares, by resource; the others are opened, and closed at the end.
        patience_s: Seconds that it may take to end after it was cancelled, left, or timed out.

    Raises:
        AssertionError: it breaks the contract; the message says how.
    """
    _check_info(tool.info)
    _check_arguments(tool.info, arguments)
    async with Resources() as opened:
        given = Given(resources or {}, opened)
        alone = context or AloneContext(resources=given)
        result = await _check_chunks(tool, arguments, alone)
        await _check_cancel(tool, arguments, alone, patience_s)
        await _check_left(tool, arguments, alone, patience_s)
        for wrong, how in _wrong(tool.info, arguments):
            await _check_refuses(tool, wrong, alone, how)
        await check_run(tool, arguments, alone, patience_s)
    return result


async def check_toolbox(
    tools: Toolbox | Iterable[Tool],
    arguments: Mapping[str, Mapping[str, Any]],
    *,
    resources: Mapping[Resource[Any], object] | None = None,
    patience_s: float = 10.0,
) -> dict[str, Result]:
    """`check_tool` for each of several, by name. Raises `AssertionError` also where one of them has no arguments here,
    so that no tool is forgotten."""
    every = {tool.info.name: tool for tool in (as_tool(each) for each in tools)}
    forgotten = [name for name in every if name not in arguments]
    assert not forgotten, f"there are no arguments for {', '.join(forgotten)}: give some with which it succeeds"
    strange = [name for name in arguments if name not in every]
    assert not strange, f"there is no tool {', '.join(strange)}; there are {', '.join(every)}"
    return {
        name: await check_tool(tool, arguments[name], resources=resources, patience_s=patience_s)
        for name, tool in every.items()
    }


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


def _check_arguments(info: ToolInfo, arguments: Mapping[str, Any]) -> None:
    """That they are what a model could send."""
    try:
        back = json.loads(json.dumps(dict(arguments)))
    except (TypeError, ValueError) as error:
        raise AssertionError(f"the arguments given for {info.name} are none that JSON holds: {error}") from error
    assert back == dict(arguments), f"the arguments given for {info.name} do not come through JSON as they were"
    missing = [each for each in info.schema.get("required", []) if each not in arguments]
    assert not missing, f"the arguments given for {info.name} lack {', '.join(missing)}, which its schema requires"


def _wrong(info: ToolInfo, arguments: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Arguments that must be refused, and how they are wrong."""
    schema = info.schema
    if schema.get("additionalProperties") is False:
        yield {**arguments, STRANGE: 1}, "with an argument that its schema does not have"
    for each in schema.get("required", []):
        rest = {name: value for name, value in arguments.items() if name != each}
        yield rest, f"without {each}, which its schema requires"
    for name, about in cast("Mapping[str, Mapping[str, Any]]", schema.get("properties", {})).items():
        kind = about.get("type")
        if isinstance(kind, str) and kind in WRONG:
            yield {**arguments, name: WRONG[kind]}, f"with {WRONG[kind]!r} as {name}, which is to be of type {kind}"


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
        before = _tasks()
        started = anyio.current_time()
        with anyio.move_on_after(after_s):
            async for _ in tool.call(arguments, context):
                pass
        took = anyio.current_time() - started
        assert took <= after_s + patience_s, f"{tool.info.name} went on for {took:.1f} s after it was cancelled"
        await _check_nothing_left(tool, before, patience_s, "after it was cancelled")


async def _check_left(tool: Tool, arguments: Mapping[str, Any], context: ToolContext, patience_s: float) -> None:
    """Left after its first chunk, after its second, and so on to the last."""
    place, over = 0, False
    while not over and place < 5:
        before = _tasks()
        chunks = tool.call(arguments, context)
        for _ in range(place + 1):
            over = isinstance(await anext(chunks, Result("")), Result)
            if over:
                break
        started = anyio.current_time()
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await close()
        took = anyio.current_time() - started
        assert took <= patience_s, f"{tool.info.name} went on for {took:.1f} s after its caller had left"
        await _check_nothing_left(tool, before, patience_s, "after its caller had left")
        place += 1


def _tasks() -> set[Any]:
    try:
        return set(asyncio.all_tasks())
    except RuntimeError:  # another event loop than asyncio's
        return set()


async def _check_nothing_left(tool: Tool, before: set[Any], patience_s: float, when: str) -> None:
    with anyio.move_on_after(patience_s):
        while _tasks() - before:  # noqa: ASYNC110  (a task that ends tells nobody)
            await anyio.sleep(0.001)
    left = _tasks() - before
    assert not left, f"{tool.info.name} leaves a task running {when}: {next(iter(left)).get_coro()!r}"


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
