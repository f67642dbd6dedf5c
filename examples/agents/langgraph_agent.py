# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""A graph of LangGraph thinks in the background, with a tool of its own.

`pip install 'duologue[langgraph]'`, then `python examples/agents/langgraph_agent.py`. It asks the model `MODEL` at
`OPENAI_BASE_URL`; without an address or a key it plays the model itself.
"""

import asyncio
import os
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import SystemMessage
from langchain_core.tools import BaseTool, StructuredTool
from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

from background.agents import LangGraphReasoner
from orchestrator import Assistant, Emit
from orchestrator.completions.asking import FunctionCall
from orchestrator.testing.model_server import ModelServer, Reply

MODEL = os.environ.get("MODEL", "gpt-5-mini")


async def find_hotels(city: str) -> str:
    """Find hotels with a free room."""
    await asyncio.sleep(0.3)
    return f"The Station Hotel in {city} has a room for 90 euros."


def graph(of_the_desk: Sequence[BaseTool]) -> Any:
    """A graph with its own tool, and whatever tools the assistant has."""
    tools: list[BaseTool] = [*of_the_desk, StructuredTool.from_function(coroutine=find_hotels, name="find_hotels")]
    model = ChatOpenAI(model=MODEL).bind_tools(tools)

    async def think(state: MessagesState) -> dict[str, Any]:
        how = SystemMessage("Answer in one or two spoken sentences.")
        return {"messages": [await model.ainvoke([how, *state["messages"]])]}

    builder = StateGraph(MessagesState)
    builder.add_node("think", think)
    builder.add_node("tools", ToolNode(tools))
    builder.add_edge(START, "think")
    builder.add_conditional_edges("think", tools_condition)
    builder.add_edge("tools", "think")
    return builder.compile()


async def talk() -> None:
    """Ask for a hotel, and print what is said and what is shown."""
    async with Assistant(background=LangGraphReasoner(graph)).session() as talk:
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
