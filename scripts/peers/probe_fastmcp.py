"""FastMCP."""

from __future__ import annotations

import asyncio
import threading
from typing import Annotated

from fastmcp import Client, Context, FastMCP
from fastmcp.exceptions import ToolError
from pydantic import Field
from rows import Probe

probe = Probe("FastMCP", "fastmcp")


async def main() -> None:
    server = FastMCP("probe")
    began, ended, threads = asyncio.Event(), [], []

    @server.tool
    def plain(n: Annotated[int, Field(ge=1)]) -> int:
        """Double.

        Args:
            n: A number.
        """
        threads.append(threading.get_ident())
        return 2 * n

    @server.tool
    async def endless() -> str:
        """Never ends."""
        began.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return ""

    @server.tool(timeout=0.05)
    async def slow() -> str:
        """Slow."""
        await asyncio.sleep(60)
        return ""

    @server.tool
    def bug() -> str:
        """Fails."""
        raise RuntimeError("secret 4711")

    @server.tool
    async def told(ctx: Context) -> str:
        """Tells."""
        await ctx.report_progress(1, 2, "one")
        return "done"

    @server.tool
    def long() -> str:
        """Long."""
        return "x" * 1_000_000

    probe.ran("callable", plain(2) == 4, "`plain(2)` gives 4")
    async with Client(server) as client:
        schema = {tool.name: tool for tool in await client.list_tools()}["plain"].input_schema
        number = schema["properties"]["n"]
        probe.ran("constraints", number.get("minimum") == 1, "`minimum` is 1")
        probe.ran(
            "docstring",
            number.get("description") == "A number.",
            "described",
            "the arguments have no description; the docstring is the tool's",
        )
        await client.call_tool("plain", {"n": 1})
        probe.ran("thread", threads != [threading.get_ident()], "another thread")
        try:
            await asyncio.wait_for(client.call_tool("slow", {}), 5)
            late = False
        except ToolError as error:
            late = "time" in str(error).lower()
        probe.ran("timeout", late, "`timeout=` ends it")
        try:
            await client.call_tool("bug", {})
            seen = ""
        except ToolError as error:
            seen = str(error)
        probe.ran("bug", "4711" not in seen, "masked", "the text is in the answer; `mask_error_details=True` keeps it")
        if "4711" in seen:
            probe.says("bug", "partly", "run: with `mask_error_details=True`, not by default")
        heard = []

        async def hear(progress: float, total: float | None, message: str | None) -> None:
            heard.append(message)

        await client.call_tool("told", {}, progress_handler=hear)
        probe.ran("progress", heard == ["one"], "`ctx.report_progress`")
        result = await client.call_tool("long", {})
        whole = len(str(result.data)) >= 1_000_000
        probe.says(
            "cap",
            "partly" if whole else "yes",
            "`fastmcp.server.middleware.response_limiting`: cut, and not to be read on",
        )
        task = asyncio.ensure_future(client.call_tool("endless", {}))
        await began.wait()
        task.cancel()
        try:
            await task
        except BaseException:
            pass
        await asyncio.sleep(0.2)
        probe.ran(
            "cancel", ended == ["cancelled"], "the tool is cancelled", "the client stops waiting, and the tool goes on"
        )
    try:

        @server.tool
        def steps(n: int):
            """Steps."""
            yield "one"
            yield "two"

        async with Client(server) as client:
            answer = str((await client.call_tool("steps", {"n": 1})).content)
        probe.ran(
            "stream",
            False,
            "",
            "a generator is not run as one" if "generator" in answer else "its yields come together at the end",
        )
    except Exception as error:
        probe.ran("stream", False, "", f"refused: {type(error).__name__}")
    try:

        @server.tool
        def many(*args: int) -> int:
            """Many."""
            return 1

        refused = ""
    except ValueError as error:
        refused = str(error)
    probe.says(
        "definition",
        "partly" if refused else "no",
        f"run: `*args` is refused{'' if '.py' in refused else ', without file and line'}; a parameter without annotation is taken",
    )


asyncio.run(main())
probe.absent("idle", "no such parameter of `FastMCP.tool`")
probe.absent("token", "a thread goes on; its result is thrown away")
probe.there(
    "retries",
    "fastmcp.server.middleware.error_handling:RetryMiddleware",
    answer="partly",
    note="for the server, not per tool",
)
probe.there(
    "retry_signal",
    "fastmcp.exceptions:ToolError",
    answer="partly",
    note="an error result, with no difference between mend and give up",
)
probe.there(
    "concurrency",
    "fastmcp.server.middleware.rate_limiting:RateLimitingMiddleware",
    answer="partly",
    note="a rate for the server, not per tool",
)
probe.there(
    "durable",
    "fastmcp:FastMCP.tool",
    answer="partly",
    note="`task=` runs in the background (Docket); a repeated call is not recognised",
)
probe.absent("duplicates", "not found")
probe.there("ask", "fastmcp:Context.elicit")
probe.absent("approval", "left to the client")
probe.absent("speech", "left to the client")
probe.there("dynamic", "fastmcp:Context.enable_components", note="and `list_changed`")
probe.there("filter", "fastmcp:FastMCP.mount", note="with a prefix; transforms filter")
probe.there("resources", "fastmcp:Context.lifespan_context", note="a lifespan for the server")
probe.there("mcp_client", "fastmcp:Client")
probe.there("mcp_server", "fastmcp:FastMCP.run")
probe.absent("taint", "left to the client")
probe.there("cli", "fastmcp.cli:app", note="`fastmcp call`")
probe.absent("conformance", "an in-memory client for tests; no suite")
probe.absent("heard", "no conversation of its own")
probe.there("rich", "fastmcp.utilities.types:Image")
probe.there("guardrails", "fastmcp.server.middleware:Middleware")
probe.absent("suspended", "left to the client")
probe.there("search", "fastmcp.server.transforms.search:BM25SearchTransform")
probe.there("prepare", "fastmcp.server.transforms:Transform")
probe.absent("hosted", "no model of its own")
probe.there("telemetry", "fastmcp.telemetry:get_tracer")
probe.there("login", "fastmcp.server.auth:OAuthProvider")
probe.print()
