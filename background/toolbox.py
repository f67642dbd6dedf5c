"""Runs tools within their limits. What goes wrong in a tool becomes a `Result`; it never becomes an exception.

Law: every call gets exactly one `Result`, in the order of the calls: after a failure, a time-out, a tool that cancels
itself, an unknown name. Only the end of the whole task (its deadline, its cancellation) ends `call` without results.

A tool that is not idempotent runs once for what the task wants of it, whatever happens to the worker: see `record`. A
task that was delivered again (attempt 2 and on) and makes the same call again gets the outcome that is written down; it
hears "outcome unknown" where the call was interrupted in the middle, and what was done where an earlier attempt made it
with other arguments. What no attempt had reached runs.
"""

from __future__ import annotations

import difflib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Final, Protocol, TypeVar

import anyio

from background.record import Record, StepHost, canonical, said_with
from orchestrator.bundle import Bundle
from orchestrator.errors import ClaimLost, ConfigError, ToolFailed, ToolRetry
from orchestrator.finding import Channel
from orchestrator.ports import Progress, Resource, Result, Tool, ToolCall, ToolInfo, ToolLimits

__all__ = ["TaskTools", "ToolHost", "Toolbox", "shortened"]

_log = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 5.0

T = TypeVar("T")


class ToolHost(StepHost, Protocol):
    """What the toolbox needs of the task whose tools it runs."""

    @property
    def bundle(self) -> Bundle: ...

    @property
    def remaining_s(self) -> float: ...

    async def report(self, text: str, *, channel: Channel, lane: str) -> None:
        """Tell what a tool does. `lane` names the tool: progress of one does not push out that of another."""
        ...

    async def ask(self, question: str) -> str: ...

    async def approve(self, question: str) -> bool: ...


class Toolbox:
    """The tools of a worker. Holds what is counted across tasks: how many calls of a tool run at once."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        """Raises `ConfigError` when two tools have one name."""
        twice = [name for name, times in Counter(tool.info.name for tool in tools).items() if times > 1]
        if twice:
            raise ConfigError(
                f"two tools are called {twice[0]!r}", "a call names its tool, so each needs its own name", "rename one"
            )
        self._tools = {tool.info.name: tool for tool in tools}
        self._gates = {
            tool.info.name: anyio.Semaphore(tool.info.limits.concurrency)
            for tool in tools
            if tool.info.limits.concurrency is not None
        }

    def for_task(self, host: ToolHost) -> TaskTools:
        """The tools that this task may use."""
        allowed = host.bundle.tools
        tools = {name: tool for name, tool in self._tools.items() if not allowed or name in allowed}
        return TaskTools(host, tools, self._gates)


class TaskTools:
    """The tools of one task: counts its calls, and knows what `on_duplicate="reuse"` has already brought."""

    def __init__(self, host: ToolHost, tools: Mapping[str, Tool], gates: Mapping[str, anyio.Semaphore]) -> None:
        self._host = host
        self._tools = tools
        self._gates = gates
        self._calls = 0
        self._reusable: dict[str, Result] = {}
        self._running: dict[str, anyio.Event] = {}
        self._record = Record(host)

    @property
    def infos(self) -> tuple[ToolInfo, ...]:
        """What the models are told of these tools."""
        return tuple(tool.info for tool in self._tools.values())

    async def call(self, *calls: ToolCall) -> tuple[Result, ...]:
        """Run calls side by side; results in call order, exactly one each.

        Raises `ClaimLost` when the task has gone to another worker, and with it the right to do what must not be done
        twice.
        """
        # All of them before any of them: what this attempt asks for must not depend on which is quicker.
        steps = [self._step(call) for call in calls]
        if len(calls) == 1:
            return (await self._one(calls[0], steps[0]),)
        results: dict[int, Result] = {}
        lost: list[ClaimLost] = []

        async def run(place: int) -> None:
            try:
                results[place] = await self._one(calls[place], steps[place])
            except ClaimLost as error:
                lost.append(error)
                group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            for place in range(len(calls)):
                group.start_soon(run, place)
        if lost:
            raise lost[0]
        return tuple(results[place] for place in range(len(calls)))

    def _step(self, call: ToolCall) -> str:
        tool = self._tools.get(call.name)
        return "" if tool is None or tool.info.limits.idempotent else self._record.step(call)

    async def _one(self, call: ToolCall, step: str) -> Result:
        tool = self._tools.get(call.name)
        if tool is None:
            return _unknown(call.name, list(self._tools))
        if tool.info.limits.on_duplicate == "run":
            return await self._once(tool, call, step)
        key = canonical(call)
        while key in self._running:
            await self._running[key].wait()
        if key not in self._reusable:
            done = self._running[key] = anyio.Event()
            try:
                result = await self._once(tool, call, step)
                if not result.ok:
                    return result
                self._reusable[key] = result
            finally:
                del self._running[key]
                done.set()
        return self._reusable[key]

    async def _once(self, tool: Tool, call: ToolCall, step: str) -> Result:
        """The call, unless an earlier attempt has made it. `step` is empty for what may be done again."""
        # Before leave is asked for: what has been done needs none any more.
        known = await self._record.known(call, step) if step else None
        return known or await self._counted(tool, call, step)

    async def _counted(self, tool: Tool, call: ToolCall, step: str) -> Result:
        budget = self._host.bundle.budget.tool_calls
        if budget is not None and self._calls >= budget:
            return Result(f"This task has used up its {budget} tool calls; {call.name} was not run.", ok=False)
        self._calls += 1
        if not await self._allowed(tool.info, call):
            return Result(f"The person did not give leave to run {call.name}, so it was not run.", ok=False)
        async with AsyncExitStack() as stack:
            gate = self._gates.get(call.name)
            if gate is not None:
                await stack.enter_async_context(gate)
            if not step:
                return await self._tried(tool, call)
            known = await self._record.begin(call, step)
            if known is None:
                known = await self._tried(tool, call)
                await self._record.complete(step, known)
            return known

    async def _allowed(self, info: ToolInfo, call: ToolCall) -> bool:
        # Untrusted text may have talked the reasoner into this call, so what has effects then needs a person's word.
        if not info.limits.needs_approval and (info.limits.idempotent or not self._host.bundle.tainted):
            return True
        details = said_with(call.arguments)
        return await self._host.approve(f"May I run {info.name}{f' with {details}' if details else ''}?")

    async def _tried(self, tool: Tool, call: ToolCall) -> Result:
        limits = tool.info.limits
        pause = FIRST_PAUSE_S
        for _ in range(limits.retries if limits.idempotent else 0):
            try:
                return await self._run(tool, call)
            except ToolFailed as error:
                _log.info("%s failed and is tried again: %s", call.name, error.what)
            await anyio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)
        try:
            return await self._run(tool, call)
        except ToolFailed as error:
            return Result(str(error), ok=False)

    async def _run(self, tool: Tool, call: ToolCall) -> Result:
        """One run. Raises `ToolFailed` only."""
        limits = tool.info.limits
        context = _CallContext(self._host, call.name, limits)
        result: Result | None = None
        with context.idle, context.total:
            try:
                result = await _last(tool.call(call.arguments, context), context)
            except ToolFailed:
                raise
            except ToolRetry as error:
                return Result(str(error), ok=False, retry=True)
            except anyio.get_cancelled_exc_class():
                if anyio.current_effective_deadline() == float("-inf"):
                    raise
                _log.warning("%s cancelled itself", call.name)  # which would otherwise look like the end of the task
                return Result(f"{call.name} was broken off before it came to a result.", ok=False)
            except Exception:
                _log.exception("%s failed with a bug", call.name)
                return Result(f"{call.name} failed because of a fault in the tool itself.", ok=False)
        if result is None:
            if context.total.cancelled_caught:
                return Result(f"{call.name} took longer than {limits.timeout:g} seconds and was stopped.", ok=False)
            if context.idle.cancelled_caught:
                return Result(f"{call.name} was silent for {limits.idle_timeout:g} seconds and was stopped.", ok=False)
            _log.error("%s ended without a result", call.name)
            return Result(f"{call.name} ended without a result.", ok=False)
        text = shortened(result.text, limits.max_output_chars)
        return Result(text, data=result.data, sources=result.sources, ok=result.ok, retry=result.retry)


class _CallContext:
    """What one running call may ask for. Its clocks stand still while the person is asked: people take their time."""

    def __init__(self, host: ToolHost, name: str, limits: ToolLimits) -> None:
        self._host = host
        self._name = name
        self._limits = limits
        self._asking = 0
        self._left_s = float("inf")
        self.total = anyio.CancelScope(deadline=_deadline(limits.timeout))
        self.idle = anyio.CancelScope(deadline=_deadline(limits.idle_timeout))

    @property
    def bundle(self) -> Bundle:
        return self._host.bundle

    @property
    def remaining_s(self) -> float:
        return min(self._host.remaining_s, max(0.0, self.total.deadline - anyio.current_time()))

    async def progress(self, text: str) -> None:
        if not self._asking:
            self.idle.deadline = _deadline(self._limits.idle_timeout)
        await self._host.report(text, channel=self._limits.channel, lane=self._name)

    async def ask(self, question: str) -> str:
        return await self._waiting_for(self._host.ask(question))

    async def approve(self, question: str) -> bool:
        return await self._waiting_for(self._host.approve(question))

    async def use(self, resource: Resource[T]) -> T:
        raise ToolFailed(f"{resource.name} cannot be opened here.")

    async def _waiting_for(self, answer: Awaitable[T]) -> T:
        if not self._asking:
            self._left_s = self.total.deadline - anyio.current_time()
            self.total.deadline = self.idle.deadline = float("inf")
        self._asking += 1
        try:
            return await answer
        finally:
            self._asking -= 1
            if not self._asking:
                self.total.deadline = anyio.current_time() + self._left_s
                self.idle.deadline = _deadline(self._limits.idle_timeout)


async def _last(chunks: AsyncIterator[Progress | Result], context: _CallContext) -> Result | None:
    """The one `Result`; what the tool says before it is progress."""
    try:
        async for chunk in chunks:
            match chunk:
                case Progress(text=text):
                    await context.progress(text)
                case Result():
                    return chunk
        return None
    finally:
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await close()


def _deadline(seconds: float | None) -> float:
    return float("inf") if seconds is None else anyio.current_time() + seconds


def _unknown(name: str, known: list[str]) -> Result:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if near:
        hint = f"Did you mean {' or '.join(near)}?"
    elif known:
        hint = f"There is {', '.join(sorted(known)[:20])}."
    else:
        hint = "This task has no tools at all."
    return Result(f"There is no tool called {name!r} for this task. {hint}", ok=False, retry=bool(known))


def shortened(text: str, limit: int) -> str:
    """`text` in at most about `limit` characters: its head and its tail, and how much is left out between."""
    if len(text) <= limit:
        return text
    head = limit - limit // 3
    tail = limit // 3
    return f"{text[:head]} [... {len(text) - head - tail} characters left out ...] {text[len(text) - tail :]}"
