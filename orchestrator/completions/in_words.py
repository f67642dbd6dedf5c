"""Functions for a server that knows no function calling: told, called and answered in words. Pure.

The form is that of Hermes, which most open models have seen in training; the accumulator reads it back, so who asks
sees the same calls as elsewhere. The same messages give the same bytes, and a longer conversation begins with them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from orchestrator.completions.asking import Message
from orchestrator.completions.json_reading import fields, items, text

__all__ = ["in_words"]

_HOW: Final = """\
# Functions
You can call these functions (name, what it does, JSON Schema of its arguments):
{functions}

To call one, write exactly this, and nothing after it:
<tool_call>
{{"name": "...", "arguments": {{...}}}}
</tool_call>
Several calls are written one after the other. What they come to is told in <tool_response>."""


def in_words(messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> list[Message]:
    """The messages without any function call, and the functions described at the beginning."""
    described = "\n".join(json.dumps(fields(tool.get("function")), ensure_ascii=False) for tool in tools)
    told: list[Message] = [{"role": "system", "content": _HOW.format(functions=described)}]
    for message in messages:
        if message.get("role") == "tool":
            told.append({"role": "user", "content": f"<tool_response>\n{message.get('content')}\n</tool_response>"})
        elif calls := items(message.get("tool_calls")):
            said = [text(message.get("content")), *(_written(fields(fields(call).get("function"))) for call in calls)]
            told.append({"role": "assistant", "content": "\n".join(part for part in said if part)})
        else:
            told.append(message)
    return told if len(told) < 2 or told[1].get("role") != "system" else [_one(told[1], told[0]), *told[2:]]


def _written(function: Mapping[str, Any]) -> str:
    name = json.dumps(text(function.get("name")), ensure_ascii=False)
    arguments = text(function.get("arguments")) or "{}"
    return f'<tool_call>\n{{"name": {name}, "arguments": {arguments}}}\n</tool_call>'


def _one(first: Message, second: Message) -> Message:
    return {**first, "content": f"{text(first.get('content'))}\n\n{second['content']}"}
