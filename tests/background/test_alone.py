"""Tools without a task: the same limits, one result, and somebody to ask or nobody."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated

import anyio
import pytest

from background.alone import Alone
from orchestrator.function_tool import tool
from orchestrator.ports import Progress, Result, ToolCall, ToolContext
from orchestrator.resources import resource

pytestmark = pytest.mark.anyio


@tool
async def steps(n: int) -> AsyncGenerator[str]:
    """Tell."""
    for step in range(n):
        yield f"step {step}"
    yield "done"


@tool(needs_approval=True)
async def pay(euros: int, ctx: ToolContext) -> str:
    """Pay."""
    return f"paid {euros} {await ctx.ask('To whom?')}"


class Somebody:
    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, bool]] = []

    async def ask(self, question: str, *, leave: bool) -> str:
        self.asked.append((question, leave))
        return self.answers.pop(0)


async def test_progress_comes_as_it_is_told_and_the_result_last() -> None:
    async with Alone([steps]) as bench, bench.calling(ToolCall("steps", {"n": 2})) as told:
        assert [step async for step in told] == [Progress("step 0"), Progress("step 1"), Result("done")]


async def test_somebody_is_asked() -> None:
    person = Somebody("yes", "to Anna")
    async with Alone([pay]) as bench:
        assert (await bench.result(ToolCall("pay", {"euros": 5}), person)).text == "paid 5 to Anna"
    assert person.asked == [("May I run pay with euros 5?", True), ("To whom?", False)]


async def test_where_there_is_nobody_nothing_is_allowed() -> None:
    async with Alone([pay]) as bench:
        result = await bench.result(ToolCall("pay", {"euros": 5}))
    assert (result.ok, result.text) == (False, "pay was not run. The person said no.")


async def test_what_goes_wrong_is_a_result() -> None:
    async with Alone([steps]) as bench:
        assert "Did you mean steps?" in (await bench.result(ToolCall("step", {}))).text
        assert (await bench.result(ToolCall("steps", {}))).retry


async def test_leaving_ends_the_call() -> None:
    ended = anyio.Event()

    @tool
    async def endless(ctx: ToolContext) -> str:
        """Never ends."""
        try:
            await ctx.progress("here")
            await anyio.sleep_forever()
        finally:
            ended.set()
        return ""

    async with Alone([endless]) as bench:
        async with bench.calling(ToolCall("endless", {})) as told:
            assert await anext(told) == Progress("here")
        assert ended.is_set()


async def test_what_tools_share_is_open_from_call_to_call() -> None:
    opened: list[str] = []

    @resource
    async def shared() -> AsyncGenerator[list[str]]:
        opened.append("open")
        yield opened
        opened.append("closed")

    @tool
    async def use(log: Annotated[list[str], shared]) -> str:
        """Use it."""
        return f"{log}"

    async with Alone([use]) as bench:
        for _ in range(2):
            assert (await bench.result(ToolCall("use", {}))).text == "['open']"
    assert opened == ["open", "closed"]
