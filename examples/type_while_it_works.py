"""The person keeps typing while the background works: the result waits for a gap, and is told once.

The journal's own events tell why: look for `Hold` and `Splice`.
"""

import asyncio
from collections.abc import AsyncIterator

from orchestrator import Assistant, Emit, Hold, Splice, Talk, tool


@tool
async def weather(city: str) -> AsyncIterator[str]:
    """Look up the weather.

    Args:
        city: The city.
    """
    yield f"asking the weather service about {city}"
    await asyncio.sleep(1.0)
    yield f"In {city} it is 18 degrees and dry."


async def person(talk: Talk) -> None:
    """Asks for the weather, and is in the middle of something else when the answer is ready."""
    await talk.type("look up the weather in Lisbon")
    await asyncio.sleep(0.3)
    for key in "while you do that: I need to pack, so ":
        await talk.key(key)
        await asyncio.sleep(0.06)
    await talk.type("thanks")
    await talk.finish()


async def main() -> None:
    """Print what is said, and each decision about when."""
    async with Assistant(tools=[weather]).session() as talk, asyncio.TaskGroup() as tasks:
        tasks.create_task(person(talk))
        async for event in talk.events():
            match event:
                case Hold(reason=reason):
                    print(f"   [held: {reason}]")
                case Splice(reason=reason):
                    print(f"   [now: {reason}]")
                case Emit(text=text, ends=ends):
                    print(text, end="\n" if ends else "", flush=True)
                case _:
                    pass


if __name__ == "__main__":
    asyncio.run(main())
