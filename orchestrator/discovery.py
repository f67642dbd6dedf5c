"""Where tools are that a person names: `module:attribute`, a file, or what an installed package offers.

The same in every command and in a program:

    shop.py               all tools at the top of the file
    shop.py:box           one of them, a toolbox, or a list
    my_team.shop          all tools at the top of the module, as it would be imported from the current folder
    my_team.shop:box
    weather               what an installed package offers under this name (entry point group `duologue.tools`)

What is at the top is what `@tool` made, toolboxes, tool sources, and anything else with the `Tool` port, whose name
does not begin with `_`; where the module has `__all__`, only what that names. A tool that is in a toolbox there comes
with the box. A plain function is a tool only where it is named itself.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import sys
import sysconfig
import traceback
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import Any, Final, cast

import msgspec

from orchestrator.equipment import ToolLike, sorted_out
from orchestrator.errors import ConfigError, DuologueError
from orchestrator.siblings import PACKAGES
from orchestrator.tool_port import ToolInfo, ToolSource
from orchestrator.toolbox import Toolbox

__all__ = ["GROUP", "LOOKING", "Found", "found_at", "installed", "tools_from"]

GROUP: Final = "duologue.tools"
"""The entry point group under which packages offer tools: each names a tool, a toolbox, a list, or a module."""

LOOKING: Final = ContextVar("duologue_looking", default=False)
"""Whether a person's module is being imported for its tools just now: then it must not begin to talk."""

_EXPECTED: Final = "it is MODULE:NAME, a file such as tools.py or tools.py:NAME, or the name of an entry point"
_FOREIGN: Final = tuple(str(sysconfig.get_path(name)) for name in ("purelib", "platlib", "stdlib", "platstdlib"))


class Found(msgspec.Struct, frozen=True):
    """What a name came to."""

    tools: tuple[ToolLike, ...]
    modules: tuple[str, ...] = ()
    """What was imported for it that is a file of the person's own; in the order of the imports."""
    files: tuple[Path, ...] = ()
    """Where these are."""


def tools_from(spec: str) -> tuple[ToolLike, ...]:
    """The tools at `spec`, for `Assistant(tools=[*tools_from("shop.py")])`.

    Raises:
        ConfigError: there is nothing there, or no tool, or it cannot be imported.
        ToolDefinitionError: what is there cannot become a tool.
    """
    return found_at(spec).tools


def found_at(spec: str, *, again: Iterable[str] = ()) -> Found:
    """The same, with the files it came from. `again` are modules to be imported anew, as `Found.modules` names them;
    when that fails, those that were there stay.

    Raises: as `tools_from`.
    """
    place, attribute = _split(spec)
    with _from_here(), _anew(again) as before:
        if place.endswith(".py"):
            path = Path(place).expanduser()
            target: Any = _guarded(spec, lambda: _file(path))
            main = target.__name__
        elif not attribute and (point := _entry_points().get(place)) is not None:
            target, main = _guarded(spec, point.load), point.module
        else:
            target, main = _guarded(spec, lambda: importlib.import_module(place), missing=place), place
        if attribute:
            target = _attribute(spec, target, attribute)
        tools = _top(target) if isinstance(target, ModuleType) else _given(target)
        if not tools:
            raise ConfigError(
                f"there are no tools in {spec!r}",
                _what_instead(target),
                "put @tool before a function there, or name what is meant: see docs/tools.md, Where tools are found",
            )
        if not any(_guarded(spec, lambda: sorted_out(tools))):
            raise ConfigError(f"there are no tools in {spec!r}", "it is empty", "put tools into it: see docs/tools.md")
        # The first one is theirs even where something else had imported it already.
        modules = {**_own(before, first=main), **_own(before)}
    return Found(tools, tuple(modules), tuple(modules.values()))


def installed() -> dict[str, str]:
    """What installed packages offer: each name, and the package with its version."""
    return {
        name: f"{point.dist.name} {point.dist.version}" if point.dist else "?"
        for name, point in sorted(_entry_points().items())
    }


def _entry_points() -> dict[str, importlib.metadata.EntryPoint]:
    return {point.name: point for point in importlib.metadata.entry_points(group=GROUP)}


def _split(spec: str) -> tuple[str, str]:
    """The place and the attribute. A drive letter's colon is no separator."""
    place, colon, attribute = spec.strip().rpartition(":")
    if not colon or "/" in attribute or "\\" in attribute:
        place, attribute = spec.strip(), ""
    if not place or spec.strip().endswith(":"):
        raise ConfigError(f"{spec!r} names no tools", _EXPECTED, "correct --tools, DUOLOGUE_TOOLS or `tools`")
    return place, attribute


@contextmanager
def _from_here() -> Generator[None]:
    """Modules in the current folder can be imported. Last on the path, so that it shadows nothing; it stays there,
    since a tool may import while it runs."""
    _reach(Path.cwd())
    # An edit within the same second as the one before, and as long, would be hidden by what is kept of the first.
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    importlib.invalidate_caches()
    looking = LOOKING.set(True)
    try:
        yield
    finally:
        LOOKING.reset(looking)
        sys.dont_write_bytecode = writes


def _reach(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


@contextmanager
def _anew(again: Iterable[str]) -> Generator[frozenset[str]]:
    """Forget modules meanwhile, and put them back when what follows fails. Gives the names of those that stay."""
    dropped = {name: sys.modules.pop(name) for name in again if name in sys.modules}
    before = frozenset(sys.modules)
    try:
        yield before
    except BaseException:
        for name in frozenset(_own(before)):
            sys.modules.pop(name, None)
        sys.modules.update(dropped)
        raise


def _own(before: frozenset[str], *, first: str = "") -> dict[str, Path]:
    """The modules that came since, or the `first` alone, where they are the person's own: neither of Python, nor
    installed, nor ours."""
    found: dict[str, Path] = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        wanted = name == first if first else name not in before
        if wanted and isinstance(file, str) and not file.startswith(_FOREIGN) and name.split(".")[0] not in PACKAGES:
            found[name] = Path(file)
    return found


def _file(path: Path) -> ModuleType:
    """The module in a file. It can be imported by its plain name from then on, as its neighbours can."""
    whole = path.resolve()
    if not whole.is_file():
        raise ConfigError(
            f"there is no file {str(path)!r}",
            f"looked for it in {whole.parent}",
            "correct the path; a module is named without .py, as my_team.shop",
        )
    _reach(whole.parent)
    name = _name_for(whole)
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == str(whole):
        return known
    spec = importlib.util.spec_from_file_location(name, whole)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Before it runs: annotations are looked up by way of the module's name.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _name_for(file: Path) -> str:
    """Its plain name, where that name means this file; else another, since `calendar` or `tools` must stay what they
    are."""
    try:
        meant = importlib.util.find_spec(file.stem) if file.stem.isidentifier() else None
    except ValueError:
        meant = None
    if meant is not None and meant.origin == str(file):
        return file.stem
    return f"{file.stem}_in_{hashlib.sha256(bytes(file)).hexdigest()[:8]}"


def _guarded(spec: str, act: Callable[[], Any], *, missing: str = "") -> Any:
    """What `act` gives; whatever a person's module does when it is imported comes out as an error with its place."""
    try:
        return act()
    except DuologueError:
        raise
    except ModuleNotFoundError as problem:
        # Theirs is not there, or what theirs needs is not: two different things to do.
        if missing and problem.name and (missing == problem.name or missing.startswith(f"{problem.name}.")):
            near = get_close_matches(missing, [*_entry_points(), *(path.stem for path in Path.cwd().glob("*.py"))], n=1)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(
                f"there are no tools called {spec!r}",
                f"neither a module nor an installed package offers that name{meant}",
                _EXPECTED,
            ) from None
        raise ConfigError(
            f"{spec!r} cannot be imported", f"{problem}{_where(problem)}", "install what it needs, or correct the name"
        ) from problem
    except SystemExit as problem:
        raise ConfigError(
            f"{spec!r} ends the program when it is imported",
            f"it calls exit with {problem.code!r}{_where(problem)}",
            "put what is to run only when it is started itself under: if __name__ == '__main__':",
        ) from problem
    except Exception as problem:
        raise ConfigError(
            f"{spec!r} cannot be imported",
            f"{type(problem).__name__}: {_said(problem)}{_where(problem)}",
            "mend that line; DUOLOGUE_DEBUG=1 shows the whole trace",
        ) from problem


def _said(problem: Exception) -> str:
    return problem.msg if isinstance(problem, SyntaxError) else str(problem)


def _where(problem: BaseException) -> str:
    """The last place in a file of the person's own."""
    if isinstance(problem, SyntaxError) and problem.filename:
        return f" ({problem.filename}:{problem.lineno})"
    here = str(Path(__file__).parent)
    for frame in reversed(traceback.extract_tb(problem.__traceback__)):
        if not frame.filename.startswith(("<", here)) and "importlib" not in frame.filename:
            return f" ({frame.filename}:{frame.lineno})"
    return ""


def _attribute(spec: str, target: Any, attribute: str) -> Any:
    for part in attribute.split("."):
        if not hasattr(target, part):
            near = get_close_matches(part, [name for name in dir(target) if not name.startswith("_")], n=1)
            meant = f"did you mean {near[0]!r}?" if near else f"there are {_what_instead(target)}"
            raise ConfigError(f"{spec!r} has no {part!r}", meant, "correct the name after the colon")
        target = getattr(target, part)
    return target


def _top(module: ModuleType) -> tuple[ToolLike, ...]:
    listed = cast("Iterable[str]", getattr(module, "__all__", None) or [n for n in vars(module) if n[:1] != "_"])
    named: list[Any] = [getattr(module, name, None) for name in listed]
    each: list[Any] = list({id(value): value for value in named if _is_tool(value)}.values())
    boxes = [value for value in each if isinstance(value, Toolbox)]
    return tuple(value for value in each if not any(value in box for box in boxes))


def _given(value: Any) -> tuple[ToolLike, ...]:
    """What was named: one, or several in a list."""
    if _is_tool(value):
        return (value,)
    if isinstance(value, list | tuple | set | frozenset):
        return tuple(cast("Iterable[ToolLike]", value))
    # A class that is called makes a thing, and no tool.
    return (value,) if callable(value) and not isinstance(value, type) else ()


def _is_tool(value: Any) -> bool:
    if isinstance(value, type):
        return False
    if isinstance(value, Toolbox):
        return True
    if isinstance(getattr(value, "info", None), ToolInfo):
        return callable(getattr(value, "call", None))
    return isinstance(value, ToolSource) and isinstance(getattr(value, "name", None), str) and _opens(value)


def _opens(value: ToolSource) -> bool:
    """Whether it is a source: paths, archives and resources have a name and are opened too, but can be told how."""
    try:
        return not inspect.signature(value.open).parameters
    except (TypeError, ValueError):
        return False


def _what_instead(target: Any) -> str:
    if isinstance(target, ModuleType):
        functions = [name for name, value in vars(target).items() if name[:1] != "_" and callable(value)]
        return f"at its top there are {', '.join(functions[:8])}, none a tool" if functions else "nothing is at its top"
    if isinstance(target, type):
        return f"{target.__name__} is a class: name one that is made of it"
    return f"{type(target).__name__} is neither a tool nor a toolbox nor a list of them"
