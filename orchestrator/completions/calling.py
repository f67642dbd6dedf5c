"""Function calls as servers stream them: in pieces, keyed by index, by id, by both, by neither. Pure.

A new id at a known index is a new call (Ollama gives every call index 0), a known id at a new index is not (LocalAI
repeats a call at the next index), an id that changes in mid-arguments is neither. A server that gives no id gets one
made up.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from orchestrator.completions.asking import CallBegun, FunctionCall
from orchestrator.completions.loose_json import is_list, is_object
from orchestrator.completions.mending import Nesting, read_arguments, whole_characters

__all__ = ["Calls"]

_HALF = re.compile(r"\\u[dD][89a-fA-F]")


class _Slot:
    """One call, as far as it has come."""

    def __init__(self, identity: str, index: object) -> None:
        self.id = identity
        self.names = {identity} if identity else set[str]()
        """Every id it was spoken of by."""
        self.index = index
        self.name = ""
        self.begun = False
        self.pieces: list[str] = []
        self.object: dict[str, Any] | None = None
        """Arguments that came as an object."""
        self.nesting = Nesting()
        self.extra: dict[str, Any] = {}

    @property
    def whole(self) -> bool:
        """Whether its arguments are complete, as far as brackets tell."""
        return self.object is not None or self.nesting.closed

    @property
    def under_way(self) -> bool:
        """Whether its arguments have begun and are not complete."""
        return bool(self.pieces) and not self.whole


class Calls:
    """The calls of one answer, in the order in which they began."""

    def __init__(self, functions: Collection[str] = ()) -> None:
        self._functions = frozenset(functions)
        self._slots: list[_Slot] = []
        self._written: list[FunctionCall] = []

    def __bool__(self) -> bool:
        return bool(self._slots or self._written)

    def feed(self, entries: Any) -> list[CallBegun]:
        """Take the `tool_calls` of one delta, whatever they are."""
        if is_object(entries):
            entries = [entries]
        if not is_list(entries):
            return []
        begun: list[CallBegun] = []
        for entry in entries:
            if is_object(entry):
                begun += self._take(entry)
        return begun

    def write(self, call: FunctionCall) -> CallBegun:
        """Take a call that the model wrote into its text."""
        call = FunctionCall(self._free_id(call.id), call.name, call.arguments, call.raw, call.problem)
        self._written.append(call)
        return CallBegun(call.id, call.name)

    def end(self, *, cut: bool = False, mend_end: bool = True) -> tuple[list[CallBegun], list[FunctionCall]]:
        """What has not been said to have begun, and all calls, whole."""
        begun: list[CallBegun] = []
        calls: list[FunctionCall] = []
        for slot in self._slots:
            if not (slot.name or slot.pieces or slot.object):
                continue
            begun += self._begin(slot, now=True)
            calls.append(_done(slot, cut=cut, mend_end=mend_end))
        # A server that tells a call and leaks it into the text as well means one call.
        told = [(call.name, call.arguments) for call in calls]
        return begun, calls + [call for call in self._written if (call.name, call.arguments) not in told]

    def _take(self, entry: Mapping[str, Any]) -> list[CallBegun]:
        function: Any = entry.get("function")
        if not is_object(function):
            function = entry
        fields = function
        name = fields.get("name")
        # LiteLLM has been seen to send the word "null".
        name = name if isinstance(name, str) and name != "null" else ""
        # llama.cpp once put the id, and Ollama the index, inside of the function.
        identity = _text(entry.get("id")) or _text(fields.get("id"))
        index = _index(entry.get("index", fields.get("index")))
        arguments: Any = fields.get("arguments", fields.get("parameters"))
        extra = entry.get("extra_content")
        if not (name or identity or arguments or is_object(extra) or index is not None):
            return []
        slot = self._slot(identity, index, name, arguments)
        before = self._settle_others(slot)
        if identity:
            slot.names.add(identity)
            if not slot.id:
                slot.id = self._free_id(identity)
        if index is not None and slot.index is None:
            slot.index = index
        if is_object(extra):
            slot.extra["extra_content"] = extra
        if name:
            slot.name = self._joined(slot, name)
        _add(slot, arguments)
        return [*before, *self._begin(slot, now=bool(slot.name) and bool(slot.pieces or slot.object is not None))]

    def _slot(self, identity: str, index: object, name: str, arguments: Any) -> _Slot:
        found: _Slot | None
        if identity and (found := self._last(lambda slot: identity in slot.names)) is not None:
            # Two calls that share an id are told apart by where they stand and what they say.
            if name and index not in (None, found.index) and found.whole and _differs(found, arguments):
                return self._new(identity, index)
            return found
        if index is None:
            found = self._slots[-1] if self._slots else None
        else:
            found = self._last(lambda slot: slot.index == index)
        if found is None or self._is_next(found, identity, index, name, arguments):
            return self._new(identity, index)
        return found

    def _is_next(self, slot: _Slot, identity: str, index: object, name: str, arguments: Any) -> bool:
        """Whether what comes at the place of this call is the next one. Only what has a name can be."""
        if not name or not slot.name:
            return bool(name) and slot.whole
        if slot.under_way:
            # An id that is new in every delta, a name that is repeated: still the same call.
            return name != slot.name and not slot.name.endswith(name)
        if identity and slot.id:
            return True
        if slot.whole:
            # Whole calls, one a delta, without ids; but what came in pieces and comes again is told twice.
            return name != slot.name or len(slot.pieces) <= 1 or _differs(slot, arguments)
        apart = index is None or arguments not in (None, "")
        return apart and name != slot.name and not self._continues(slot.name, name)

    def _continues(self, begun: str, name: str) -> bool:
        """Whether a name is the rest of one that came in pieces, or more of it."""
        return name.startswith(begun) or begun + name in self._functions

    def _joined(self, slot: _Slot, name: str) -> str:
        if slot.begun or (slot.name.endswith(name) and (slot.name == name or slot.name in self._functions)):
            return slot.name
        return name if name.startswith(slot.name) else slot.name + name

    def _settle_others(self, slot: _Slot) -> list[CallBegun]:
        """An earlier call's name is surely whole once another one is spoken of."""
        return [
            piece for other in self._slots if other is not slot for piece in self._begin(other, now=bool(other.name))
        ]

    def _begin(self, slot: _Slot, *, now: bool) -> list[CallBegun]:
        settled = slot.name in self._functions and not any(
            other != slot.name and other.startswith(slot.name) for other in self._functions
        )
        if slot.begun or not (settled or now):
            return []
        slot.begun = True
        if not slot.id:
            slot.id = self._free_id("")
        return [CallBegun(slot.id, slot.name)]

    def _new(self, identity: str, index: object) -> _Slot:
        slot = _Slot(self._free_id(identity) if identity else "", index)
        self._slots.append(slot)
        return slot

    def _last(self, fits: Callable[[_Slot], bool]) -> _Slot | None:
        return next((slot for slot in reversed(self._slots) if fits(slot)), None)

    def _free_id(self, wanted: str) -> str:
        taken = {slot.id for slot in self._slots} | {call.id for call in self._written}
        if wanted and wanted not in taken:
            return wanted
        number = len(self._written) + sum(1 for slot in self._slots if slot.id) + 1
        stem = f"{wanted}_" if wanted else "call_"
        while f"{stem}{number}" in taken:
            number += 1
        return f"{stem}{number}"


def _add(slot: _Slot, arguments: Any) -> None:
    match arguments:
        case None:
            return
        case str():
            if arguments:
                slot.pieces.append(arguments)
                slot.nesting.feed(arguments)
        case _ if is_object(arguments):
            slot.object = _merged(slot.object or {}, arguments)
        case _:
            slot.pieces.append(json.dumps(arguments, default=str))


def _merged(known: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """An object that comes in several deltas: its texts grow."""
    merged = dict(known)
    for key, value in more.items():
        old = merged.get(key)
        if isinstance(old, str) and isinstance(value, str) and not value.startswith(old):
            value = old + value
        merged[str(key)] = value
    return merged


def _differs(slot: _Slot, arguments: Any) -> bool:
    """Whether these are arguments of their own, not those of the call told once more."""
    if arguments in (None, "", {}):
        return False
    if is_object(arguments):
        return slot.object is not None and dict(arguments) != slot.object
    return str(arguments).strip() != "".join(slot.pieces).strip()


def _done(slot: _Slot, *, cut: bool, mend_end: bool) -> FunctionCall:
    raw = whole_characters("".join(slot.pieces))
    arguments: Mapping[str, Any] | None
    if slot.object is not None:
        arguments, problem = slot.object, ""
    else:
        arguments, problem = read_arguments(slot.pieces, cut=cut, mend_end=mend_end)
    if not slot.name:
        arguments, problem = None, "The call names no function. Call one of those that are offered, by its name."
    if arguments is not None and _HALF.search(raw):
        arguments = json.loads(whole_characters(json.dumps(arguments, ensure_ascii=False)))
    return FunctionCall(slot.id, slot.name, arguments, "" if arguments is not None else raw, problem, slot.extra)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, int) and value is not True else ""


def _index(value: Any) -> object:
    if isinstance(value, str):
        return int(value) if value.isdecimal() else value or None
    return int(value) if isinstance(value, int | float) else None
