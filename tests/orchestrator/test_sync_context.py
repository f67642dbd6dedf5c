"""The context of a tool in a thread: it reaches the loop, and learns when nobody waits any more."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import anyio
import anyio.to_thread
import pytest

from orchestrator.function_tool import tool
from orchestrator.ports import Result, SyncToolContext, Tool, ToolContext
from orchestrator.testing.tool_checks import AloneContext

pytestmark = pytest.mark.anyio


async def test_a_sync_tool_reaches_its_context_from_its_thread() -> None:
    @tool
    def slow(n: int, ctx: SyncToolContext) -> str:
        for step in range(n):
            ctx.progress(f"step {step}")
        ctx.check_cancelled()
        leave = ctx.approve("May I?")
        return f"{ctx.ask('Which?')} {leave} {ctx.bundle.id} {ctx.remaining_s:.0f} {ctx.cancelled}"

    context = AloneContext(answers=["this one"])
    assert [chunk async for chunk in slow.call({"n": 2}, context)] == [Result("this one True alone-1 60 False")]
    assert context.told == ["step 0", "step 1"]
    assert context.asked == ["May I?", "Which?"]


@pytest.mark.parametrize("does", ["looks", "checks", "tells", "asks"])
async def test_a_sync_tool_that_was_cancelled_learns_of_it(does: str) -> None:
    begun, cancelled, ended = threading.Event(), threading.Event(), threading.Event()
    went_on: list[str] = []

    @tool
    def long(ctx: SyncToolContext) -> str:
        try:
            begun.set()
            if does == "asks":
                ctx.ask("Well?")  # and is cancelled meanwhile
            cancelled.wait(10)
            match does:
                case "looks":
                    if not ctx.cancelled:
                        went_on.append("not told")
                    return ""
                case "checks":
                    ctx.check_cancelled()
                case _:
                    ctx.progress("still here")
            went_on.append("not stopped")
            return ""
        except Exception:
            went_on.append("caught what is not to be caught")
            raise
        finally:
            ended.set()

    class Deaf(AloneContext):
        async def ask(self, question: str) -> str:
            await anyio.sleep_forever()
            return question

    async with anyio.create_task_group() as group:
        group.start_soon(_drain, long, Deaf())
        await anyio.to_thread.run_sync(begun.wait)
        group.cancel_scope.cancel()
    cancelled.set()
    assert await anyio.to_thread.run_sync(ended.wait, 10)
    assert went_on == []


async def _drain(made: Tool, context: ToolContext) -> None:
    async for _ in made.call({}, context):
        pass


@pytest.mark.parametrize("kind", ["function", "generator"])
async def test_progress_of_a_sync_tool_ends_with_its_call(kind: str) -> None:
    kept: list[SyncToolContext] = []

    @tool
    def function(ctx: SyncToolContext) -> str:
        kept.append(ctx)
        return "done"

    @tool
    def generator(ctx: SyncToolContext) -> Iterator[str]:
        kept.append(ctx)
        ctx.progress("one")
        yield "two"
        yield "done"

    context = AloneContext()
    made: Tool = function if kind == "function" else generator
    *_, last = [chunk async for chunk in made.call({}, context)]
    assert last == Result("done")
    assert kept[0].cancelled
    assert kept[0].remaining_s == 0.0
    with pytest.raises(BaseException) as raised:
        kept[0].progress("too late")
    assert not isinstance(raised.value, Exception)
