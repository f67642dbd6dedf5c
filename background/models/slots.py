"""What a tool wants to be told: its parameters, each with the part it plays in a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, cast

import msgspec

from background.models.clauses import number_in
from background.models.words import bag, identifier_words, words
from orchestrator.ports import ToolInfo

__all__ = ["NOTHING", "Role", "Slot", "fitted", "slots_of"]

Role = Literal["expression", "path", "start", "end", "place", "date", "person", "query", "limit", "other"]
Kind = Literal["text", "integer", "number", "boolean", "choice", "list", "other"]

NOTHING: Final = object()
"""What `fitted` gives where a text is no value for a slot (`None` and `False` may be values)."""

_ROLES: Final[tuple[tuple[Role, frozenset[str]], ...]] = (
    ("expression", bag("expression formula calculation equation sum math arithmetic")),
    ("start", bag("start from origin source departure depart begin")),
    ("end", bag("end to destination target arrival arrive until dest")),
    ("path", bag("path file filename document folder directory dir")),
    ("limit", bag("limit max maximum top")),
    ("date", bag("date day when time")),
    ("place", bag("city place location where town country zone timezone area region")),
    ("query", bag(
    "query q pattern term terms search question topic words word phrase keyword keywords text what task "
    "subject title prompt message request input content"
)),
    ("person", bag("person name who recipient contact guest customer")),
)  # fmt: skip


class Slot(msgspec.Struct, frozen=True):
    """One parameter of a tool."""

    name: str
    kind: Kind = "text"
    role: Role = "other"
    required: bool = False
    choices: tuple[Any, ...] = ()
    strict: bool = False
    """Whether the text has a format of its own (a date, an address), so that words will not do."""

    @property
    def is_address(self) -> bool:
        """Whether it wants the address of a page."""
        return self.kind == "text" and not {"url", "uri", "link", "href"}.isdisjoint(identifier_words(self.name))

    @property
    def label(self) -> str:
        """What a person calls it."""
        return " ".join(identifier_words(self.name)) or self.name

    @property
    def question(self) -> str:
        """How to ask for it."""
        if self.kind == "choice" and len(self.choices) <= 8:
            *first, last = [str(choice).replace("_", " ") for choice in self.choices]
            return f"What is the {self.label}: {', '.join(first)}{' or ' if first else ''}{last}?"
        return f"What is the {self.label}?"


def slots_of(info: ToolInfo) -> tuple[Slot, ...]:
    """The parameters of a tool in the order of its schema. A parameter that cannot be read is of kind `other`."""
    required = set(cast("list[str]", info.schema.get("required", ())))
    properties = cast("Mapping[str, Any]", info.schema.get("properties", {}))
    return tuple(_slot(name, schema, name in required, info.schema) for name, schema in properties.items())


def fitted(slot: Slot, text: str) -> Any:
    """`text` as a value for `slot`, or `NOTHING`."""
    plain = text.strip().strip("\"'“”`").rstrip("?!,;").strip()
    if not plain:
        return NOTHING
    match slot.kind:
        case "text":
            return NOTHING if slot.strict and not re.search(r"\d|://|@", plain) else plain.rstrip(".")
        case "integer" | "number":
            number = number_in(plain)
            if number is None or (slot.kind == "integer" and number != int(number)):
                return NOTHING
            return int(number) if slot.kind == "integer" else number
        case "boolean":
            first = words(plain)[0] if words(plain) else ""
            if first in ("yes", "yeah", "true", "on", "sure", "ok", "y"):
                return True
            return False if first in ("no", "false", "off", "not", "nope", "n") else NOTHING
        case "choice":
            return next((choice for choice in slot.choices if _says(plain, str(choice))), NOTHING)
        case "list":
            return [part for part in (piece.strip() for piece in re.split(r",\s*|\s+and\s+", plain)) if part] or NOTHING
        case "other":
            return NOTHING


def _says(text: str, choice: str) -> bool:
    wanted = identifier_words(choice)
    said = words(text)
    if not wanted:
        return choice in text
    return any(said[place : place + len(wanted)] == wanted for place in range(len(said)))


def _slot(name: str, schema: Any, required: bool, root: Mapping[str, Any]) -> Slot:
    plain = _resolved(schema, root)
    choices = tuple(plain["enum"]) if "enum" in plain else (plain["const"],) if "const" in plain else ()
    kind: Kind
    match plain.get("type"):
        case _ if choices:
            kind = "choice"
        case "integer" | "number" | "boolean" as simple:
            kind = cast("Kind", simple)
        case "string" | None if not plain.get("properties"):
            kind = "text"
        case "array" if _resolved(plain.get("items", {}), root).get("type", "string") == "string":
            kind = "list"
        case _:
            kind = "other"
    return Slot(name, kind, _role(name, kind), required, choices, strict="format" in plain)


def _role(name: str, kind: Kind) -> Role:
    parts = identifier_words(name)
    for role, known in _ROLES:
        if known.intersection(parts):
            return role
    if kind in ("text", "list"):
        return "other"
    return "limit" if parts[:1] == ["n"] else "other"


def _resolved(schema: Any, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without `$ref`, and without the `null` of an optional parameter: its first real alternative."""
    nothing: Mapping[str, Any] = {}
    plain = cast("Mapping[str, Any]", schema) if isinstance(schema, Mapping) else nothing
    for _ in range(5):
        if "$ref" in plain:
            name = str(plain["$ref"]).rpartition("/")[2]
            plain = cast("Mapping[str, Any]", root.get("$defs", {}).get(name, {}))
        elif "anyOf" in plain:
            real = [item for item in cast("list[Mapping[str, Any]]", plain["anyOf"]) if item.get("type") != "null"]
            plain = real[0] if real else nothing
        else:
            break
    return plain
