"""The accumulator against the corpus, and what the corpus does not say."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.completions.accumulator import Accumulator
from orchestrator.completions.asking import CallBegun, Completion, Done, FunctionCall, Piece, Text, Usage
from orchestrator.completions.troubles import ModelTrouble
from tests.completions.streams import completion_of, corpus, deltas, play, say

STREAMS = corpus()
BY_NAME = {stream.name: stream for stream in STREAMS}


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_stream_of_the_corpus_means_what_it_should(name: str) -> None:
    stream = BY_NAME[name]
    if stream.expected.trouble:
        with pytest.raises(ModelTrouble) as caught:
            play(stream)
        assert caught.value.cause == stream.expected.trouble and caught.value.why
        return
    stream.expected.check(completion_of(play(stream)))


def test_the_corpus_is_large_enough_and_says_where_it_is_from() -> None:
    assert len(STREAMS) >= 30
    assert all(stream.body.startswith(b": ") for stream in STREAMS)
    assert sum(b"https://github.com/" in stream.body for stream in STREAMS) >= 30


# --- what the corpus does not say -----------------------------------------------------------------------------------


def test_text_waits_no_longer_than_it_must() -> None:
    accumulator = Accumulator(("delegate",))

    def feed(content: str) -> str:
        pieces = accumulator.feed({"choices": [{"delta": {"content": content}}]})
        return "".join(piece.text for piece in pieces if isinstance(piece, Text))

    assert [feed(part) for part in ("a <", " b", " <t", "able", ">", " {", "[TOO", "L]")] == [
        *("a ", "< b", " ", "<table", ">", " {", "", "[TOOL]")
    ]
    # At the very beginning what looks like a bare call waits, and only that.
    assert [Accumulator(("delegate",)).feed(deltas({"content": part})[0]) for part in ("{", '{"na', '{"x', "Hi")] == [
        *([], [], [Text('{"x')], [Text("Hi")])
    ]
    assert Accumulator().feed(deltas({"content": '{"name"'})[0]) == [Text('{"name"')]


WRITTEN: list[tuple[str, str, str, list[dict[str, Any] | None]]] = [
    ("<thinking>a</thinking> b", "b", "a", []),
    ("x <think>y</think> z", "x z", "y", []),
    ("<think>cut off", "", "cut off", []),
    ("a</think>b", "ab", "", []),
    ('{"name": "delegate", "parameters": {"a": 1}}', "", "", [{"a": 1}]),
    ('{"name": "delegate", "arguments": "{\\"a\\": 1}"}', "", "", [{"a": 1}]),
    ('{"name": "delegate", "arguments": {}}; {"name": "delegate", "arguments": {"b": 2}}', "", "", [{}, {"b": 2}]),
    ('{"type": "function", "function": {"name": "delegate", "arguments": {"a": 1}}}', "", "", [{"a": 1}]),
    ('[{"name": "delegate", "arguments": {"a": 1}}]', "", "", [{"a": 1}]),
    ('{"name": "delegate", "arguments": {"a": 1}', "", "", [{"a": 1}]),
    ('{"name": "unknown", "arguments": {}}', '{"name": "unknown", "arguments": {}}', "", []),
    ('{"name": "delegate", "arguments": {}} and so on', '{"name": "delegate", "arguments": {}} and so on', "", []),
    ('{"answer": 1}', '{"answer": 1}', "", []),
    ("```\ncode", "```\ncode", "", []),
    ('<tool_call>{"name": "delegate", "arguments": {"a": "b', "", "", [{"a": "b"}]),
    ('<tool_call>{"name": "delegate", "arguments": {"a": 1}}}</tool_call>', "", "", [{"a": 1}]),
    ('<tool_call>{"name": "new", "arguments": {}}</tool_call>ok', "ok", "", [{}]),
    ("<tool_call>\n</tool_call>ok", "ok", "", []),
    ("<tool_call>delegate\n<arg_key>a</arg_key>\n<arg_value>1</arg_value>\n</tool_call>", "", "", [{"a": 1}]),
    ("A <tool_call> is a tag.", "A  is a tag.", "", []),
    ('<function=delegate>{"a": 1}</function>', "", "", [{"a": 1}]),
    ('[TOOL_CALLS]delegate[ARGS]{"a": 1}', "", "", [{"a": 1}]),
    ('<|python_tag|>{"name": "delegate", "parameters": {"a": 1}}<|eom_id|>', "", "", [{"a": 1}]),
    ("<tool_call>{broken, {{</tool_call>", "", "", [None]),
    ('<think>a</think><tool_call>{"name": "delegate", "arguments": {}}</tool_call>', "", "a", [{}]),
]


@pytest.mark.parametrize("by", [0, 1, 2, 5])
@pytest.mark.parametrize(("content", "text", "thoughts", "calls"), WRITTEN)
def test_what_is_written_into_the_text(
    content: str, text: str, thoughts: str, calls: list[dict[str, Any] | None], by: int
) -> None:
    found = say(content, by=by)
    assert (found.text, found.thoughts, [call.arguments for call in found.calls]) == (text, thoughts, calls)
    assert all(bool(call.problem) == (call.arguments is None) for call in found.calls)


def test_without_functions_calls_stay_text() -> None:
    written = '<tool_call>{"name": "delegate", "arguments": {}}</tool_call>'
    assert say(written, ()).text == written


@pytest.mark.parametrize(
    ("content", "text", "thoughts"),
    [("a</think>b", "b", "a"), ("no tag at all", "no tag at all", ""), ("<think>a</think>b", "b", "<think>a")],
)
def test_a_template_that_begins_with_thoughts(content: str, text: str, thoughts: str) -> None:
    for by in (0, 1, 3):
        found = say(content, by=by, thinks_first=True)
        assert (found.text, found.thoughts) == (text, thoughts)


def test_a_whole_answer() -> None:
    calls = [{"id": "c", "type": "function", "function": {"name": "delegate", "arguments": '{"a": 1}'}}]
    message = {"role": "assistant", "content": "hm</think>\n\nYes.", "tool_calls": calls}
    body = {"model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    whole = completion_of(Accumulator(("delegate",), prompt_chars=40).whole(body))
    assert whole == Completion(
        "Yes.", (FunctionCall("c", "delegate", {"a": 1}),), "hm", Usage(10, 4, estimated=True), "stop", "m"
    )
    with pytest.raises(ModelTrouble):
        Accumulator().whole({"error": {"message": "no"}})


def test_only_one_choice_is_heard() -> None:
    chunk = {"choices": [{"index": 0, "delta": {"content": "one"}}, {"index": 1, "delta": {"content": "two"}}]}
    assert Accumulator().feed(chunk) == [Text("one")]


def test_a_call_is_told_as_soon_as_its_name_is_sure() -> None:
    first = {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "search", "arguments": ""}}]}
    more = {"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}
    assert Accumulator(("search",)).feed(deltas(first)[0]) == [CallBegun("c", "search")]
    unsure = Accumulator(("search", "search_web"))
    assert unsure.feed(deltas(first)[0]) == []
    assert unsure.feed(deltas(more)[0]) == [CallBegun("c", "search")]


ENTRIES: list[tuple[list[dict[str, Any]], list[tuple[str, str, Any]]]] = [
    # two names at one place without ids
    (
        [
            {"index": 0, "function": {"name": "a", "arguments": "{}"}},
            {"index": 0, "function": {"name": "b", "arguments": "{}"}},
        ],
        [("call_1", "a", {}), ("call_2", "b", {})],
    ),
    # no arguments and no index
    ([{"function": {"name": "a"}}, {"function": {"name": "b"}}], [("call_1", "a", {}), ("call_2", "b", {})]),
    # two calls that share an id
    (
        [
            {"index": 0, "id": "x", "function": {"name": "a", "arguments": '{"n": 1}'}},
            {"index": 1, "id": "x", "function": {"name": "a", "arguments": '{"n": 2}'}},
        ],
        [("x", "a", {"n": 1}), ("x_2", "a", {"n": 2})],
    ),
    # calls that come in turns
    (
        [
            {"index": 0, "id": "x", "function": {"name": "a", "arguments": '{"n"'}},
            {"index": 1, "id": "y", "function": {"name": "b", "arguments": '{"m"'}},
            {"index": 0, "function": {"arguments": ": 1}"}},
            {"index": 1, "function": {"arguments": ": 2}"}},
        ],
        [("x", "a", {"n": 1}), ("y", "b", {"m": 2})],
    ),
    # arguments before the name
    (
        [
            {"index": 0, "function": {"arguments": '{"n"'}},
            {"index": 0, "id": "x", "function": {"name": "a"}},
            {"index": 0, "function": {"arguments": ": 1}"}},
        ],
        [("x", "a", {"n": 1})],
    ),
    # a list in place of an object, a number as id
    ([{"index": 0, "id": 7, "function": {"name": "a", "arguments": [{"n": 1}]}}], [("7", "a", {"n": 1})]),
    # a call without a name cannot be made
    ([{"index": 0, "id": "x", "function": {"arguments": '{"n": 1}'}}], [("x", "", None)]),
    # the name in every delta, without ids
    (
        [
            {"index": 0, "function": {"name": "a", "arguments": '{"n"'}},
            {"index": 0, "function": {"name": "a", "arguments": ": 1}"}},
        ],
        [("call_1", "a", {"n": 1})],
    ),
    # the name in every delta, with an id that is new each time
    (
        [
            {"index": 0, "id": "x", "function": {"name": "a", "arguments": '{"n"'}},
            {"index": 0, "id": "y", "function": {"name": "a", "arguments": ": 1}"}},
        ],
        [("x", "a", {"n": 1})],
    ),
    # the name in pieces, all so far each time
    (
        [{"index": 0, "id": "x", "function": {"name": "de"}}, {"index": 0, "function": {"name": "delegate"}}],
        [("x", "delegate", {})],
    ),
]


@pytest.mark.parametrize(("entries", "calls"), ENTRIES)
def test_which_call_a_delta_belongs_to(entries: list[dict[str, Any]], calls: list[tuple[str, str, Any]]) -> None:
    accumulator = Accumulator(("a", "b", "delegate"))
    pieces: list[Piece] = []
    for chunk in deltas(*({"tool_calls": [entry]} for entry in entries)):
        pieces += accumulator.feed(chunk)
    found = completion_of(pieces + accumulator.end())
    assert [(call.id, call.name, call.arguments) for call in found.calls] == calls


def test_arguments_are_not_mended_after_a_content_filter() -> None:
    accumulator = Accumulator(("a",))
    for chunk in deltas(
        {"tool_calls": [{"index": 0, "id": "x", "function": {"name": "a", "arguments": '{"n": "b'}}]},
        finish="content_filter",
    ):
        accumulator.feed(chunk)
    done = accumulator.end()[-1]
    assert isinstance(done, Done) and done.completion.calls[0].arguments is None
