"""What each of the three SDKs must do behind the port: real clients, a real HTTP server on loopback, no model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
import pytest
from openai import AsyncOpenAI
from pydantic import BaseModel

from orchestrator import Assistant, Emit
from orchestrator.bundle import Bundle
from orchestrator.completions.asking import FunctionCall
from orchestrator.context import Said, Spoke
from orchestrator.finding import Source
from orchestrator.function_tool import tool
from orchestrator.growing import goes_on
from orchestrator.ports import Result
from orchestrator.testing.model_server import Hang, ModelServer, Refuse, Reply, When
from tests.background.agents.kits import Calls, Kit
from tests.background.office import an_office

pytestmark = pytest.mark.anyio

ANSWER = "The Station Hotel has a room tonight. It will rain in Paris, so take a coat. Shall I book it?"


@tool
async def weather(city: str) -> Result:
    """Look up the weather.

    Args:
        city: The city.
    """
    return Result(f"It rains in {city}.", sources=(Source("the weather service"),))


def call(name: str, number: int = 1, **arguments: Any) -> FunctionCall:
    return FunctionCall(f"call_{number}", name, arguments)


def texts(body: Mapping[str, Any], role: str) -> list[str]:
    """What the messages of one role say."""
    found: list[str] = []
    for message in body["messages"]:
        if message["role"] == role:
            content = message.get("content") or ""
            found.append(content if isinstance(content, str) else "".join(part["text"] for part in content))
    return found


def tools_offered(body: Mapping[str, Any]) -> set[str]:
    return {one["function"]["name"] for one in body.get("tools", ())}


async def test_a_task_with_two_tools(kit: Kit, server: ModelServer, client: AsyncOpenAI) -> None:
    calls = Calls()
    both = (call("find_hotels", 1, city="Paris"), call("weather", 2, city="Paris"))
    server.script("thinker", [Reply("Let me look.", calls=both), Reply(ANSWER)])
    async with an_office(kit(client, calls, partials=True), [weather]) as office:
        await office.ask("find me a hotel in Paris")
        answer = await office.answer()
    assert (answer.kind, answer.text) == ("final", ANSWER)
    assert answer.sources == (Source("the weather service"),)
    usage = (answer.data or {})["usage"]
    assert (usage["calls"], usage["input"] > 0, usage["output"] > 0) == (2, True, True)
    assert calls.hotels == ["Paris"]
    assert "Using find hotels with city “Paris”" in office.told("progress")
    assert "Using weather with city “Paris”" in office.told("progress")
    assert office.told("partial") == [
        "The Station Hotel has a room tonight.",
        "The Station Hotel has a room tonight. It will rain in Paris, so take a coat.",
    ]
    assert all(goes_on(answer.text, part) for part in office.told("partial")), "nothing is told twice"
    first, second = (asked.body for asked in server.requests)
    assert tools_offered(first) == {"find_hotels", "weather", "read_output"}
    assert sorted(texts(second, "tool")) == ["It rains in Paris.", "The Station Hotel in Paris has a room."]
    server.assert_complete()


async def test_the_conversation_comes_first_and_the_task_last(
    kit: Kit, server: ModelServer, client: AsyncOpenAI
) -> None:
    server.script("thinker", ["Fine."])
    context = (
        Said(revision=1, text="I am in Paris"),
        Spoke(revision=2, text="Lovely.", cut=" And how"),
        Said(revision=3, text="find me"),
        Said(revision=4, text=" a hotel", continues=True),
    )
    async with an_office(kit(client, Calls())) as office:
        await office.submit(Bundle("s-1", "s", "find a hotel in Paris", context=context, revision=4))
        await office.answer()
    body = server.requests[0].body
    assert texts(body, "system") == ["You are an agent."]
    assert texts(body, "user") == ["I am in Paris", "find me a hotel\n\nYour task: find a hotel in Paris"]
    assert texts(body, "assistant") == ["Lovely."]


async def test_calling_off_closes_the_request(kit: Kit, server: ModelServer, client: AsyncOpenAI) -> None:
    server.script("thinker", [Reply("One by one " * 50, between_ms=20)])
    async with an_office(kit(client, Calls())) as office:
        await office.ask("tell me a lot")
        await server.until(lambda: bool(server.requests) and server.requests[0].sent > 2)
        await office.call_off()
        await office.state("cancelled")
        await server.until(lambda: server.requests[0].over)
    assert server.requests[0].closed_at is not None


async def test_calling_off_reaches_a_tool(kit: Kit, server: ModelServer, client: AsyncOpenAI) -> None:
    begun, ended = anyio.Event(), anyio.Event()

    @tool
    async def wait() -> str:
        """Wait for ever."""
        begun.set()
        try:
            await anyio.sleep_forever()
        finally:
            ended.set()
        return ""

    server.script("thinker", [Reply(calls=(call("wait"),))])
    async with an_office(kit(client, Calls()), [wait]) as office:
        await office.ask("wait")
        with anyio.fail_after(5):
            await begun.wait()
        await office.call_off()
        await office.state("cancelled")
        with anyio.fail_after(5):
            await ended.wait()
    assert len(server.requests) == 1


async def test_a_worker_that_stops_closes_the_request(kit: Kit, server: ModelServer, client: AsyncOpenAI) -> None:
    server.script("thinker", [Hang()])
    async with an_office(kit(client, Calls())) as office:
        await office.ask("wait for ever")
        await server.until(lambda: bool(server.requests))
    await server.until(lambda: server.requests[0].over)
    assert server.requests[0].closed_at is not None


async def test_a_correction_changes_the_next_call(kit: Kit, server: ModelServer, client: AsyncOpenAI) -> None:
    calls = Calls(gate=anyio.Event())
    server.script(
        "thinker",
        [
            Reply(calls=(call("find_hotels", 1, city="Paris"),)),
            Reply(calls=(call("find_hotels", 2, city="Lyon"),)),
            "In Lyon.",
        ],
    )
    async with an_office(kit(client, calls)) as office:
        await office.ask("find me a hotel in Paris")
        await server.until(lambda: calls.hotels == ["Paris"])
        await office.correct("make that Lyon")
        await anyio.wait_all_tasks_blocked()
        assert calls.gate is not None
        calls.gate.set()
        answer = await office.answer()
    assert (answer.text, answer.context_revision) == ("In Lyon.", 5)
    assert calls.hotels == ["Paris", "Lyon"]
    # In that one and in all that follow, at the same place.
    told = [[text for text in texts(asked.body, "user") if "make that Lyon" in text] for asked in server.requests]
    assert told[0] == []
    assert told[-1] == ["The task has changed: make that Lyon"]
    last = [message["role"] for message in server.requests[-1].body["messages"]]
    assert last == ["system", "user", "assistant", "tool", "user", "assistant", "tool"]


async def test_a_correction_that_comes_with_the_answer(kit: Kit, server: ModelServer, client: AsyncOpenAI) -> None:
    server.script("thinker", [Reply("In Paris there is one hotel. " * 3, between_ms=20), "In Lyon there are two."])
    calls = Calls()
    async with an_office(kit(client, calls)) as office:
        await office.ask("find me a hotel in Paris")
        await server.until(lambda: bool(server.requests) and server.requests[0].sent > 2)
        await office.correct("make that Lyon")
        answer = await office.answer()
    assert answer.text == "In Lyon there are two."
    assert texts(server.requests[-1].body, "user")[-1] == "The task has changed: make that Lyon"
    assert len(server.requests) == 2


class Hotel(BaseModel):
    answer: str
    stars: int


async def test_a_structured_answer(kit: Kit, server: ModelServer, client: AsyncOpenAI) -> None:
    def reply(body: Mapping[str, Any]) -> Reply:
        # pydantic-ai asks for it with a tool of its own; the others by a response format, or not at all.
        if "final_result" in tools_offered(body):
            return Reply(calls=(call("final_result", answer="The Station Hotel.", stars=3),))
        return Reply('{"answer": "The Station Hotel.", "stars": 3}')

    server.when(When(reply))
    async with an_office(kit(client, Calls(), output=Hotel)) as office:
        await office.ask("find me a hotel")
        answer = await office.answer()
    assert answer.text == "The Station Hotel."
    data = dict(answer.data or {})
    assert data.pop("usage")["calls"] == 1
    assert data == {"answer": "The Station Hotel.", "stars": 3}
    assert office.told("partial") == []


async def test_how_a_structured_answer_is_told(kit: Kit, server: ModelServer, client: AsyncOpenAI) -> None:
    def reply(body: Mapping[str, Any]) -> Reply:
        if "final_result" in tools_offered(body):
            return Reply(calls=(call("final_result", answer="Station", stars=3),))
        return Reply('{"answer": "Station", "stars": 3}')

    server.when(When(reply))

    def say(hotel: Hotel) -> str:
        return f"The {hotel.answer}, with {hotel.stars} stars."

    async with an_office(kit(client, Calls(), output=Hotel, say=say)) as office:
        await office.ask("find me a hotel")
        assert (await office.answer()).text == "The Station, with 3 stars."


async def test_the_agent_asks_the_person(kit: Kit, server: ModelServer, client: AsyncOpenAI) -> None:
    server.script("thinker", [Reply(calls=(call("ask_person", question="For how many?"),)), "A table for two."])
    async with an_office(kit(client, Calls(), questions=True)) as office:
        await office.ask("book a table")
        question = await office.finding("question")
        await office.correct("two", answers=question.id)
        answer = await office.answer()
    assert (question.text, answer.text) == ("For how many?", "A table for two.")
    assert texts(server.requests[-1].body, "tool") == ["two"]


@tool(idempotent=False, needs_approval=True)
async def pay(euros: int) -> str:
    """Pay.

    Args:
        euros: How much.
    """
    return f"{euros} euros are paid."


async def test_a_tool_of_the_desk_keeps_its_approval(kit: Kit, server: ModelServer, client: AsyncOpenAI) -> None:
    server.script("thinker", [Reply(calls=(call("pay", euros=20),)), "Not paid."])
    async with an_office(kit(client, Calls()), [pay]) as office:
        await office.ask("pay")
        question = await office.finding("question")
        await office.correct("no, wait", answers=question.id, question=question.text)
        await office.answer()
    assert "May I run pay" in question.text
    assert "The person said no" in texts(server.requests[-1].body, "tool")[0]


BROKE_OFF = "I could not finish that: the model broke off in the middle."


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Refuse.key(), "I could not finish that: the key for the model is missing or wrong."),
        (Refuse.no_model("thinker"), "I could not finish that: there is no model of that name there."),
        (Refuse.rate_limit(), "I could not finish that: the model had too many requests, or nothing is left to spend."),
        (Refuse.broken(), "I could not finish that: the model's server failed (500)."),
        (Reply("It was a dark and stormy night", chunks=3, then="reset"), BROKE_OFF),
    ],
    ids=["key", "model", "rate", "broken", "reset"],
)
async def test_what_goes_wrong_is_one_clear_line(
    kit: Kit, server: ModelServer, client: AsyncOpenAI, reply: Refuse | Reply, says: str
) -> None:
    server.script("thinker", [reply])
    async with an_office(kit(client, Calls())) as office:
        await office.ask("find me a hotel")
        answer = await office.answer()
    assert (answer.kind, answer.text) == ("error", says)


async def test_no_server(kit: Kit) -> None:
    nowhere = AsyncOpenAI(base_url="http://127.0.0.1:9/v1", api_key="x", max_retries=0)
    async with nowhere, an_office(kit(nowhere, Calls())) as office:
        await office.ask("find me a hotel")
        answer = await office.answer()
    assert (answer.kind, answer.text) == ("error", "I could not finish that: the model cannot be reached.")


async def test_the_whole_chain(kit: Kit, server: ModelServer, client: AsyncOpenAI) -> None:
    calls = Calls()
    both = (call("find_hotels", 1, city="Paris"), call("weather", 2, city="Paris"))
    server.script("thinker", [Reply(calls=both), Reply("The Station Hotel has a room, and it rains.")])
    async with Assistant(background=kit(client, calls), tools=[weather]).session() as talk:
        await talk.type("find me a hotel in Paris")
        await talk.finish()
        said = [event.text async for event in talk.events() if isinstance(event, Emit)]
    assert "".join(said).count("The Station Hotel has a room, and it rains.") == 1
    assert calls.hotels == ["Paris"]
    server.assert_complete()


async def test_many_tasks_at_once(kit: Kit, server: ModelServer, client: AsyncOpenAI) -> None:
    server.when(When(lambda body: Reply(f"About {texts(body, 'user')[-1]}", first_ms=20)))
    async with an_office(kit(client, Calls())) as office:
        for number in range(1, 9):
            await office.ask(f"task {number}", number=number)
        told = {(await office.answer()).text for _ in range(8)}
    assert told == {f"About task {number}" for number in range(1, 9)}
