# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
"""The three SDKs, each with the same agent: two tools of its own, and whatever the desk has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

import anyio
import pytest
from openai import AsyncOpenAI
from pydantic import SecretStr
from typing_extensions import TypedDict

from orchestrator.ports import Reasoner

NAMES = ("pydantic_ai", "openai_agents", "langgraph")


@dataclass
class Calls:
    """What the agent's own tool was called with; it waits for `gate` where there is one."""

    hotels: list[str] = field(default_factory=list[str])
    gate: anyio.Event | None = None

    async def find_hotels(self, city: str) -> str:
        self.hotels.append(city)
        if self.gate is not None:
            await self.gate.wait()
        return f"The Station Hotel in {city} has a room."


class Kit(Protocol):
    def __call__(self, client: AsyncOpenAI, calls: Calls, *, output: Any = str, **options: Any) -> Reasoner: ...


def pydantic_ai(client: AsyncOpenAI, calls: Calls, *, output: Any = str, **options: Any) -> Reasoner:
    pytest.importorskip("pydantic_ai")
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    from background.agents import PydanticAIReasoner

    model = OpenAIChatModel("thinker", provider=OpenAIProvider(openai_client=client))
    agent = Agent(model, output_type=output, tools=[calls.find_hotels], instructions="You are an agent.")
    return PydanticAIReasoner(agent, **options)


def openai_agents(client: AsyncOpenAI, calls: Calls, *, output: Any = str, **options: Any) -> Reasoner:
    pytest.importorskip("agents")
    from agents import Agent, ModelSettings, OpenAIChatCompletionsModel, function_tool

    from background.agents import AgentsSDKReasoner

    agent = Agent[Any](
        "concierge",
        instructions="You are an agent.",
        model=OpenAIChatCompletionsModel("thinker", openai_client=client),
        model_settings=ModelSettings(include_usage=True),
        tools=[function_tool(calls.find_hotels)],
        output_type=None if output is str else output,
    )
    return AgentsSDKReasoner(agent, **options)


def langgraph(client: AsyncOpenAI, calls: Calls, *, output: Any = str, **options: Any) -> Reasoner:
    pytest.importorskip("langgraph")
    pytest.importorskip("langchain_openai")
    from langchain_core.messages import AnyMessage, SystemMessage
    from langchain_core.tools import BaseTool, StructuredTool
    from langchain_openai import ChatOpenAI
    from langgraph.graph import START, StateGraph
    from langgraph.graph.message import add_messages
    from langgraph.prebuilt import ToolNode, tools_condition

    from background.agents import LangGraphReasoner

    # In this form, since its types are known in here only. The rule would have a class.
    State = TypedDict("State", {"messages": Annotated[list[AnyMessage], add_messages], "structured_response": Any})  # noqa: UP013

    own = StructuredTool.from_function(coroutine=calls.find_hotels, name="find_hotels", description="Find hotels.")

    def build(tools: Any) -> Any:
        all_: list[BaseTool] = [own, *tools]
        model = ChatOpenAI(
            model="thinker",
            root_async_client=client,
            async_client=client.chat.completions,
            api_key=SecretStr("none"),
            stream_usage=True,
        )
        bound = model.bind_tools(all_)

        async def think(state: State) -> dict[str, list[AnyMessage]]:
            asked = [SystemMessage("You are an agent."), *state["messages"]]
            return {"messages": [await bound.ainvoke(asked)]}

        async def shape(state: State) -> dict[str, Any]:
            return {"structured_response": output.model_validate_json(state["messages"][-1].text)}

        graph = StateGraph(State)
        graph.add_node("think", think)
        graph.add_node("tools", ToolNode(all_))
        graph.add_edge(START, "think")
        if output is str:
            graph.add_conditional_edges("think", tools_condition)
        else:
            graph.add_node("shape", shape)
            graph.add_conditional_edges("think", tools_condition, {"tools": "tools", "__end__": "shape"})
        graph.add_edge("tools", "think")
        return graph.compile()

    if options.pop("partials", False):
        options["speaks"] = ["think"]
    return LangGraphReasoner(build, **options)


KITS: dict[str, Kit] = {"pydantic_ai": pydantic_ai, "openai_agents": openai_agents, "langgraph": langgraph}

Client = Callable[[], AsyncOpenAI]
