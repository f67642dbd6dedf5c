"""Our tools for other programs: an MCP server over whatever runs them within their limits.

Progress becomes progress notifications, a client that calls off ends the call, and what a tool asks is put to the
person at the client (elicitation), where the client can; else a question for leave is answered with no.

On a connection of the newer kind (2026-07-28) a server cannot ask in the middle of a request: the answer to it is the
question, and the client comes again with what the person said. So a call that asks goes on here between two requests,
under a token that nobody can guess, and ends when nobody comes back for it.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, cast

import anyio
import anyio.abc
import msgspec

from orchestrator.tool_port import Progress, Result, ToolCall, ToolInfo
from orchestrator.version import __version__

if TYPE_CHECKING:
    import mcp_types
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from mcp.server import Server
    from mcp.server.context import ServerRequestContext

__all__ = ["Asked", "Runner", "served"]

COMES_BACK_S: Final = 120.0
"""So long a call that has asked waits for its client."""
MOST_WAITING: Final = 100

_Context: TypeAlias = "ServerRequestContext[Any, Any]"


class Asked(Protocol):
    """Whoever answers what a tool asks."""

    async def ask(self, question: str, *, leave: bool) -> str: ...


class Runner(Protocol):
    """What runs tools within their limits; `background.alone.Alone` is one."""

    @property
    def infos(self) -> Sequence[ToolInfo]: ...

    def calling(
        self, call: ToolCall, person: Asked | None = None
    ) -> AbstractAsyncContextManager[MemoryObjectReceiveStream[Progress | Result]]: ...


@asynccontextmanager
async def served(runner: Runner, *, name: str = "duologue") -> AsyncGenerator[Server[Any]]:
    """A server of the SDK with all tools of `runner`: run it over streams, or as an app. Leaving ends what runs."""
    from mcp.server import Server

    async with anyio.create_task_group() as group:
        calls = _Calls(runner, group)
        server: Server[Any] = Server(name, version=__version__, on_list_tools=calls.listed, on_call_tool=calls.called)
        try:
            yield server
        finally:
            group.cancel_scope.cancel()


class _Question(msgspec.Struct, frozen=True):
    text: str
    leave: bool


class _Call:
    """A call that runs, and whoever waits for it: the person whom the tool asks is answered by the client's next
    request."""

    def __init__(self) -> None:
        self.scope = anyio.CancelScope()
        self.steps: MemoryObjectReceiveStream[Progress | Result | _Question]
        self._told: MemoryObjectSendStream[Progress | Result | _Question]
        self._told, self.steps = anyio.create_memory_object_stream[Progress | Result | _Question](float("inf"))
        self._answers: tuple[MemoryObjectSendStream[str], MemoryObjectReceiveStream[str]]
        self._answers = anyio.create_memory_object_stream[str](1)
        self.asked: _Question | None = None

    async def run(self, runner: Runner, call: ToolCall) -> None:
        """To its end, or until its scope is cancelled."""
        with self.scope, self._told, self._answers[0], self._answers[1]:
            async with runner.calling(call, self) as steps:
                async for step in steps:
                    await self._told.send(step)

    async def ask(self, question: str, *, leave: bool) -> str:
        self.asked = _Question(question, leave)
        await self._told.send(self.asked)
        return await self._answers[1].receive()

    def answer(self, said: str) -> None:
        """What the person said to what was asked last."""
        if self.asked is not None:
            self.asked = None
            self._answers[0].send_nowait(said)


class _Calls:
    """The requests of all clients."""

    def __init__(self, runner: Runner, group: anyio.abc.TaskGroup) -> None:
        self._runner = runner
        self._group = group
        self._waiting: dict[str, _Call] = {}

    async def listed(self, _: _Context, __: mcp_types.PaginatedRequestParams | None) -> mcp_types.ListToolsResult:
        from mcp_types import ListToolsResult

        return ListToolsResult(tools=[_tool(info) for info in self._runner.infos])

    async def called(
        self, context: _Context, params: mcp_types.CallToolRequestParams
    ) -> mcp_types.CallToolResult | mcp_types.InputRequiredResult:
        call = self._taken_up(params)
        if call is None:
            call = _Call()
            self._group.start_soon(call.run, self._runner, ToolCall(params.name, params.arguments or {}))
        told = 0
        try:
            async for step in call.steps:
                match step:
                    case Progress(text=text):
                        told += 1
                        await context.session.report_progress(float(told), None, text)
                    case Result():
                        return _answer(step)
                    case _Question():
                        asked = await self._put(context, call, step)
                        if asked is not None:
                            return asked
        except BaseException:
            call.scope.cancel()
            raise
        return _answer(Result("It was ended before it had a result.", ok=False))

    async def _put(self, context: _Context, call: _Call, question: _Question) -> mcp_types.InputRequiredResult | None:
        """Put a question to the person at the client. Gives what the request is to be answered with, where the client
        is to come again; else the call has its answer."""
        from mcp_types import ElicitRequest, ElicitRequestFormParams, InputRequiredResult

        if not _can_ask(context):
            call.answer("no" if question.leave else "")
            return None
        if context.session.can_send_request:
            said = await context.session.elicit_form(question.text, _form(question), context.request_id)
            call.answer(_said(question, said))
            return None
        token = secrets.token_urlsafe(24)
        while len(self._waiting) >= MOST_WAITING:
            self._waiting.pop(next(iter(self._waiting))).scope.cancel()
        self._waiting[token] = call
        self._group.start_soon(self._give_up, token)
        asks = ElicitRequest(params=ElicitRequestFormParams(message=question.text, requested_schema=_form(question)))
        return InputRequiredResult(input_requests={"answer": asks}, request_state=token)

    def _taken_up(self, params: mcp_types.CallToolRequestParams) -> _Call | None:
        """The call for which the client comes again, with what the person said."""
        from mcp import MCPError
        from mcp_types import INVALID_PARAMS, ElicitResult

        if params.request_state is None:
            return None
        call = self._waiting.pop(params.request_state, None)
        if call is None or call.asked is None:
            raise MCPError(INVALID_PARAMS, "This call is not waited for any more: call it again from the beginning.")
        answer = (params.input_responses or {}).get("answer")
        call.answer(_said(call.asked, answer if isinstance(answer, ElicitResult) else None))
        return call

    async def _give_up(self, token: str) -> None:
        await anyio.sleep(COMES_BACK_S)
        call = self._waiting.pop(token, None)
        if call is not None:
            call.scope.cancel()


def _tool(info: ToolInfo) -> mcp_types.Tool:
    from mcp_types import Tool, ToolAnnotations

    limits = info.limits
    return Tool(
        name=info.name,
        description=info.description,
        input_schema={"type": "object", "properties": {}, **info.schema},
        annotations=ToolAnnotations(read_only_hint=not limits.effects, idempotent_hint=limits.idempotent),
    )


def _answer(result: Result) -> mcp_types.CallToolResult:
    from mcp_types import CallToolResult, TextContent

    sources = "".join(f"\n- {source.title} {source.place}".rstrip() for source in result.sources)
    text = f"{result.text}\n\nSources:{sources}" if sources else result.text
    # The protocol knows objects only.
    data = msgspec.to_builtins(result.data)
    structured = cast("dict[str, Any]", data) if isinstance(data, dict) else None
    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=structured, is_error=not result.ok
    )


def _can_ask(context: _Context) -> bool:
    can = context.session.client_capabilities
    return can is not None and can.elicitation is not None


def _form(question: _Question) -> dict[str, Any]:
    field: dict[str, Any] = {"type": "string", "title": "Your answer"}
    if question.leave:
        field["enum"] = ["yes", "no", "always"]
    return {"type": "object", "properties": {"answer": field}, "required": ["answer"]}


def _said(question: _Question, result: mcp_types.ElicitResult | None) -> str:
    """What the person said; a form that was put away is a no."""
    said = (result.content or {}).get("answer") if result is not None and result.action == "accept" else None
    return said if isinstance(said, str) else "no" if question.leave else ""
