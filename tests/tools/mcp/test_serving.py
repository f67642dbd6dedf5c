"""Our tools served by MCP, to the official SDK's own client: over stdio and at an address, with either handshake."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import mcp_types
import pytest
from mcp import Client, MCPError, StdioServerParameters

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(90)]

ROOT = Path(__file__).resolve().parents[3]
SHOP = '''
import os
import anyio
from orchestrator import Result, Toolbox, ToolContext, ToolFailed, tool

box = Toolbox("shop", prefix="shop_")


@box.tool(needs_approval=True, idempotent=False, question="Shall I order {number}?")
async def order(number: int):
    """Order."""
    yield "asking the store"
    yield {"ordered": number}


@tool
async def ask(ctx: ToolContext) -> str:
    """Ask twice."""
    return f"{await ctx.ask('First?')} and {await ctx.ask('Second?')}"


@tool(timeout=None)
async def endless():
    """Never ends."""
    yield "begun"
    try:
        await anyio.sleep_forever()
    finally:
        open(os.environ["MARK"], "w").write("cancelled")
    yield ""


@tool
def noisy() -> str:
    """Prints."""
    print("this must not get into the protocol")
    return "said"


@tool
def broken() -> str:
    """Fails."""
    raise ToolFailed("the store is closed")
'''


@pytest.fixture
def command(tmp_path: Path) -> StdioServerParameters:
    file = tmp_path / "shop.py"
    file.write_text(SHOP)
    arguments = ["-m", "orchestrator.cli", "tools", "serve-mcp", "--tools", str(file), "--no-bundled"]
    env = {"PYTHONPATH": str(ROOT), "MARK": str(tmp_path / "mark")}
    return StdioServerParameters(command=sys.executable, args=arguments, env=env, cwd=tmp_path)


@pytest.fixture
def address(command: StdioServerParameters) -> Iterator[str]:
    """The same at an address."""
    process = subprocess.Popen(
        [command.command, *command.args, "--http", "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(command.env or {})},
    )
    assert process.stderr is not None
    url = ""
    for line in process.stderr:
        found = re.search(r"serving at (\S+)", line)
        if found:
            url = found[1]
            break
    yield url
    process.terminate()
    assert process.wait(timeout=20) == 0
    process.stderr.close()


@pytest.fixture(params=["stdio", "http"])
def server(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue({"stdio": "command", "http": "address"}[request.param])


@pytest.fixture(params=["auto", "legacy"])
def mode(request: pytest.FixtureRequest) -> str:
    """The newer handshake and the older."""
    return str(request.param)


class Person:
    def __init__(self, *answers: str | None) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.forms: list[Any] = []

    async def __call__(self, context: object, params: Any) -> mcp_types.ElicitResult:
        self.asked.append(params.message)
        self.forms.append(params.requested_schema["properties"]["answer"].get("enum"))
        answer = self.answers.pop(0)
        if answer is None:
            return mcp_types.ElicitResult(action="decline")
        return mcp_types.ElicitResult(action="accept", content={"answer": answer})


def text(result: mcp_types.CallToolResult) -> str:
    (item,) = result.content
    assert isinstance(item, mcp_types.TextContent)
    return item.text


async def test_the_tools_are_listed_with_what_they_do(server: Any, mode: str) -> None:
    async with Client(server, mode=mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert list(tools) == ["shop_order", "ask", "endless", "noisy", "broken"]
    order = tools["shop_order"]
    assert order.description == "Order."
    assert order.input_schema["required"] == ["number"]
    assert order.annotations is not None
    assert (order.annotations.read_only_hint, order.annotations.idempotent_hint) == (False, False)


async def test_a_call_with_its_progress_after_a_yes(server: Any, mode: str) -> None:
    person = Person("yes")
    told: list[str | None] = []

    async def progress(progress: float, total: float | None, message: str | None) -> None:
        told.append(message)

    async with Client(server, mode=mode, elicitation_callback=person) as client:
        result = await client.call_tool("shop_order", {"number": 5}, progress_callback=progress)
    assert result.structured_content == {"ordered": 5}
    assert not result.is_error
    assert person.asked == ["Shall I order 5?"]
    assert person.forms == [["yes", "no", "always"]]
    assert told == ["asking the store"]


async def test_a_no_a_form_put_away_and_a_client_that_cannot_ask_are_a_no(server: Any, mode: str) -> None:
    person = Person("no", None)
    async with Client(server, mode=mode, elicitation_callback=person) as client:
        for _ in range(2):
            result = await client.call_tool("shop_order", {"number": 5})
            assert result.is_error
            assert "was not run" in text(result)
    async with Client(server, mode=mode) as client:
        assert (await client.call_tool("shop_order", {"number": 5})).is_error
        assert text(await client.call_tool("ask", {})) == " and "


async def test_several_questions_in_one_call(server: Any, mode: str) -> None:
    person = Person("red", "blue")
    async with Client(server, mode=mode, elicitation_callback=person) as client:
        assert text(await client.call_tool("ask", {})) == "red and blue"
    assert person.asked == ["First?", "Second?"]


async def test_a_call_that_is_called_off_ends_here(server: Any, mode: str, tmp_path: Path) -> None:
    began = anyio.Event()

    async def progress(progress: float, total: float | None, message: str | None) -> None:
        began.set()

    async with Client(server, mode=mode) as client:
        async with anyio.create_task_group() as group:

            async def call() -> None:
                await client.call_tool("endless", {}, progress_callback=progress)

            group.start_soon(call)
            await began.wait()
            group.cancel_scope.cancel()
        with anyio.fail_after(20):
            while not await anyio.Path(tmp_path / "mark").exists():  # noqa: ASYNC110  (another process writes it)
                await anyio.sleep(0.01)
        assert text(await client.call_tool("noisy", {})) == "said", "it goes on, and a print harms nobody"


async def test_what_fails_is_an_error_of_the_tool(server: Any, mode: str) -> None:
    async with Client(server, mode=mode) as client:
        failed = await client.call_tool("broken", {})
        assert failed.is_error
        assert "the store is closed" in text(failed)
        wrong = await client.call_tool("shop_order", {"nr": 5})
        assert wrong.is_error
        assert "There is no tool" in text(await client.call_tool("nothing", {}))


async def test_a_token_of_nobody_is_refused(server: Any) -> None:
    async with Client(server, elicitation_callback=Person()) as client:
        with pytest.raises(MCPError, match="not waited for any more"):
            await client.call_tool("ask", {}, request_state="made-up", input_responses={})


async def test_no_web_page_is_served(address: str) -> None:
    ping = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    accept = {"Accept": "application/json, text/event-stream"}
    async with httpx2.AsyncClient(headers=accept) as browser:
        page = await browser.post(address, json=ping, headers={"Origin": "https://evil.example"})
        assert page.status_code == 403
        rebound = await browser.post(address, json=ping, headers={"Host": "evil.example"})
        assert rebound.status_code == 421


def test_only_this_machine_is_served() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.cli", "tools", "serve-mcp", "--http", "--host", "0.0.0.0"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "there is no login here" in done.stderr
