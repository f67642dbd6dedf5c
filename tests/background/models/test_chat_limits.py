"""Budgets, the deadline, retries, and other models: in virtual time."""

from __future__ import annotations

import anyio
import pytest

from background.models.chat import ChatReasoner, ChatReasonerSettings, Price
from background.models.chat_settings import ChatReasonerSettings as Settings
from background.models.chat_spending import Spending, smaller
from background.models.chat_troubles import in_one_line
from orchestrator.bundle import Budget
from orchestrator.completions.asking import FunctionCall, Usage
from orchestrator.completions.troubles import ModelTrouble
from orchestrator.errors import ConfigError
from orchestrator.function_tool import tool
from orchestrator.testing import ScriptedCompletions
from tests.background.models.chat_kit import a_reasoner, call, extends, last_of, results, texts, virtually, with_context
from tests.background.office import a_bundle, an_office


@tool
async def look(query: str) -> str:
    """Look something up."""
    await anyio.sleep(1)
    return f"{query} is 42."


@tool
async def slow() -> str:
    """Takes its time."""
    await anyio.sleep(29)
    return "at last"


@virtually
async def test_the_last_call_is_told_to_answer_without_tools() -> None:
    model = ScriptedCompletions([call("look", query="a")], [call("look", query="b", id="2")], ["I found 42."])
    async with an_office(a_reasoner(model), [look]) as office:
        await office.submit(with_context(a_bundle("look"), budget=Budget(calls=3)))
        assert (await office.answer()).text == "I found 42."
    first, second, third = model.requests
    assert [request.tool_choice for request in model.requests] == [None, None, "none"]
    assert "Answer now" in last_of(third, "system")
    assert extends(first, second)
    assert extends(second, third)


@virtually
async def test_of_two_budgets_the_smaller_counts_and_one_that_is_used_up_tells_what_was_found() -> None:
    model = ScriptedCompletions([call("look", query="a")], [call("look", query="b", id="2")])
    async with an_office(a_reasoner(model, Settings(budget=Budget(calls=2))), [look]) as office:
        await office.submit(with_context(a_bundle("look"), budget=Budget(calls=9)))
        answer = await office.answer()
    assert answer.kind == "final"
    assert answer.text == (
        "I had to stop before I was done: the 2 model calls it may take are used up. So far I have this. look: a is 42."
    )
    assert answer.data is not None
    assert answer.data["usage"]["tool_calls"] == 1, "what was called at the end was not run"


@virtually
async def test_the_tool_calls_are_bounded() -> None:
    model = ScriptedCompletions([call("look", query="a"), call("look", query="b", id="2")], ["One is 42."])
    async with an_office(a_reasoner(model), [look]) as office:
        await office.submit(with_context(a_bundle("look"), budget=Budget(tool_calls=1)))
        assert (await office.answer()).text == "One is 42."
    assert results(model.requests[1])[1][1].startswith("FAILED: This task has used up its function calls")
    assert model.requests[1].tool_choice == "none"


@virtually
async def test_tokens_are_bounded() -> None:
    model = ScriptedCompletions([call("look", query="a"), Usage(2000, 100)], ["It is 42.", Usage(2100, 10)])
    async with an_office(a_reasoner(model), [look]) as office:
        await office.submit(with_context(a_bundle("look"), budget=Budget(tokens=4_800)))
        answer = await office.answer()
    assert answer.text == "It is 42."
    assert [request.tool_choice for request in model.requests] == [None, "none"]
    limit = model.requests[1].max_tokens
    assert limit is not None
    assert 0 < limit < 2_700


@virtually
async def test_too_few_tokens_for_anything_is_said_and_not_tried() -> None:
    model = ScriptedCompletions()
    async with an_office(a_reasoner(model), [look]) as office:
        await office.submit(with_context(a_bundle("look"), budget=Budget(tokens=300)))
        answer = await office.answer()
    assert (answer.kind, answer.text) == (
        "error",
        "I stopped before I had an answer: the 300 tokens it may take are used up.",
    )
    assert not model.requests


@virtually
async def test_money_is_bounded_and_told() -> None:
    prices = {"m": Price(input=100.0, output=200.0, cached=10.0)}
    model = ScriptedCompletions([call("look", query="a"), Usage(1000, 100, 500)], ["It is 42.", Usage(1000, 10)])
    async with an_office(a_reasoner(model, Settings(prices=prices)), [look]) as office:
        await office.submit(with_context(a_bundle("look"), budget=Budget(cost=0.5)))
        answer = await office.answer()
    assert answer.data is not None
    assert answer.data["usage"]["cost"] == pytest.approx(0.05 + 0.005 + 0.02 + 0.1 + 0.002)
    assert [request.tool_choice for request in model.requests] == [None, "none"]


@virtually
async def test_a_task_with_a_cost_and_a_model_without_a_price() -> None:
    model = ScriptedCompletions()
    async with an_office(a_reasoner(model)) as office:
        await office.submit(with_context(a_bundle("look"), budget=Budget(cost=0.5)))
        answer = await office.answer()
    assert answer.kind == "error"
    assert "prices" in answer.text


@virtually
async def test_near_the_deadline_the_model_answers_with_what_it_has() -> None:
    model = ScriptedCompletions([call("slow"), call("look", query="a")], ["Look says 42, slow did not come."])
    async with an_office(a_reasoner(model), [slow, look]) as office:
        await office.ask("look", deadline_ms=24_000)
        answer = await office.answer()
        assert anyio.current_time() == pytest.approx(24 - 6 - 0.3, abs=0.1)
    assert answer.text == "Look says 42, slow did not come."
    assert [text for _, text in results(model.requests[1])] == [
        "FAILED: Stopped before it had a result: there is no more time for it.",
        "a is 42.",
    ]
    assert model.requests[1].tool_choice == "none"


@virtually
async def test_a_model_that_says_nothing_is_asked_once_more_before_time_is_up() -> None:
    model = ScriptedCompletions([60.0], ["Quick answer."])
    async with an_office(a_reasoner(model), [look]) as office:
        await office.ask("look", deadline_ms=20_000)
        assert (await office.answer()).text == "Quick answer."
        assert anyio.current_time() < 20
    assert model.closed == [0]


@virtually
async def test_an_answer_that_is_not_whole_when_time_is_up_is_told_as_far_as_it_is() -> None:
    model = ScriptedCompletions([1.0, "The first is whole. The second", 60.0])
    async with an_office(a_reasoner(model)) as office:
        await office.ask("look", deadline_ms=20_000)
        answer = await office.answer()
        assert anyio.current_time() < 20
    assert answer.text == "The first is whole. That is as far as I got in the time there was."


@virtually
async def test_the_hint_of_the_server_is_kept_to() -> None:
    model = ScriptedCompletions([ModelTrouble("rate limit", "Too many.", retry_after_s=4.0)], ["It is noon."])
    async with an_office(a_reasoner(model)) as office:
        await office.ask("the time")
        answer = await office.answer()
        assert 4.0 <= anyio.current_time() <= 5.1
    assert answer.text == "It is noon."
    assert office.told("progress") == ["The model server takes no more just now; trying again in 4 s"]
    assert answer.data is not None
    assert answer.data["usage"]["calls"] == 1, "what was refused costs nothing"


@virtually
async def test_pauses_grow_and_the_same_chance_makes_the_same_pauses() -> None:
    ends: list[float] = []
    begun = anyio.current_time()
    for _ in range(2):
        model = ScriptedCompletions(*[[ModelTrouble("busy", "Loading.")]] * 3, ["Now."])
        async with an_office(a_reasoner(model)) as office:
            await office.ask("x")
            assert (await office.answer()).text == "Now."
        ends.append(anyio.current_time() - begun)
        begun = anyio.current_time()
    assert ends[0] == pytest.approx(ends[1], abs=1e-3)
    assert 7.0 <= ends[0] <= 7.0 * 1.25 + 0.1, "1, 2 and 4 seconds, each a little more"


@virtually
async def test_nobody_waits_longer_than_there_is_time() -> None:
    model = ScriptedCompletions([ModelTrouble("rate limit", "Too many.", "Wait.", "Try later.", retry_after_s=100.0)])
    async with an_office(a_reasoner(model)) as office:
        await office.ask("x", deadline_ms=20_000)
        answer = await office.answer()
        assert anyio.current_time() < 0.1
    assert (answer.kind, answer.text) == ("error", "I could not finish that: Too many (Wait). Try later.")


@virtually
async def test_what_was_said_during_a_pause_is_in_the_next_try() -> None:
    model = ScriptedCompletions([ModelTrouble("busy", "Loading.", retry_after_s=3.0)], ["Lyon."])
    async with an_office(a_reasoner(model)) as office:
        await office.ask("Paris")
        await anyio.sleep(1)
        await office.correct("make that Lyon", revision=2)
        assert (await office.answer()).text == "Lyon."
    assert "make that Lyon" in texts(model.requests[1])


@virtually
async def test_permanent_trouble_is_one_clear_line_and_the_worker_goes_on() -> None:
    trouble = ModelTrouble("key", "The key is refused.", "The server does not know it.", "Set OPENAI_API_KEY.")
    model = ScriptedCompletions([trouble], ["Fine again."])
    async with an_office(a_reasoner(model)) as office:
        await office.ask("x")
        answer = await office.answer()
        assert answer.kind == "error"
        assert answer.text == in_one_line(trouble)
        await office.ask("y", number=2)
        assert (await office.answer()).text == "Fine again."
    assert [finding.kind for finding in office.findings].count("error") == 1


@virtually
async def test_another_model_goes_on_with_all_that_was_said() -> None:
    first = ScriptedCompletions([call("look", query="a")], [ModelTrouble("model name", "No such model.")])
    second = ScriptedCompletions(["It is 42.", Usage(10, 2)])
    reasoner = a_reasoner(first, fallbacks=[("other", second)])
    async with an_office(reasoner, [look]) as office:
        await office.ask("look")
        answer = await office.answer()
    assert answer.text == "It is 42."
    assert second.requests[0].model == "other"
    assert second.requests[0].messages == first.requests[1].messages
    assert "No such model; going on with the model other" in office.told("progress")
    assert answer.data is not None
    assert answer.data["usage"]["model"] == "m, other"


@virtually
async def test_retries_that_are_used_up_lead_to_the_other_model_on_the_same_server() -> None:
    model = ScriptedCompletions(*[[ModelTrouble("server", "It failed.")]] * 3, ["Small but here."])
    async with an_office(a_reasoner(model, Settings(retries=2), fallbacks=("small",))) as office:
        await office.ask("x")
        assert (await office.answer()).text == "Small but here."
    assert [request.model for request in model.requests] == ["m", "m", "m", "small"]


@pytest.mark.anyio
async def test_a_fallback_on_another_server_is_named_by_its_address() -> None:
    from background.models.chat_models import lines
    from orchestrator.completions.endpoint import Endpoint

    model = ScriptedCompletions()
    here, there, same = lines("m", model, ("cf@8b@http://localhost:1234/v1", "plain@x"))
    assert (there.model, same.model) == ("cf@8b", "plain@x")
    assert here.way is same.way
    async with there.way.held() as completions, here.way.held() as own:
        assert isinstance(completions, Endpoint)
        assert completions.settings.base_url == "http://localhost:1234/v1"
        assert own is model


@pytest.mark.anyio
async def test_the_first_model_may_be_named_by_its_address_too() -> None:
    from background.models.chat_models import lines
    from orchestrator.completions.endpoint import Endpoint

    first, same = lines("cf@8b@http://localhost:1234/v1", None, ("plain",))
    assert (first.model, same.way) == ("cf@8b", first.way)
    async with first.way.held() as completions:
        assert isinstance(completions, Endpoint)
        assert completions.settings.base_url == "http://localhost:1234/v1"
    assert ChatReasoner("m@http://localhost:1/v1").about == "The language model m."


def test_settings_that_cannot_be_kept_are_refused() -> None:
    with pytest.raises(ConfigError):
        ChatReasonerSettings(retries=-1)
    with pytest.raises(ConfigError):
        ChatReasoner("m", endpoint=ScriptedCompletions(), output=object())


def test_the_smaller_of_each_limit_counts() -> None:
    both = smaller(Budget(calls=3, tokens=None, tool_calls=9), Budget(calls=5, tokens=100, tool_calls=None, cost=2.0))
    assert both == Budget(calls=3, tokens=100, tool_calls=9, cost=2.0)
    spending = Spending(both, {})
    assert not spending.over("m", prompt=0) or both.tokens


@virtually
async def test_what_a_server_put_on_a_call_goes_back_to_it_and_to_nobody_else() -> None:
    signed = FunctionCall("c1", "look", {"query": "a"}, extra={"extra_content": {"google": {"sig": "x"}}})
    first = ScriptedCompletions([signed], [ModelTrouble("key", "no")])
    second = ScriptedCompletions(["It is 42."])
    async with an_office(a_reasoner(first, fallbacks=[("other", second)]), [look]) as office:
        await office.ask("look")
        assert (await office.answer()).text == "It is 42."
    calls = [
        next(message for message in request.messages if "tool_calls" in message)["tool_calls"][0]
        for request in (first.requests[1], second.requests[0])
    ]
    function = {"name": "look", "arguments": '{"query": "a"}'}
    assert calls == [
        {"extra_content": {"google": {"sig": "x"}}, "id": "c1", "type": "function", "function": function},
        {"id": "c1", "type": "function", "function": function},
    ]
