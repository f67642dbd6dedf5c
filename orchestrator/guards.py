"""Around every call: what a team wants looked at, refused, changed or written down, whatever the tool.

```python
async def audit(call, ctx, go_on):
    if call.name.startswith("order") and ctx.bundle.tainted:
        raise ToolFailed("Nothing is ordered after a page of the web was read.")
    async for chunk in go_on(call.arguments):
        yield chunk

Assistant(tools=guarded(shop, *bundled, by=audit))
```
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Protocol, TypeAlias, cast

import msgspec

from orchestrator.equipment import ToolLike, sorted_out
from orchestrator.errors import ConfigError
from orchestrator.tool_port import (
    Checking,
    OpenTools,
    Progress,
    Reread,
    Result,
    Tool,
    ToolCall,
    ToolContext,
    ToolInfo,
    ToolSource,
)

__all__ = ["GoOn", "Guard", "guarded"]

GoOn: TypeAlias = Callable[[Mapping[str, Any]], AsyncIterator[Progress | Result]]
"""Makes the call, with these arguments. May be called once, several times, or never."""


class Guard(Protocol):
    """An async generator function that stands around the calls of tools.

    It runs once the arguments have been checked and leave was given, within the limits of the tool, and has the tool's
    context. What it yields is what comes of the call: progress, and one result. It refuses with `ToolFailed` (tell the
    model), or `ToolRetry` (the model may mend its arguments).
    """

    def __call__(self, call: ToolCall, context: ToolContext, go_on: GoOn, /) -> AsyncIterator[Progress | Result]: ...


def guarded(*given: ToolLike, by: Guard | Sequence[Guard]) -> list[ToolLike]:
    """The same tools, toolboxes and sources, with all their calls going through `by`; of several, the first is the
    outermost.

    What an inner call marks as untrusted stays so, whatever a guard makes of it: else one that shortens a page would
    clear it of its taint.

    Raises:
        ConfigError: `by` is no guard.
        ToolDefinitionError: something in `given` cannot become a tool.
    """
    guards = tuple(by) if isinstance(by, Sequence) else (by,)
    for guard in guards:
        if not callable(guard) or inspect.iscoroutinefunction(guard):
            raise ConfigError(
                f"{guard!r} cannot stand around calls",
                "a guard is an async generator function of (call, context, go_on): one that yields",
                "see docs/tools.md, Around every call",
            )
    tools, sources = sorted_out(given)
    return [*(_around(tool, guards) for tool in tools), *(_GuardedSource(source, guards) for source in sources)]


def _around(tool: Tool, guards: tuple[Guard, ...]) -> Tool:
    for guard in reversed(guards):
        tool = _Guarded(tool, guard)
    return tool


class _Guarded:
    """A tool with one guard around it."""

    def __init__(self, tool: Tool, guard: Guard) -> None:
        self._tool = tool
        self._guard = guard

    def __repr__(self) -> str:
        return f"<tool {self._tool.info.name}, guarded>"

    @property
    def info(self) -> ToolInfo:
        return self._tool.info

    def check(self, arguments: Mapping[str, Any]) -> None:
        if isinstance(self._tool, Checking):
            self._tool.check(arguments)

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncGenerator[Progress | Result]:
        tainted = False
        async with AsyncExitStack() as stack:

            def begun(chunks: AsyncIterator[Progress | Result]) -> AsyncIterator[Progress | Result]:
                # A guard that is stopped in the middle leaves its calls behind: they end with it, the last first.
                if (close := getattr(chunks, "aclose", None)) is not None:
                    stack.push_async_callback(close)
                return chunks

            async def going_on(arguments: Mapping[str, Any]) -> AsyncGenerator[Progress | Result]:
                nonlocal tainted
                async for chunk in begun(self._tool.call(arguments, context)):
                    tainted = tainted or chunk.untrusted
                    yield chunk

            call = ToolCall(self.info.name, dict(arguments))
            async for chunk in begun(self._guard(call, context, lambda given: begun(going_on(given)))):
                yield msgspec.structs.replace(chunk, untrusted=True) if tainted and not chunk.untrusted else chunk


class _GuardedSource:
    """A source whose tools are guarded."""

    def __init__(self, source: ToolSource, guards: tuple[Guard, ...]) -> None:
        self._source = source
        self._guards = guards

    def __repr__(self) -> str:
        return f"<{self._source!r}, guarded>"

    @property
    def name(self) -> str:
        return self._source.name

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[OpenTools]:
        async with self._source.open() as opened:
            yield (_GuardedFile if isinstance(opened, Reread) else _GuardedTools)(opened, self._guards)


class _GuardedTools:
    """The tools of an open source. One that was guarded before is the same object: a task may hold on to it."""

    def __init__(self, opened: OpenTools, guards: tuple[Guard, ...]) -> None:
        self._opened = opened
        self._guards = guards
        self._known: dict[int, tuple[Tool, Tool]] = {}

    @property
    def tools(self) -> Sequence[Tool]:
        now = self._opened.tools
        self._known = {id(tool): self._known.get(id(tool)) or (tool, _around(tool, self._guards)) for tool in now}
        return [guarded for _, guarded in self._known.values()]

    @property
    def problem(self) -> str:
        return self._opened.problem

    async def changed(self) -> None:
        await self._opened.changed()


class _GuardedFile(_GuardedTools):
    """The same of a file that is read again."""

    @property
    def spec(self) -> str:
        return self._read.spec

    @property
    def readings(self) -> int:
        return self._read.readings

    @property
    def _read(self) -> Reread:
        return cast("Reread", self._opened)
