"""Arguments of a function call, made of what servers and models really send. Pure.

Mended is only what leaves no doubt of what was meant: fences around the JSON, JSON in a string, arguments that come
twice, Python's way of writing a dict, trailing commas, and an end that is missing. Everything else is a problem that
the model is told of in words it can act upon.
"""

from __future__ import annotations

import ast
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from orchestrator.completions.loose_json import is_list, is_object

__all__ = ["Nesting", "closed", "json_values", "read_arguments", "whole_characters"]

Arguments: TypeAlias = Mapping[str, Any]

_FENCE: Final = re.compile(r"\A```[\w-]*\s*(.*?)\s*(?:```\s*)?\Z", re.S)
_WORDS: Final = ("true", "false", "null")
_ESCAPE: Final = re.compile(r"\\(.)", re.S)
_KNOWN_ESCAPES: Final = frozenset("\\'\"bfnrtu\n")
_LITERAL_CHARS: Final = 20_000
_DEPTH: Final = 3
_MISSING: Final = object()
_EMPTY: Final[Mapping[str, Any]] = {}
_SURROGATES: Final = re.compile("[\ud800-\udfff]")


class Nesting:
    """Where in a JSON text one is, read piece by piece."""

    def __init__(self) -> None:
        self.in_string: bool = False
        self.stack: list[str] = []
        """The brackets that are open, as the ones that close them."""
        self.closed: bool = False
        """Whether an object or list has been opened and all are closed again."""
        self._escaped = False

    def feed(self, text: str) -> Nesting:
        """Read on."""
        for char in text:
            if self.in_string:
                if self._escaped:
                    self._escaped = False
                elif char == "\\":
                    self._escaped = True
                elif char == '"':
                    self.in_string = False
            elif char == '"':
                self.in_string = True
            elif char in "{[":
                self.stack.append("}" if char == "{" else "]")
                self.closed = False
            elif char in "}]" and self.stack:
                self.stack.pop()
                self.closed = not self.stack
        return self


def read_arguments(pieces: Sequence[str], *, cut: bool = False, mend_end: bool = True) -> tuple[Arguments | None, str]:
    """The arguments that came in these pieces, and what is wrong with them if they are `None`.

    `cut` says that the server ran out of room (then a number at the very end is not trusted). `mend_end` allows to
    close what is open at the end.
    """
    pieces = [piece for piece in pieces if piece]
    text = "".join(pieces).strip()
    if not text:
        return {}, ""
    found = _read(text)
    if is_object(found):
        return found, ""
    if found is not _MISSING:
        return None, f"The arguments are not a JSON object but {_kind(found)}. Call the function again with an object."
    values = json_values(text)
    if len(values) > 1:
        return _one_of(values)
    if len(pieces) > 1 and _grows(pieces):
        return read_arguments(pieces[-1:], cut=cut, mend_end=mend_end)
    if mend_end and (ended := closed(text, cut=cut)) is not None:
        again = _read(ended)
        if is_object(again):
            return again, ""
    return None, f"The arguments are not JSON: {_complaint(text)}. Call the function again with a JSON object."


def json_values(text: str) -> list[Any]:
    """All of a text that is nothing but JSON values one after the other (commas, semicolons and space between them
    do not count); `[]` if it is anything else."""
    decoder = json.JSONDecoder(strict=False)
    values: list[Any] = []
    place = 0
    while place < len(text):
        if text[place] in " \t\r\n,;":
            place += 1
            continue
        try:
            value, place = decoder.raw_decode(text, place)
        except (ValueError, RecursionError):
            return []
        values.append(value)
    return values


def closed(text: str, *, cut: bool = False) -> str | None:
    """A JSON text that broke off, with its end made up: what is open is closed, what has only begun to say something
    is left out. `None` if it did not break off or not in an object."""
    if not text.startswith("{"):
        return None
    safe, stack = 1, ["}"]
    """How far the text surely stands, and what was open there."""
    open_now: list[str] = []
    place, key_next = 0, False
    size = len(text)
    while place < size:
        char = text[place]
        if char == '"':
            end = _string_end(text, place)
            if end < 0:
                if key_next:
                    break
                return _whole_escapes(text) + '"' + "".join(reversed(open_now))
            place = end
            if not key_next:
                safe, stack = place, [*open_now]
            key_next = False
            continue
        if char in "{[":
            open_now.append("}" if char == "{" else "]")
            key_next = char == "{"
            place += 1
            safe, stack = place, [*open_now]
            continue
        if char in "}]":
            if not open_now or open_now.pop() != char:
                return None
            place += 1
            safe, stack = place, [*open_now]
            if not open_now:
                return None
            continue
        if char == ",":
            key_next = open_now[-1] == "}"
        elif char not in ": \t\r\n":
            end = _word_end(text, place)
            word = text[place:end]
            if end < size:
                safe, stack = end, [*open_now]
            elif whole := next((known for known in _WORDS if known.startswith(word)), ""):
                return text[:place] + whole + "".join(reversed(open_now))
            elif not cut and re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", word):
                return text + "".join(reversed(open_now))
            place = end
            continue
        place += 1
    return text[:safe] + "".join(reversed(stack))


def whole_characters(text: str) -> str:
    """The text with halves of characters joined. A half alone, which nothing can encode, is replaced."""
    if _SURROGATES.search(text) is None:
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _read(text: str, depth: int = 0) -> object:
    """What the text is, or `_MISSING`."""
    if text in ("null", "None"):
        return {}
    try:
        value = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        value = _MISSING
    if isinstance(value, str) and depth < _DEPTH:
        inner = _read(value.strip(), depth + 1) if value.strip() else _EMPTY
        return value if inner is _MISSING else inner
    if is_list(value):
        return value[0] if len(value) == 1 and is_object(value[0]) else value or _EMPTY
    if value is not _MISSING:
        return value
    if (inside_more := _before_closers(text)) is not None:
        return inside_more
    if depth < _DEPTH and (fenced := _FENCE.match(text)) is not None:
        return _read(fenced[1], depth + 1)
    return _python(text) if text.startswith("{") else _MISSING


def _before_closers(text: str) -> object | None:
    """The object at the beginning, where nothing but brackets too many comes after it."""
    try:
        value, end = json.JSONDecoder(strict=False).raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return value if is_object(value) and not text[end:].strip("}] \r\n`") else None


def _python(text: str) -> object:
    """A dict as Python writes it, or JSON with trailing commas or with escapes that JSON does not know."""
    if len(text) > _LITERAL_CHARS:
        return _MISSING
    text = _ESCAPE.sub(lambda found: found[0] if found[1] in _KNOWN_ESCAPES else f"\\{found[0]}", text)
    for written in (text, _python_words(text)):
        try:
            value: Any = ast.literal_eval(written)
            # Once through JSON, so that tuples are lists and keys are strings.
            return json.loads(json.dumps(value)) if is_object(value) else _MISSING
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
    return _MISSING


def _python_words(text: str) -> str:
    """JSON's words as Python's, outside of strings."""
    parts = re.split(r'("(?:[^"\\]|\\.)*")', text, flags=re.S)
    words = {"true": "True", "false": "False", "null": "None"}
    return "".join(
        part if place % 2 else re.sub(r"\b(true|false|null)\b", lambda found: words[found[0]], part)
        for place, part in enumerate(parts)
    )


def _one_of(values: Sequence[Any]) -> tuple[Arguments | None, str]:
    """The one that is meant where the arguments came more than once."""
    if all(is_object(value) for value in values):
        full = [value for value in values if value]
        if not full:
            return {}, ""
        # Empty ones stand in for what was not known yet; a later one repeats what there was, and more.
        if all(_within(earlier, full[-1]) for earlier in full):
            return full[-1], ""
    return None, "Several sets of arguments came for one call. Call the function once for each of them."


def _within(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> bool:
    return all(
        later.get(key, _MISSING) == value
        or (isinstance(value, str) and str(later.get(key, "")).startswith(value) and key in later)
        for key, value in earlier.items()
    )


def _grows(pieces: Sequence[str]) -> bool:
    """Whether each piece repeats the last and goes on: the sign of a server that sends all so far every time."""
    return pieces[0].startswith("{") and all(later.startswith(earlier) for earlier, later in itertools.pairwise(pieces))


def _string_end(text: str, begin: int) -> int:
    found = re.compile(r'"(?:[^"\\]|\\.)*"', re.S).match(text, begin)
    return found.end() if found else -1


def _word_end(text: str, begin: int) -> int:
    found = re.compile(r"[^\s,:{}\[\]\"]+").match(text, begin)
    return found.end() if found else begin + 1


def _whole_escapes(text: str) -> str:
    """Without the beginning of an escape at the end."""
    if (found := re.search(r"(\\+)(u[0-9a-fA-F]{0,3})?\Z", text)) is None or len(found[1]) % 2 == 0:
        return text
    return text[: found.start() + len(found[1]) - 1]


def _kind(value: Any) -> str:
    match value:
        case list():
            return "a list"
        case str():
            return "text"
        case _:
            return json.dumps(value)[:40]


def _complaint(text: str) -> str:
    try:
        json.loads(text, strict=False)
    except json.JSONDecodeError as error:
        return f"{error.msg.lower()} at character {error.pos + 1}"
    except (ValueError, RecursionError):
        return "nested too deeply"
    return "not an object"
