"""How an MCP server of ours is reached: over stdin and stdout, or at an address of this machine."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

import anyio

from orchestrator.errors import EnvironmentProblem, UsageError

if TYPE_CHECKING:
    from mcp.server import Server

__all__ = ["over_http", "over_stdio"]

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


async def over_stdio(server: Server[Any]) -> None:
    """Serve the program that started us, until it closes our stdin. Nothing else may write to stdout; the SDK sees to
    it that a stray `print` goes elsewhere."""
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


async def over_http(server: Server[Any], *, host: str, port: int, began: Callable[[str], None]) -> None:
    """Serve at `host` and `port` (0: any that is free) until SIGINT, SIGTERM, or cancellation; `began` is told the
    address.

    Only programs of this machine are served, and no web page that a browser here shows: the Host and the Origin of a
    request have to be this machine's.

    Raises:
        UsageError: `host` is not this machine alone. There is no login here.
        EnvironmentProblem: the port is taken.
    """
    import uvicorn

    if host not in LOOPBACK:
        raise UsageError(
            f"tools are not served at {host}",
            "whoever reaches them can use them: there is no login here",
            f"use {LOOPBACK[0]}, and put a server that asks who it is in front of it",
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
        except OSError as problem:
            raise EnvironmentProblem(
                f"tools cannot be served at {host}:{port}", str(problem), "choose another --port, or 0 for a free one"
            ) from None
        app = server.streamable_http_app(host=host)
        config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2)
        shown = f"[{host}]" if ":" in host else host
        began(f"http://{shown}:{listening.getsockname()[1]}/mcp")
        serving = uvicorn.Server(config)
        # uvicorn gives a signal on to the process when it has ended, and that would end it before the tools are closed.
        vars(serving)["capture_signals"] = nullcontext
        async with anyio.create_task_group() as group:

            async def stop() -> None:
                with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
                    async for _ in signals:
                        # The second one does not wait for those who are connected.
                        serving.force_exit, serving.should_exit = serving.should_exit, True

            group.start_soon(stop)
            await serving.serve(sockets=[listening])
            group.cancel_scope.cancel()
