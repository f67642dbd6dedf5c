"""Strands Agents."""

from __future__ import annotations

import asyncio
import threading
from typing import Annotated, Any

from pydantic import Field
from rows import Probe, cancelled
from strands import tool

probe = Probe("Strands", "strands-agents")


async def main() -> None:
    began, ended, threads = asyncio.Event(), [], []

    @tool
    def plain(n: int) -> int:
        """Double.

        Args:
            n: A number.
        """
        threads.append(threading.get_ident())
        return 2 * n

    @tool
    async def endless() -> str:
        """Never ends."""
        began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return ""

    @tool
    def bug() -> str:
        """Fails."""
        raise RuntimeError("secret 4711")

    @tool
    def long() -> str:
        """Long."""
        return "x" * 1_000_000

    @tool
    async def steps():
        """Steps."""
        yield "one"
        yield "two"

    async def run(made, **arguments: Any) -> list[Any]:
        use = {"toolUseId": "1", "name": made.tool_name, "input": arguments}
        return [event async for event in made.stream(use, {})]

    probe.ran("callable", plain(2) == 4, "`plain(2)` gives 4")
    threads.clear()
    number = plain.tool_spec["inputSchema"]["json"]["properties"]["n"]
    try:

        @tool
        def bounded(n: Annotated[int, Field(ge=1)]) -> int:
            """Double."""
            return n

        probe.ran("constraints", "minimum" in str(bounded.tool_spec), "`minimum` is 1")
    except NotImplementedError:
        probe.ran("constraints", False, "", "refused: `Field` within `Annotated` is not yet supported")
    probe.ran("docstring", number.get("description") == "A number.", "described")
    await run(plain, n=1)
    probe.ran("thread", threads != [threading.get_ident()], "another thread")
    told = str((await run(bug))[-1])
    probe.ran("bug", "4711" not in told, "kept", "its text goes to the model")
    probe.ran("cap", len(str(await run(long))) < 1_000_000, "cut", "the whole output goes on")
    probe.ran(
        "stream", len(await run(steps)) >= 3, "each yield is an event, before the result", "the yields are not told"
    )
    probe.ran("cancel", await cancelled(lambda: run(endless), began, ended), "the tool is cancelled")
    refused = []
    for source in (
        "def bad(n):\n '''X.'''",
        "def bad(*args: int):\n '''X.'''",
        "def bad(n: int):\n '''X.\n\n Args:\n  m: No.\n '''",
    ):
        space: dict[str, Any] = {}
        exec(source, space)
        try:
            tool(space["bad"])
        except Exception as error:
            refused.append(type(error).__name__)
    probe.says("definition", "partly" if refused else "no", f"run: {len(refused)} of 3 refused, without file and line")


asyncio.run(main())
probe.absent("progress", "yields only")
probe.absent("timeout", "no such parameter of `tool`")
probe.absent("idle", "no such parameter of `tool`")
probe.absent("token", "the agent has a signal (`cancel`); the tool does not see it")
probe.there("retries", "strands.hooks:AfterToolCallEvent", answer="partly", note="a hook may ask for another try")
probe.absent("retry_signal", "an error result, with no difference between mend and give up")
probe.absent("concurrency", "an executor runs all at once, or one after the other")
probe.absent("durable", "sessions keep messages; calls are not recognised")
probe.absent("duplicates", "not found")
probe.there("ask", "strands:ToolContext.interrupt", note="the tool is run again from its beginning")
probe.there("approval", "strands:InterventionHandler", answer="partly", note="by an intervention or hook of yours")
probe.absent("speech", "answering is a call of your program")
probe.there("dynamic", "strands.tools.watcher:ToolWatcher", note="`load_tools_from_directory=True`")
probe.there("filter", "strands.tools:ToolProvider", answer="partly", note="MCP clients have a prefix and filters")
probe.there("resources", "strands.tools:ToolProvider", answer="partly", note="a provider is told of its consumers")
probe.there("mcp_client", "strands.tools.mcp:MCPClient")
probe.absent("mcp_server", "another package")
probe.absent("taint", "guardrails of Bedrock")
probe.there("cli", "strands.tools._caller", answer="partly", note="`agent.tool.name(...)` in a program")
probe.absent("conformance", "evaluation is of agents")
probe.absent("heard", "not found")
probe.there("rich", "strands.types.tools:ToolResultContent")
probe.there("guardrails", "strands.hooks:BeforeToolCallEvent")
probe.there("suspended", "strands:Snapshot", note="and interrupts in a session")
probe.absent("search", "not found")
probe.absent("prepare", "by hooks")
probe.absent("hosted", "through models")
probe.there("telemetry", "strands.telemetry:StrandsTelemetry")
probe.absent("login", "another package")
probe.print()
