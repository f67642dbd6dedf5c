"""What servers refuse to read: OpenAI's own rules for a request, and the narrower ones of servers that know less.

A double that takes anything proves nothing, so a `ModelServer` checks each request before it answers.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast

__all__ = ["Refusal", "complaint"]

Refusal: TypeAlias = Literal[
    "mid_system",
    "same_role_twice",
    "tools",
    "stream_options",
    "max_completion_tokens",
    "max_tokens",
    "parallel_tool_calls",
    "reasoning_effort",
    "response_format",
    "tool_choice",
]
"""What a narrower server does not take: a system message after the first one, two messages of one role in a row, or the
field of that name."""

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")

Json: TypeAlias = Mapping[str, Any]


def complaint(body: Json, refuses: Iterable[Refusal] = ()) -> str:
    """Why the server does not take this request; `""` if it does."""
    messages: Any = body.get("messages")
    if not isinstance(body.get("model"), str) or not body["model"]:
        return "you must provide a model parameter"
    if not isinstance(messages, list) or not messages:
        return "[] is too short - 'messages'"
    prompt = cast("list[Json]", messages)
    return _fields(body) or _messages(prompt) or _narrow(body, prompt, refuses)


def _fields(body: Json) -> str:
    if "stream_options" in body and not body.get("stream"):
        return "The 'stream_options' parameter is only allowed when 'stream' is enabled."
    if "max_tokens" in body and "max_completion_tokens" in body:
        return "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported."
    tools: Any = body.get("tools")
    if not tools:
        if tools is not None:
            return "[] is too short - 'tools'"
        for field in ("tool_choice", "parallel_tool_calls"):
            if body.get(field) not in (None, "none"):
                return f"'{field}' is only allowed when 'tools' are specified."
        return ""
    for tool in tools:
        name: Any = tool.get("function", {}).get("name")
        if tool.get("type") != "function" or not isinstance(name, str) or not _NAME.fullmatch(name):
            return f"Invalid tool: {json.dumps(tool)[:120]}"
        if not isinstance(tool["function"].get("parameters", {}), Mapping):
            return f"Invalid schema for function '{name}'"
    names = [tool["function"]["name"] for tool in tools]
    return f"Duplicate function names: {names}" if len(set(names)) < len(names) else ""


def _messages(messages: Sequence[Json]) -> str:
    """Each call is answered at once, and each answer belongs to a call."""
    open_calls: list[str] = []
    for place, message in enumerate(messages):
        role: Any = message.get("role")
        if role == "tool":
            if message.get("tool_call_id") not in open_calls:
                return (
                    f"messages.[{place}]: messages with role 'tool' must be a response to a preceeding message with "
                    "'tool_calls'."
                )
            open_calls.remove(message["tool_call_id"])
        elif open_calls:
            return (
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
                f"'tool_call_id'. The following did not have response messages: {', '.join(open_calls)}"
            )
        elif role not in ("system", "developer", "user", "assistant"):
            return f"Invalid value: {role!r} - 'messages[{place}].role'"
        calls: Any = message.get("tool_calls") or ()
        if message.get("content") is None and not (role == "assistant" and (calls or message.get("refusal"))):
            return f"Invalid value for 'content' at 'messages[{place}]': expected a string, got null."
        for call in calls:
            if not isinstance(call.get("id"), str) or not call["id"] or call.get("type") != "function":
                return f"Invalid call at 'messages[{place}].tool_calls'"
            if not isinstance(call.get("function", {}).get("arguments"), str):
                return f"Invalid type for 'messages[{place}].tool_calls[].function.arguments': expected a string."
            open_calls.append(call["id"])
    return f"No answers to the calls {', '.join(open_calls)}" if open_calls else ""


def _narrow(body: Json, messages: Sequence[Json], refuses: Iterable[Refusal]) -> str:
    for refusal in refuses:
        match refusal:
            case "mid_system":
                if any(message["role"] in ("system", "developer") for message in messages[1:]):
                    return "System message must be at the beginning."
            case "same_role_twice":
                roles = [
                    message["role"] for message in messages if message["role"] not in ("system", "developer", "tool")
                ]
                if any(one == next_one == "user" for one, next_one in itertools.pairwise(roles)):
                    return "Conversation roles must alternate user/assistant/user/assistant/..."
            case _:
                if body.get(refusal) is not None:
                    return f"Unrecognized request argument supplied: {refusal}"
    return ""
