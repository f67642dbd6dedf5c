"""What an agent gives back, whatever shape it has, as the one final finding."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Final, TypeAlias, cast

import msgspec

from orchestrator.errors import UsageError
from orchestrator.finding import Finding, Source

__all__ = ["Answer", "as_answer", "as_data", "spoken"]

Answer: TypeAlias = Any
"""Text, a `Finding`, or a structure: a mapping, a dataclass, a pydantic model, a msgspec struct, a list, a number."""

TELLING: Final = ("text", "answer", "summary", "message")
"""Fields of a structure that hold what is to be said, the best first."""


def as_answer(value: Answer, *, text: str = "", sources: tuple[Source, ...] = ()) -> Finding:
    """`value` as a terminal finding: text is what is said; a structure goes along as `data`.

    `text` is what to say of a structure; without it, see `spoken`. A finding comes back as it is. Raises `UsageError`
    for what cannot be written as JSON.
    """
    if isinstance(value, Finding):
        return value
    if isinstance(value, str):
        # Exactly text: other libraries have kinds of their own, which the wire does not know.
        return Finding.final(str(value), sources=sources)
    plain: Any = as_data(value)
    data = cast("dict[str, Any]", plain) if isinstance(plain, dict) else {"value": plain}
    return Finding.final(str(text) or spoken(plain), sources=sources, data=data)


def as_data(value: Answer) -> Any:
    """`value` as JSON would have it: only dicts, lists, text, numbers. Raises `UsageError` where that cannot be."""
    try:
        return json.loads(_encoded(value))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise UsageError(
            f"the answer of the agent is a {type(value).__name__}, which cannot be told",
            " ".join(str(error).split()),
            "let it give text, a Finding, a mapping, a dataclass or a pydantic model",
        ) from error


def spoken(plain: Any) -> str:
    """A structure in words: its field `text`, `answer`, `summary` or `message`, else all of it, name by name.

    >>> spoken({"answer": "It rains.", "sure": True}), spoken({"city": "Lyon", "stars": 3})
    ('It rains.', 'city: Lyon, stars: 3')
    """
    match plain:
        case dict():
            fields = cast("dict[str, Any]", plain)
            for name in TELLING:
                told = fields.get(name)
                if isinstance(told, str) and told.strip():
                    return told
            return ", ".join(f"{name.replace('_', ' ')}: {spoken(item)}" for name, item in fields.items())
        case list():
            return ", ".join(spoken(item) for item in cast("list[object]", plain))
        case bool():
            return "yes" if plain else "no"
        case None:
            return "nothing"
        case _:
            return str(plain)


def _encoded(value: Answer) -> bytes:
    dump = getattr(cast(object, value), "model_dump_json", None)
    if callable(dump) and not isinstance(value, type):
        return str(dump()).encode()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        # pydantic models may stand inside, which msgspec does not know.
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    return msgspec.json.encode(value, enc_hook=_inside)


def _inside(value: object) -> Any:
    """What msgspec does not know of itself."""
    if isinstance(value, str):
        return str(value)
    dump = getattr(value, "model_dump", None)
    if callable(dump) and not isinstance(value, type):
        return dump(mode="json")
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    raise TypeError(f"a {type(value).__name__} has no form in JSON")
