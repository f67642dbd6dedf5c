"""`duologue tools call`: one call of one tool, within all its limits, and with a person who can be asked.

`--json` prints an object a line: `{"progress": ...}`, `{"question": ...}`, and at the end `{"result": ...}` with the
fields of `Result`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import anyio
import msgspec

from orchestrator.cli.bundled import chosen_tools
from orchestrator.cli.tool_pages import Offer, not_there
from orchestrator.equipment import sorted_out
from orchestrator.errors import UsageError
from orchestrator.siblings import require
from orchestrator.tool_port import Progress, Result, ToolCall, ToolInfo

if TYPE_CHECKING:
    from interaction.links.descriptors import LineSource
    from orchestrator.cli.settings import Settings

__all__ = ["arguments_of", "tools_call"]

_PAIR: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*)=(.*)", re.DOTALL)
_AS_JSON: Final = """give an object, as in --args '{"number": 17}'; - reads it from stdin"""
FAILED: Final = 1
DO_NOT_FIT: Final = 2


def tools_call(
    settings: Settings, name: str, pairs: Sequence[str], *, given: str | None, yes: bool, as_json: bool
) -> int:
    """Call it and print what it tells. Returns the exit code.

    Raises:
        ConfigError: there is no such tool.
        UsageError: the arguments cannot be read.
    """
    for package in ("interaction", "background"):
        require(package)
    if given == "-":
        given = sys.stdin.read()
    show = _Json() if as_json else _Lines()
    return anyio.run(_call, settings, name, pairs, given, yes, show)


async def _call(
    settings: Settings, name: str, pairs: Sequence[str], given: str | None, yes: bool, show: _Json | _Lines
) -> int:
    from background.alone import Alone

    fixed, sources = sorted_out(chosen_tools(settings))
    async with Alone(fixed, sources=sources) as bench:
        infos = {info.name: info for info in bench.infos}
        if name not in infos:
            raise not_there(name, {info.name: Offer(info, "") for info in infos.values()})
        call = ToolCall(name, arguments_of(infos[name], pairs, given))
        person = _AtTheTerminal(show, yes=yes)
        result = Result("", ok=False)
        async with bench.calling(call, person) as steps:
            async for step in steps:
                match step:
                    case Progress(text=text):
                        show.progress(text)
                    case Result():
                        result = step
        show.result(result)
    if person.missed:
        show.hint("It asked for leave, and nobody is at a terminal here: --yes gives it.")
    return 0 if result.ok else DO_NOT_FIT if result.retry else FAILED


def arguments_of(info: ToolInfo, pairs: Sequence[str], given: str | None) -> Mapping[str, Any]:
    """The arguments of a call, from `KEY=VALUE` and from JSON; the pairs go before.

    Raises:
        UsageError: a pair is none, or the JSON is no object.
    """
    arguments: dict[str, Any] = _object(given)
    properties = cast("Mapping[str, Any]", info.schema.get("properties", {}))
    for pair in pairs:
        found = _PAIR.fullmatch(pair)
        if found is not None and (found[1] in properties or len(pairs) > 1):
            key, value = found[1], found[2]
        else:
            key, value = _only(info, pair, arguments), pair
        arguments[key] = value if _takes_text(properties.get(key)) else _json_or_text(value)
    return arguments


def _object(given: str | None) -> dict[str, Any]:
    if given is None:
        return {}
    try:
        arguments: object = json.loads(given)
    except ValueError as problem:
        raise UsageError("--args is no JSON", str(problem), _AS_JSON) from None
    if not isinstance(arguments, dict):
        raise UsageError("--args is no JSON object", f"it is {given[:40]}", _AS_JSON)
    return cast("dict[str, Any]", arguments)


def _only(info: ToolInfo, value: str, so_far: Mapping[str, Any]) -> str:
    """The one argument that a value alone can be meant for."""
    required = [name for name in cast("Sequence[str]", info.schema.get("required", ())) if name not in so_far]
    if len(required) == 1:
        return required[0]
    properties = ", ".join(cast("Mapping[str, Any]", info.schema.get("properties", {}))) or "none"
    raise UsageError(
        f"{value!r} is not KEY=VALUE",
        f"{info.name} does not take exactly one argument that must be given; it takes {properties}",
        f"name it, as in KEY={value}; duologue tools schema {info.name} shows them all",
    )


def _takes_text(schema: object) -> bool:
    """Whether the value itself may be a string. What the schema does not tell is read as JSON where it is some."""
    if not isinstance(schema, Mapping):
        return False
    known = cast("Mapping[str, Any]", schema)
    kinds = known.get("type", ())
    if "string" in ([kinds] if isinstance(kinds, str) else kinds):
        return True
    if any(isinstance(each, str) for each in known.get("enum", ())) or isinstance(known.get("const"), str):
        return True
    return any(_takes_text(each) for key in ("anyOf", "oneOf", "allOf") for each in known.get(key, ()))


def _json_or_text(value: str) -> object:
    try:
        return json.loads(value)
    except ValueError:
        return value


class _AtTheTerminal:
    """The person who called, where there is one."""

    def __init__(self, show: _Json | _Lines, *, yes: bool) -> None:
        self._show = show
        self._yes = yes
        self._source: LineSource | None = None
        self._there = sys.stdin is not None and sys.stdin.isatty()
        self.missed = False

    async def ask(self, question: str, *, leave: bool) -> str:
        self._show.question(question)
        if leave and self._yes:
            self._show.answer("yes")
            return "yes"
        if not self._there:
            self.missed |= leave
            return "no" if leave else ""
        if self._source is None:
            from interaction.links.descriptors import LineSource

            self._source = LineSource(0)
        piece = await self._source.next()
        return ("no" if leave else "") if piece is None else piece.text


class _Lines:
    """For a person: only the result goes to stdout."""

    def progress(self, text: str) -> None:
        _write(sys.stderr, f"... {_printable(text)}")

    def question(self, text: str) -> None:
        _write(sys.stderr, f"? {_printable(text)}")

    def answer(self, text: str) -> None:
        _write(sys.stderr, f"> {text}")

    def hint(self, text: str) -> None:
        _write(sys.stderr, text)

    def result(self, result: Result) -> None:
        if not result.ok:
            _write(sys.stderr, f"It failed: {_printable(result.text)}")
            return
        _write(sys.stdout, _printable(result.text))
        for source in result.sources:
            _write(sys.stdout, _printable(f"- {source.title} {source.place}".rstrip()))


class _Json:
    """For a program."""

    def progress(self, text: str) -> None:
        self._put({"progress": text})

    def question(self, text: str) -> None:
        self._put({"question": text})

    def answer(self, text: str) -> None:
        self._put({"answer": text})

    def hint(self, text: str) -> None:
        _write(sys.stderr, text)

    def result(self, result: Result) -> None:
        self._put({"result": msgspec.structs.asdict(result)})

    def _put(self, value: Mapping[str, object]) -> None:
        _write(sys.stdout, json.dumps(msgspec.to_builtins(value), ensure_ascii=False))


def _printable(text: str) -> str:
    from interaction.links.printable import printable

    return printable(text, lines=True)


def _write(stream: Any, line: str) -> None:
    flush: Callable[[], None] = stream.flush
    stream.write(f"{line}\n")
    flush()
