"""Where a setting comes from: the option, then the environment, then `duologue.toml`, then the default."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from orchestrator.errors import ConfigError

__all__ = ["FILE", "Settings", "load"]

FILE: Final = "duologue.toml"


class Settings(msgspec.Struct, frozen=True):
    """What the commands go by. `sources` says for each name where its value came from."""

    redis: str | None = None
    """Where work is handed over; `None`: in this process."""
    root: Path = Path()
    """The folder whose files the tools may read."""
    pace: int | None = 60
    """Characters of speech a second; `None`: as fast as the voice writes."""
    model: str | None = None
    """The language model of the voice, as NAME or NAME@URL; `None`: the rule-based voice."""
    background_model: str | None = None
    """The language model of the background; `None`: that of the voice, or rules where that has none either."""
    plain: bool = False
    slots: int = 8
    lease_ms: int = 5_000
    session: str | None = None
    """The conversation to go on with, or to begin under this name; `None`: one that nobody comes back to."""
    log: Path | None = None
    """Where the log goes; `None`: nowhere (chat) or to stderr (worker)."""
    search: str = "ddgs"
    """What the web is searched with: `ddgs`, `searxng:URL` or `brave`."""
    web_allow: tuple[str, ...] = ()
    """What of one's own network pages may be fetched from: networks, addresses, hosts. Nothing by default."""
    tools: tuple[str, ...] = ()
    """Where one's own tools are: MODULE:NAME, a file, the name of an entry point."""
    mcp: tuple[str, ...] = ()
    """Files that name MCP servers."""
    bundled: bool = True
    """Whether the tools that come with Duologue are there too."""
    python: bool = False
    """Whether the bundled tools have the one that runs Python programs."""
    sources: Mapping[str, str] = {}


def load(**options: object) -> Settings:
    """The settings in effect. `options` are those of the command line; `None` means not given.

    Raises:
        ConfigError: a value cannot be understood, a name is not known, or `duologue.toml` cannot be read.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    in_file = _read_file(Path(FILE))
    for name, parse in _PARSERS.items():
        variable = _VARIABLES[name]
        if options.get(name) is not None:
            raw, source = options[name], _OPTIONS.get(name, f"--{name}")
        elif os.environ.get(variable):
            raw, source = os.environ[variable], variable
        elif name in in_file:
            raw, source = in_file[name], FILE
        else:
            sources[name] = "default"
            continue
        try:
            values[name] = parse(raw)
        except (TypeError, ValueError) as problem:
            # The address of a Redis may hold a password, and an error ends up in logs.
            shown = "what it is" if name == "redis" else repr(raw)
            raise ConfigError(
                f"{source} cannot be {shown}", str(problem), f"correct {source} or leave it out"
            ) from None
        sources[name] = source
    return Settings(**values, sources=sources)


def _read_file(path: Path) -> Mapping[str, Any]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise ConfigError(f"{path.resolve()} cannot be read", str(problem), "correct it, or move it away") from None
    for name in found:
        if name not in _PARSERS:
            near = get_close_matches(name, _PARSERS, n=1)
            meant = f"did you mean {near[0]!r}? " if near else ""
            raise ConfigError(
                f"{FILE} has a setting {name!r} that does not exist",
                f"{meant}there are: {', '.join(_PARSERS)}",
                f"correct or remove that line in {path.resolve()}",
            )
    return found


def _redis(raw: object) -> str:
    # Here, and not at the top: most commands are over before a Redis has been asked for.
    from orchestrator.bus.redis_address import parsed

    url = _text(raw)
    try:
        parsed(url)
    except ConfigError as problem:
        raise ValueError(f"{problem.why} {problem.todo}") from None
    return url


def _model(raw: object) -> str:
    from orchestrator.completions.naming import parse_model

    name = _text(raw)
    try:
        parse_model(name)
    except ConfigError as problem:
        raise ValueError(f"{problem.why} {problem.todo}") from None
    return name


def _folder(raw: object) -> Path:
    path = Path(raw if isinstance(raw, Path) else _text(raw)).expanduser().resolve()
    if not path.is_dir():
        raise ValueError(f"there is no folder {path}")
    return path


def _file(raw: object) -> Path:
    return Path(raw if isinstance(raw, Path) else _text(raw)).expanduser()


def _pace(raw: object) -> int | None:
    return None if raw == "none" else _count(raw, "characters a second: 1 or more, or 'none'")


def _search(raw: object) -> str:
    name = _text(raw).strip()
    kind, _, rest = name.partition(":")
    if kind not in ("ddgs", "brave", "searxng") or (kind == "searxng" and not rest.startswith(("http://", "https://"))):
        raise ValueError("it is ddgs, brave, or searxng:URL as in searxng:http://localhost:8888")
    return name


def _allowed(raw: object) -> tuple[str, ...]:
    return _several(raw, "networks and hosts, as in 10.1.0.0/16, wiki.intern")


def _tools(raw: object) -> tuple[str, ...]:
    return _several(raw, "modules and files, as in my_team.shop:box, weather.py")


def _several(raw: object, what: str) -> tuple[str, ...]:
    """A text with commas, or a list in the file. What an entry may be is checked where it is used."""
    if not isinstance(raw, str | list | tuple):
        raise TypeError(f"it is a list of {what}")
    entries: list[object] = [*raw.split(",")] if isinstance(raw, str) else [*cast("list[object]", raw)]
    return tuple(text for text in (_text(entry).strip() for entry in entries) if text)


def _flag(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    known = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    value = known.get(str(raw).lower())
    if value is None:
        raise ValueError("it is true or false")
    return value


def _session(raw: object) -> str:
    name = _text(raw)
    if not name or not all(letter.isalnum() or letter in "-_" for letter in name):
        raise ValueError("the name of a session has letters, digits, '-' and '_'")
    return name


def _slots(raw: object) -> int:
    return _count(raw, "tasks at once: 1 or more")


def _lease(raw: object) -> int:
    value = _count(raw, "milliseconds: 100 or more")
    if value < 100:
        raise ValueError("a lease is renewed three times in its length; below 100 milliseconds that is not kept")
    return value


def _count(raw: object, what: str) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int | str):
        raise TypeError(f"it is a number of {what}")
    try:
        value = int(raw)
    except ValueError:
        raise ValueError(f"it is a number of {what}") from None
    if value < 1:
        raise ValueError(f"it is a number of {what}")
    return value


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise TypeError("it is text, in quotes")
    return raw


_PARSERS: Final[Mapping[str, Callable[[object], object]]] = {
    "redis": _redis,
    "root": _folder,
    "pace": _pace,
    "model": _model,
    "background_model": _model,
    "plain": _flag,
    "slots": _slots,
    "lease_ms": _lease,
    "session": _session,
    "log": _file,
    "search": _search,
    "web_allow": _allowed,
    "tools": _tools,
    "mcp": _tools,
    "bundled": _flag,
    "python": _flag,
}
_OPTIONS: Final[Mapping[str, str]] = {"lease_ms": "--lease", "background_model": "--background-model"}
"""The options that are not called as their setting is."""
# REDIS_URL keeps the name it has everywhere.
_VARIABLES: Final[Mapping[str, str]] = {
    name: "REDIS_URL" if name == "redis" else f"DUOLOGUE_{name.upper()}" for name in _PARSERS
}
