"""Functions for a server that knows none: told in words, and read back as calls."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from orchestrator.completions.asking import CallDone, Done, FunctionCall, Request
from orchestrator.completions.body import body_of
from orchestrator.completions.endpoint import Endpoint, EndpointSettings
from orchestrator.completions.profile import Profile
from orchestrator.testing import ModelServer, Reply

pytestmark = pytest.mark.anyio

PLAIN: Final = Profile(name="plain", calls=False)
TRAINS: Final[dict[str, Any]] = {
    "type": "function",
    "function": {"name": "trains", "description": "Finds trains.", "parameters": {"type": "object", "properties": {}}},
}
BEGIN: Final = ({"role": "system", "content": "Be kind."}, {"role": "user", "content": "A train to Lyon!"})
CALL: Final = {"id": "c1", "type": "function", "function": {"name": "trains", "arguments": '{"to": "Lyon"}'}}
GOES_ON: Final = (
    *BEGIN,
    {"role": "assistant", "content": "One moment.", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c1", "content": "9:12, direct."},
)


def said(messages: tuple[Any, ...]) -> list[Any]:
    told: list[Any] = body_of(Request("m", messages, tools=(TRAINS,), tool_choice="required"), PLAIN)["messages"]
    return told


def test_the_functions_stand_behind_the_system_message_and_nothing_is_sent_as_a_function() -> None:
    body = body_of(Request("m", BEGIN, tools=(TRAINS,), tool_choice="required"), PLAIN)
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & set(body)
    head, line = body["messages"]
    assert head["content"].startswith("Be kind.\n\n# Functions\n")
    assert json.dumps(TRAINS["function"]) in head["content"]
    assert line == BEGIN[1]


def test_calls_and_results_are_words_and_the_prompt_only_grows() -> None:
    told = said(GOES_ON)
    assert told[:2] == said(BEGIN)
    assert [message["role"] for message in told[2:]] == ["assistant", "user"]
    assert told[2]["content"] == (
        'One moment.\n<tool_call>\n{"name": "trains", "arguments": {"to": "Lyon"}}\n</tool_call>'
    )
    assert told[3]["content"] == "<tool_response>\n9:12, direct.\n</tool_response>"


def test_without_a_system_message_the_functions_are_one() -> None:
    assert [message["role"] for message in said((BEGIN[1],))] == ["system", "user"]


def test_without_functions_nothing_is_said_of_them() -> None:
    assert body_of(Request("m", BEGIN), PLAIN)["messages"] == list(BEGIN)


async def test_what_the_model_writes_is_a_call_to_who_asked() -> None:
    written = 'Let me see.\n<tool_call>\n{"name": "trains", "arguments": {"to": "Lyon"}}\n</tool_call>'
    async with ModelServer(models=("m",), refuses=("tools",)) as server:
        server.script("m", [Reply(written)])
        settings = EndpointSettings(base_url=server.base_url)
        async with Endpoint(settings) as endpoint:
            pieces = [piece async for piece in endpoint.stream(Request("m", BEGIN, tools=(TRAINS,)))]
        assert endpoint.profile_of("m").calls is False
    (done,) = [piece.call for piece in pieces if isinstance(piece, CallDone)]
    assert (done.name, done.arguments) == ("trains", {"to": "Lyon"})
    last = pieces[-1]
    assert isinstance(last, Done)
    assert last.completion.text.strip() == "Let me see."
    assert isinstance(last.completion.calls[0], FunctionCall)
