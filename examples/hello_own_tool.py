"""An assistant with one tool of your own. Run it and ask: when is the next train from Paris to Lyon?

`python examples/hello_own_tool.py` talks in the terminal; `python examples/hello_own_tool.py --demo` talks to itself.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

from orchestrator import Assistant, Emit, tool


@tool
async def trains(start: str, end: str) -> AsyncIterator[str]:
    """Find the next trains.

    Args:
        start: Station to leave from.
        end: Station to arrive at.
    """
    yield "asking the timetable"  # every yield but the last is progress
    await asyncio.sleep(0.5)
    yield f"The next train from {start} to {end} leaves at 9:12 and is direct."


assistant = Assistant(tools=[trains])


async def demo() -> None:
    """Ask one question and print what is said."""
    async with assistant.session() as talk:
        await talk.type("when is the next train from Paris to Lyon?")
        await talk.finish()
        async for event in talk.events():
            if isinstance(event, Emit):
                print(event.text, end="\n" if event.ends else "", flush=True)


if __name__ == "__main__":
    if "--demo" in sys.argv:
        asyncio.run(demo())
    else:
        assistant.run()
