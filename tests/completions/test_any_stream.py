"""The accumulator against what hypothesis thinks of: any cutting means the same, and garbage raises nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.completions.accumulator import Accumulator
from orchestrator.completions.asking import FunctionCall, Piece, Usage
from orchestrator.testing import Reply
from orchestrator.testing.model_shapes import make_shape
from tests.completions.cutting import recut
from tests.completions.streams import completion_of, corpus, play, say

BY_NAME = {stream.name: stream for stream in corpus()}
# Where one delta stands for all of the arguments so far, cutting it makes another stream.
WHOLE_DELTAS = {"qianfan_cumulative_arguments", "opencodex_arguments_twice", "localai_same_id_at_new_index"}


@pytest.mark.parametrize(
    "name", sorted(name for name in BY_NAME if name not in WHOLE_DELTAS and not BY_NAME[name].expected.trouble)
)
@settings(max_examples=12)
@given(data=st.data())
def test_any_cutting_of_a_stream_means_the_same(name: str, data: st.DataObject) -> None:
    def cut(text: str) -> list[str]:
        cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=3)))
        return [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    stream = BY_NAME[name]
    stream.expected.check(completion_of(play(stream, recut(stream.chunks(), cut))))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ARGUMENTS = st.dictionaries(st.text(max_size=8), JSON, max_size=4)
WORDS = st.lists(
    st.text(st.characters(codec="utf-8"), max_size=8)
    | st.sampled_from(
        ["<", "<th", "<think", "</", "tool_call>", "[TOOL", "{", "`", "\n", "a < b", "<function", "</thin", "<|py"]
    ),
    max_size=12,
).map("".join)
MARKED = st.lists(
    WORDS
    | st.sampled_from(
        [
            "<think>",
            "</think>",
            "<tool_call>",
            "</tool_call>",
            '{"name": "delegate", "arguments": {}}',
            "<function=delegate>",
        ]
    ),
    max_size=8,
).map("".join)


@given(text=MARKED, by=st.integers(1, 7), functions=st.sampled_from([(), ("delegate",)]), first=st.booleans())
def test_text_with_any_tags_means_the_same_however_it_is_cut(
    text: str, by: int, functions: tuple[str, ...], first: bool
) -> None:
    assert say(text, functions, by=by, thinks_first=first) == say(text, functions, thinks_first=first)
    said = say(text, functions, by=by)
    assert not functions or "<tool_call>" not in said.text


@given(
    text=WORDS.filter(lambda text: not any(tag in text for tag in ("<think>", "</think>", "<function=", "tool_call>")))
)
def test_text_without_tags_passes_as_it_is(text: str) -> None:
    assert say(text, by=1).text == text == say(text, (), by=2).text


@given(
    text=st.text(st.characters(exclude_characters="<[{`", codec="utf-8"), min_size=1, max_size=40),
    thoughts=st.text(st.characters(codec="utf-8"), max_size=20),
    calls=st.lists(st.tuples(st.sampled_from(["delegate", "search"]), ARGUMENTS), max_size=3),
    shape=st.sampled_from(["openai", "vllm", "llamacpp", "ollama", "gemini", "anthropic", "deepseek"]),
    chars=st.integers(1, 9),
)
def test_every_shape_of_the_model_server_is_understood(
    text: str, thoughts: str, calls: list[tuple[str, dict[str, Any]]], shape: Any, chars: int
) -> None:
    reply = Reply(text, tuple(FunctionCall("", name, given) for name, given in calls), thoughts, chunk_chars=chars)
    body = {"model": "m", "stream_options": {"include_usage": True}}
    for chunks in (None, make_shape(shape).whole(reply, body, 3, Usage(10, 5))):
        accumulator = Accumulator(("delegate", "search"))
        if chunks is None:
            pieces: list[Piece] = []
            for chunk in make_shape(shape).chunks(reply, body, 3, Usage(10, 5)):
                pieces += accumulator.feed(json.loads(json.dumps(chunk)))
            whole = completion_of(pieces + accumulator.end())
        else:
            whole = completion_of(accumulator.whole(chunks))
        assert (whole.text, whole.thoughts, whole.usage) == (text, thoughts, Usage(10, 5))
        assert [(call.name, call.arguments) for call in whole.calls] == calls


# --- garbage --------------------------------------------------------------------------------------------------------

KEYS = st.sampled_from(
    [
        "choices",
        "delta",
        "message",
        "content",
        "tool_calls",
        "function",
        "function_call",
        "name",
        "arguments",
        "id",
        "index",
        "usage",
        "prompt_tokens",
        "completion_tokens",
        "finish_reason",
        "reasoning",
        "type",
        "text",
        "extra_content",
        "model",
        "timings",
        "x_groq",
        "refusal",
        "role",
        "cached_tokens",
        "prompt_tokens_details",
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | MARKED
GARBAGE = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=20
)
ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "index": GARBAGE,
        "id": GARBAGE,
        "function": st.dictionaries(st.sampled_from(["name", "arguments"]), GARBAGE),
    },
)
DELTA = st.fixed_dictionaries(
    {}, optional={"content": GARBAGE, "tool_calls": st.lists(ENTRY) | GARBAGE, "reasoning": GARBAGE}
)
CHOICE = st.fixed_dictionaries({}, optional={"index": LEAVES, "delta": DELTA | GARBAGE, "finish_reason": LEAVES})
CHUNK = st.dictionaries(KEYS, GARBAGE, max_size=4) | st.fixed_dictionaries(
    {"choices": st.lists(CHOICE | GARBAGE, max_size=3)}
)


@given(chunks=st.lists(CHUNK, max_size=6), functions=st.sampled_from([(), ("delegate", "a")]))
def test_garbage_raises_nothing(chunks: list[dict[str, Any]], functions: tuple[str, ...]) -> None:
    accumulator = Accumulator(functions)
    pieces: list[Piece] = []
    for chunk in chunks:
        pieces += accumulator.feed(chunk)
    completion_of(pieces + accumulator.end())
    assert accumulator.end() == []


@given(body=CHUNK)
def test_a_garbage_body_raises_nothing(body: dict[str, Any]) -> None:
    completion_of(Accumulator(("delegate",)).whole(body))
