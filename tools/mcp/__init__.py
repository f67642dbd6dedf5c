"""Tools of other programs, by the Model Context Protocol: theirs as ours, and ours for others. docs/mcp.md.

Needs the extra `mcp`, which is imported when a server is opened, and not before.
"""

from __future__ import annotations

from tools.mcp.config import mcp_servers
from tools.mcp.source import McpServer

__all__ = ["McpServer", "mcp_servers"]
