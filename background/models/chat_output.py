"""An answer of a given type: how it is asked for, read, checked and said."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final, TypeAlias, cast

import msgspec

from orchestrator.completions.profile import Profile
from orchestrator.errors import ConfigError

__all__ = ["Answered", "Misfit", "Shape"]

SPOKEN_FIELDS: Final = ("text", "summary", "answer")
MOST_PROBLEMS: Final = 8


class Answered(msgspec.Struct, frozen=True):
    """An output that fits: what is said of it, and the value as plain data."""

    text: str
    value: Any


class Misfit(msgspec.Struct, frozen=True):
    """An output that does not fit, and what is wrong with it, in words the model can act upon."""

    problem: str


class Shape:
    """One type of output: a pydantic model, msgspec struct, dataclass, typed dictionary, or anything pydantic knows.

    Raises:
        ConfigError: no JSON Schema can be made of it.
    """

    def __init__(self, type_: Any, speak: Callable[[Any], str] | None) -> None:
        self._speak = speak
        self._name = re.sub(r"\W", "_", getattr(type_, "__name__", "answer"))[:64] or "answer"
        try:
            schema, self._read, self._plain = _read_by(type_)
        except Exception as error:
            raise ConfigError(
                f"{type_!r} cannot be the output of a reasoner",
                f"no JSON Schema can be made of it: {error}",
                "use a pydantic model, a msgspec Struct, a dataclass or a TypedDict",
            ) from error
        self._wrapped = schema.get("type") != "object" and "$ref" not in schema
        self.schema: dict[str, Any] = _wrapped(schema) if self._wrapped else schema

    @property
    def instruction(self) -> str:
        """How the model is told."""
        return (
            "Your answer itself is one JSON object and nothing else (no text before or after it). It follows this JSON "
            f"Schema: {json.dumps(self.schema, ensure_ascii=False)}"
        )

    def asked_for(self, profile: Profile, *, with_tools: bool) -> Mapping[str, Any] | None:
        """The `response_format`. Many servers that are bound to a schema cannot call functions any more, so where there
        are functions only OpenAI's own gets both."""
        if with_tools and not (profile.name.startswith("openai") and profile.structured == "json_schema"):
            return None
        if profile.structured == "json_schema":
            return {"type": "json_schema", "json_schema": {"name": self._name, "schema": self.schema}}
        return {"type": "json_object"} if profile.structured == "json_object" else None

    def read(self, text: str) -> Answered | Misfit:
        """The output in what the model has written."""
        found = _object_in(text)
        if found is None:
            return Misfit("There is no whole JSON object in it.")
        data: Any = found.get("value") if self._wrapped else found
        try:
            value = self._read(data)
            plain = self._plain(value)
        except Exception as error:
            return Misfit(_problems(error))
        try:
            said = self._speak(value) if self._speak is not None else _said(plain)
        except Exception as error:
            return Misfit(f"It cannot be put into words: {error}")
        return Answered(said, plain)


_Reading: TypeAlias = tuple[dict[str, Any], Callable[[Any], Any], Callable[[Any], Any]]
"""The JSON Schema of a type, what makes a value of plain data, and what makes plain data of a value."""


def _read_by(type_: Any) -> _Reading:
    if inspect.isclass(type_) and issubclass(type_, msgspec.Struct):
        return _by_msgspec(type_)
    try:
        return _by_pydantic(type_)
    except Exception:
        # The `TypedDict` of older Pythons, say.
        with suppress(Exception):
            return _by_msgspec(type_)
        raise


def _by_pydantic(type_: Any) -> _Reading:
    from pydantic import TypeAdapter

    adapter: TypeAdapter[Any] = TypeAdapter(type_)
    return (
        adapter.json_schema(),
        lambda data: adapter.validate_json(json.dumps(data)),
        lambda value: adapter.dump_python(value, mode="json"),
    )


def _by_msgspec(type_: Any) -> _Reading:
    (schema,), components = msgspec.json.schema_components([type_], ref_template="#/$defs/{name}")
    whole = dict(components[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema)
    if components:
        whole["$defs"] = components
    return whole, lambda data: msgspec.convert(data, type_, strict=False), msgspec.to_builtins


def _wrapped(schema: dict[str, Any]) -> dict[str, Any]:
    inner = dict(schema)
    shared = inner.pop("$defs", None)
    outer: dict[str, Any] = {"type": "object", "properties": {"value": inner}, "required": ["value"]}
    return outer if shared is None else outer | {"$defs": shared}


def _object_in(text: str) -> dict[str, Any] | None:
    """The first whole JSON object in a text that may have a fence or words around it."""
    decoder = json.JSONDecoder()
    for start in (match.start() for match in re.finditer(r"\{", text)):
        try:
            found, _ = decoder.raw_decode(text, start)
        except ValueError:
            continue
        return cast("dict[str, Any]", found)
    return None


def _problems(error: Exception) -> str:
    errors = getattr(error, "errors", None)
    if not callable(errors):
        return str(error)
    found = cast("list[dict[str, Any]]", errors())
    lines = [f"{'.'.join(map(str, item['loc'])) or 'the whole'}: {item['msg']}" for item in found[:MOST_PROBLEMS]]
    return "\n".join(lines)


def _said(plain: Any) -> str:
    """What is said of a value that brings no words of its own."""
    if isinstance(plain, dict):
        fields = cast("dict[str, Any]", plain)
        for name in SPOKEN_FIELDS:
            if isinstance(text := fields.get(name), str) and text.strip():
                return text.strip()
        parts = [f"{name.replace('_', ' ')}: {_said(value)}" for name, value in fields.items() if value is not None]
        return ", ".join(parts) if parts else "nothing"
    if isinstance(plain, list):
        return " and ".join(_said(item) for item in cast("list[object]", plain)) or "none"
    if isinstance(plain, bool):
        return "yes" if plain else "no"
    return str(plain)
