"""A language model talks, another one (here the same) works, with a tool of your own.

`DUOLOGUE_MODEL=NAME python examples/language_models.py`, with OPENAI_API_KEY, or with OPENAI_BASE_URL for a server of
your own. Without DUOLOGUE_MODEL it plays the model itself, over real HTTP on this machine, and says so.
"""

import asyncio
import os
from collections.abc import AsyncIterator

from orchestrator import Assistant, Emit, tool
from orchestrator.completions.asking import FunctionCall
from orchestrator.testing import ModelServer, Reply, When

QUESTION = "when is the next train from Paris to Lyon?"


@tool
async def trains(start: str, end: str) -> AsyncIterator[str]:
    """Find the next trains."""
    yield "asking the timetable"
    await asyncio.sleep(0.5)
    yield f"The next train from {start} to {end} leaves at 9:12 and is direct."


async def talk(model: str) -> None:
    """Ask one question, and print what is said. `model`: NAME, or NAME@URL."""
    persona = "You work at the counter of a station."
    named = f"chat:{model}"
    async with Assistant(tools=[trains], interaction=named, background=named, instructions=persona).session() as talk:
        await talk.type(QUESTION)
        await talk.finish()
        async for event in talk.events():
            if isinstance(event, Emit):
                print(event.text, end="\n" if event.ends else "", flush=True)


def played() -> ModelServer:
    """A model that says what is written here: the voice is the one that may `delegate`, the reasoner has `trains`."""
    handed = FunctionCall("1", "delegate", {"task": QUESTION, "say": "Let me look."})
    looked = FunctionCall("2", "trains", {"start": "Paris", "end": "Lyon"})
    return ModelServer(
        When("At 9:12, and you need not change.", offers="delegate", contains="leaves at 9:12"),
        When(Reply(calls=(handed,)), offers="delegate"),
        When("It leaves at 9:12 and is direct.", offers="trains", contains="leaves at"),
        When(Reply(calls=(looked,)), offers="trains"),
    )


if __name__ == "__main__":
    if named := os.environ.get("DUOLOGUE_MODEL"):
        asyncio.run(talk(named))
    else:
        print("(DUOLOGUE_MODEL is not set: the model is played.)")
        with played().in_thread() as server:
            asyncio.run(talk(f"played@{server.base_url}"))
