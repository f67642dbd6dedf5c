"""A program as a reader of the README writes it, with a tool that takes as long as the test wants.

python own_tool.py PIPE: the tool is done when somebody has written to the named pipe.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator

import anyio

from orchestrator import Assistant, tool

READY = sys.argv[1]


@tool
async def trains(start: str, end: str) -> AsyncGenerator[str]:
    """Find the next trains.

    Args:
        start: Station to leave from.
        end: Station to arrive at.
    """
    yield "asking the timetable"
    await anyio.Path(READY).read_text()
    yield f"The next train from {start} to {end} leaves at 9:12 and is direct."


if __name__ == "__main__":
    Assistant(tools=[trains]).run()
