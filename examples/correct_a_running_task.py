"""A correction reaches the task that is already running: no second search, no answer to the wrong question."""

import asyncio
from collections.abc import AsyncIterator

from orchestrator import Assistant, Emit, Finding, Talk, tool


@tool
async def hotels(city: str) -> AsyncIterator[str]:
    """Search hotels in a city.

    Args:
        city: The city.
    """
    yield f"searching hotels in {city}"
    await asyncio.sleep(1.5)
    yield f"The Station Hotel in {city} has a room."


async def person(talk: Talk) -> None:
    """Changes their mind while the search runs."""
    await talk.type("search hotels in Paris")
    await asyncio.sleep(0.8)
    await talk.type("no, I meant Lyon")
    await talk.finish()


async def main() -> None:
    """Print the conversation, and what the background is doing."""
    async with Assistant(tools=[hotels]).session() as talk, asyncio.TaskGroup() as tasks:
        tasks.create_task(person(talk))
        async for event in talk.events():
            match event:
                case Finding(kind="progress", text=text):
                    print(f"   [{text}]")
                case Emit(text=text, ends=ends):
                    print(text, end="\n" if ends else "", flush=True)
                case _:
                    pass


if __name__ == "__main__":
    asyncio.run(main())
