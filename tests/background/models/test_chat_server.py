"""The reasoner against a real server over HTTP: the protocol, broken connections, refusals. In real time."""

from __future__ import annotations

from functools import partial
from typing import Any

import anyio
import pytest

from background.models.chat import ChatReasoner, ChatReasonerSettings
from orchestrator.completions.asking import Completions, FunctionCall
from orchestrator.completions.endpoint_settings import EndpointSettings
from orchestrator.completions.sharing import SharedEndpoint
from orchestrator.function_tool import tool
from orchestrator.testing import ModelServer
from orchestrator.testing.model_server import Refuse, Reply
from tests.background.office import IN_A_TEST, an_office

pytestmark = pytest.mark.anyio


LONG = "You know all about the weather. " * 200
"""As long as what servers keep of a prompt."""


@tool
async def weather(city: str) -> str:
    """Get the weather."""
    return f"Sunny in {city}."


def reasoner_on(server: ModelServer, **more: Any) -> ChatReasoner:
    settings = ChatReasonerSettings(first_pause_s=0.05)
    return ChatReasoner("m", endpoint=EndpointSettings(base_url=server.base_url), settings=settings, **more)


async def test_two_functions_and_an_answer() -> None:
    calls = (FunctionCall("a", "weather", {"city": "Ulm"}), FunctionCall("b", "weather", {"city": "Bonn"}))
    async with ModelServer(models=("m",)) as server:
        server.script("m", [Reply("One moment.", calls=calls), "Sunny in both."])
        async with an_office(reasoner_on(server, instructions=LONG), [weather]) as office:
            await office.ask("the weather in Ulm and Bonn")
            answer = await office.answer()
        server.assert_complete()
    assert (answer.kind, answer.text) == ("final", "Sunny in both.")
    told = [message["content"] for message in server.requests[1].messages if message["role"] == "tool"]
    assert ["Ulm" in told[0], "Bonn" in told[1]] == [True, True]
    assert answer.data is not None
    assert answer.data["usage"]["calls"] == 2
    assert answer.data["usage"]["cached"] > 0, "the second prompt begins with the first"


async def test_a_correction_closes_the_connection_and_is_in_the_next_request() -> None:
    async with ModelServer() as server:
        server.script("m", [Reply("To Paris " * 200, between_ms=20), "To Lyon at ten."])
        async with an_office(reasoner_on(server)) as office:
            await office.ask("a train to Paris")
            await server.until(lambda: bool(server.requests) and server.requests[0].sent > 3, within_s=IN_A_TEST)
            await office.correct("make that Lyon", revision=2)
            assert (await office.answer()).text == "To Lyon at ten."
            await server.until(lambda: server.requests[0].closed_at is not None, within_s=IN_A_TEST)
    assert server.asked(contains="make that Lyon")


async def test_a_stream_that_breaks_off_is_asked_for_again() -> None:
    async with ModelServer() as server:
        server.script("m", [Reply("It is long and", chunks=2, then="cut"), "It is long and blue."])
        async with an_office(reasoner_on(server)) as office:
            await office.ask("the river")
            assert (await office.answer()).text == "It is long and blue."


async def test_the_hint_of_a_rate_limit_and_another_model() -> None:
    async with ModelServer() as server:
        server.script("m", [Refuse.rate_limit(0.2), Refuse.no_model("m")])
        server.script("other", ["It is blue."])
        async with an_office(reasoner_on(server, fallbacks=(f"other@{server.base_url}",))) as office:
            await office.ask("the river")
            assert (await office.answer()).text == "It is blue."
        first, second, _ = server.requests
        assert second.at - first.at >= 0.2


async def test_a_wrong_key_is_one_line() -> None:
    async with ModelServer(key="right") as server, an_office(reasoner_on(server)) as office:
        await office.ask("the river")
        answer = await office.answer()
    assert answer.kind == "error"
    assert answer.text.startswith("I could not finish that: ")
    assert "key" in answer.text
    assert "\n" not in answer.text


async def test_no_server_at_all_is_one_line() -> None:
    settings = ChatReasonerSettings(retries=1, first_pause_s=0.01)
    nowhere = EndpointSettings(base_url="http://127.0.0.1:9/v1")
    async with an_office(ChatReasoner("m", endpoint=nowhere, settings=settings)) as office:
        await office.ask("the river")
        answer = await office.answer()
    assert answer.kind == "error"
    assert "\n" not in answer.text


async def test_calling_it_off_closes_the_connection() -> None:
    async with ModelServer() as server:
        server.script("m", [Reply("On and on " * 200, between_ms=20)])
        async with an_office(reasoner_on(server)) as office:
            await office.ask("the river")
            await server.until(lambda: bool(server.requests) and server.requests[0].sent > 3, within_s=IN_A_TEST)
            await office.call_off()
            await office.state("cancelled")
            await server.until(lambda: server.requests[0].closed_at is not None, within_s=IN_A_TEST)


async def test_many_tasks_at_once() -> None:
    async with ModelServer() as server:
        server.script("m", [Reply("Yes.", first_ms=20)] * 8)
        async with an_office(reasoner_on(server)) as office, anyio.create_task_group() as group:
            for number in range(1, 9):
                group.start_soon(partial(office.ask, "x", number=number))
            for _ in range(8):
                assert (await office.answer()).text == "Yes."
        server.assert_complete()


async def test_a_worker_keeps_one_endpoint_for_its_tasks_and_without_one_each_has_its_own() -> None:
    way = SharedEndpoint(EndpointSettings(base_url="http://127.0.0.1:9/v1"))
    seen: list[Completions] = []

    async def task() -> None:
        async with way.held() as completions:
            seen.append(completions)

    async with way.held(), anyio.create_task_group() as group:
        group.start_soon(task)
        group.start_soon(task)
    await task()
    first, second, alone = seen
    assert first is second
    assert first is not alone
