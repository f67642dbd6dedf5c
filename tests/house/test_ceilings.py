"""Small rooms: what grows past these ceilings is split, and the ceilings stay where they are."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

MAX_LINES = 500
MAX_PARAMETERS = 7
MAX_PUBLIC_MEMBERS = 12

# Names that say nothing, so that anything may be put behind them.
REFUSED_WORDS = {"base", "helper", "helpers", "manager", "managers", "util", "utils"}

PACKAGES = ("orchestrator", "interaction", "background", "tools")
FOLDERS = (*PACKAGES, "tests", "examples", "benchmarks", "scripts")

# Classes that are data: their fields are not behaviour, so only their methods count.
DATA_BASES = {"Struct", "NamedTuple", "TypedDict", "BaseModel", "Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"}


def python_files(root: Path, folders: tuple[str, ...]) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((root / folder).rglob("*.py"))


def last_name(expression: ast.expr) -> str:
    """`msgspec.Struct` and `Generic[T]` are known by `Struct` and `Generic`."""
    match expression:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case ast.Subscript(value=inner) | ast.Call(func=inner):
            return last_name(inner)
        case _:
            return ""


def is_data(node: ast.ClassDef, bases: dict[str, set[str]]) -> bool:
    if any(last_name(decorator) == "dataclass" for decorator in node.decorator_list):
        return True
    seen: set[str] = set()
    waiting = {last_name(base) for base in node.bases}
    while waiting:
        name = waiting.pop()
        if name in DATA_BASES:
            return True
        seen.add(name)
        waiting |= bases.get(name, set()) - seen
    return False


def public_members(node: ast.ClassDef, *, data: bool) -> set[str]:
    """The names a user of the class sees: methods, properties and, unless it is data, attributes."""
    names: set[str] = set()
    for item in node.body:
        match item:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                names.add(name)
            case ast.AnnAssign(target=ast.Name(id=name)) if not data:
                names.add(name)
            case ast.Assign(targets=targets) if not data:
                names |= {target.id for target in targets if isinstance(target, ast.Name)}
            case _:
                pass
    if not data:
        for part in ast.walk(node):
            match part:
                case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                    names.add(name)
                case _:
                    pass
    return {name for name in names if not name.startswith("_")}


def parameters(function: ast.FunctionDef) -> int:
    """How many parameters there are besides `self`."""
    arguments = function.args
    return len([*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]) - 1


def classes(root: Path) -> Iterator[tuple[str, ast.ClassDef]]:
    for path in python_files(root, PACKAGES):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                yield f"{path.relative_to(root)}:{node.lineno} {node.name}", node


def test_no_file_is_longer_than_the_ceiling(root: Path) -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in python_files(root, FOLDERS)}
    assert lengths, "no Python file found: are the folders still called the same?"
    assert {str(path.relative_to(root)): length for path, length in lengths.items() if length > MAX_LINES} == {}


def test_no_constructor_takes_more_than_the_ceiling(root: Path) -> None:
    counts = {
        where: parameters(item)
        for where, node in classes(root)
        for item in node.body
        if isinstance(item, ast.FunctionDef) and item.name == "__init__"
    }
    assert {where: count for where, count in counts.items() if count > MAX_PARAMETERS} == {}


def test_no_class_shows_more_than_the_ceiling(root: Path) -> None:
    found = list(classes(root))
    bases = {node.name: {last_name(base) for base in node.bases} for _, node in found}
    members = {where: public_members(node, data=is_data(node, bases)) for where, node in found}
    assert {where: sorted(names) for where, names in members.items() if len(names) > MAX_PUBLIC_MEMBERS} == {}


def test_no_file_has_a_name_that_says_nothing(root: Path) -> None:
    paths = [path.relative_to(root) for path in python_files(root, FOLDERS)]
    words = {path: {word for part in path.with_suffix("").parts for word in part.split("_")} for path in paths}
    assert [str(path) for path, found in words.items() if found & REFUSED_WORDS] == []
