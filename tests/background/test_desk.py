"""The desk: what a reasoner may ask and tell, and what counts as leave."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from background import WorkerSettings, as_reasoner
from orchestrator.bundle import Bundle
from orchestrator.finding import Finding
from orchestrator.function_tool import tool
from orchestrator.ports import Desk, ToolCall, ToolContext
from tests.background.office import an_office


@pytest.mark.anyio
async def test_no_answer_in_time_is_a_no() -> None:
    @tool
    async def careful(ctx: ToolContext) -> str:
        """Asks first."""
        return "went on" if await ctx.approve("May I?") else "left it"

    async def agent(bundle: Bundle, desk: Desk) -> str:
        (result,) = await desk.call(ToolCall("careful", {}))
        return result.text

    async with an_office(as_reasoner(agent), [careful], settings=WorkerSettings(approval_s=0.02)) as office:
        await office.ask("go")
        question = await office.finding("question")
        assert (await office.answer()).text == "left it"
    assert question.text == "May I?"


@pytest.mark.anyio
async def test_a_tool_that_asks_gets_the_answer_of_the_person() -> None:
    @tool
    async def asking(ctx: ToolContext) -> str:
        """Asks."""
        return f"so {await ctx.ask('Which one?')}"

    async def agent(bundle: Bundle, desk: Desk) -> str:
        (result,) = await desk.call(ToolCall("asking", {}))
        return result.text

    async with an_office(as_reasoner(agent), [asking]) as office:
        await office.ask("go")
        question = await office.finding("question")
        await office.correct("the red one", answers=question.id)
        assert (await office.answer()).text == "so the red one"


@pytest.mark.anyio
async def test_a_terminal_finding_is_yielded_not_published() -> None:
    async def agent(bundle: Bundle, desk: Desk) -> AsyncIterator[Finding]:
        await desk.publish(Finding.partial("half"))
        with pytest.raises(ValueError, match="yield it"):
            await desk.publish(Finding.final("all"))
        assert 0 < desk.remaining_s <= 60
        yield Finding.final("whole")

    async with an_office(as_reasoner(agent)) as office:
        await office.ask("go")
        await office.answer()
    assert [item.text for item in office.findings] == ["half", "whole"]
