"""What a team's own API has answered: the value that was asked for, or what went wrong. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeAlias, cast

import msgspec
import pydantic

from orchestrator.errors import ToolFailed, ToolRetry
from orchestrator.ports import Result
from orchestrator.untrusted import visible
from tools.api_values import as_list, as_object
from tools.settled import Settled

__all__ = ["Answer", "Pick", "Reading", "picked"]

Pick: TypeAlias = str | Mapping[str, str] | Callable[[Any], Any]

LONGEST_MESSAGE: Final = 300
_BUSY: Final = frozenset((408, 425, 429, 502, 503, 504))
_OURS: Final = frozenset((401, 402, 403, 405, 406, 407, 415, 426, 431))
"""What no other arguments would mend."""
_SAYING: Final = ("detail", "message", "error_description", "error", "title", "reason", "errors", "msg")
"""Where APIs say what was wrong: FastAPI, problem+json, OAuth, and what most others do."""


class Answer(msgspec.Struct, frozen=True):
    """What came. The names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Reading:
    """How the answers of one tool are read."""

    def __init__(self, api: str, returns: pydantic.TypeAdapter[Any] | None, pick: Pick | None) -> None:
        self._api = api
        self._returns = returns
        self._pick = pick

    def result(self, answer: Answer, *, changes: bool, untrusted: bool, hide: Callable[[str], str]) -> Result:
        """What a model reads. `changes`: the call may have changed something; `hide` blots out secrets.

        Raises:
            ToolRetry: other arguments may do better.
            ToolFailed: it may do better later.
            Settled: it will not.
        """
        if 200 <= answer.status < 300:
            return self._good(answer, untrusted)
        trouble = self._trouble(answer, changes, hide)
        if untrusted and isinstance(trouble, ToolRetry):
            # Not raised: it holds the words of the server, and they are as foreign as its answers.
            return Result(str(trouble), ok=False, retry=True, untrusted=True)
        raise trouble

    def _good(self, answer: Answer, untrusted: bool) -> Result:
        if not answer.body.strip() and self._returns is None and self._pick is None:
            return Result("Done.")
        try:
            value: Any = msgspec.json.decode(answer.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            kind = answer.headers.get("content-type", "").partition(";")[0][:60] or "something without a name"
            raise Settled(f"{self._api} does not answer in JSON.", f"It sends {visible(kind)}.") from None
        if self._pick is not None:
            value = picked(value, self._pick, self._api)
        if self._returns is not None:
            value = self._checked(self._returns, value)
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return Result(text or "It is empty.", data=value, untrusted=untrusted)

    def _checked(self, returns: pydantic.TypeAdapter[Any], value: Any) -> Any:
        try:
            return returns.dump_python(returns.validate_python(value), mode="json")
        except pydantic.ValidationError as error:
            first, *more = error.errors(include_url=False, include_input=False, include_context=False)
            where = ".".join(str(part) for part in first["loc"]) or "all of it"
            others = f" (and {len(more)} more)" if more else ""
            raise Settled(
                f"{self._api} answers otherwise than was declared.",
                f"{where}: {' '.join(first['msg'].split())[:200]}{others}.",
                "Whoever declared it has to look at its return type.",
            ) from None

    def _trouble(self, answer: Answer, changes: bool, hide: Callable[[str], str]) -> ToolRetry | ToolFailed:
        status, api = answer.status, self._api
        says = hide(_message(answer))
        why = f"It answers {status}{f': {says}' if says else ''}."
        if status in _OURS:
            return Settled(
                f"{api} does not let this call in.", f"It answers {status}.", "Whoever runs this has to look at it."
            )
        if status in _BUSY:
            todo = "Whether it was done is not known." if changes and status in (408, 502, 504) else "Try it later."
            return ToolFailed(f"{api} is too busy.", f"It answers {status}.", todo, after_s=_wait_s(answer))
        if status in (404, 410):
            return ToolRetry(f"{api} knows no such thing.", why, "Look whether the arguments are right.")
        if 400 <= status < 500:
            return ToolRetry(f"{api} does not take that.", why, "Mend the arguments.")
        if 300 <= status < 400:
            return Settled(f"{api} leads elsewhere.", f"It answers {status}.", "Only its own address is asked.")
        todo = "Whether it was done is not known." if changes else "Try it later."
        return ToolFailed(f"{api} has failed.", f"It answers {status}.", todo)


def picked(value: Any, pick: Pick, api: str) -> Any:
    """The part of `value` that is wanted. Raises `Settled` where it is not there.

    >>> picked({"items": [{"price": 3}, {"price": 4}]}, "items.*.price", "shop")
    [3, 4]
    """
    match pick:
        case str():
            return _at(value, pick.split("."), pick, api)
        case Mapping():
            paths = cast("Mapping[str, str]", cast("object", pick))
            return {name: _at(value, path.split("."), path, api) for name, path in paths.items()}
        case _:
            return pick(value)


def _at(value: Any, parts: Sequence[str], path: str, api: str) -> Any:
    for place, part in enumerate(parts):
        items, entries = as_list(value), as_object(value)
        if part == "*" and (items is not None or entries is not None):
            every = items if items is not None else list((entries or {}).values())
            return [_at(each, parts[place + 1 :], path, api) for each in every]
        if entries is not None and part in entries:
            value = entries[part]
        elif items is not None and part.isdecimal() and int(part) < len(items):
            value = items[int(part)]
        else:
            raise Settled(f"{api} has no {path}.", f"Its answer ends before {part}.")
    return value


def _message(answer: Answer) -> str:
    """What the server says was wrong, in one short line."""
    kind = answer.headers.get("content-type", "").partition(";")[0].lower()
    if "json" in kind or not kind:
        try:
            return _short(_said(msgspec.json.decode(answer.body)))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return ""
    return _short(answer.body.decode("utf-8", "replace")) if kind == "text/plain" else ""


def _said(value: object, depth: int = 0) -> str:
    if isinstance(value, str):
        return value
    if depth > 3:
        return ""
    if (items := as_list(value)) is not None:
        every = [_said(each, depth + 1) for each in items[:5]]
        return "; ".join(each for each in every if each)
    entries = as_object(value) or {}
    said = next((found for name in _SAYING if (found := _said(entries.get(name), depth + 1))), "")
    where = as_list(entries.get("loc"))
    # FastAPI names the argument that does not fit.
    return f"{'.'.join(str(part) for part in where[-3:])}: {said}" if said and where else said


def _short(text: str) -> str:
    line = " ".join(visible(text[: 4 * LONGEST_MESSAGE]).split()).rstrip(".")
    return f"{line[:LONGEST_MESSAGE]}..." if len(line) > LONGEST_MESSAGE else line


def _wait_s(answer: Answer) -> float | None:
    said = answer.headers.get("retry-after", "").strip()
    if said.isdecimal() and len(said) < 8:
        return float(said)
    try:
        until = parsedate_to_datetime(said)
    except (ValueError, TypeError):
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
