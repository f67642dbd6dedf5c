"""LangGraph, with LangChain's tools."""

from __future__ import annotations

import asyncio
import threading
from typing import Annotated, Any

from langchain_core.messages import AIMessage
from langchain_core.tools import tool
from langgraph.prebuilt import ToolNode
from langgraph.runtime import Runtime
from pydantic import Field
from rows import Probe, cancelled

probe = Probe("LangGraph", "langgraph")


async def main() -> None:
    began, ended, threads = asyncio.Event(), [], []

    @tool(parse_docstring=True)
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

    @tool
    def bug() -> str:
        """Fails."""
        raise RuntimeError("secret 4711")

    @tool
    def long() -> str:
        """Long."""
        return "x" * 1_000_000

    async def run(made, **arguments: Any) -> str:
        call = {"name": made.name, "args": arguments, "id": "1", "type": "tool_call"}
        node = ToolNode([made], handle_tool_errors=True)
        answer = await node.ainvoke({"messages": [AIMessage("", tool_calls=[call])]}, runtime=Runtime())
        return str(answer["messages"][0].content)

    probe.ran("callable", callable(plain), "`plain(2)` gives 4", "it becomes a `StructuredTool`, with `invoke`")
    schema = plain.args_schema.model_json_schema()["properties"]["n"]
    probe.ran("constraints", schema.get("minimum") == 1, "`minimum` is 1")
    probe.ran("docstring", schema.get("description") == "A number.", "described, with `parse_docstring=True`")
    await plain.ainvoke({"n": 1})
    probe.ran("thread", threads != [threading.get_ident()], "another thread")
    text = str(await long.ainvoke({}))
    probe.ran("cap", len(text) < 1_000_000, "cut", "the whole output goes on")
    probe.ran("cancel", await cancelled(lambda: endless.ainvoke({}), began, ended), "the tool is cancelled")
    try:
        told = await run(bug)
        probe.says(
            "bug",
            "partly",
            f"run: `handle_tool_errors=True` {'tells' if '4711' in told else 'keeps'} it; a text of your own keeps it",
        )
    except Exception as error:
        probe.says(
            "bug", "partly", f"a text of your own keeps it (`handle_tool_errors`); {type(error).__name__} without"
        )
    refused = []
    for source in (
        "def bad(n):\n '''X.'''",
        "def bad(*args: int):\n '''X.'''",
        "def bad(n: int):\n '''X.\n\n Args:\n  m: No.\n '''",
    ):
        space: dict[str, Any] = {}
        exec(source, space)
        try:
            tool(space["bad"], parse_docstring=True) if "Args" in source else tool(space["bad"])
        except Exception as error:
            refused.append(type(error).__name__)
    probe.says("definition", "partly" if refused else "no", f"run: {len(refused)} of 3 refused, without file and line")


asyncio.run(main())
probe.there(
    "stream", "langgraph.config:get_stream_writer", answer="partly", note="a writer, not the generator's yields"
)
probe.there("progress", "langgraph.config:get_stream_writer")
probe.there("timeout", "langgraph.types:TimeoutPolicy", answer="partly", note="per node")
probe.there("idle", "langgraph.types:TimeoutPolicy", answer="partly", note="per node: `idle_timeout`")
probe.absent("token", "not found")
probe.there("retries", "langgraph.types:RetryPolicy", answer="partly", note="per node, not per tool")
probe.there(
    "retry_signal",
    "langchain_core.tools:ToolException",
    answer="partly",
    note="an error message; no difference between mend and give up",
)
probe.absent("concurrency", "`max_concurrency` of a run")
probe.there(
    "durable",
    "langgraph.func:task",
    answer="partly",
    note="a finished node or task is not run again; one that was in the middle is",
)
probe.there("duplicates", "langgraph.types:CachePolicy", answer="partly", note="per node")
probe.there("ask", "langgraph.types:interrupt", note="the tool is run again from its beginning")
probe.there(
    "approval",
    "langgraph.types:interrupt",
    answer="partly",
    note="a middleware of langchain (`HumanInTheLoopMiddleware`), or by hand",
)
probe.absent("speech", "answering is a call of your program")
probe.absent("dynamic", "by middleware; not of a running graph")
probe.absent("filter", "lists of your own")
probe.there(
    "resources", "langgraph.runtime:Runtime", answer="partly", note="what you open yourself, through the context"
)
probe.absent("mcp_client", "with `langchain-mcp-adapters`, another package")
probe.absent("mcp_server", "its platform serves graphs")
probe.absent("taint", "not found")
probe.absent("cli", "not found")
probe.absent("conformance", "`langchain-tests`, another package, has one for integrations")
probe.absent("heard", "not found")
probe.there("rich", "langchain_core.tools:StructuredTool", note="`content_and_artifact`")
probe.there("guardrails", "langgraph.prebuilt:ToolNode", note="`wrap_tool_call`")
probe.there("suspended", "langgraph.checkpoint.memory:InMemorySaver", note="checkpoints, in a database too")
probe.absent("search", "another package (`langgraph-bigtool`)")
probe.there("prepare", "langgraph.prebuilt:create_react_agent", note="a model per step")
probe.absent("hosted", "through the models of langchain")
probe.absent("telemetry", "LangSmith; OpenTelemetry through it")
probe.absent("login", "its platform has it")
probe.print()
