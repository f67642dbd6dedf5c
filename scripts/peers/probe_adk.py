"""Google's Agent Development Kit."""

from __future__ import annotations

import asyncio
import threading
from typing import Annotated, Any
from unittest.mock import MagicMock

from google.adk.tools import FunctionTool, ToolContext
from pydantic import Field
from rows import Probe, cancelled

probe = Probe("ADK", "google-adk")


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

    def bug() -> str:
        """Fails."""
        raise RuntimeError("secret 4711")

    def long() -> str:
        """Long."""
        return "x" * 1_000_000

    async def run(function, **arguments: Any) -> Any:
        return await FunctionTool(function).run_async(args=arguments, tool_context=MagicMock(spec=ToolContext))

    probe.ran("callable", True, "there is no decorator: a function is given as it is")
    declared = FunctionTool(plain)._get_declaration()
    text = declared.model_dump_json(exclude_none=True)
    probe.ran("constraints", '"minimum":1' in text.replace(" ", ""), "`minimum` is 1", "not in the declaration")
    probe.ran(
        "docstring",
        "A number." in text.replace(declared.description or "", "", 1) and '"description":"A number."' in text,
        "described",
        "the docstring as a whole is the description; the arguments have none",
    )
    await run(plain, n=1)
    probe.ran(
        "thread",
        threads != [threading.get_ident()],
        "another thread",
        "it runs on the loop; a live agent can have a pool of threads",
    )
    if threads == [threading.get_ident()]:
        probe.says("thread", "partly", "run: on the loop; `RunConfig.tool_thread_pool_config` for live agents")
    try:
        answer = str(await run(bug))
    except RuntimeError:
        answer = "raised"
    probe.ran("bug", "4711" not in answer, "it ends the run, so no model sees it (a plug-in can tell it)")
    probe.ran("cap", len(str(await run(long))) < 1_000_000, "cut", "the whole output goes on")
    probe.ran("cancel", await cancelled(lambda: run(endless), began, ended), "the tool is cancelled")


asyncio.run(main())
probe.there(
    "stream",
    "google.adk.agents:LiveRequestQueue",
    answer="partly",
    note="generators stream to the model in live agents",
)
probe.absent("definition", "read when the first request is made")
probe.absent("progress", "the context has none; a long-running tool can be told of later by your program")
probe.absent("timeout", "no such parameter of `FunctionTool`")
probe.absent("idle", "no such parameter of `FunctionTool`")
probe.there("token", "google.adk.tools:ToolContext.is_aborted", answer="partly", note="for nodes of a workflow")
probe.there(
    "retries",
    "google.adk.plugins.reflect_retry_tool_plugin:ReflectAndRetryToolPlugin",
    answer="partly",
    note="asks the model again; nothing is run again by itself",
)
probe.there(
    "retry_signal",
    "google.adk.plugins.reflect_retry_tool_plugin:ReflectAndRetryToolPlugin",
    answer="partly",
    note="what failed is told to the model, by a plug-in",
)
probe.absent("concurrency", "not found")
probe.there(
    "durable",
    "google.adk.apps:ResumabilityConfig",
    answer="partly",
    note="a run can be resumed; tools may then run twice",
)
probe.absent("duplicates", "not found")
probe.there(
    "ask",
    "google.adk.tools:ToolContext.request_confirmation",
    answer="partly",
    note="with a payload; the run ends, and goes on with the answer",
)
probe.there("approval", "google.adk.tools:FunctionTool", note="`require_confirmation`")
probe.absent("speech", "confirming is a message of your program")
probe.there("dynamic", "google.adk.tools.base_toolset:BaseToolset.get_tools", note="asked anew for each step")
probe.there("filter", "google.adk.tools.base_toolset:BaseToolset", note="`tool_filter`, `tool_name_prefix`")
probe.there(
    "resources",
    "google.adk.tools.base_toolset:BaseToolset.close",
    answer="partly",
    note="a toolset is closed with its runner",
)
probe.there("mcp_client", "google.adk.tools:McpToolset")
probe.absent("mcp_server", "by hand, with a converter (`adk_to_mcp_tool_type`)")
probe.absent("taint", "not found")
probe.absent("cli", "`adk run` runs agents")
probe.absent("conformance", "evaluation is of agents")
probe.absent("heard", "not found")
probe.there("rich", "google.adk.tools:ToolContext.save_artifact")
probe.there("guardrails", "google.adk.plugins:BasePlugin.before_tool_callback")
probe.there("suspended", "google.adk.tools:LongRunningFunctionTool")
probe.absent("search", "not found")
probe.there("prepare", "google.adk.tools:BaseTool.process_llm_request")
probe.there("hosted", "google.adk.tools:VertexAiSearchTool")
probe.there("telemetry", "google.adk.telemetry:tracer")
probe.there("login", "google.adk.tools:ToolContext.request_credential")
probe.print()
