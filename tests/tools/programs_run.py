"""Programs run with `run_python`, and what is left of them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from orchestrator.ports import Progress, Result, Tool
from orchestrator.testing.tool_checks import AloneContext
from tools.run_python import PythonLimits, python_tool


async def chunks(code: str, tool: Tool | None = None) -> list[Progress | Result]:
    return [chunk async for chunk in (tool or python_tool()).call({"code": code}, AloneContext())]


async def ran(code: str, **limits: Any) -> Result:
    last = (await chunks(code, python_tool(PythonLimits(**limits))))[-1]
    assert isinstance(last, Result)
    return last


def error(result: Result) -> str:
    assert not result.ok
    return str(result.data["error"])


def processes() -> list[str]:
    """Our programs that are alive, as the system lists them, and what they have started."""
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if b"tools.python_child" in line and tempfile.gettempdir().encode() in line:
            found.append(line.decode(errors="replace"))
    return found


def folders() -> set[str]:
    return {name for name in os.listdir(tempfile.gettempdir()) if name.startswith("duologue-python-")}
