"""An MCP server among the tools: `Assistant(tools=[McpServer.stdio("files", "npx", ["-y", "..."])])`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Self, TypedDict, Unpack, cast

import anyio
import anyio.to_thread

from orchestrator.errors import ConfigError, ToolDefinitionError
from orchestrator.tool_port import OpenTools
from tools.mcp.connection import Connection
from tools.mcp.reaching import Address, Program, Reach, missing_in
from tools.mcp.translating import Terms

__all__ = ["McpServer", "TermOptions", "needs_extra", "terms_of"]

OPENING_S: Final = 15.0
"""So long whoever opens it waits for the server; after that it goes on in the background."""


class TermOptions(TypedDict, total=False):
    """What of the server is taken, and how far it is believed. All patterns are of the names that the server uses."""

    prefix: str
    """Stands before the name of each of its tools here."""
    only: Sequence[str]
    """Patterns of the tools to take, as `search_*`; all where there are none."""
    without: Sequence[str]
    """Patterns of the tools to leave."""
    trusted: bool
    """Whether its words are taken as your own: its texts taint nothing, and its hints (this tool only reads, that one
    may be called twice) are believed. Not by default."""
    read_only: Sequence[str]
    """Patterns of the tools that change nothing, on your word instead of the server's."""
    limits: Mapping[str, Mapping[str, Any]]
    """By pattern: limits as of `@tool`, as `{"search_*": {"timeout": 10}}`."""


class McpServer:
    """The tools of an MCP server, as a `ToolSource`. Made with `stdio` or `http`.

    It is connected while something holds it open. A server that is not there, or goes, is connected to again, after
    pauses up to half a minute; calls fail meanwhile, and say why.
    """

    def __init__(self, name: str, reach: Reach, terms: Terms | None = None) -> None:
        """Raises `ConfigError` where a variable is named that is not set."""
        missing = missing_in(reach)
        if missing:
            raise ConfigError(
                f"the MCP server {name!r} cannot be opened",
                f"it needs the environment variable {', '.join(missing)}, which is not set",
                f"set it, or give a default: ${{{missing[0]}:-...}}",
            )
        self._name = name
        self._reach = reach
        self._terms = terms or Terms()

    def __repr__(self) -> str:
        return f"<MCP server {self._name} ({self._reach})>"

    @classmethod
    def stdio(
        cls,
        name: str,
        command: str,
        args: Sequence[str] = (),
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | Path | None = None,
        **terms: Unpack[TermOptions],
    ) -> Self:
        """A program that speaks over its stdin and stdout. Of our environment it gets PATH, HOME and the like; and
        `env`.

        Raises:
            ConfigError: a variable is named that is not set, or a limit that does not exist.
        """
        there = None if cwd is None else Path(cwd)
        return cls(name, Program(command, tuple(args), dict(env or {}), there), terms_of(name, terms))

    @classmethod
    def http(
        cls, name: str, url: str, *, headers: Mapping[str, str] | None = None, **terms: Unpack[TermOptions]
    ) -> Self:
        """A server at an address (streamable HTTP). Redirects to another origin are not followed.

        Raises:
            ConfigError: it is no address, a variable is named that is not set, or a limit that does not exist.
        """
        return cls(name, Address(url, dict(headers or {})), terms_of(name, terms))

    @property
    def name(self) -> str:
        """What it is called in lists and errors."""
        return self._name

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[OpenTools]:
        """Be connected. Raises `ConfigError` where the extra `mcp` is not installed."""
        # Not on the loop: it takes most of a second.
        await anyio.to_thread.run_sync(needs_extra, f"the MCP server {self._name!r} cannot be opened")
        async with anyio.create_task_group() as group:
            connection = Connection(self._name, self._reach, self._terms, group)
            group.start_soon(connection.run)
            with anyio.move_on_after(OPENING_S):
                await connection.tried.wait()
            try:
                yield connection
            finally:
                group.cancel_scope.cancel()


def terms_of(name: str, options: TermOptions) -> Terms:
    """Checked. Raises `ConfigError` for a limit that does not exist."""
    from orchestrator.function_tool import LimitOptions, limits_from

    limits = {pattern: dict(given) for pattern, given in options.get("limits", {}).items()}
    for given in limits.values():
        try:
            limits_from(name, cast("LimitOptions", given), "")
        except ToolDefinitionError as problem:
            raise ConfigError(f"the limits of the MCP server {name!r} cannot be", problem.why, problem.todo) from None
    return Terms(
        options.get("prefix", ""),
        tuple(options.get("only", ())),
        tuple(options.get("without", ())),
        options.get("trusted", False),
        tuple(options.get("read_only", ())),
        limits,
    )


def needs_extra(what: str) -> None:
    """Raises `ConfigError`, where the extra `mcp` is not installed; `what` cannot be done then."""
    try:
        # And what it would import later, on the event loop, and reads files for that.
        for name in ("mcp", "jsonschema", "httpcore2"):
            import_module(name)
    except ImportError:
        raise ConfigError(what, "the library that speaks MCP is not installed", "pip install 'duologue[mcp]'") from None
