"""Tools without a task: for a command line, a server of another protocol, a test. Within all their limits all the same.

```python
async with Alone(tools) as bench, bench.calling(ToolCall("trains", {"start": "Paris", "end": "Lyon"})) as steps:
    async for step in steps:  # `Progress` while it works, and the one `Result` at the end
        ...
```
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Protocol, Self

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from background.taint import Taint
from background.workbench import Workbench
from orchestrator.bundle import Bundle
from orchestrator.finding import Channel
from orchestrator.ports import Begun, Progress, Result, Steps, Tool, ToolCall, ToolInfo, ToolSource
from orchestrator.resources import Resources

__all__ = ["Alone", "Nobody", "Person"]

APPROVAL_S = 60.0


class Person(Protocol):
    """Whoever answers what a tool asks."""

    async def ask(self, question: str, *, leave: bool) -> str:
        """The answer to a question. `leave`: it asks whether something may be done; what is not a yes is a no."""
        ...


class Nobody:
    """There is nobody to ask: every question for leave is answered with a no, any other with nothing."""

    async def ask(self, question: str, *, leave: bool) -> str:
        """`no`, or empty."""
        return "no" if leave else ""


class Alone:
    """Runs tools. An async context manager: what they share is open meanwhile.

    Raises `ConfigError` where two tools have one name.
    """

    def __init__(
        self, tools: Sequence[Tool], *, sources: Sequence[ToolSource] = (), approval_s: float = APPROVAL_S
    ) -> None:
        self._resources = Resources()
        self._tools = tuple(tools)
        self._sources = tuple(sources)
        self._workbench = Workbench(tools, resources=self._resources)
        self._approval_s = approval_s
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._resources)
            opened = [await stack.enter_async_context(source.open()) for source in self._sources]
            self._workbench = Workbench(self._tools, sources=opened, resources=self._resources)
            self._open = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.__aexit__(kind, error, trace)

    @property
    def infos(self) -> tuple[ToolInfo, ...]:
        """What there is to call now; what the sources have is there while it is open."""
        return tuple(tool.info for tool in self._workbench.tools.values())

    @asynccontextmanager
    async def calling(
        self, call: ToolCall, person: Person | None = None
    ) -> AsyncGenerator[MemoryObjectReceiveStream[Progress | Result]]:
        """Run a call. The stream gives what it tells, as it comes, and ends with the one `Result`. Leaving ends the
        call."""
        told, steps = anyio.create_memory_object_stream[Progress | Result](float("inf"))
        host = _Host(person or Nobody(), told, self._approval_s)

        async def run() -> None:
            with told:
                (result,) = await self._workbench.for_task(host).call(call)
                await told.send(result)

        with steps:
            async with anyio.create_task_group() as group:
                group.start_soon(run)
                yield steps
                group.cancel_scope.cancel()

    async def result(self, call: ToolCall, person: Person | None = None) -> Result:
        """Run a call and give what it came to."""
        last: Progress | Result = Result("", ok=False)
        async with self.calling(call, person) as steps:
            async for step in steps:
                last = step
        assert isinstance(last, Result), "every call has one result, and that last"
        return last


class _Host:
    """A task that is none."""

    def __init__(self, person: Person, told: MemoryObjectSendStream[Progress | Result], approval_s: float) -> None:
        self._person = person
        self._told = told
        self.bundle = Bundle("alone-1", "alone", "")
        self.attempt = 1
        self.remaining_s = float("inf")
        self.approval_s = approval_s
        self.taint = Taint()

    async def report(self, text: str, *, channel: Channel, lane: str) -> None:
        await self._told.send(Progress(text))

    async def ask(self, question: str, *, approves: str = "") -> str:
        return await self._person.ask(question, leave=bool(approves))

    async def begin(self, step: str) -> Begun:
        return Begun("new")

    async def complete(self, step: str, outcome: bytes) -> None:
        """Nobody will take this up again."""

    async def earlier_steps(self) -> Steps:
        return Steps()
