"""Answers of a given type: asked for, checked, mended, said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict

import msgspec
import pytest
from pydantic import BaseModel, Field

from background.models.chat import ChatReasonerSettings
from background.models.chat_output import Answered, Misfit, Shape
from orchestrator.completions.profile import Profile
from orchestrator.function_tool import tool
from orchestrator.testing import ScriptedCompletions
from tests.background.models.chat_kit import a_reasoner, call, last_of, texts, virtually
from tests.background.office import an_office


class Report(BaseModel):
    summary: str
    score: int = Field(ge=0, le=10)


class Plain(msgspec.Struct):
    city: str
    warm: bool


@dataclass
class Data:
    city: str
    days: list[int]


class Typed(TypedDict):
    city: str


@tool
async def look() -> str:
    """Look."""
    return "all well"


@virtually
async def test_an_output_is_checked_and_told() -> None:
    model = ScriptedCompletions(['{"summary": "All is well.", "score": 9}'])
    async with an_office(a_reasoner(model, output=Report)) as office:
        await office.ask("report")
        answer = await office.answer()
    assert (answer.kind, answer.text) == ("final", "All is well.")
    assert answer.data is not None
    assert answer.data["value"] == {"summary": "All is well.", "score": 9}
    assert answer.data["usage"]["calls"] == 1
    asked = model.requests[0].response_format
    assert asked is None, "with functions on offer a server that is not OpenAI's own is not bound to a schema"


@virtually
async def test_without_functions_the_server_is_bound_to_the_schema() -> None:
    model = ScriptedCompletions(['{"summary": "All is well.", "score": 9}'])
    async with an_office(a_reasoner(model, ChatReasonerSettings(questions=0), output=Report)) as office:
        await office.ask("report")
        await office.answer()
    asked = model.requests[0].response_format
    assert asked is not None
    assert asked["json_schema"]["name"] == "Report"
    assert asked["json_schema"]["schema"]["properties"]["score"]["maximum"] == 10


@virtually
async def test_a_misfit_is_mended() -> None:
    model = ScriptedCompletions(
        [call("look")],
        ["```json\n" + '{"summary": "Fine.", "score": 99}' + "\n```"],
        ['{"summary": "Fine.", "score": 9}'],
    )
    async with an_office(a_reasoner(model, output=Report), [look]) as office:
        await office.ask("report")
        answer = await office.answer()
    assert answer.text == "Fine."
    assert "score: Input should be less than or equal to 10" in last_of(model.requests[2], "system")
    assert '"score": 99' in last_of(model.requests[2], "assistant")


@virtually
async def test_what_cannot_be_mended_is_an_error() -> None:
    model = ScriptedCompletions(["No idea."], ["Still none."])
    async with an_office(a_reasoner(model, ChatReasonerSettings(repairs=1), output=Report)) as office:
        await office.ask("report")
        answer = await office.answer()
    assert answer.kind == "error"
    assert "not in the form" in answer.text
    model.assert_complete()


@virtually
async def test_typed_output_is_never_told_in_parts() -> None:
    long = "It is well. " * 60
    model = ScriptedCompletions([f'{{"score": 1, "summary": "{long[:300]}', 1.0, f'{long[300:]}"}}'])
    async with an_office(a_reasoner(model, ChatReasonerSettings(partials=True), output=Report)) as office:
        await office.ask("report")
        assert (await office.answer()).text == long.strip()
    assert not office.told("partial")


@virtually
async def test_the_words_for_it_may_be_given() -> None:
    def spoken(report: Report) -> str:
        return f"{report.score} of ten"

    model = ScriptedCompletions(['{"summary": "Fine.", "score": 9}'])
    async with an_office(a_reasoner(model, ChatReasonerSettings(speak=spoken), output=Report)) as office:
        await office.ask("report")
        assert (await office.answer()).text == "9 of ten"
    assert "JSON Schema" in texts(model.requests[0])


@pytest.mark.parametrize(
    ("type_", "text", "value", "said"),
    [
        (Report, '{"summary": "a", "score": 1}', {"summary": "a", "score": 1}, "a"),
        (Plain, 'Here: {"city": "Ulm", "warm": true}', {"city": "Ulm", "warm": True}, "city: Ulm, warm: yes"),
        (Data, '{"city": "Ulm", "days": [1, 2]}', {"city": "Ulm", "days": [1, 2]}, "city: Ulm, days: 1 and 2"),
        (Typed, '{"city": "Ulm"}', {"city": "Ulm"}, "city: Ulm"),
        (list[Typed], '{"value": [{"city": "Ulm"}]}', [{"city": "Ulm"}], "city: Ulm"),
        (int, '{"value": 3}', 3, "3"),
    ],
)
def test_types(type_: Any, text: str, value: Any, said: str) -> None:
    shape = Shape(type_, None)
    assert shape.read(text) == Answered(said, value)
    assert shape.schema.get("type") == "object"
    assert isinstance(shape.read("{}"), Misfit)
    assert isinstance(shape.read("nothing"), Misfit)


def test_how_it_is_asked_for_depends_on_the_server() -> None:
    shape = Shape(Report, None)
    assert shape.asked_for(Profile(), with_tools=True) is not None
    assert shape.asked_for(Profile(name="vllm"), with_tools=True) is None
    assert shape.asked_for(Profile(structured="json_object"), with_tools=False) == {"type": "json_object"}
    assert shape.asked_for(Profile(structured="prompt"), with_tools=False) is None
