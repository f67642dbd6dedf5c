"""`duologue tools serve-mcp`: the tools for any program that speaks MCP."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from orchestrator.cli.bundled import chosen_tools
from orchestrator.equipment import sorted_out
from orchestrator.siblings import require

if TYPE_CHECKING:
    from orchestrator.cli.settings import Settings

__all__ = ["serve_mcp"]


def serve_mcp(settings: Settings, *, http: bool, host: str, port: int) -> int:
    """Serve until the client leaves, or a signal. Returns the exit code.

    Raises:
        ConfigError: the extra `mcp` is not installed, or a tool is named that is not there.
        UsageError: the host is not this machine.
    """
    for package in ("background", "tools"):
        require(package)
    from tools.mcp.source import needs_extra

    needs_extra("tools cannot be served by MCP")
    import anyio

    from orchestrator.cli.logs import logging_to

    # stdout belongs to the protocol.
    with logging_to(settings.log or sys.stderr):
        anyio.run(_serve, settings, http, host, port)
    return 0


async def _serve(settings: Settings, http: bool, host: str, port: int) -> None:
    from background.alone import Alone
    from tools.mcp.listening import over_http, over_stdio
    from tools.mcp.serving import served

    fixed, sources = sorted_out(chosen_tools(settings))
    async with Alone(fixed, sources=sources) as bench, served(bench) as server:
        _say(f"{len(bench.infos)} tools: {', '.join(info.name for info in bench.infos)}")
        if http:
            await over_http(server, host=host, port=port, began=lambda url: _say(f"serving at {url}"))
        else:
            await over_stdio(server)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
