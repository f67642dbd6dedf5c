"""What only the OpenAI Agents SDK has: handoffs, and tools that wait for leave."""

from __future__ import annotations

from typing import Any

import pytest
from openai import AsyncOpenAI

from orchestrator.completions.asking import FunctionCall
from orchestrator.testing.model_server import ModelServer, Reply
from tests.background.office import an_office

pytest.importorskip("agents")

from agents import Agent, OpenAIChatCompletionsModel, function_tool

from background.agents import AgentsSDKReasoner

pytestmark = pytest.mark.anyio


async def test_a_handoff_is_progress(server: ModelServer, client: AsyncOpenAI) -> None:
    model = OpenAIChatCompletionsModel("thinker", openai_client=client)
    other = Agent[Any]("hotel desk", model=model)
    agent = Agent[Any]("front desk", model=model, handoffs=[other])
    server.script("thinker", [Reply(calls=(FunctionCall("c1", "transfer_to_hotel_desk", {}),)), "A room is free."])
    async with an_office(AgentsSDKReasoner(agent)) as office:
        await office.ask("a room")
        answer = await office.answer()
    assert answer.text == "A room is free."
    assert "Handing over to hotel desk" in office.told("progress")


@pytest.mark.parametrize(("said", "paid"), [("yes, please", [20]), ("no", [])])
async def test_leave_for_a_tool(server: ModelServer, client: AsyncOpenAI, said: str, paid: list[int]) -> None:
    done: list[int] = []

    async def pay(euros: int) -> str:
        done.append(euros)
        return "paid"

    model = OpenAIChatCompletionsModel("thinker", openai_client=client)
    agent = Agent[Any]("till", model=model, tools=[function_tool(pay, needs_approval=True)])
    server.script("thinker", [Reply(calls=(FunctionCall("c1", "pay", {"euros": 20}),)), "That is that."])
    async with an_office(AgentsSDKReasoner(agent)) as office:
        await office.ask("pay 20 euros")
        question = await office.finding("question")
        await office.correct(said, answers=question.id, question=question.text)
        answer = await office.answer()
    assert question.text == "May I run pay with euros 20?"
    assert (answer.text, done) == ("That is that.", paid)
