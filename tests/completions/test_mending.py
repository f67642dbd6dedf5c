"""What a refusal teaches, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import asdict, replace

from orchestrator.completions.asking import Request
from orchestrator.completions.diagnosis import Answer, said_in
from orchestrator.completions.mending import mended
from orchestrator.completions.profile import Profile

OPENAI = Profile(reasoning_effort=True)
TALK = Request(
    "m",
    (
        {"role": "system", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "user", "content": "c"},
        {"role": "system", "content": "d"},
    ),
    tools=({"type": "function", "function": {"name": "f"}},),
    tool_choice="auto",
    parallel_calls=True,
    max_tokens=9,
    temperature=0.2,
    reasoning_effort="low",
    response_format={"type": "json_schema", "json_schema": {"schema": {}}},
)


def changes(before: Profile, after: Profile | None) -> dict[str, Any]:
    return {} if after is None else {k: v for k, v in asdict(after).items() if v != asdict(before)[k]}


def said(message: str, **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, **more}}


@pytest.mark.parametrize(
    ("status", "body", "learned"),
    [
        (400, said("Unrecognized request argument supplied: stream_options"), {"usage_in_stream": False}),
        (422, {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]}, {"usage_in_stream": False}),
        (400, said("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."),
         {"limit_field": "max_tokens"}),
        (400, said("Unrecognized request argument supplied: max_completion_tokens"), {"limit_field": "max_tokens"}),
        (400, said('Invalid JSON payload received. Unknown name "parallel_tool_calls": Cannot find field.'), {"parallel_field": False}),
        (400, said("Unrecognized request argument supplied: reasoning_effort"), {"reasoning_effort": False}),
        (400, said("Unsupported value: 'temperature' does not support 0.2 with this model.", param="temperature"), {"temperature": False}),
        (400, said("Unrecognized request argument supplied: tool_choice"), {"tool_choice": False}),
        (400, said("This model does not support response format `json_schema`", param="response_format"), {"structured": "json_object"}),
        (400, said("registry.ollama.ai/library/gemma:2b does not support tools"), {"calls": False}),
        (404, said("No endpoints found that support tool use. To learn more, visit"), {"calls": False}),
        (400, said("Unrecognized request argument supplied: tools"), {"calls": False}),
        (500, said("Cannot use tools with stream: not supported"), {"streams_calls": False}),
        (400, said("System message must be at the beginning."), {"mid_system": False}),
        (500, said("System role not supported"), {"system": False, "mid_system": False, "same_role_twice": False}),
        (400, {"object": "error", "message": "Conversation roles must alternate user/assistant/..."},
         {"mid_system": False, "same_role_twice": False}),
        (400, said("Unexpected role 'system' after role 'user'"), {"mid_system": False, "same_role_twice": False}),
    ],
    ids=lambda value: str(value)[:50],
)  # fmt: skip
def test_a_refusal_is_learned_from(status: int, body: object, learned: dict[str, Any]) -> None:
    assert changes(OPENAI, mended(OPENAI, Answer(status, said_in(body)), TALK)) == learned


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "Unrecognized request argument supplied: stream_options"),
        (429, "temperature is not supported just now"),
        (400, "max_tokens is too large: 900000"),
        (400, "This model's maximum context length is 8192 tokens"),
        (400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'),
        (500, "tools param requires --jinja flag: not supported"),
        (400, "something else is not supported"),
        (500, "The server had an error"),
    ],
)
def test_other_errors_teach_nothing(status: int, message: str) -> None:
    assert mended(OPENAI, Answer(status, said_in(said(message))), TALK) is None


def test_what_would_change_nothing_is_not_learned() -> None:
    """Or the same request would be sent for ever."""
    answer = Answer(400, said_in(said("Unrecognized request argument supplied: temperature")))
    assert mended(OPENAI, answer, replace(TALK, temperature=None)) is None
    assert mended(replace(OPENAI, temperature=False), answer, TALK) is None
