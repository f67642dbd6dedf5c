"""The file that names MCP servers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import ConfigError
from tools.mcp import McpServer, mcp_servers
from tools.mcp.reaching import Address, Program, filled_in


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "servers.json"


def write(file: Path, **servers: Any) -> Path:
    file.write_text(json.dumps({"mcpServers": servers}))
    return file


def test_programs_and_addresses(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKETS_TOKEN", "t0k")
    write(
        file,
        files={"command": "npx", "args": ["-y", "server"], "env": {"A": "b"}, "autoApprove": ["x"]},
        tickets={
            "type": "http",
            "url": "https://t.example/mcp",
            "headers": {"Authorization": "Bearer ${TICKETS_TOKEN}"},
        },
        old={"command": "x", "disabled": True},
    )
    files, tickets = mcp_servers(file)
    assert (repr(files), repr(tickets)) == ("<MCP server files (npx)>", "<MCP server tickets (https://t.example/mcp)>")
    assert (files.name, tickets.name) == ("files", "tickets")


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({}, "it needs either a `command` or a `url`"),
        ({"command": "x", "url": "http://x"}, "it needs either a `command` or a `url`"),
        ({"command": 4}, "Expected `str`, got `int` - at `$.command`"),
        ({"url": "ftp://x"}, "it begins with http"),
        ({"url": "http://x/sse", "type": "sse"}, "old HTTP+SSE transport"),
        ({"command": "x", "readonly": ["y"]}, "did you mean 'readOnly'?"),
        ({"command": "x", "env": {"K": "${NOT_SET}"}}, "NOT_SET, which is not set"),
        ({"command": "x", "limits": {"*": {"timout": 3}}}, "timout"),
        ("x", "Expected `object`"),
    ],
)
def test_what_cannot_be_understood_is_named(file: Path, entry: Any, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    write(file, mine=entry)
    with pytest.raises(ConfigError) as raised:
        mcp_servers(file)
    assert why in str(raised.value)


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"mcpServers": []}'])
def test_a_file_that_is_none(file: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        mcp_servers(file)
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"are not known"):
        mcp_servers(file)


def test_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "k")
    monkeypatch.delenv("NONE", raising=False)
    given = {"a": "Bearer ${KEY}", "b": "${NONE:-else}", "c": "$KEY", "d": "${KEY}${KEY}"}
    assert filled_in(given) == {"a": "Bearer k", "b": "else", "c": "$KEY", "d": "kk"}


def test_what_is_shown_of_a_server_holds_no_secret() -> None:
    assert str(Address("https://me:pass@host:8000/mcp?token=1")) == "https://host:8000/mcp"
    assert str(Program("/usr/bin/npx", ("--token", "1"))) == "npx"
    assert "pass" not in repr(McpServer.http("x", "https://me:pass@host/mcp"))
