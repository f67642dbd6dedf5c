"""What the tests of the background share."""

from __future__ import annotations

from orchestrator.function_tool import tool
from tests.plugins.redis_server import redis_server, shared_server

__all__ = ["redis_server", "shared_server"]


@tool
async def nothing() -> str:
    """The first tool of a process loads pydantic, which reads files; so it is made before any event loop runs."""
    return ""
