"""The tools of a worker, and those of each task: who may use which, how many at once, and what is not done twice.

Law: every call gets exactly one `Result`, in the order of the calls: after a failure, a time-out, a tool that cancels
itself, an unknown name. Only the end of the whole task (its deadline, its cancellation) ends `call` without results.

A tool that is not idempotent runs once for what the task wants of it, whatever happens to the worker: see `record`. A
task that was delivered again (attempt 2 and on) and makes the same call again gets the outcome that is written down; it
hears "outcome unknown" where the call was interrupted in the middle, and what was done where an earlier attempt made it
with other arguments. What no attempt had reached runs.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from fnmatch import fnmatchcase
from typing import Final, Protocol, TypeVar

import anyio

from background.calling import CallHost, Calling, Opener, filled
from background.leave import Leave, LeaveHost, Verdict
from background.outputs import READ_OUTPUT, Outputs, shortened
from background.record import Record, StepHost, canonical, said_with
from orchestrator.errors import ClaimLost, ConfigError, ToolFailed, ToolRetry
from orchestrator.ports import OpenTools, Resource, Result, Tool, ToolCall, ToolInfo
from orchestrator.tool_port import Checking

__all__ = ["TaskTools", "ToolHost", "Workbench", "shortened"]

_ALL: Final = ("*",)

T = TypeVar("T")


class ToolHost(CallHost, LeaveHost, StepHost, Protocol):
    """What the workbench needs of the task whose tools it runs."""


class _NoResources:
    async def use(self, resource: Resource[T]) -> T:
        raise ToolFailed(f"{resource.name} cannot be opened: this runs without a worker.")


class Workbench:
    """The tools of a worker. Holds what is counted across tasks: how many calls of a tool run at once.

    `sources` may come to have other tools while the worker runs; each task gets what there is when it begins. `allow`
    are patterns of names, as `search_*`: no task here gets another tool, whatever its reasoner asks for.
    """

    def __init__(
        self,
        tools: Sequence[Tool],
        *,
        sources: Sequence[OpenTools] = (),
        allow: Sequence[str] = _ALL,
        resources: Opener | None = None,
    ) -> None:
        """Raises `ConfigError` when two tools have one name."""
        twice = [name for name, times in Counter(tool.info.name for tool in tools).items() if times > 1]
        if twice:
            raise ConfigError(
                f"two tools are called {twice[0]!r}", "a call names its tool, so each needs its own name", "rename one"
            )
        self._fixed = tuple(tools)
        self._sources = tuple(sources)
        self._allow = tuple(allow)
        self._resources = resources or _NoResources()
        self._gates: dict[str, tuple[int, anyio.Semaphore]] = {}

    @property
    def tools(self) -> dict[str, Tool]:
        """What there is now, by name. What the worker has itself goes before what a source has under the same name."""
        every = [*self._fixed, *(tool for source in self._sources for tool in source.tools)]
        found: dict[str, Tool] = {}
        for tool in every:
            if any(fnmatchcase(tool.info.name, pattern) for pattern in self._allow):
                found.setdefault(tool.info.name, tool)
        return found

    def for_task(self, host: ToolHost) -> TaskTools:
        """The tools that this task may use."""
        allowed = host.bundle.tools
        tools = {name: tool for name, tool in self.tools.items() if not allowed or name in allowed}
        return TaskTools(host, tools, {name: self._gate(tool.info) for name, tool in tools.items()}, self._resources)

    def _gate(self, info: ToolInfo) -> anyio.Semaphore | None:
        room = info.limits.concurrency
        if room is None:
            return None
        known = self._gates.get(info.name)
        if known is None or known[0] != room:
            known = self._gates[info.name] = (room, anyio.Semaphore(room))
        return known[1]


class TaskTools:
    """The tools of one task: counts its calls, and knows what `on_duplicate="reuse"` has already brought."""

    def __init__(
        self,
        host: ToolHost,
        tools: Mapping[str, Tool],
        gates: Mapping[str, anyio.Semaphore | None],
        resources: Opener,
    ) -> None:
        self._host = host
        self._tools = tools
        self._gates = gates
        self._calls = 0
        self._reusable: dict[str, Result] = {}
        self._running: dict[str, anyio.Event] = {}
        self._record = Record(host)
        self._outputs = Outputs()
        self._leave = Leave(host)
        self._calling = Calling(host, self._leave, resources)

    @property
    def infos(self) -> tuple[ToolInfo, ...]:
        """What the models are told of these tools. `read_output` is not among them, and can be called all the same."""
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

    async def approve(self, tool: str, question: str) -> bool:
        """Ask the person for leave for what is no tool of ours."""
        return (await self._leave.given(tool, question, tainted=self._host.taint.there)).given

    def _step(self, call: ToolCall) -> str:
        tool = self._tools.get(call.name)
        return "" if tool is None or tool.info.limits.idempotent else self._record.step(call)

    async def _one(self, call: ToolCall, step: str) -> Result:
        tool = self._tools.get(call.name)
        if tool is None:
            if call.name == READ_OUTPUT.name:
                return self._outputs.read(call.arguments)
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
        if known is not None and known.untrusted:
            self._host.taint.enter()
        return known or await self._counted(tool, call, step)

    async def _counted(self, tool: Tool, call: ToolCall, step: str) -> Result:
        budget = self._host.bundle.budget.tool_calls
        if budget is not None and self._calls >= budget:
            return Result(f"This task has used up its {budget} tool calls; {call.name} was not run.", ok=False)
        self._calls += 1
        misfit = _misfit(tool, call)
        if misfit is not None:
            return misfit
        verdict = await self._allowed(tool.info, call)
        if not verdict.given:
            return Result(f"{call.name} was not run. {verdict.why}", ok=False)
        async with AsyncExitStack() as stack:
            gate = self._gates.get(call.name)
            if gate is not None:
                await stack.enter_async_context(gate)
            if not step:
                return await self._run(tool, call)
            known = await self._record.begin(call, step)
            if known is None:
                known = await self._run(tool, call)
                await self._record.complete(step, known)
            return known

    async def _run(self, tool: Tool, call: ToolCall) -> Result:
        return self._outputs.cut(call.name, await self._calling.run(tool, call), tool.info.limits.max_output_chars)

    async def _allowed(self, info: ToolInfo, call: ToolCall) -> Verdict:
        limits, tainted = info.limits, self._host.taint.there
        # Untrusted text may have talked the reasoner into this call, so what has effects then needs a person's word.
        if not limits.needs_approval and not (tainted and limits.effects):
            return Verdict(True)
        if limits.question:
            question = filled(limits.question, call.arguments)
        else:
            details = said_with(call.arguments)
            spoken = info.name.replace("_", " ").replace("-", " ")
            question = f"May I run {spoken}{f' with {details}' if details else ''}?"
        return await self._leave.given(info.name, question, tainted=tainted)


def _misfit(tool: Tool, call: ToolCall) -> Result | None:
    """What is wrong with the arguments, as far as the tool can tell before it is called: then nobody is asked for leave
    in vain, and nothing is written down as done."""
    if isinstance(tool, Checking):
        try:
            tool.check(call.arguments)
        except ToolRetry as error:
            return Result(str(error), ok=False, retry=True)
    return None


def _unknown(name: str, known: list[str]) -> Result:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    if near:
        hint = f"Did you mean {' or '.join(near)}?"
    elif known:
        hint = f"There is {', '.join(sorted(known)[:20])}."
    else:
        hint = "This task has no tools at all."
    return Result(f"There is no tool called {name!r} for this task. {hint}", ok=False, retry=bool(known))
