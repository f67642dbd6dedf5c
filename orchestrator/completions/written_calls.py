"""Function calls that a model spells out in its text, in the forms that model families were trained on. Pure.

Hermes and Qwen: `<tool_call>{"name": ..., "arguments": ...}</tool_call>`. Qwen coder: `<function=name><parameter=key>
value</parameter></function>`, with the tag or without. GLM: the name, then `<arg_key>` and `<arg_value>`. Mistral:
`[TOOL_CALLS]` and a list, or `name[ARGS]{...}`. Llama: `<|python_tag|>`, or nothing but the JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any, Final

from orchestrator.completions.asking import FunctionCall
from orchestrator.completions.loose_json import is_list, is_object
from orchestrator.completions.mending import json_values, read_arguments

__all__ = ["CALL_TAGS", "may_be_bare", "read_bare", "read_written"]

CALL_TAGS: Final = {
    "<tool_call>": "</tool_call>",
    "<|tool_call|>": "",
    "<function_call>": "</function_call>",
    "<function=": "</function>",
    "[TOOL_CALLS]": "",
    "<|python_tag|>": "",
}
"""Tags that begin a call, and those that end it; `""` is the end of the content."""

_BARE: Final = re.compile(r"\s*(?:```(?:json)?\s*)?\[?\s*(?=\{)")
_BARE_KEYS: Final = ("name", "function", "type", "arguments", "parameters", "id")
_FUNCTION: Final = re.compile(r"<function=([^>\s]+)\s*>(.*?)(?:</function>|(?=<function=)|\Z)", re.S)
_PARAMETER: Final = re.compile(r"<parameter=([^>\s]+)\s*>(.*?)(?:</parameter>|(?=<parameter=)|\Z)", re.S)
_ARGUMENT: Final = re.compile(r"<arg_key>(.*?)</arg_key>\s*<arg_value>(.*?)(?:</arg_value>|\Z)", re.S)
_NAMED: Final = re.compile(r"\s*([\w.-]+)\s*(?:\[ARGS\]|\[CALL_ID\]\w*\[ARGS\])?\s*(?=\{)")
_NAME: Final = re.compile(r'"name"\s*:\s*"([^"\\]+)"')
_CLOSERS: Final = re.compile(r"(?:</s>|<\|eom_id\|>|<\|eot_id\|>|<\|/?tool_call\|?>|<\|im_end\|>)\s*\Z")


def read_written(opener: str, body: str, functions: Collection[str]) -> list[FunctionCall]:
    """The calls that stand between the tags. What cannot be understood becomes a call with a `problem`."""
    body = _CLOSERS.sub("", body.strip()).strip()
    if opener == "<function=":
        body = f"{opener}{body}"
    if not body:
        return []
    if "<function=" in body:
        return [_in_tags(name, inner, body) for name, inner in _FUNCTION.findall(body)]
    if pairs := _ARGUMENT.findall(body):
        name = body.partition("<arg_key>")[0].strip()
        return [FunctionCall("", name, {key.strip(): _value(value) for key, value in pairs})]
    if calls := _in_json(body):
        return calls
    if (named := _NAMED.match(body)) is not None and not body.startswith("{"):
        return [_call(named[1], body[named.end() :], body)]
    if body in functions:
        return [FunctionCall("", body, {})]
    return [_broken(body)]


def may_be_bare(text: str, functions: Collection[str]) -> bool:
    """Whether all of the content may still turn out to be a call without tags."""
    text = text.lstrip()
    if not text or "```json".startswith(text):
        return bool(functions)
    if (begin := _BARE.match(text)) is None:
        return bool(functions) and re.fullmatch(r"(?:```(?:json)?\s*)?\[?\s*", text) is not None
    inner = text[begin.end() + 1 :].lstrip()
    if not inner:
        return True
    key = re.match(r'"(\w*)("?)', inner)
    if key is None:
        return False
    return key[1] in _BARE_KEYS if key[2] else any(known.startswith(key[1]) for known in _BARE_KEYS) and inner == key[0]


def read_bare(text: str, functions: Collection[str]) -> list[FunctionCall]:
    """The calls, if the content is nothing else and each names a function that is offered; else none."""
    text = re.sub(r"\A```(?:json)?\s*|\s*```\Z", "", text.strip())
    calls = _in_json(text)
    return calls if calls and all(call.name in functions for call in calls) else []


def _in_json(text: str) -> list[FunctionCall]:
    """Calls as JSON: one, a list, or several in a row. None if there is anything else."""
    values = json_values(text)
    if not values:
        # A bracket too few or too many at the end is the commonest slip of small models.
        whole, _ = read_arguments([text]) if text.startswith("{") else (None, "")
        if not whole and text.startswith("{") and text.endswith("}}"):
            whole, _ = read_arguments([text[:-1]], mend_end=False)
        values = [whole] if whole else []
    flat: list[object] = []
    for value in values:
        flat += value if is_list(value) else [value]
    calls = [_of(value) for value in flat]
    return [call for call in calls if call is not None] if all(calls) else []


def _of(value: object) -> FunctionCall | None:
    if not is_object(value):
        return None
    fields = value
    inner: Any = fields.get("function")
    if is_object(inner):
        fields = inner
    name: Any = fields.get("name", inner)
    if not isinstance(name, str) or not name:
        return None
    given: Any = next((fields[key] for key in ("arguments", "parameters", "args", "input") if key in fields), None)
    raw = json.dumps(value, ensure_ascii=False)
    if is_object(given):
        return FunctionCall("", name, given)
    return _call(name, "" if given is None else given if isinstance(given, str) else json.dumps(given), raw)


def _in_tags(name: str, inner: str, raw: str) -> FunctionCall:
    parameters = _PARAMETER.findall(inner)
    if parameters:
        return FunctionCall("", name, {key: _value(value) for key, value in parameters})
    return _call(name, inner, raw)


def _call(name: str, arguments: str, raw: str) -> FunctionCall:
    found, problem = read_arguments([arguments])
    return FunctionCall("", name, found, "" if found is not None else raw, problem)


def _value(text: str) -> Any:
    """A value between tags: JSON where it is a number, a word, a list or an object, else text."""
    text = text.removeprefix("\n").removesuffix("\n")
    if text[:1] in "{[-0123456789" or text in ("true", "false", "null"):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text


def _broken(body: str) -> FunctionCall:
    named = _NAME.search(body)
    what = "What you wrote as a function call cannot be read. Call the function again, with a JSON object as arguments."
    return FunctionCall("", named[1] if named else "", None, body, what)
