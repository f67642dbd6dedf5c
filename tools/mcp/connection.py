"""One open connection to a server: its tools, its calls, and that it is there again after it was gone.

All of it runs in the task group of whoever opened it. A call is a task there too, and not in the generator that gives
its chunks: a generator that holds a task group across its yields could be left in the wrong order.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, cast

import anyio
import anyio.abc

from orchestrator.errors import ToolFailed, ToolRetry
from orchestrator.tool_port import Progress, Result, Tool, ToolContext, ToolInfo
from orchestrator.untrusted import visible
from orchestrator.version import __version__
from tools.mcp.answering import answered
from tools.mcp.reaching import Reach
from tools.mcp.translating import Terms, info_of, result_of
from tools.mcp.transport import LastWords, transport_to

if TYPE_CHECKING:
    import mcp_types
    from anyio.streams.memory import MemoryObjectSendStream
    from mcp import Client, MCPError
    from mcp.client.session import ClientRequestContext

__all__ = ["Connection"]

_log = logging.getLogger(__name__)

MOST_TOOLS: Final = 500
FIRST_PAUSE_S: Final = 0.5
LONGEST_PAUSE_S: Final = 30.0
ANSWER_S: Final = 20.0
"""So long a server may take for what is no call: to shake hands, to list its tools."""

_ASKING: ContextVar[ToolContext | None] = ContextVar("duologue_mcp_asking", default=None)
"""Whose call the current request to the server is."""


class Connection:
    """Implements `OpenTools`. Run `run` beside it."""

    def __init__(self, name: str, reach: Reach, terms: Terms, calls: anyio.abc.TaskGroup) -> None:
        self.tried: anyio.Event = anyio.Event()
        """Set when it is known whether the server is there."""
        self._name = name
        self._reach = reach
        self._terms = terms
        self._calls = calls
        self._tools: dict[str, _McpTool] = {}
        self._client: Client | None = None
        self._lost = anyio.Event()
        self._stale = anyio.Event()
        self._problem = ""
        self._changed = anyio.Event()
        self._running: list[ToolContext] = []

    # --- what the background sees ------------------------------------------------------------------------------------

    @property
    def tools(self) -> Sequence[Tool]:
        """Those it had when it was last there: to be away for a moment must not change what a voice knows."""
        return list(self._tools.values())

    @property
    def problem(self) -> str:
        """Why it is not there."""
        return self._problem

    async def changed(self) -> None:
        """Return when it has other tools, has gone, or is there again."""
        await self._changed.wait()

    # --- being connected ---------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Be connected, and connect again after a pause that doubles, until cancelled."""
        pause_s = FIRST_PAUSE_S
        while True:
            self._lost = anyio.Event()
            words = LastWords()
            began = anyio.current_time()
            problem = "it has ended the connection"
            try:
                await self._connected(words)
            except Exception as error:  # whatever a foreign program, a network and an SDK can do
                problem = _reason(error)
            self._client = None
            if words.line:
                problem = f"{problem}; it said: {words.line}"
            self._told(f"the MCP server {self._name} ({self._reach}) is away: {problem}")
            self.tried.set()
            if anyio.current_time() - began > LONGEST_PAUSE_S:
                pause_s = FIRST_PAUSE_S
            await anyio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _connected(self, words: LastWords) -> None:
        from mcp import Client
        from mcp_types import Implementation

        way = transport_to(self._reach, self._name, self._lost, words)
        client = Client(
            way,
            read_timeout_seconds=None,
            client_info=Implementation(name="duologue", version=__version__),
            elicitation_callback=self._asked,
            message_handler=self._notified,
            cache=None,
        )
        with anyio.fail_after(ANSWER_S) as patience:
            async with client, anyio.create_task_group() as group:
                self._stale = anyio.Event()
                group.start_soon(self._listen, client)
                await self._list(client)
                patience.deadline = float("inf")
                self._client = client
                self.tried.set()
                while not self._lost.is_set():
                    await _first(self._lost, self._stale)
                    if self._stale.is_set() and not self._lost.is_set():
                        self._stale = anyio.Event()
                        with anyio.fail_after(ANSWER_S):
                            await self._list(client)
                group.cancel_scope.cancel()

    async def _list(self, client: Client) -> None:
        found: list[mcp_types.Tool] = []
        cursor: str | None = None
        while True:
            page = await client.list_tools(cursor=cursor)
            found.extend(page.tools)
            cursor = page.next_cursor
            if not cursor or len(found) >= MOST_TOOLS:
                break
        tools: dict[str, _McpTool] = {}
        for theirs in found[:MOST_TOOLS]:
            if self._terms.takes(theirs.name):
                info = info_of(theirs, self._terms, tools)
                tools[info.name] = _McpTool(self, theirs.name, info)
        problems = [f"the MCP server {self._name} has more than {MOST_TOOLS} tools"] if cursor else []
        names = [theirs.name for theirs in found]
        problems += [f"no tool of the MCP server {self._name} is called {each}" for each in self._terms.unmet(names)]
        changed = {name: tool.info for name, tool in tools.items()} != {n: tool.info for n, tool in self._tools.items()}
        if changed:
            self._tools = tools
        self._told("; ".join(problems), changed=changed)

    def _told(self, problem: str, *, changed: bool = False) -> None:
        if problem and problem != self._problem:
            _log.warning("%s", problem)
        if changed or problem != self._problem:
            self._problem = problem
            before, self._changed = self._changed, anyio.Event()
            before.set()

    async def _listen(self, client: Client) -> None:
        """Learn of other tools on a connection of the newer kind; on one of the older `_notified` does."""
        from mcp import MCPError
        from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost

        try:
            async with client.listen(tools_list_changed=True) as subscription:
                async for _ in subscription:
                    self._stale.set()
        except (ListenNotSupportedError, SubscriptionLost, MCPError, TimeoutError):
            return

    async def _notified(self, message: object) -> None:
        from mcp_types import ToolListChangedNotification

        if isinstance(message, ToolListChangedNotification):
            self._stale.set()

    # --- calls -------------------------------------------------------------------------------------------------------

    async def call(
        self, name: str, arguments: Mapping[str, Any], context: ToolContext
    ) -> AsyncGenerator[Progress | Result]:
        """Call one of its tools. Leaving the generator tells the server that nobody waits any more."""
        client = self._client
        if client is None:
            raise ToolFailed(f"{self._name} is not there just now.", self._problem)
        chunks, taken = anyio.create_memory_object_stream[Progress | Result | Exception](float("inf"))
        scope = anyio.CancelScope()
        self._calls.start_soon(self._request, client, name, arguments, context, chunks, scope)
        with taken:
            try:
                async for chunk in taken:
                    if isinstance(chunk, Exception):
                        raise chunk
                    yield chunk
            finally:
                scope.cancel()

    async def _request(
        self,
        client: Client,
        name: str,
        arguments: Mapping[str, Any],
        context: ToolContext,
        chunks: MemoryObjectSendStream[Progress | Result | Exception],
        scope: anyio.CancelScope,
    ) -> None:
        async def told(progress: float, total: float | None, message: str | None) -> None:
            await chunks.send(Progress(_progress(progress, total, message), untrusted=not self._terms.trusted))

        _ASKING.set(context)
        self._running.append(context)
        try:
            with chunks, scope:
                try:
                    answer = await client.call_tool(name, dict(arguments), progress_callback=told)
                    await chunks.send(result_of(answer, self._terms, self._name))
                except Exception as error:
                    await chunks.send(self._failure(error))
        except anyio.BrokenResourceError:
            pass  # whoever called has left, and takes nothing any more
        finally:
            self._running.remove(context)

    def _failure(self, error: Exception) -> Exception:
        from mcp import MCPError
        from mcp_types import INVALID_PARAMS, METHOD_NOT_FOUND

        if isinstance(error, MCPError):
            said = visible(error.message)[:1_000]
            if error.code == INVALID_PARAMS:
                return ToolRetry(f"{self._name} did not accept the call: {said}")
            if error.code == METHOD_NOT_FOUND:
                return ToolFailed(f"{self._name} does not know the call.", said)
            if not _over(error):
                return ToolFailed(f"{self._name} could not do it.", said)
        # The session is over: by the program's death, or since the server behind the address is another one now.
        self._lost.set()
        return ToolFailed(
            f"{self._name} has gone while it worked; whether it has done it is not known.", _reason(error), after_s=1.0
        )

    async def _asked(
        self, context: ClientRequestContext, params: mcp_types.ElicitRequestParams
    ) -> mcp_types.ElicitResult | mcp_types.ErrorData:
        """The server asks the person. On an older connection it does not say for which call; with one call it is
        clear."""
        asking = _ASKING.get()
        if asking is None and len(self._running) == 1:
            asking = self._running[0]
        return await answered(params, asking, self._name)


class _McpTool:
    """A tool of the server."""

    def __init__(self, connection: Connection, theirs: str, info: ToolInfo) -> None:
        self._connection = connection
        self._theirs = theirs
        self._info = info

    def __repr__(self) -> str:
        return f"<tool {self._info.name}>"

    @property
    def info(self) -> ToolInfo:
        return self._info

    def call(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncIterator[Progress | Result]:
        return self._connection.call(self._theirs, arguments, context)


async def _first(*events: anyio.Event) -> None:
    async with anyio.create_task_group() as group:

        async def wait(event: anyio.Event) -> None:
            await event.wait()
            group.cancel_scope.cancel()

        for event in events:
            group.start_soon(wait, event)


def _progress(done: float, total: float | None, message: str | None) -> str:
    if message:
        return message
    return f"{done:g} of {total:g}" if total else f"{done:g} done"


def _over(error: MCPError) -> bool:
    """Whether there is no connection any more, or no session of ours behind the address."""
    from mcp_types import CONNECTION_CLOSED, INVALID_REQUEST

    ended = error.code == INVALID_REQUEST and "session" in error.message.lower()
    return ended or error.code == CONNECTION_CLOSED


def _reason(error: BaseException) -> str:
    """In a line, without the groups it came through."""
    while isinstance(error, BaseExceptionGroup):
        error = cast("BaseExceptionGroup[BaseException]", error).exceptions[0]
    if isinstance(error, TimeoutError):
        return "it does not answer"
    if isinstance(error, FileNotFoundError):
        return f"there is no program {error.filename}"
    text = visible(str(error)).strip().split("\n")[0][:300]
    return text or type(error).__name__
