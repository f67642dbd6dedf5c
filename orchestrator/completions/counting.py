"""Tokens of a call, from whatever a server counts them in. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.completions.asking import Usage
from orchestrator.completions.loose_json import is_list, is_object

__all__ = ["estimated", "usage_in"]


def usage_in(chunk: Mapping[str, Any]) -> Usage | None:
    """What a chunk says of tokens: at the top, below `x_groq` (Groq), in a choice (Moonshot), or as `timings`
    (llama.cpp). `None` if it says nothing or only zeros."""
    places: list[Any] = [chunk.get("usage"), _inner(chunk, "x_groq").get("usage")]
    choices: Any = chunk.get("choices")
    if is_list(choices):
        places += [one.get("usage") for one in choices if is_object(one)]
    for place in places:
        if is_object(place) and (found := _counted(place)) is not None:
            return found
    timings = _inner(chunk, "timings")
    cached = _number(timings, "cache_n")
    found = Usage(_number(timings, "prompt_n") + cached, _number(timings, "predicted_n"), cached)
    return found if found.input or found.output else None


def estimated(prompt_chars: int, answer_chars: int) -> Usage:
    """Four characters a token."""
    return Usage(-(-prompt_chars // 4), -(-answer_chars // 4), estimated=True)


def _counted(usage: Mapping[str, Any]) -> Usage | None:
    given = _number(usage, "prompt_tokens", "input_tokens")
    made = _number(usage, "completion_tokens", "output_tokens")
    made = made or max(0, _number(usage, "total_tokens") - given)
    cached = max(
        _number(_inner(usage, "prompt_tokens_details"), "cached_tokens"),
        _number(_inner(usage, "input_tokens_details"), "cached_tokens"),
        _number(usage, "prompt_cache_hit_tokens", "cache_read_input_tokens", "cached_tokens"),
    )
    return Usage(given, made, cached) if given or made else None


def _inner(fields: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value: Any = fields.get(name)
    return value if is_object(value) else {}


def _number(fields: Mapping[str, Any], *names: str) -> int:
    """The first of these fields that is a count; 0 if none is."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and value.isdecimal():
            value = int(value)
        if isinstance(value, int | float) and 0 < value < 1e12:
            return int(value)
    return 0
