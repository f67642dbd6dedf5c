"""The conformance check finds what it is there to find."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Annotated, Any, Literal

import anyio
import pytest

from orchestrator.errors import ToolFailed
from orchestrator.function_tool import tool
from orchestrator.ports import Progress, Result, SyncToolContext, ToolContext, ToolInfo
from orchestrator.resources import resource
from orchestrator.testing.tool_checks import check_tool, check_toolbox
from orchestrator.toolbox import Toolbox

pytestmark = pytest.mark.anyio

CLOSED: dict[str, Any] = {"type": "object", "properties": {"query": {"type": "string"}}, "additionalProperties": False}
OPEN: dict[str, Any] = {"type": "object", "properties": {}}

Behaviour = Callable[[Mapping[str, Any]], AsyncIterator[Any]]


class Made:
    """A tool that does what a test wants it to do wrong."""

    def __init__(self, behaviour: Behaviour, info: ToolInfo) -> None:
        self.info = info
        self._behaviour = behaviour

    def call(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncIterator[Progress | Result]:
        return self._behaviour(arguments)


async def good(_: Mapping[str, Any]) -> AsyncIterator[object]:
    yield Progress("working")
    yield Result("done")


async def no_result(_: Mapping[str, Any]) -> AsyncIterator[object]:
    yield Progress("working")


async def two_results(_: Mapping[str, Any]) -> AsyncIterator[object]:
    yield Result("one")
    yield Result("two")


async def silent(_: Mapping[str, Any]) -> AsyncIterator[object]:
    yield Result(" ")


async def failing(_: Mapping[str, Any]) -> AsyncIterator[object]:
    yield Result("no luck", ok=False)


async def not_json(_: Mapping[str, Any]) -> AsyncIterator[object]:
    yield Result("done", data=object())


async def bursting(arguments: Mapping[str, Any]) -> AsyncIterator[object]:
    yield Result("done" if list(arguments) in ([], ["query"]) else str(1 / 0))


async def shielded(_: Mapping[str, Any]) -> AsyncIterator[object]:
    with anyio.CancelScope(shield=True):
        await anyio.sleep(0.05)
    yield Result("done")


@pytest.mark.parametrize(
    ("behaviour", "info", "complaint"),
    [
        (good, ToolInfo("no good name", "x", OPEN), "no name that models accept"),
        (good, ToolInfo("t", " ", OPEN), "no description"),
        (good, ToolInfo("t", "x", {}), "not that of an object"),
        (good, ToolInfo("t", "x", {"type": "object", "required": ["query"]}), "which it does not describe"),
        (good, ToolInfo("t", "x", CLOSED), "went ahead"),
        (no_result, ToolInfo("t", "x", OPEN), "not a Result"),
        (two_results, ToolInfo("t", "x", OPEN), "only Progress before its result"),
        (silent, ToolInfo("t", "x", OPEN), "has no text"),
        (failing, ToolInfo("t", "x", OPEN), "failed with the arguments given"),
        (not_json, ToolInfo("t", "x", OPEN), "cannot be written as JSON"),
        (bursting, ToolInfo("t", "x", CLOSED), "instead of ToolRetry"),
        (shielded, ToolInfo("t", "x", OPEN), "after it was cancelled"),
    ],
)
async def test_a_broken_contract_is_named(behaviour: Behaviour, info: ToolInfo, complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        await check_tool(Made(behaviour, info), {"query": "x"}, patience_s=0.01)


async def test_a_tool_that_keeps_it_passes() -> None:
    assert await check_tool(Made(good, ToolInfo("t", "x", OPEN)), {}) == Result("done")


# --- as a worker runs it ---------------------------------------------------------------------------------------------


@tool
async def plain(word: str, times: int = 1, mode: Literal["a", "b"] = "a") -> str:
    """Say a word."""
    return word * times


@tool
def in_a_thread(word: str, ctx: SyncToolContext) -> str:
    """Say a word, in a thread."""
    ctx.progress("thinking")
    return word


@tool
async def told(word: str) -> AsyncIterator[str]:
    """Say a word, in steps."""
    yield "one"
    await anyio.sleep(0.001)
    yield "two"
    yield word


@tool(needs_approval=True, idempotent=False)
async def asks(word: str, ctx: ToolContext) -> str:
    """Say a word, after two questions."""
    if not await ctx.approve("Shall I?"):
        raise ToolFailed("not allowed")
    return f"{word} {await ctx.ask('How?')}"


@resource
async def store() -> AsyncIterator[list[str]]:
    opened.append("opens")
    yield []
    opened.append("closes")


@tool
async def keeps(word: str, kept: Annotated[list[str], store]) -> str:
    """Keep a word."""
    kept.append(word)
    return f"{len(kept)} kept"


@tool(max_output_chars=100)
async def long(word: str) -> str:
    """Say much."""
    return word * 1_000


opened: list[str] = []


@pytest.mark.parametrize("made", [plain, in_a_thread, told, asks, keeps, long])
async def test_good_tools_of_every_form_pass(made: Any) -> None:
    assert (await check_tool(made, {"word": "hello"})).ok


async def test_what_is_shared_is_opened_once_and_closed_or_a_double() -> None:
    opened.clear()
    await check_tool(keeps, {"word": "x"})
    assert opened == ["opens", "closes"]
    double: list[str] = []
    await check_tool(keeps, {"word": "x"}, resources={store: double})
    assert opened == ["opens", "closes"]
    assert len(double) > 5


async def test_a_whole_box_and_none_forgotten() -> None:
    box = Toolbox("words", [plain, told], prefix="say_")
    results = await check_toolbox(box, {"say_plain": {"word": "a"}, "say_told": {"word": "b"}})
    assert [result.text for result in results.values()] == ["a", "b"]
    with pytest.raises(AssertionError, match="no arguments for say_told"):
        await check_toolbox(box, {"say_plain": {"word": "a"}})
    with pytest.raises(AssertionError, match="there is no tool told"):
        await check_toolbox([plain], {"plain": {"word": "a"}, "told": {}})


async def test_arguments_that_no_model_could_send_are_told() -> None:
    with pytest.raises(AssertionError, match="none that JSON holds"):
        await check_tool(plain, {"word": object()})
    with pytest.raises(AssertionError, match="lack word"):
        await check_tool(plain, {})


async def test_one_that_takes_what_its_schema_forbids() -> None:
    async def takes_all(_: Mapping[str, Any]) -> AsyncIterator[object]:
        yield Result("done")

    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    with pytest.raises(AssertionError, match="called without n, which its schema requires, t went ahead"):
        await check_tool(Made(takes_all, ToolInfo("t", "x", schema)), {"n": 1})


async def test_one_that_leaves_a_task_behind() -> None:
    left: list[asyncio.Task[None]] = []

    async def leaves(_: Mapping[str, Any]) -> AsyncIterator[object]:
        left.append(asyncio.get_running_loop().create_task(asyncio.sleep(30)))
        await anyio.sleep(0.05)
        yield Result("done")

    with pytest.raises(AssertionError, match="leaves a task running"):
        await check_tool(Made(leaves, ToolInfo("t", "x", OPEN)), {}, patience_s=0.2)
    for task in left:
        task.cancel()


async def test_one_that_cannot_run_beside_itself() -> None:
    running = 0

    async def alone(_: Mapping[str, Any]) -> AsyncIterator[object]:
        nonlocal running
        running += 1
        try:
            await anyio.sleep(0.002)
            if running > 1:
                raise ToolFailed("one at a time")
            yield Result("done")
        finally:
            running -= 1

    with pytest.raises(AssertionError, match="where 3 calls of it run at once"):
        await check_tool(Made(alone, ToolInfo("t", "x", OPEN)), {})


async def test_one_that_does_not_end_when_its_time_is_up() -> None:
    async def deaf(_: Mapping[str, Any]) -> AsyncIterator[object]:
        with anyio.CancelScope(shield=deafened):
            await anyio.sleep(0.3 if deafened else 0.02)
        yield Result("done")

    deafened = False
    assert (await check_tool(Made(deaf, ToolInfo("t", "x", OPEN)), {}, patience_s=0.2)).ok
    deafened = True
    with pytest.raises(AssertionError, match="went on for"):
        await check_tool(Made(deaf, ToolInfo("t", "x", OPEN)), {}, patience_s=0.05)
