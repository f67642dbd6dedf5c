"""An agent of pydantic-ai thinks in the background, with a tool of its own.

`pip install 'duologue[pydantic-ai]'`, then `python examples/agents/pydantic_ai_agent.py`. It asks the model `MODEL` at
`OPENAI_BASE_URL`; without an address or a key it plays the model itself.
"""

import asyncio
import os

from pydantic_ai import Agent

from background.agents import PydanticAIReasoner
from orchestrator import Assistant, Emit
from orchestrator.completions.asking import FunctionCall
from orchestrator.testing.model_server import ModelServer, Reply

MODEL = os.environ.get("MODEL", "gpt-5-mini")


async def find_hotels(city: str) -> str:
    """Find hotels with a free room."""
    await asyncio.sleep(0.3)
    return f"The Station Hotel in {city} has a room for 90 euros."


async def talk() -> None:
    """Ask for a hotel, and print what is said and what is shown."""
    agent = Agent(f"openai-chat:{MODEL}", tools=[find_hotels], instructions="Answer in one or two spoken sentences.")
    async with Assistant(background=PydanticAIReasoner(agent)).session() as talk:
        await talk.type("find me a hotel in Paris")
        await talk.finish()
        async for event in talk.events():
            if isinstance(event, Emit):
                print(event.text, end="\n" if event.ends else "", flush=True)


def played() -> ModelServer:
    """A model that says what is written here."""
    server = ModelServer()
    call = FunctionCall("call_1", "find_hotels", {"city": "Paris"})
    server.script("", [Reply(calls=(call,)), "The Station Hotel has a room for 90 euros."])
    return server


if __name__ == "__main__":
    if "OPENAI_API_KEY" in os.environ or "OPENAI_BASE_URL" in os.environ:
        asyncio.run(talk())
    else:
        with played().in_thread() as server:
            os.environ.update(OPENAI_BASE_URL=server.base_url, OPENAI_API_KEY="none")
            asyncio.run(talk())
