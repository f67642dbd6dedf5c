"""The body of a request, as a given server understands it. Pure; the same request and profile give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from orchestrator.completions.asking import Message, Request
from orchestrator.completions.in_words import in_words
from orchestrator.completions.json_reading import fields, items, text
from orchestrator.completions.profile import Profile

__all__ = ["body_of", "is_streamed", "messages_for"]

_NOTE: Final = "system_note"
"""The tag around what should have been a system message. No other message may hold it."""


def is_streamed(request: Request, profile: Profile) -> bool:
    """Whether the answer to `request` is asked for as a stream."""
    return profile.streams_calls or not (request.tools and profile.calls)


def body_of(request: Request, profile: Profile) -> dict[str, Any]:
    """What is sent. What the server does not understand is left out or said otherwise."""
    spelled = bool(request.tools) and not profile.calls
    messages = in_words(request.messages, request.tools) if spelled else request.messages
    body: dict[str, Any] = {"model": request.model, "messages": messages_for(messages, profile)}
    if request.tools and profile.calls:
        body["tools"] = list(request.tools)
        if request.tool_choice is not None and profile.tool_choice:
            body["tool_choice"] = request.tool_choice
        if request.parallel_calls is not None and profile.parallel_calls and profile.parallel_field:
            body["parallel_tool_calls"] = request.parallel_calls
    if request.max_tokens is not None:
        body[profile.limit_field] = request.max_tokens
    if request.temperature is not None and profile.temperature:
        body["temperature"] = request.temperature
    if request.reasoning_effort and profile.reasoning_effort:
        body["reasoning_effort"] = request.reasoning_effort
    if request.response_format is not None:
        _ask_for_shape(body, request.response_format, profile)
    if is_streamed(request, profile):
        body["stream"] = True
        if profile.usage_in_stream:
            body["stream_options"] = {"include_usage": True}
    return body | dict(request.extra)


def _ask_for_shape(body: dict[str, Any], shape: Mapping[str, Any], profile: Profile) -> None:
    """Ask for output of a shape; where the server cannot be bound to a schema, the model is told it in words."""
    kind = shape.get("type")
    if profile.structured == "json_schema" or (profile.structured == "json_object" and kind != "json_schema"):
        body["response_format"] = dict(shape)
        return
    if profile.structured == "json_object":
        body["response_format"] = {"type": "json_object"}
    words = "Answer with one JSON object and nothing else."
    if described := fields(shape.get("json_schema")):
        schema = described.get("schema", {})
        words += f" It follows this JSON Schema: {json.dumps(schema, ensure_ascii=False)}"
    body["messages"] = messages_for([*body["messages"], {"role": "system", "content": words}], profile)


def messages_for(messages: Sequence[Message], profile: Profile) -> list[Message]:
    """The messages as this server takes them. A longer conversation still begins with the same bytes."""
    told = list(messages) if profile.mid_system and profile.system else _without_late_system(messages, profile)
    return told if profile.same_role_twice else _alternating(told)


def _without_late_system(messages: Sequence[Message], profile: Profile) -> list[Message]:
    """One system message at the beginning, and the later ones as notes among what the person says."""
    told: list[Message] = []
    for message in messages:
        if message.get("role") not in ("system", "developer"):
            told.append(_harmless(message))
        elif not told and profile.system:
            told.append({**message, "role": "system"})
        elif len(told) == 1 and told[0].get("role") == "system":
            told[0] = _joined(told[0], message)
        else:
            told.append({"role": "user", "content": f"<{_NOTE}>\n{_text(message.get('content'))}\n</{_NOTE}>"})
    return told


def _harmless(message: Message) -> Message:
    """Without our tag: what the person types, or a tool finds, cannot pass for a note of the system."""
    content = message.get("content")
    if isinstance(content, str):
        return {**message, "content": content.replace(_NOTE, "system-note")} if _NOTE in content else message
    if isinstance(content, list) and _NOTE in (raw := json.dumps(content)):
        return {**message, "content": json.loads(raw.replace(_NOTE, "system-note"))}
    return message


def _alternating(messages: Sequence[Message]) -> list[Message]:
    told: list[Message] = []
    for message in messages:
        last: Message = told[-1] if told else {}
        role = message.get("role")
        if role == last.get("role") and role in ("system", "user", "assistant") and not last.get("tool_calls"):
            told[-1] = _joined(last, message)
        else:
            told.append(message)
    return told


def _joined(first: Message, second: Message) -> Message:
    one, other = first.get("content"), second.get("content")
    if not one or not other:
        return {**first, **second, "role": first["role"], "content": one or other}
    if isinstance(one, str) and isinstance(other, str):
        return {**first, **second, "role": first["role"], "content": f"{one}\n\n{other}"}
    return {**first, **second, "role": first["role"], "content": [*_parts(one), *_parts(other)]}


def _parts(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(text(fields(part).get("text")) for part in items(content))
