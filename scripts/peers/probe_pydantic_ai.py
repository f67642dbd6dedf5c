"""pydantic-ai."""

from __future__ import annotations

import asyncio
import threading
from typing import Annotated

from pydantic import Field
from pydantic_ai import Agent, Tool
from pydantic_ai.models.test import TestModel
from rows import Probe, cancelled

probe = Probe("pydantic-ai", "pydantic-ai-slim")


async def main() -> None:
    began, ended, threads = asyncio.Event(), [], []

    def plain(n: Annotated[int, Field(ge=1)]) -> int:
        """Double.

        Args:
            n: A number.
        """
        threads.append(threading.get_ident())
        return 2 * n

    async def endless() -> str:
        """Never ends."""
        began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return ""

    async def slow() -> str:
        """Slow."""
        await asyncio.sleep(60)
        return ""

    def bug() -> str:
        """Fails."""
        raise RuntimeError("secret 4711")

    def long() -> str:
        """Long."""
        return "x" * 1_000_000

    def steps():
        """Steps."""
        yield "one"
        yield "two"

    def agent(tool) -> Agent:
        return Agent(TestModel(), tools=[tool])

    decorated = Agent(TestModel()).tool_plain(plain)
    probe.ran("callable", decorated(2) == 4, "`plain(2)` gives 4")
    threads.clear()
    number = Tool(plain).tool_def.parameters_json_schema["properties"]["n"]
    probe.ran("constraints", number.get("minimum") == 1, "`minimum` is 1")
    probe.ran("docstring", number.get("description") == "A number.", "described")
    await agent(plain).run("x")
    probe.ran("thread", threads != [threading.get_ident()], "another thread")
    try:
        await asyncio.wait_for(agent(Tool(slow, timeout=0.05, max_retries=0)).run("x"), 5)
        late = ""
    except Exception as error:
        late = type(error).__name__
    probe.ran("timeout", late not in ("", "TimeoutError"), "`Tool(timeout=)` ends it")
    try:
        await agent(bug).run("x")
        stopped = False
    except RuntimeError:
        stopped = True
    probe.ran("bug", stopped, "it ends the run, so no model sees it")
    answer = await agent(long).run("x")
    probe.ran("cap", "x" * 1_000_000 not in str(answer.all_messages()), "cut", "the whole output goes on")
    probe.ran("cancel", await cancelled(lambda: agent(endless).run("x"), began, ended), "the tool is cancelled")
    try:
        answer = await agent(steps).run("x")
        probe.ran("stream", False, "", "a generator is a value")
    except Exception as error:
        probe.ran("stream", False, "", f"a generator is a value that cannot be written ({type(error).__name__})")
    refused = []
    for source in ("def bad(n): ...", "def bad(*args: int): ...", "def bad(n: int):\n '''X.\n\n Args:\n  m: No.\n '''"):
        space: dict = {}
        exec(source, space)
        try:
            Tool(space["bad"])
        except Exception as error:
            refused.append(str(error))
    probe.says("definition", "partly" if refused else "no", f"run: {len(refused)} of 3 refused, without file and line")


asyncio.run(main())
probe.absent("progress", "events of your own can be sent by what runs the agent; the context has none for progress")
probe.absent("idle", "no such parameter of `Tool`")
probe.absent("token", "not found")
probe.there(
    "retries",
    "pydantic_ai:Tool",
    answer="partly",
    note="`max_retries` asks the model again; nothing is run again by itself",
)
probe.there("retry_signal", "pydantic_ai:ModelRetry")
probe.there("concurrency", "pydantic_ai:Tool", answer="partly", note="`sequential`: one after the other; no number")
probe.there(
    "durable", "pydantic_ai.durable_exec", answer="partly", note="through Temporal, DBOS or Prefect, which are added"
)
probe.absent("duplicates", "not found")
probe.there("ask", "pydantic_ai:CallDeferred", answer="partly", note="the run ends, and is begun again with the answer")
probe.there("approval", "pydantic_ai:ApprovalRequired", note="`Tool(requires_approval=)`")
probe.absent("speech", "approving is a call of your program")
probe.there("dynamic", "pydantic_ai.toolsets:DynamicToolset", note="per run or step")
probe.there("filter", "pydantic_ai.toolsets:PrefixedToolset", "pydantic_ai.toolsets:FilteredToolset")
probe.there(
    "resources",
    "pydantic_ai.toolsets:AbstractToolset.__aenter__",
    answer="partly",
    note="a toolset is a context manager; else dependencies of your own",
)
probe.there("mcp_client", "pydantic_ai.toolsets:AbstractToolset", note="`MCPToolset`, with an extra")
probe.absent("mcp_server", "not found")
probe.absent("taint", "not found")
probe.absent("cli", "`clai` runs agents")
probe.absent("conformance", "`TestModel` calls your tools with made arguments; no suite")
probe.absent("heard", "no conversation of its own")
probe.there("rich", "pydantic_ai:ToolReturn")
probe.there("guardrails", "pydantic_ai.toolsets:WrapperToolset", note="and hooks")
probe.there("suspended", "pydantic_ai:DeferredToolRequests")
probe.there("search", "pydantic_ai:DeferredLoadingToolset")
probe.there("prepare", "pydantic_ai.toolsets:PreparedToolset")
probe.there("hosted", "pydantic_ai:CodeExecutionTool")
probe.there("telemetry", "pydantic_ai.agent:InstrumentationSettings")
probe.absent("login", "not found")
probe.print()
