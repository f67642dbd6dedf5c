"""One call of one tool, within its limits. What goes wrong in the tool becomes a `Result`."""

from __future__ import annotations

import logging
import random
import re
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Final, Protocol, TypeVar

import anyio
import msgspec

from background.leave import Leave
from background.taint import Taint
from orchestrator.bundle import Bundle
from orchestrator.errors import ToolFailed, ToolRetry
from orchestrator.finding import Channel
from orchestrator.ports import Progress, Resource, Result, Tool, ToolCall, ToolLimits
from orchestrator.untrusted import visible, visible_data

__all__ = ["CallHost", "Calling", "Opener", "filled"]

_log = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 5.0
LONGEST_TOLD: Final = 80
"""Characters of an argument that an announcement or a question repeats."""

T = TypeVar("T")


class Opener(Protocol):
    """Who holds the resources of a worker: `orchestrator.resources.Resources`."""

    async def use(self, resource: Resource[T]) -> T: ...


class CallHost(Protocol):
    """What a call needs of its task."""

    @property
    def bundle(self) -> Bundle: ...

    @property
    def remaining_s(self) -> float: ...

    @property
    def taint(self) -> Taint: ...

    async def report(self, text: str, *, channel: Channel, lane: str) -> None:
        """Tell what a tool does. `lane` names the tool: progress of one does not push out that of another."""
        ...

    async def ask(self, question: str, *, approves: str = "") -> str: ...


class Calling:
    """Runs the calls of one task."""

    def __init__(self, host: CallHost, leave: Leave, resources: Opener) -> None:
        self._host = host
        self._leave = leave
        self._resources = resources

    async def run(self, tool: Tool, call: ToolCall) -> Result:
        """As often as its limits allow, until it has a result. Raises nothing but the end of the task."""
        limits = tool.info.limits
        pause = FIRST_PAUSE_S
        for _ in range(limits.retries if limits.idempotent else 0):
            try:
                return await self._once(tool, call)
            except ToolFailed as error:
                _log.info("%s failed and is tried again: %s", call.name, error.what)
                # Spread, so that the many calls of many workers do not all come back at the same moment.
                wait = random.uniform(0.5, 1.0) * pause if error.after_s is None else error.after_s
            if wait >= self._host.remaining_s:
                break  # then it is told now, and not when nobody can do anything about it any more
            await anyio.sleep(wait)
            pause = min(pause * 2, LONGEST_PAUSE_S)
        try:
            return await self._once(tool, call)
        except ToolFailed as error:
            return Result(str(error), ok=False)

    async def _once(self, tool: Tool, call: ToolCall) -> Result:
        """One run. Raises `ToolFailed` only."""
        limits = tool.info.limits
        context = _CallContext(self._host, self._leave, self._resources, call.name, limits)
        result: Result | None = None
        with context.idle, context.total:
            try:
                if limits.announce:
                    await context.tell(filled(limits.announce, call.arguments))
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
        return result


class _CallContext:
    """What one running call may ask for. Its clocks stand still while the person is asked: people take their time."""

    def __init__(self, host: CallHost, leave: Leave, resources: Opener, name: str, limits: ToolLimits) -> None:
        self._host = host
        self._leave = leave
        self._resources = resources
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
        await self.tell(text)

    async def tell(self, text: str) -> None:
        await self._host.report(text, channel=self._limits.channel, lane=self._name)

    async def hear(self, progress: Progress) -> None:
        """Progress that the tool has yielded."""
        if progress.untrusted:
            self._host.taint.enter()
        await self.progress(visible(progress.text) if progress.untrusted else progress.text)

    def end(self, result: Result) -> Result:
        """The result as the task may see it."""
        if not result.untrusted:
            return result
        self._host.taint.enter()
        return msgspec.structs.replace(result, text=visible(result.text), data=visible_data(result.data))

    async def ask(self, question: str) -> str:
        return await self._waiting_for(self._host.ask(question))

    async def approve(self, question: str) -> bool:
        leave = self._leave.given(self._name, question, tainted=self._host.taint.there)
        return (await self._waiting_for(leave)).given

    async def use(self, resource: Resource[T]) -> T:
        return await self._resources.use(resource)

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
                case Progress():
                    await context.hear(chunk)
                case Result():
                    return context.end(chunk)
        return None
    finally:
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await close()


_PLACE: Final = re.compile(r"\{(\w+)\}")


def filled(template: str, arguments: Mapping[str, object]) -> str:
    """`template` with its arguments. What is not there stays as it stands; nothing of an argument is looked into.

    >>> filled("Asking for trains to {end} on {day}", {"end": "Lyon"})
    'Asking for trains to Lyon on {day}'
    """

    def put(match: re.Match[str]) -> str:
        if match[1] not in arguments:
            return match[0]
        text = " ".join(str(arguments[match[1]]).split())
        return text if len(text) <= LONGEST_TOLD else f"{text[:LONGEST_TOLD]}..."

    return _PLACE.sub(put, template)


def _deadline(seconds: float | None) -> float:
    return float("inf") if seconds is None else anyio.current_time() + seconds
