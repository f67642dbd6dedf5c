"""Two specialised pools of workers behind one voice, one of them an agent of your own.

The voice does not need to know: a task goes to the pool that has the tool for it.
"""

import asyncio
from collections.abc import AsyncIterator

from orchestrator import Assistant, Bundle, Desk, Emit, Finding, Specialist, ToolCall, tool


@tool
async def search_library(title: str) -> str:
    """Search the library for a book.

    Args:
        title: A word of the title.
    """
    await asyncio.sleep(0.4)
    return f'The library has "{title}" on the second floor.'


@tool
async def book_room(hour: int) -> str:
    """Book a reading room.

    Args:
        hour: The hour, 0 to 23.
    """
    await asyncio.sleep(0.2)
    return f"Room 4 is yours at {hour} o'clock."


async def booking_agent(bundle: Bundle, desk: Desk) -> AsyncIterator[Finding]:
    """Any async generator is a reasoner: this one could as well call a model, or another framework."""
    hours = [int(word) for word in bundle.task.replace("?", " ").split() if word.isdigit()]
    yield Finding.progress("looking at the room plan")
    (result,) = await desk.call(ToolCall("book_room", {"hour": hours[0] if hours else 9}))
    yield Finding.final(result.text) if result.ok else Finding.error(result.text)


assistant = Assistant(
    background={
        "research": Specialist(tools=[search_library]),
        "booking": Specialist(tools=[book_room], reasoner=booking_agent),
    }
)


async def main() -> None:
    """Ask for both, and print what is said."""
    async with assistant.session() as talk:
        await talk.type("search the library for Moby and book a room at 14")
        await talk.finish()
        async for event in talk.events():
            if isinstance(event, Emit):
                print(event.text, end="\n" if event.ends else "", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
