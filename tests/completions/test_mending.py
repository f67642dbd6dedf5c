"""Arguments that are not quite JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.completions.mending import Nesting, closed, json_values, read_arguments, whole_characters


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", {}),
        ("  ", {}),
        ("null", {}),
        ("None", {}),
        ("{}", {}),
        ("[]", {}),
        ('""', {}),
        ('{"a": 1}', {"a": 1}),
        ('[{"a": 1}]', {"a": 1}),
        ('"{\\"a\\": 1}"', {"a": 1}),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ('```\n{"a": 1}', {"a": 1}),
        ('{"a": "two\nlines"}', {"a": "two\nlines"}),
        ('{"a": 1,}', {"a": 1}),
        ('{"a": [true, null,],}', {"a": [True, None]}),
        ("{'a': 'it\\'s', 'b': None}", {"a": "it's", "b": None}),
        ('{"a": "C:\\dir"}', {"a": "C:\\dir"}),
        ('{"a": 1}}', {"a": 1}),
        ('{"a": 1}\n```', {"a": 1}),
        ('{"a": 1}{"a": 1}', {"a": 1}),
        ('{}{"a": 1}', {"a": 1}),
        ('{"a": "x"}{"a": "xy", "b": 2}', {"a": "xy", "b": 2}),
        # ends that are missing
        ("{", {}),
        ('{"a"', {}),
        ('{"a":', {}),
        ('{"a": tr', {"a": True}),
        ('{"a": 12', {"a": 12}),
        ('{"a": 12.', {}),
        ('{"a": "x', {"a": "x"}),
        ('{"a": "x\\', {"a": "x"}),
        ('{"a": "x\\u00e', {"a": "x"}),
        ('{"a": "x\\\\', {"a": "x\\"}),
        ('{"a": 1, "b', {"a": 1}),
        ('{"a": [1, {"b": [2', {"a": [1, {"b": [2]}]}),
        ('{"a": [1, 2], "c": {', {"a": [1, 2], "c": {}}),
    ],
)
def test_what_can_be_mended(text: str, arguments: dict[str, Any]) -> None:
    assert read_arguments([text]) == (arguments, "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("hello", "not JSON"),
        ('"hello"', "but text"),
        ("[1, 2]", "but a list"),
        ("true", "but true"),
        ("7", "but 7"),
        ('{"a" 1}', "character 6"),
        ('{"a": 1}{"b": 2}', "Several sets"),
        ('{"a": 1]', "not JSON"),
        ("{'a': {1, 2}}", "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("{" * 2000, "not JSON"),
    ],
)
def test_what_cannot(text: str, why: str) -> None:
    arguments, problem = read_arguments([text])
    assert arguments is None and why in problem and "Call the function" in problem


def test_a_number_at_a_cut_is_not_trusted() -> None:
    assert read_arguments(['{"a": 1, "limit": 1'], cut=True) == ({"a": 1}, "")
    assert read_arguments(['{"a": "x'], mend_end=False)[0] is None


def test_arguments_that_grow() -> None:
    assert read_arguments(['{"a', '{"a": 1', '{"a": 1, "b": "', '{"a": 1, "b": "c"}']) == ({"a": 1, "b": "c"}, "")
    assert read_arguments(['{"a', '{"a": 1', '{"a": 1, "b": "'], cut=True) == ({"a": 1, "b": ""}, "")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-999, 999) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(value=st.dictionaries(st.text(max_size=5), VALUES, max_size=4), ascii_only=st.booleans(), data=st.data())
def test_every_beginning_of_an_object_can_be_closed(
    value: dict[str, Any], ascii_only: bool, data: st.DataObject
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    beginning = text[: data.draw(st.integers(1, len(text)))]
    arguments, problem = read_arguments([beginning])
    assert arguments is not None and problem == "" and set(arguments) <= set(value)
    if beginning == text:
        assert arguments == value


@given(text=st.text() | st.text("{}[]\",:\\ntru0 '`"))
def test_nothing_raises(text: str) -> None:
    arguments, problem = read_arguments([text])
    assert (arguments is None) == bool(problem)
    closed(text)
    json_values(text)


def test_values_in_a_row() -> None:
    assert json_values('{"a": 1}; [2],\n"x"') == [{"a": 1}, [2], "x"]
    assert json_values('{"a": 1} and') == []


def test_nesting_is_read_piece_by_piece() -> None:
    nesting = Nesting()
    assert (nesting.feed('{"a": "}\\"').in_string, nesting.closed) == (True, False)
    assert (nesting.feed('", "b": [').in_string, nesting.stack) == (False, ["}", "]"])
    assert nesting.feed("]}").closed


def test_half_characters() -> None:
    assert whole_characters("a\ud83d\ude00b") == "a😀b"
    assert whole_characters("a\ud83d") == "a\ufffd"
    assert whole_characters("plain") == "plain"
