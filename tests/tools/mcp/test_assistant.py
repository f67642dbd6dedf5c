"""A whole assistant, and the commands, with the tools of a real MCP server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest

from orchestrator.assistant import Assistant
from orchestrator.bundle import Bundle
from orchestrator.events import ToolsChanged
from orchestrator.finding import Finding
from orchestrator.ports import Desk, ToolCall
from tests.tools.mcp.conftest import SERVER
from tools.mcp import McpServer

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.timeout(90)


@pytest.mark.anyio
async def test_an_assistant_uses_them_and_hears_of_new_ones() -> None:
    async def reasoner(bundle: Bundle, desk: Desk) -> str:
        learnt, *_ = await desk.call(ToolCall("lib_learn", {"name": "fly"})) if "again" not in bundle.task else [None]
        if learnt is not None:
            return learnt.text
        (flown,) = await desk.call(ToolCall("lib_fly", {}))
        return flown.text

    server = McpServer.stdio("library", sys.executable, [str(SERVER), "stdio"], prefix="lib_", trusted=True)
    assistant = Assistant(tools=[server], background=reasoner)
    seen: list[object] = []
    with anyio.fail_after(60):
        async with assistant.session() as talk:
            await talk.type("please look up how to fly")
            async for event in talk.events():
                seen.append(event)
                if isinstance(event, ToolsChanged):
                    assert event.added == ("lib_fly",)
                    await talk.type("please look up how to fly again")
                if isinstance(event, Finding) and event.terminal and event.text == "I can fly.":
                    break
    texts = [event.text for event in seen if isinstance(event, Finding) and event.terminal]
    assert texts == ["learnt", "I can fly."]


@pytest.fixture
def servers(tmp_path: Path) -> Path:
    file = tmp_path / "servers.json"
    library = {"command": sys.executable, "args": [str(SERVER), "stdio"]}
    file.write_text(json.dumps({"mcpServers": {"lib": library, "gone": {"command": "no-such-program"}}}))
    return file


def duologue(arguments: Sequence[str], **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "orchestrator.cli", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **more},
        timeout=80,
        check=False,
    )


def test_the_commands_know_them(servers: Path) -> None:
    listed = duologue(["tools", "list", "--no-bundled", "--mcp", str(servers)])
    assert listed.returncode == 0
    assert "lib_add" in listed.stdout
    assert "! the MCP server gone (no-such-program) is away: there is no program no-such-program" in listed.stdout
    called = duologue(["tools", "call", "--mcp", str(servers), "lib_steps", "count=2"])
    assert (called.returncode, called.stdout) == (0, "all told\n")
    assert called.stderr.splitlines()[-2:] == ["... 1 of 2", "... step 2"]
    checks = json.loads(duologue(["doctor", "--json"], DUOLOGUE_MCP=str(servers)).stdout)["checks"]
    (tools,) = (check for check in checks if check["name"] == "tools")
    assert tools["state"] == "warn"
    assert "10 of lib" in tools["found"]
    assert "gone" in tools["found"]
