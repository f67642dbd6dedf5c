"""The scripted tool keeps its script, in time and in order."""

from __future__ import annotations

import anyio
import pytest

from orchestrator.errors import ConfigError, ToolFailed
from orchestrator.ports import Progress, Result
from orchestrator.testing.scripted_tool import ScriptedTool, Step
from orchestrator.testing.tool_checks import AloneContext, check_tool


@pytest.mark.anyio
async def test_steps_come_at_their_time_from_the_start_of_the_call() -> None:
    made = ScriptedTool("lookup", "Look it up.", [Step(20, progress="half way"), Step(50, result="It is 42.")])
    started = anyio.current_time()
    seen: list[tuple[object, float]] = []
    async for chunk in made.call({"query": "life"}, AloneContext()):
        seen.append((chunk, anyio.current_time() - started))
        await anyio.sleep(0.015)  # what a caller does between two steps does not push the next one back
    assert [chunk for chunk, _ in seen] == [Progress("half way"), Result("It is 42.")]
    # A loaded machine may be late, but never early.
    assert seen[0][1] >= 0.019
    assert seen[1][1] >= 0.049
    assert made.calls == [{"query": "life"}]


@pytest.mark.anyio
async def test_an_error_is_a_failure_of_the_tool() -> None:
    made = ScriptedTool("lookup", "Look it up.", [Step(error="the line is dead")])
    with pytest.raises(ToolFailed, match="the line is dead"):
        async for _ in made.call({}, AloneContext()):
            pass


@pytest.mark.anyio
async def test_it_keeps_the_contract_of_a_tool() -> None:
    made = ScriptedTool("lookup", "Look it up.", [Step(5, progress="..."), Step(10, result="found")])
    assert await check_tool(made, {"query": "x"}) == Result("found")


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [Step(10, progress="for ever")],
        [Step(10, result="one"), Step(20, result="two")],
        [Step(10)],
        [Step(10, progress="both", result="both")],
        [Step(20, progress="later"), Step(10, result="earlier")],
        [Step(-1, result="too early")],
    ],
)
def test_a_script_that_cannot_be_followed_is_refused(steps: list[Step]) -> None:
    with pytest.raises(ConfigError, match="cannot be followed"):
        ScriptedTool("lookup", "Look it up.", steps)
