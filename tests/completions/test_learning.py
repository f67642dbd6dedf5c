"""What a refusal teaches, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import asdict, replace

from orchestrator.completions.asking import Request
from orchestrator.completions.diagnosis import Answer, said_in
from orchestrator.completions.learning import mended
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


UNKNOWN = "Unrecognized request argument supplied: "
FASTAPI = {"detail": [{"loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]}
USE_OTHER = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
GOOGLE = 'Invalid JSON payload received. Unknown name "parallel_tool_calls": Cannot find field.'
ONE_VALUE = said("Unsupported value: 'temperature' does not support 0.2 with this model.", param="temperature")
NO_SCHEMA = said("This model does not support response format `json_schema`", param="response_format")
NO_SYSTEM = {"system": False, "mid_system": False, "same_role_twice": False}
ALTERNATING = {"mid_system": False, "same_role_twice": False}


@pytest.mark.parametrize(
    ("status", "body", "learned"),
    [
        (400, said(f"{UNKNOWN}stream_options"), {"usage_in_stream": False}),
        (422, FASTAPI, {"usage_in_stream": False}),
        (400, said(USE_OTHER), {"limit_field": "max_tokens"}),
        (400, said(f"{UNKNOWN}max_completion_tokens"), {"limit_field": "max_tokens"}),
        (400, said(GOOGLE), {"parallel_field": False}),
        (400, said(f"{UNKNOWN}reasoning_effort"), {"reasoning_effort": False}),
        (400, ONE_VALUE, {"temperature": False}),
        (400, said(f"{UNKNOWN}tool_choice"), {"tool_choice": False}),
        (400, NO_SCHEMA, {"structured": "json_object"}),
        (400, said("registry.ollama.ai/library/gemma:2b does not support tools"), {"calls": False}),
        (404, said("No endpoints found that support tool use. To learn more, visit"), {"calls": False}),
        (400, said(f"{UNKNOWN}tools"), {"calls": False}),
        (500, said("Cannot use tools with stream: not supported"), {"streams_calls": False}),
        (400, said("System message must be at the beginning."), {"mid_system": False}),
        (500, said("System role not supported"), NO_SYSTEM),
        (400, {"object": "error", "message": "Conversation roles must alternate user/assistant/..."}, ALTERNATING),
        (400, said("Unexpected role 'system' after role 'user'"), ALTERNATING),
    ],
    ids=lambda value: str(value)[:50],
)
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
