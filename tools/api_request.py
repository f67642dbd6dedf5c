"""From a path with places, and arguments, to a request. Pure.

Nothing that an argument holds can change to whom a request goes, or leave the place in the path that it was given.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import is_dataclass
from typing import Any, Final, Literal, NoReturn, TypeAlias
from urllib.parse import quote, unquote, urlencode

import msgspec
import pydantic
from pydantic_core import to_jsonable_python

from orchestrator.errors import ToolDefinitionError, ToolRetry
from tools.api_values import as_list

__all__ = ["Method", "Plan", "Request", "planned"]

Method: TypeAlias = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

LONGEST_TARGET: Final = 8_000
_PLACE: Final = re.compile(r"\{([A-Za-z_]\w*)(:path)?\}")
_PATH: Final = re.compile(r"/(?!/)[!-~]*", re.ASCII)
_SAFE: Final = "/:@!$&'()*+,;=-._~%"
_IN_BODY: Final = frozenset(("POST", "PUT", "PATCH"))


class Request(msgspec.Struct, frozen=True):
    """What is sent, but for its headers. `target` is the path below the base, with the query."""

    method: Method
    target: str
    body: bytes | None = None
    changes: bool = False
    """Whether it may change something: then nobody knows what was done where no answer comes."""


class Plan(msgspec.Struct, frozen=True):
    """How the arguments of one tool become a request."""

    method: Method
    path: str
    fixed: str
    """The query that always goes along."""
    places: Mapping[str, bool]
    """The arguments that stand in the path, and whether they may hold slashes."""
    query: tuple[str, ...]
    body: tuple[str, ...]
    rename: Mapping[str, str]
    defaults: Mapping[str, Any]
    changes: bool = False

    def request(self, arguments: Mapping[str, Any]) -> Request:
        """The request. What was not given, and is `None` by default, is left out.

        Raises:
            ToolRetry: an argument cannot stand in the path, or all is too long.
        """
        given = {name: value for name, value in self.defaults.items() if value is not None}
        given |= arguments

        def put(place: re.Match[str]) -> str:
            return _in_path(place[1], given.get(place[1]), slashes=bool(place[2]))

        path = _PLACE.sub(put, self.path)
        if any(unquote(segment) in (".", "..") for segment in path.split("/")):
            raise _cannot_stand("the path", "it would lead elsewhere")
        pairs = [pair for name in self.query if name in given for pair in self._pairs(name, given[name])]
        query = "&".join(part for part in (self.fixed, urlencode(pairs)) if part)
        target = f"{path}?{query}" if query else path
        if len(target) > LONGEST_TARGET:
            raise ToolRetry("The arguments are too long.", f"Together they come to {len(target):,} characters.")
        body = self._body({name: given[name] for name in self.body if name in given})
        return Request(self.method, target, body, self.changes)

    def _pairs(self, name: str, value: Any) -> Iterable[tuple[str, str]]:
        plain = to_jsonable_python(value)
        if plain is None:
            return
        for each in [plain] if (every := as_list(plain)) is None else every:
            yield self.rename.get(name, name), _encodable(name, _as_text(each))

    def _body(self, given: Mapping[str, Any]) -> bytes | None:
        if not self.body:
            return None
        values = list(given.values())
        if len(self.body) == 1 and values and _is_record(values[0]):
            # As those expect who know FastAPI: one model alone is the body, and not a field of it.
            return _json(values[0])
        return _json({self.rename.get(name, name): value for name, value in given.items()})


def planned(
    method: Method,
    path: str,
    parameters: Mapping[str, Any],
    *,
    rename: Mapping[str, str],
    query: Collection[str],
    place: str,
) -> Plan:
    """How the `parameters` of a function (by name, with their defaults; `...` for none) become a request.

    Raises:
        ToolDefinitionError: path and parameters do not fit each other. `place` says where the function stands.
    """

    def refuse(why: str, todo: str) -> NoReturn:
        raise ToolDefinitionError(f"{method} {path} cannot become a tool{place}.", why, todo)

    bare, _, fixed = path.partition("?")
    plain = _PLACE.sub("x", bare)
    if not _PATH.fullmatch(plain) or "{" in plain or "}" in plain or "#" in path:
        refuse("That is no path.", 'Write it from the base on, as "/stock/{article}"; the host is that of the API.')
    if "{" in fixed or not fixed.isascii() or not fixed.isprintable() or " " in fixed:
        refuse(
            "Its query cannot be sent so.", "Make a parameter of what changes; a key goes into http_json(query=...)."
        )
    if any(unquote(segment) in (".", "..") for segment in plain.split("/")):
        refuse("It holds a segment of dots.", "Write where it leads.")
    places = {match[1]: bool(match[2]) for match in _PLACE.finditer(bare)}
    takes = f"It takes: {', '.join(parameters) or 'nothing'}."
    for names, what in ((places, "Its path names"), (rename, "rename names"), (query, "query names")):
        unknown = [name for name in names if name not in parameters]
        if unknown:
            refuse(f"{what} {', '.join(unknown)}, which is no parameter of the function.", takes)
    optional = [name for name in places if parameters[name] is None]
    if optional:
        refuse(f"{optional[0]} stands in the path and may be None.", "Give it another default, or none.")
    rest = [name for name in parameters if name not in places]
    body = tuple(name for name in rest if method in _IN_BODY and name not in query)
    defaults = {name: value for name, value in parameters.items() if value is not ...}
    return Plan(
        method=method,
        path=_quoted(bare),
        fixed=fixed,
        places=places,
        query=tuple(name for name in rest if name not in body),
        body=body,
        rename=dict(rename),
        defaults=defaults,
    )


def _quoted(path: str) -> str:
    return "".join(
        part if part.startswith("{") else quote(part, safe=_SAFE) for part in re.split(r"(\{[^{}]*\})", path)
    )


def _in_path(name: str, value: Any, *, slashes: bool) -> str:
    text = _encodable(name, _as_text(to_jsonable_python(value)))
    if not text:
        raise _cannot_stand(name, "it is empty")
    seen = text
    for _ in range(3):  # some servers decode twice
        if not slashes and ("/" in seen or "\\" in seen):
            raise _cannot_stand(name, "it holds a slash")
        if any(segment in (".", "..") for segment in re.split(r"[/\\]", seen)):
            raise _cannot_stand(name, "it would lead elsewhere")
        if any(char < " " or char == "\x7f" for char in seen):
            raise _cannot_stand(name, "it holds characters that nobody can see")
        seen = unquote(seen)
    if slashes and (text.startswith("/") or "//" in text or "\\" in text):
        raise _cannot_stand(name, "it holds an empty part")
    return quote(text, safe="/" if slashes else "")


def _cannot_stand(name: str, why: str) -> ToolRetry:
    return ToolRetry(f"{name} cannot stand in an address.", f"{why[:1].upper()}{why[1:]}.", "Give it as it is called.")


def _encodable(name: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _cannot_stand(name, "it holds characters that are none") from None
    return text


def _as_text(plain: Any) -> str:
    match plain:
        case str():
            return plain
        case True | False:
            return "true" if plain else "false"
        case int() | float():
            return str(plain)
        case None:
            return ""
        case _:
            return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def _is_record(value: object) -> bool:
    return isinstance(value, pydantic.BaseModel) or (is_dataclass(value) and not isinstance(value, type))


def _json(value: object) -> bytes:
    try:
        return json.dumps(to_jsonable_python(value, by_alias=True), ensure_ascii=False, allow_nan=False).encode()
    except (UnicodeEncodeError, ValueError) as problem:
        raise ToolRetry("The arguments cannot be sent.", f"{problem}.", "Give text and numbers.") from None
