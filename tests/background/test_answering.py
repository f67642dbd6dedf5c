"""Whatever an agent gives back becomes one finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from pydantic import BaseModel

from background.answering import as_answer, spoken
from orchestrator.errors import UsageError
from orchestrator.finding import Finding, Source


class Model(BaseModel):
    text: str = "hello"


@dataclass
class Data:
    model: Model


class Struct(msgspec.Struct):
    summary: str
    many: list[int]


@pytest.mark.parametrize(
    ("value", "text", "data"),
    [
        ("plain", "plain", None),
        (Model(), "hello", {"text": "hello"}),
        (Data(Model()), "model: hello", {"model": {"text": "hello"}}),
        (Struct("short", [1]), "short", {"summary": "short", "many": [1]}),
        ({"city": "Lyon", "room_free": True, "price": None}, "city: Lyon, room free: yes, price: nothing", None),
        (["a", 2], "a, 2", {"value": ["a", 2]}),
        (4.5, "4.5", {"value": 4.5}),
        ([Model()], "hello", {"value": [{"text": "hello"}]}),
    ],
)
def test_a_value_is_said_and_goes_along(value: Any, text: str, data: dict[str, Any] | None) -> None:
    finding = as_answer(value, sources=(Source("a"),))
    assert (finding.kind, finding.text, finding.sources) == ("final", text, (Source("a"),))
    assert finding.data == (value if isinstance(value, dict) else data)


class OwnText(str):
    """As LangChain has one."""


def test_text_of_another_kind_becomes_plain_text() -> None:
    finding = as_answer(OwnText("hello"))
    assert type(finding.text) is str
    assert as_answer({"word": OwnText("hello")}).data == {"word": "hello"}
    msgspec.json.encode(finding)


def test_a_finding_stays_what_it_is() -> None:
    finding = Finding.error("no")
    assert as_answer(finding) is finding


@pytest.mark.parametrize("value", [object(), {"inside": object()}, Model])
def test_what_cannot_be_json_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match="cannot be told"):
        as_answer(value)


def test_an_empty_text_is_not_what_is_said() -> None:
    assert spoken({"text": " ", "answer": "this"}) == "this"
