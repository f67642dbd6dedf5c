"""OpenAI Agents SDK."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Annotated

from agents import function_tool
from agents.tool_context import ToolContext
from pydantic import Field
from rows import Probe, cancelled

probe = Probe("OpenAI Agents", "openai-agents")


async def main() -> None:
    began, ended, threads = asyncio.Event(), [], []

    @function_tool
    def plain(n: Annotated[int, Field(ge=1)]) -> int:
        """Double.

        Args:
            n: A number.
        """
        threads.append(threading.get_ident())
        return 2 * n

    @function_tool
    async def endless() -> str:
        """Never ends."""
        began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return ""

    @function_tool(timeout=0.05)
    async def slow() -> str:
        """Slow."""
        await asyncio.sleep(60)
        return ""

    @function_tool
    def bug() -> str:
        """Fails."""
        raise RuntimeError("secret 4711")

    @function_tool
    def long() -> str:
        """Long."""
        return "x" * 1_000_000

    @function_tool
    def steps():
        """Steps."""
        yield "one"
        yield "two"

    async def run(tool, **arguments):
        text = json.dumps(arguments)
        context = ToolContext(context=None, tool_name=tool.name, tool_call_id="1", tool_arguments=text)
        return await tool.on_invoke_tool(context, text)

    probe.ran("callable", callable(plain), "`plain(2)` gives 4", "it becomes a `FunctionTool`, which is not called")
    number = plain.params_json_schema["properties"]["n"]
    probe.ran("constraints", number.get("minimum") == 1, "`minimum` is 1")
    probe.ran("docstring", number.get("description") == "A number.", "described")
    await run(plain, n=1)
    probe.ran("thread", threads != [threading.get_ident()], "another thread", "it runs on the loop")
    text = str(await run(bug))
    probe.ran(
        "bug", "4711" not in text, "kept", "the default tells it to the model; `failure_error_function` can keep it"
    )
    if "4711" in text:
        probe.says("bug", "partly", "run: the default tells it; with `failure_error_function` of your own it is kept")
    probe.ran("cap", len(str(await run(long))) < 1_000_000, "cut", "the whole output goes on")
    probe.ran("cancel", await cancelled(lambda: run(endless), began, ended), "the tool is cancelled")
    probe.ran("stream", "two" in str(await run(steps)), "", "a generator object is the result")
    probe.answers["stream"] = ("no", "run: the result is the text of a generator object")
    probe.there("timeout", "agents:FunctionTool.__dataclass_fields__", note="`function_tool(timeout=)`")
    try:

        @function_tool
        def bad(n, *more: int) -> int:
            """Bad.

            Args:
                m: Not there.
            """
            return 1

        probe.says("definition", "no", "run: all three are taken")
    except Exception as error:
        probe.says("definition", "partly", f"run: refused in part ({type(error).__name__}), without file and line")


asyncio.run(main())
probe.absent("progress", "the context has no way to tell; tools of agents stream events (`on_stream`)")
probe.absent("idle", "no such parameter of `function_tool`")
probe.absent("token", "not found")
probe.absent("retries", "retries are of model calls (`agents.retry`)")
probe.absent("retry_signal", "an error's text goes to the model; no difference between mend and give up")
probe.absent("concurrency", "`RunConfig` limits all tools together at most")
probe.there("durable", "agents.extensions", answer="partly", note="through Temporal, Restate or DBOS, which are added")
probe.absent("duplicates", "not found")
probe.absent("ask", "a run ends with an interruption for approval; free questions are a turn of the conversation")
probe.there("approval", "agents:FunctionTool.__dataclass_fields__", note="`function_tool(needs_approval=)`")
probe.absent("speech", "approving is a call of your program")
probe.there("dynamic", "agents:FunctionTool.__dataclass_fields__", answer="partly", note="`is_enabled` per run")
probe.there("filter", "agents:tool_namespace", answer="partly", note="namespaces; filters for MCP")
probe.absent("resources", "your own, through the run's context")
probe.there("mcp_client", "agents.mcp:MCPServerStdio")
probe.absent("mcp_server", "not found")
probe.absent("taint", "guardrails can be written for it")
probe.absent("cli", "not found")
probe.absent("conformance", "not found")
probe.absent("heard", "a realtime session tells what was played of audio, not of a result")
probe.there("rich", "agents:ToolOutputImage")
probe.there("guardrails", "agents:ToolInputGuardrail")
probe.there("suspended", "agents:RunState", note="`to_json`, `from_json`")
probe.there("search", "agents:ToolSearchTool")
probe.there("prepare", "agents:FunctionTool.__dataclass_fields__", note="`is_enabled` as a function")
probe.there("hosted", "agents:WebSearchTool")
probe.there(
    "telemetry",
    "agents.tracing:function_span",
    answer="partly",
    note="tracing of its own; OpenTelemetry through others",
)
probe.absent("login", "for hosted MCP only (`authorization`)")
probe.print()
