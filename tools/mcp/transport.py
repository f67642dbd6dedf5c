"""The way to a server, and how we learn that it is gone.

The one place that opens connections for MCP. What a program writes to its stderr goes to our log, and its last words
are kept: they say why it ended.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import anyio
import anyio.to_thread

from orchestrator.untrusted import visible
from tools.mcp.reaching import Address, Program, Reach, filled_in

if TYPE_CHECKING:
    from mcp.client import Transport

__all__ = ["LastWords", "transport_to"]

_log = logging.getLogger(__name__)

_MOST: Final = 400
"""Characters of a line that are logged and kept."""


class LastWords:
    """What a program has written to its stderr last."""

    def __init__(self) -> None:
        self.line = ""


def transport_to(reach: Reach, name: str, lost: anyio.Event, words: LastWords) -> Transport:
    """The way there; `lost` is set when it has ended from the other side."""
    return _program(reach, name, lost, words) if isinstance(reach, Program) else _address(reach, lost)


@asynccontextmanager
async def _program(program: Program, name: str, lost: anyio.Event, words: LastWords) -> AsyncGenerator[Any]:
    from mcp.client.stdio import StdioServerParameters, stdio_client

    how = StdioServerParameters(
        command=program.command, args=list(program.args), env=filled_in(program.env), cwd=program.cwd
    )
    read, write = os.pipe()
    os.set_blocking(read, False)
    try:
        async with anyio.create_task_group() as group:
            with os.fdopen(write, "w") as errors:
                group.start_soon(_overhear, read, name, words)
                async with stdio_client(how, errlog=errors) as (incoming, outgoing):
                    yield _Watched(incoming, lost), outgoing
            group.cancel_scope.cancel()
    finally:
        os.close(read)


@asynccontextmanager
async def _address(address: Address, lost: anyio.Event) -> AsyncGenerator[Any]:
    import httpx2
    from mcp.client.streamable_http import streamable_http_client

    def made() -> httpx2.AsyncClient:
        # As the SDK's own: an answer may stream for long before its next event.
        return httpx2.AsyncClient(headers=filled_in(address.headers), timeout=httpx2.Timeout(30.0, read=300.0))

    # Not on the loop: it looks for certificates on the disk.
    client = await anyio.to_thread.run_sync(made)
    async with client, streamable_http_client(address.url, http_client=client) as (incoming, outgoing):
        yield _Watched(incoming, lost), outgoing


async def _overhear(fd: int, name: str, words: LastWords) -> None:
    rest = b""
    while True:
        await anyio.wait_readable(fd)
        try:
            data = await anyio.to_thread.run_sync(os.read, fd, 65_536)
        except BlockingIOError:
            continue
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        rest = rest[-_MOST:]
        for line in lines:
            text = visible(line.decode("utf-8", errors="replace")).strip()[:_MOST]
            if text:
                words.line = text
                _log.info("%s: %s", name, text)


class _Watched:
    """A stream of messages that tells when it has ended."""

    def __init__(self, inner: Any, lost: anyio.Event) -> None:
        self._inner = inner
        self._lost = lost

    @property
    def last_context(self) -> Any:
        """Whose context the last message came in; the SDK restores it for what it does with the message."""
        return getattr(self._inner, "last_context", None)

    async def receive(self) -> Any:
        try:
            return await self._inner.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError, anyio.BrokenResourceError):
            self._lost.set()
            raise

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        try:
            return await self.receive()
        except anyio.EndOfStream:
            raise StopAsyncIteration from None

    async def aclose(self) -> None:
        await self._inner.aclose()

    def close(self) -> None:
        self._inner.close()

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        ended: bool | None = await self._inner.__aexit__(kind, error, trace)
        return ended
