"""`duologue doctor`: what is there, what is missing, and what to do about it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from orchestrator.errors import DuologueError

if TYPE_CHECKING:
    from orchestrator.cli.settings import Settings

__all__ = ["Check", "doctor"]

_ENVIRONMENT: Final = 3
_OLDEST_PYTHON: Final[tuple[int, int]] = (3, 11)
_KNOWN: Final = {"DUOLOGUE_DEBUG", "DUOLOGUE_ALLOW_MODEL_CALLS", "DUOLOGUE_MODEL_PROFILE"}
"""Variables that are no settings of `duologue.toml`."""
_LIBRARIES: Final = (
    "anyio",
    "click",
    "docstring_parser",
    "hiredis",
    "msgspec",
    "openai",
    "prompt_toolkit",
    "pydantic",
    "redis",
)
_WEB_LIBRARIES: Final = ("ddgs", "trafilatura", "lxml")


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that was looked at."""

    name: str
    state: Literal["ok", "warn", "fail"]
    found: str
    todo: str = ""
    """What to do about it; empty when all is well."""


def doctor(options: Mapping[str, object], *, as_json: bool) -> int:
    """Look at everything and print a table, or one JSON object. `options` are those of the command line, as settings
    take them. Returns 0, or 3 where something fails."""
    checks = list(_checks(options))
    failed = any(check.state == "fail" for check in checks)
    if as_json:
        line = msgspec.json.encode({"ok": not failed, "checks": checks})
        sys.stdout.write(f"{line.decode()}\n")
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            sys.stdout.write(f"{check.state:<5} {check.name:<{width}}  {_plain(check.found)}\n")
            if check.todo:
                sys.stdout.write(f"{'':<5} {'':<{width}}  -> {_plain(check.todo)}\n")
    sys.stdout.flush()
    return _ENVIRONMENT if failed else 0


def _plain(text: str) -> str:
    """For a terminal that may not know more than ASCII, and for values that may hold anything."""
    flat = "".join(letter if letter.isprintable() else "?" for letter in text)
    return flat.encode(sys.stdout.encoding or "ascii", errors="replace").decode(sys.stdout.encoding or "ascii")


def _checks(options: Mapping[str, object]) -> Iterator[Check]:
    yield _python()
    yield from _packages()
    yield _web()
    yield from _settings_and_redis(options)
    yield _server()
    yield _terminal()


def _python() -> Check:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info[:2] < _OLDEST_PYTHON:
        return Check("python", "fail", version, "install Python 3.11 or newer")
    return Check("python", "ok", f"{version} ({sys.executable})")


def _packages() -> Iterator[Check]:
    from orchestrator.siblings import PACKAGES, home, require
    from orchestrator.version import __version__

    broken: list[Check] = []
    for name in PACKAGES:
        try:
            require(name)
        except DuologueError as problem:
            broken.append(Check(name, "fail", f"{problem.what}; {problem.why}", problem.todo))
        except Exception as problem:
            broken.append(_unimportable(name, problem))
    yield from broken
    if not broken:
        yield Check("packages", "ok", f"duologue {__version__} in {home()}")
    missing = [name for name in _LIBRARIES if not _importable(name)]
    if missing:
        yield Check("libraries", "fail", f"not installed: {', '.join(missing)}", "pip install duologue")
    else:
        yield Check("libraries", "ok", "all there")


def _web() -> Check:
    missing = [name for name in _WEB_LIBRARIES if not _importable(name)]
    if missing:
        found = f"the web cannot be searched and read: not installed: {', '.join(missing)}"
        return Check("web", "warn", found, "pip install 'duologue[web]'")
    return Check("web", "ok", "what searches and reads it is installed (whether it can be reached is not tried)")


def _importable(name: str) -> bool:
    from importlib.util import find_spec

    return find_spec(name) is not None


def _unimportable(name: str, problem: Exception) -> Check:
    return Check(name, "fail", f"{type(problem).__name__}: {problem}", "install Duologue again: pip install duologue")


def _settings_and_redis(options: Mapping[str, object]) -> Iterator[Check]:
    from orchestrator.cli.settings import load

    try:
        settings = load(**options)
    except DuologueError as problem:
        yield Check("settings", "fail", f"{problem.what}; {problem.why}", problem.todo)
        return
    given = [f"{name} from {source}" for name, source in settings.sources.items() if source != "default"]
    known = _KNOWN | {f"DUOLOGUE_{name.upper()}" for name in settings.sources if name != "redis"}
    unknown = sorted(name for name in os.environ if name.startswith("DUOLOGUE_") and name not in known)
    found = ", ".join(given) or "defaults only"
    if unknown:
        yield Check(
            "settings", "warn", f"{found}; not known: {', '.join(unknown)}", "correct or unset what is not known"
        )
    else:
        yield Check("settings", "ok", found)
    if os.access(settings.root, os.R_OK | os.X_OK):
        yield Check("root", "ok", f"the tools may read {settings.root.resolve()}")
    else:
        yield Check("root", "fail", f"{settings.root.resolve()} cannot be read", "choose another folder with --root")
    yield _tools(settings)
    if settings.python:
        yield _programs()
    if settings.redis is None:
        yield Check("redis", "ok", "none named: work is done within the chat's own process")
    else:
        try:
            yield from _redis(settings.redis)
        except DuologueError as problem:
            yield Check("redis", "fail", f"{problem.what} {problem.why}", problem.todo)
        except ImportError as problem:
            yield _unimportable("redis", problem)


def _tools(settings: Settings) -> Check:
    import anyio

    from orchestrator.cli.tool_pages import BUNDLED, looked

    try:
        found = anyio.run(looked, settings)
    except DuologueError as problem:
        return Check("tools", "fail", f"{problem.what}; {problem.why}", problem.todo)
    except ImportError as problem:
        return _unimportable("tools", problem)
    ours = sum(offer.where == BUNDLED for offer in found.each)
    named = dict.fromkeys([*settings.tools, *(offer.where for offer in found.each if offer.where != BUNDLED)])
    places = [f"{sum(o.where == where for o in found.each)} of {where}" for where in named]
    said = ", ".join([f"{ours} bundled" if settings.bundled else "none bundled", *places])
    if found.problems:
        return Check("tools", "warn", f"{said}; {'; '.join(found.problems)}", "duologue tools list shows them")
    return Check("tools", "ok", said)


def _programs() -> Check:
    from tools.run_python import isolation

    walls = isolation()
    if walls.whole:
        return Check("run_python", "ok", walls.told)
    return Check("run_python", "warn", walls.told, "each program waits for your yes; allow only what you have read")


_WAYS_OUT: Final = (
    (("WRONGPASS", "NOAUTH", "invalid username", "Authentication"), "correct the user and the password in the address"),
    (("NOPERM", "no permissions"), "give this user the rights that docs/operations.md lists"),
    (("OOM", "maxmemory"), "make room in it, or raise its maxmemory: it answers, but takes nothing"),
    (("READONLY", "read only"), "name the primary, or the sentinels that know it: this is a replica"),
    (("MISCONF", "RDB"), "see its log: it cannot save its data, and takes nothing until it can"),
    (("LOADING",), "wait: it is reading its data, and takes nothing until that is done"),
    (("SSL", "certificate"), "see the ssl_ options of the address, and whether this port speaks TLS at all"),
)
"""What Redis says, and what to do about it."""


def _way_out(problem: str) -> str:
    for signs, todo in _WAYS_OUT:
        if any(sign in problem for sign in signs):
            return todo
    return "start it (redis-server), or correct --redis or REDIS_URL"


def _redis(url: str) -> Iterator[Check]:
    import anyio

    from orchestrator.cli.reach import OLDEST, reach, shown

    answer = anyio.run(reach, url)
    if answer.problem:
        yield Check("redis", "fail", answer.problem, _way_out(answer.problem))
        return
    found = f"{shown(url)}: {answer.how}, {answer.product} version {answer.version}"
    found += f", a round trip takes {answer.roundtrip_ms:g} ms"
    if answer.too_old:
        yield Check("redis", "fail", found, f"install Redis {OLDEST[0]}.{OLDEST[1]} or newer, or Valkey")
    elif answer.wrong_form:
        todo = "name it as one, by redis+cluster://host1:6379,host2:6379: the keys may be on another node"
        yield Check("redis", "fail", f"{found}; it belongs to a Cluster", todo)
    else:
        yield Check("redis", "ok", found)
    if answer.appends is False:
        todo = "set appendonly yes: without it a restart of Redis loses what workers have found and nobody has heard"
        yield Check("redis data", "warn", "kept in memory alone", todo)
    elif answer.appends:
        yield Check("redis data", "ok", "also written to disk (appendonly yes)")
    if answer.evicts:
        todo = "set maxmemory-policy noeviction: a full Redis then refuses new tasks, and throws none away"
        yield Check("redis memory", "warn", f"maxmemory-policy is {answer.evicts}", todo)


def _server() -> Check:
    path = shutil.which("redis-server")
    if path is None:
        todo = "only needed to run a Redis here: apt install redis-server, or brew install redis"
        return Check("redis-server", "warn", "not on the PATH", todo)
    try:
        run = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired) as problem:
        return Check("redis-server", "warn", f"{path} does not run: {problem}", "install redis-server again")
    version = next((part[2:] for part in run.stdout.split() if part.startswith("v=")), "unknown")
    return Check("redis-server", "ok", f"version {version} ({path})")


def _terminal() -> Check:
    sides = {"stdin": sys.stdin, "stdout": sys.stdout}
    missing = [name for name, stream in sides.items() if stream is None or not stream.isatty()]
    encoding = (sys.stdout.encoding or "unknown").lower()
    colour = "NO_COLOR is set" if os.environ.get("NO_COLOR") else "colours allowed"
    term = os.environ.get("TERM", "")
    found = f"TERM={term or 'not set'}, {encoding}, {colour}"
    if missing:
        return Check("terminal", "ok", f"{' and '.join(missing)} not a terminal, so chat is plain; {found}")
    if term in ("", "dumb"):
        return Check(
            "terminal", "warn", f"it cannot be drawn on, so chat is plain; {found}", "set TERM, if it is better"
        )
    if "utf" not in encoding:
        return Check("terminal", "warn", found, "set a UTF-8 locale, as in LANG=C.UTF-8, to see every character")
    return Check("terminal", "ok", found)
