"""The conformance check finds what it is there to find."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import anyio
import pytest

from orchestrator.ports import Progress, Result, ToolContext, ToolInfo
from orchestrator.testing.tool_checks import check_tool

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
