"""An agent of the OpenAI Agents SDK thinks in the background, with a tool of its own.

`pip install 'duologue[agents]'`, then `python examples/agents/openai_agents_agent.py`. It asks the model `MODEL` at
`OPENAI_BASE_URL`; without an address or a key it plays the model itself.
"""

import asyncio
import os

from agents import Agent, OpenAIChatCompletionsModel, function_tool, set_tracing_disabled
from openai import AsyncOpenAI

from background.agents import AgentsSDKReasoner
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
    set_tracing_disabled(True)  # it would go to OpenAI
    agent = Agent[None](
        "concierge",
        instructions="Answer in one or two spoken sentences.",
        model=OpenAIChatCompletionsModel(MODEL, AsyncOpenAI()),
        tools=[function_tool(find_hotels)],
    )
    async with Assistant(background=AgentsSDKReasoner(agent)).session() as talk:
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
