"""What every tool must do as a worker runs it: within limits, beside others, and not without leave."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import anyio
import msgspec

from orchestrator.tool_port import Progress, Result, Tool, ToolCall, ToolContext, ToolInfo

__all__ = ["check_run"]

SHORT_S: Final = 0.01
SHORT_CHARS: Final = 40
AT_ONCE: Final = 3


class _Counted:
    """The tool with other limits and the context of the check, and how often it was called."""

    def __init__(self, tool: Tool, context: ToolContext, **limits: Any) -> None:
        self._tool = tool
        self._context = context
        self._info = msgspec.structs.replace(tool.info, limits=msgspec.structs.replace(tool.info.limits, **limits))
        self.calls = 0

    @property
    def info(self) -> ToolInfo:
        return self._info

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncIterator[Progress | Result]:
        self.calls += 1
        chunks = self._tool.call(arguments, self._context)
        try:
            async for chunk in chunks:
                yield chunk
        finally:
            close = getattr(chunks, "aclose", None)
            if close is not None:
                await close()


async def check_run(tool: Tool, arguments: Mapping[str, Any], context: ToolContext, patience_s: float) -> None:
    """Run it as a worker does. Raises `AssertionError`."""
    await _check_time(_Counted(tool, context, needs_approval=False, timeout=SHORT_S), arguments, patience_s)
    await _check_output(_Counted(tool, context, needs_approval=False, max_output_chars=SHORT_CHARS), arguments)
    await _check_beside(_Counted(tool, context, needs_approval=False, concurrency=AT_ONCE), arguments)
    await _check_leave(_Counted(tool, context, needs_approval=True), arguments)


async def _results(tool: Tool, *calls: ToolCall) -> list[Result]:
    """What each comes to; each has exactly one result, and that last."""
    # Only the composition root knows who runs tools.
    from orchestrator.simulation import running

    found: list[Result] = []
    async with running([tool]) as bench:

        async def run(call: ToolCall) -> None:
            async with bench.calling(call) as steps:
                told = [step async for step in steps]
            ends = [step for step in told if isinstance(step, Result)]
            assert len(ends) == 1, f"a call of {call.name} has {len(ends)} results"
            assert told[-1] is ends[0], f"{call.name} goes on after its result"
            found.append(ends[0])

        # A handle is known to the task whose call it came from, so these go one after the other.
        async with anyio.create_task_group() as group:
            for call in calls:
                group.start_soon(run, call)
    return found


async def _check_time(tool: _Counted, arguments: Mapping[str, Any], patience_s: float) -> None:
    started = anyio.current_time()
    await _results(tool, ToolCall(tool.info.name, arguments))
    took = anyio.current_time() - started
    assert took <= SHORT_S + patience_s, f"{tool.info.name} went on for {took:.1f} s after its time-out"


async def _check_output(tool: _Counted, arguments: Mapping[str, Any]) -> None:
    (result,) = await _results(tool, ToolCall(tool.info.name, arguments))
    assert result.ok, f"{tool.info.name} failed as a worker runs it: {result.text}"
    cut = "characters left out" in result.text
    assert cut == bool(result.rest), f"the output of {tool.info.name} is cut, and cannot be read on"


async def _check_beside(tool: _Counted, arguments: Mapping[str, Any]) -> None:
    results = await _results(tool, *[ToolCall(tool.info.name, arguments)] * AT_ONCE)
    failed = [result.text for result in results if not result.ok]
    assert not failed, f"{tool.info.name} fails where {AT_ONCE} calls of it run at once: {failed[0]}"


async def _check_leave(tool: _Counted, arguments: Mapping[str, Any]) -> None:
    (result,) = await _results(tool, ToolCall(tool.info.name, arguments))
    assert not result.ok, f"{tool.info.name} succeeded though nobody gave leave"
    assert not tool.calls, f"{tool.info.name} was called though nobody gave leave"
