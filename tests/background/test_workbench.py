"""The workbench: exactly one result a call, in call order, whatever a tool does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import anyio
import msgspec
import pytest

from background.outputs import shortened
from background.workbench import Workbench
from orchestrator.bundle import Budget, Bundle
from orchestrator.errors import ConfigError, ToolFailed, ToolRetry
from orchestrator.finding import Source
from orchestrator.function_tool import tool
from orchestrator.ports import Progress, Result, ToolCall, ToolContext
from tests.background.task_host import Host, one, tools_of

pytestmark = pytest.mark.anyio


@tool
async def echo(text: str) -> str:
    """Say it again."""
    return text


async def test_results_come_in_call_order_not_in_the_order_of_finishing() -> None:
    second_done = anyio.Event()

    @tool
    async def slow() -> str:
        """Waits for the other."""
        await second_done.wait()
        return "slow"

    @tool
    async def quick() -> str:
        """Lets the other go."""
        second_done.set()
        return "quick"

    results = await tools_of(slow, quick).call(ToolCall("slow", {}), ToolCall("quick", {}))
    assert [result.text for result in results] == ["slow", "quick"]


async def test_an_unknown_name_gets_near_ones() -> None:
    result = await one(tools_of(echo), "ecko")
    assert (result.ok, result.retry) == (False, True)
    assert "echo" in result.text


async def test_only_what_the_bundle_allows_can_be_called() -> None:
    @tool
    async def other() -> str:
        """Something else."""
        return "other"

    tools = tools_of(echo, other, host=Host(Bundle("s-1", "s", "task", tools=("other",))))
    assert [info.name for info in tools.infos] == ["other"]
    assert not (await one(tools, "echo", text="a")).ok
    assert (await one(tools, "other")).text == "other"


@pytest.mark.parametrize(
    ("raised", "ok", "retry", "says"),
    [
        (ToolRetry("no such city", "", "name another"), False, True, "no such city"),
        (ToolFailed("the shop is closed"), False, False, "the shop is closed"),
        (KeyError("secret"), False, False, "fault in the tool"),
    ],
)
async def test_what_a_tool_raises_becomes_a_result(
    raised: Exception, ok: bool, retry: bool, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    @tool
    async def raising() -> str:
        """Raises."""
        raise raised

    result = await one(tools_of(raising), "raising")
    assert (result.ok, result.retry) == (ok, retry)
    assert says in result.text
    assert "secret" not in result.text
    assert ("secret" in caplog.text) == isinstance(raised, KeyError), "only a bug is logged with its trace"


async def test_wrong_arguments_are_told_to_the_model() -> None:
    result = await one(tools_of(echo), "echo", txt="a")
    assert (result.ok, result.retry) == (False, True)
    assert "text" in result.text


async def test_a_tool_that_cancels_itself_takes_nobody_with_it() -> None:
    @tool
    async def suicidal() -> str:
        """Cancels itself, as a library may do."""
        raise asyncio.CancelledError

    results = await tools_of(suicidal, echo).call(ToolCall("suicidal", {}), ToolCall("echo", {"text": "alive"}))
    assert [(result.ok, result.text) for result in results][1] == (True, "alive")
    assert not results[0].ok


async def test_a_time_out_ends_the_one_call() -> None:
    @tool(timeout=0.02)
    async def endless() -> str:
        """Never ends."""
        await anyio.sleep_forever()
        return ""

    results = await tools_of(endless, echo).call(ToolCall("endless", {}), ToolCall("echo", {"text": "fine"}))
    assert "0.02 seconds" in results[0].text
    assert [result.ok for result in results] == [False, True]


async def test_silence_ends_a_call_and_progress_keeps_it_alive() -> None:
    @tool(idle_timeout=0.05, timeout=None)
    async def falls_silent(ctx: ToolContext) -> AsyncGenerator[str]:
        """Tells twice, then nothing more."""
        await ctx.progress("one")
        yield "two"
        await anyio.sleep_forever()
        yield "never"

    host = Host()
    result = await one(tools_of(falls_silent, host=host), "falls_silent")
    assert "silent for 0.05 seconds" in result.text
    assert [text for text, _, _ in host.reports] == ["one", "two"]


async def test_the_clocks_stand_still_while_the_person_is_asked() -> None:
    @tool(timeout=0.05, idle_timeout=0.05)
    async def asks(ctx: ToolContext) -> str:
        """Asks."""
        return await ctx.ask("Where?")

    host = Host()
    results: list[Result] = []

    async def call() -> None:
        results.append(await one(tools_of(asks, host=host), "asks"))

    async with anyio.create_task_group() as group:
        group.start_soon(call)
        # Longer than both limits: this is the one thing here that has to take its time to show anything.
        await anyio.sleep(0.15)
        host.answer.set()
    assert [(result.ok, result.text) for result in results] == [(True, "Paris")]


async def test_progress_goes_out_on_the_channel_of_the_tool() -> None:
    @tool(channel="thinking")
    async def quiet() -> AsyncGenerator[str]:
        """Thinks."""
        yield "hm"
        yield "done"

    host = Host()
    assert (await one(tools_of(quiet, host=host), "quiet")).text == "done"
    assert host.reports == [("hm", "thinking", "quiet")]


async def test_no_more_at_once_than_its_concurrency() -> None:
    inside = most = 0

    @tool(concurrency=2)
    async def counted() -> str:
        """Counts who is in."""
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
        inside -= 1
        return ""

    # The limit is the worker's: it holds across tasks.
    workbench = Workbench([counted])
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(workbench.for_task(Host()).call, ToolCall("counted", {}), ToolCall("counted", {}))
    assert most == 2


async def test_long_output_keeps_its_head_and_tail() -> None:
    @tool(max_output_chars=30)
    async def long() -> str:
        """Says much."""
        return "a" * 500 + "the end"

    text = (await one(tools_of(long), "long")).text
    assert text.startswith("aaaa")
    assert text.endswith("the end")
    assert "477 characters left out" in text
    assert shortened("short", 30) == "short"


@pytest.mark.parametrize(("idempotent", "runs"), [(True, 3), (False, 1)])
async def test_only_what_may_be_repeated_is_tried_again(
    idempotent: bool, runs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("background.calling.FIRST_PAUSE_S", 0.0)
    tried: list[int] = []

    @tool(retries=2, idempotent=idempotent)
    async def shaky() -> str:
        """Works at the third time."""
        tried.append(1)
        if len(tried) < 3:
            raise ToolFailed("not now")
        return "at last"

    result = await one(tools_of(shaky), "shaky")
    assert len(tried) == runs
    assert result.ok == idempotent


async def test_a_wrong_call_is_the_models_to_mend_and_is_not_repeated() -> None:
    tried: list[int] = []

    @tool(retries=5)
    async def picky() -> str:
        """Wants something else."""
        tried.append(1)
        raise ToolRetry("not like this")

    assert (await one(tools_of(picky), "picky")).retry
    assert len(tried) == 1


@pytest.mark.parametrize("leave", ["yes", "no"])
async def test_what_needs_leave_asks_for_it(leave: str) -> None:
    @tool(needs_approval=True)
    async def order(dish: str) -> str:
        """Order something."""
        return f"ordered {dish}"

    host = Host(leave=leave)
    result = await one(tools_of(order, host=host), "order", dish="soup")
    assert host.asked == ["May I run order with dish soup?"]
    assert result.ok == (leave == "yes")


async def test_a_tainted_task_needs_leave_for_what_has_effects() -> None:
    @tool(idempotent=False)
    async def pay() -> str:
        """Pay."""
        return "paid"

    host = Host(Bundle("s-1", "s", "task", tainted=True), leave="no")
    assert not (await one(tools_of(pay, host=host), "pay")).ok
    assert host.asked
    assert (await one(tools_of(pay), "pay")).ok, "without taint nobody is asked"


async def test_the_same_call_again_may_reuse_its_result() -> None:
    tried: list[str] = []

    @tool(on_duplicate="reuse")
    async def costly(what: str) -> str:
        """Costs much."""
        tried.append(what)
        return f"{what}!"

    tools = tools_of(costly)
    calls = [ToolCall("costly", {"what": what}) for what in ("a", "b", "a")]
    assert [result.text for result in await tools.call(*calls)] == ["a!", "b!", "a!"]
    assert (await one(tools, "costly", what="a")).text == "a!"
    assert sorted(tried) == ["a", "b"]


async def test_the_budget_of_calls_is_kept() -> None:
    bundle = msgspec.structs.replace(Bundle("s-1", "s", "task"), budget=Budget(tool_calls=2))
    tools = tools_of(echo, host=Host(bundle))
    results = await tools.call(*[ToolCall("echo", {"text": str(number)}) for number in range(3)])
    assert [result.ok for result in results] == [True, True, False]
    assert "2 tool calls" in results[2].text


async def test_the_result_of_a_tool_passes_as_it_is() -> None:
    @tool
    async def found() -> Result:
        """Find."""
        return Result("here", data={"n": 1}, sources=(Source("a file", "a.py:3"),))

    assert await one(tools_of(found), "found") == Result("here", data={"n": 1}, sources=(Source("a file", "a.py:3"),))


async def test_a_port_that_ends_without_a_result_gets_one() -> None:
    class Silent:
        info = msgspec.structs.replace(echo.info, name="silent")

        async def call(self, arguments: object, context: ToolContext) -> AsyncGenerator[Progress | Result]:
            yield Progress("hm")

    result = await one(tools_of(Silent()), "silent")
    assert not result.ok
    assert "without a result" in result.text


async def test_the_end_of_the_task_ends_its_calls() -> None:
    stopped = anyio.Event()

    @tool
    async def endless() -> str:
        """Never ends."""
        try:
            await anyio.sleep_forever()
        finally:
            stopped.set()
        return ""

    with anyio.move_on_after(0.01) as scope:
        await one(tools_of(endless), "endless")
    assert scope.cancelled_caught
    assert stopped.is_set()


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError):
        Workbench([echo, echo])
