"""Duologue itself."""

from __future__ import annotations

import asyncio
import threading
from typing import Annotated, Any

from pydantic import Field
from rows import Probe, cancelled

from orchestrator import SyncToolContext, ToolContext, tool
from orchestrator.errors import ToolDefinitionError
from orchestrator.ports import Progress, Result, ToolCall
from orchestrator.simulation import running

probe = Probe("Duologue", "duologue")


async def main() -> None:
    began, threads = asyncio.Event(), list[int]()
    ended: list[str] = []

    @tool
    def plain(n: Annotated[int, Field(ge=1)]) -> int:
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

    @tool(timeout=0.05)
    async def slow() -> str:
        """Slow."""
        await asyncio.sleep(60)
        return ""

    @tool(idle_timeout=0.05)
    async def silent() -> str:
        """Silent."""
        await asyncio.sleep(60)
        return ""

    @tool
    def bug() -> str:
        """Fails."""
        raise RuntimeError("secret 4711")

    @tool(max_output_chars=100)
    def long() -> str:
        """Long."""
        return "x" * 1_000_000

    @tool
    async def steps() -> Any:
        """Steps."""
        yield "one"
        yield "two"

    @tool
    async def told(ctx: ToolContext) -> str:
        """Tells."""
        await ctx.progress("one")
        return "done"

    @tool
    def waits(ctx: SyncToolContext) -> str:
        """Sees that nobody waits."""
        while not ctx.cancelled:
            threading.Event().wait(0.001)
        seen.set()
        return ""

    @tool(needs_approval=True)
    async def asks() -> str:
        """Asks."""
        return "done"

    seen = threading.Event()
    every = [plain, endless, slow, silent, bug, long, steps, told, waits, asks]
    async with running(every) as bench:

        async def run(name: str, **arguments: Any) -> list[Progress | Result]:
            async with bench.calling(ToolCall(name, arguments)) as chunks:
                return [chunk async for chunk in chunks]

        probe.ran("callable", plain(2) == 4, "`plain(2)` gives 4")
        threads.clear()
        number = plain.info.schema["properties"]["n"]
        probe.ran("constraints", number.get("minimum") == 1, "`minimum` is 1")
        probe.ran("docstring", number.get("description") == "A number.", "described")
        await run("plain", n=1)
        probe.ran("thread", threads != [threading.get_ident()], "another thread")
        probe.ran("timeout", "ok=False" in str(await run("slow")), "`timeout=` ends it")
        probe.ran("idle", "ok=False" in str(await run("silent")), "`idle_timeout=` ends it")
        probe.ran("bug", "4711" not in str(await run("bug")), "kept, and logged")
        (cut,) = await run("long")
        probe.ran("cap", isinstance(cut, Result) and bool(cut.rest), "head, tail and a handle (`read_output`)")
        probe.ran("stream", await run("steps") == [Progress("one"), Result("two")], "each yield but the last")
        probe.ran("progress", (await run("told"))[0] == Progress("one"), "`ctx.progress`")
        probe.ran("cancel", await cancelled(lambda: run("endless"), began, ended), "the tool is cancelled")
        task = asyncio.ensure_future(run("waits"))
        await asyncio.sleep(0.05)
        task.cancel()
        probe.ran("token", await asyncio.to_thread(seen.wait, 10), "`ctx.cancelled`")
        probe.ran("approval", "was not run" in str(await run("asks")), "`needs_approval=True`")
    refused: list[str] = []
    for source in (
        "def bad(n):\n '''X.'''",
        "def bad(*args: int):\n '''X.'''",
        "def bad(n: int):\n '''X.\n\n Args:\n  m: No.\n '''",
    ):
        space: dict[str, Any] = {}
        exec(compile(source, "tools.py", "exec"), space)
        try:
            tool(space["bad"])
        except ToolDefinitionError as error:
            refused.append(str(error))
    holds = len(refused) == 3 and all("tools.py:1" in text for text in refused)
    probe.ran("definition", holds, "all three refused, with file and line")


asyncio.run(main())
probe.there("retries", "orchestrator.tool_port:ToolLimits.retries", note="for those that may run twice")
probe.there("retry_signal", "orchestrator:ToolRetry")
probe.there("concurrency", "orchestrator.tool_port:ToolLimits.concurrency")
probe.there("durable", "background.record:Record", note='over Redis; what was in the middle is "outcome unknown"')
probe.there("duplicates", "orchestrator.tool_port:ToolLimits.on_duplicate", note='`"reuse"`')
probe.there("ask", "orchestrator.tool_port:ToolContext.ask")
probe.there("speech", "orchestrator.consent:consent", note="English; yes, no and always")
probe.there("dynamic", "orchestrator.ports:ToolSource", note="files and MCP servers; the voice is told")
probe.there("filter", "orchestrator:Toolbox.only")
probe.there("resources", "orchestrator:resource")
probe.there("mcp_client", "tools.mcp:McpServer")
probe.there("mcp_server", "orchestrator.cli.tools:serve_mcp", note="`duologue tools serve-mcp`")
probe.there("taint", "background.taint:Taint")
probe.there("cli", "orchestrator.cli.tools:call", note="`duologue tools call`")
probe.there("conformance", "orchestrator.testing:check_tool")
probe.there("heard", "orchestrator.ledger", note="states `heard` and `acknowledged`")
probe.absent("rich", "text and JSON; pictures are named, and not shown")
probe.there("guardrails", "orchestrator:guarded")
probe.absent("suspended", "a question is open for a minute; then it is a no")
probe.absent("search", "all tools of a task are told at once")
probe.absent("prepare", "by task and pool, not by step")
probe.absent("hosted", "every tool runs in your worker")
probe.absent("telemetry", "a journal of its own; no spans yet")
probe.absent("login", "no OAuth; keys of the environment")
probe.print()
