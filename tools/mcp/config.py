"""The file that names MCP servers, in the form that other programs share.

```json
{"mcpServers": {
    "files":   {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem", "/data"]},
    "tickets": {"url": "https://tickets.example.com/mcp", "headers": {"Authorization": "Bearer ${TICKETS_TOKEN}"}}
}}
```

Beside what all of them know, an entry may have `prefix` (default: its name and `_`), `only`, `without`, `trusted`,
`readOnly` and `limits`; see `McpServer`. What other programs put there is left alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from orchestrator.errors import ConfigError
from tools.mcp.reaching import Address, Program
from tools.mcp.source import McpServer, TermOptions, terms_of

__all__ = ["mcp_servers"]

_OURS: Final = ("prefix", "only", "without", "trusted", "readOnly", "limits")


class _Entry(msgspec.Struct, rename="camel"):
    command: str = ""
    args: tuple[str, ...] = ()
    env: dict[str, str] = {}
    cwd: str = ""
    url: str = ""
    headers: dict[str, str] = {}
    type: str = ""
    disabled: bool = False
    prefix: str | None = None
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    trusted: bool = False
    read_only: tuple[str, ...] = ()
    limits: dict[str, dict[str, Any]] = {}


def mcp_servers(path: str | os.PathLike[str]) -> list[McpServer]:
    """The servers that the file names, without those that are `disabled`.

    Raises:
        ConfigError: it cannot be read, or an entry cannot be understood; the message names it.
    """
    file = Path(path).expanduser()
    try:
        found: object = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise ConfigError(
            f"the MCP servers of {file} are not known", f"it cannot be read: {problem}", "correct it, or the path"
        ) from None
    entries = cast("Mapping[str, Any]", found).get("mcpServers") if isinstance(found, dict) else None
    if not isinstance(entries, dict):
        raise ConfigError(
            f"the MCP servers of {file} are not known",
            'it is not of the form {"mcpServers": {NAME: {...}}}',
            "see docs/mcp.md",
        )
    servers = [_server(name, entry, file) for name, entry in cast("Mapping[str, Any]", entries).items()]
    return [server for server in servers if server is not None]


def _server(name: str, given: object, file: Path) -> McpServer | None:
    def wrong(why: str) -> ConfigError:
        return ConfigError(f"the MCP server {name!r} cannot be understood", why, f"correct it in {file}")

    try:
        entry = msgspec.convert(given, _Entry)
    except msgspec.ValidationError as problem:
        raise wrong(str(problem)) from None
    for key in cast("Mapping[str, Any]", given):
        near = get_close_matches(key, _OURS, n=1, cutoff=0.8)
        if near and key not in _OURS:
            raise wrong(f"it has {key!r}; did you mean {near[0]!r}?")
    if entry.disabled:
        return None
    if bool(entry.command) == bool(entry.url):
        raise wrong("it needs either a `command` or a `url`")
    if entry.type == "sse":
        raise wrong("it speaks the old HTTP+SSE transport, which MCP has replaced; ask for its streamable HTTP address")
    options = TermOptions(
        prefix=f"{name}_" if entry.prefix is None else entry.prefix,
        only=entry.only,
        without=entry.without,
        trusted=entry.trusted,
        read_only=entry.read_only,
        limits=entry.limits,
    )
    if entry.url:
        return McpServer(name, Address(entry.url, entry.headers), terms_of(name, options))
    cwd = Path(entry.cwd).expanduser() if entry.cwd else None
    return McpServer(name, Program(entry.command, entry.args, entry.env, cwd), terms_of(name, options))
