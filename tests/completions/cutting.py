"""One stream in other deltas: what is said stays the same, where it is cut does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Cut = Callable[[str], list[str]]


def recut(chunks: Iterable[Mapping[str, Any]], cut: Cut) -> Iterator[Mapping[str, Any]]:
    """Cut each text and each call's arguments anew; usage and finish reason come behind the last piece."""
    for chunk in chunks:
        pieces = [] if chunk.get("error") else list(_pieces(chunk, cut))
        if not pieces:
            yield chunk
            continue
        choice: Any = chunk["choices"][0]
        for delta in pieces:
            early = {key: value for key, value in chunk.items() if key != "usage"}
            yield {**early, "choices": [{**choice, "delta": delta, "finish_reason": None}]}
        yield {**chunk, "choices": [{**choice, "delta": {}}]}


def _pieces(chunk: Mapping[str, Any], cut: Cut) -> Iterator[dict[str, Any]]:
    delta = _inner(_only(chunk.get("choices")), "delta")
    if not delta:
        return
    calls, content = delta.get("tool_calls"), delta.get("content")
    if not calls and isinstance(content, str):
        first, *others = cut(content)
        yield {**delta, "content": first}
        yield from ({"content": piece} for piece in others)
    call = _only(calls)
    function = _inner(call, "function")
    arguments = function.get("arguments")
    if isinstance(arguments, str) and arguments:
        first, *others = cut(arguments)
        yield {**delta, "tool_calls": [{**call, "function": {**function, "arguments": first}}]}
        index = {key: value for key, value in call.items() if key == "index"}
        yield from ({"tool_calls": [{**index, "function": {"arguments": piece}}]} for piece in others)


def _only(values: Any) -> Mapping[str, Any]:
    return values[0] if values and len(values) == 1 and values[0] else {}


def _inner(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value: Any = fields.get(name)
    return value if value else {}
