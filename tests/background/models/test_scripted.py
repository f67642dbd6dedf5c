"""The public double fails when it was not played to its end."""

from __future__ import annotations

import pytest

from background.models.scripted import ScriptedReasoner
from orchestrator.finding import Finding
from orchestrator.function_tool import tool
from orchestrator.ports import ToolCall
from tests.background.office import an_office


@tool
async def double(number: int) -> int:
    """Twice the number."""
    return 2 * number


@pytest.mark.anyio
async def test_it_plays_one_script_a_task_and_keeps_what_it_saw() -> None:
    script = ScriptedReasoner([ToolCall("double", {"number": 4}), Finding.final("8")], [Finding.final("next")])
    async with an_office(script, [double]) as office:
        await office.ask("one")
        assert (await office.answer()).text == "8"
        with pytest.raises(AssertionError, match="1 scripts were not begun"):
            script.assert_complete()
        await office.ask("two", number=2)
        assert (await office.answer()).text == "next"
        script.assert_complete()
        await office.ask("three", number=3)
        assert (await office.answer()).kind == "error", "there is no script for a third task"
    assert [result.data for result in script.results] == [8]
    assert [bundle.task for bundle in script.bundles] == ["one", "two"]


@pytest.mark.anyio
async def test_steps_after_the_answer_are_missed() -> None:
    script = ScriptedReasoner([Finding.final("early"), Finding.partial("late")])
    async with an_office(script) as office:
        await office.ask("one")
        await office.answer()
    with pytest.raises(AssertionError, match="1 steps were not played"):
        script.assert_complete()
