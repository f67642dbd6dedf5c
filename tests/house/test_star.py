"""A star, not a stack: who may import whom. The contracts themselves stand in pyproject.toml."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

THREE = ("interaction", "background", "tools")

# The modules of the hub that are not part of the pure core. A new module has to choose.
SHELL = {
    *(
        "assistant",
        "bench",
        "bus",
        "cli",
        "completions",
        "discovery",
        "equipment",
        "guards",
        "function_tool",
        "ports",
        "reloading",
        "resources",
        "siblings",
        "simulation",
        "sync_context",
        "talk",
        "testing",
        "tool_schema",
        "toolbox",
    ),
    "version",
}


def imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=str(module), level=0):
            return [module]
        case _:
            return []


def at_import_time(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs when the module is imported: not the bodies of functions, nor what is for type checkers."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda() | ast.If(test=ast.Name(id="TYPE_CHECKING")):
                continue
            case _:
                yield node
                yield from at_import_time(node)


@pytest.fixture(scope="module")
def core(root: Path) -> set[str]:
    """The modules that the contract for the pure core names."""
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {contract["id"]: contract for contract in settings["tool"]["importlinter"]["contracts"]}
    return {name.removeprefix("orchestrator.") for name in contracts["pure-core"]["source_modules"]}


def test_the_contracts_hold(root: Path) -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run(
        [lint_imports, "--no-cache", "--no-logo"], cwd=root, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_composition_root_imports_the_three_inside_functions(root: Path) -> None:
    """So that `import orchestrator` is light, and a folder of the user's called tools/ harms nobody."""
    found = [
        f"{path.relative_to(root)}: {name}"
        for path in sorted((root / "orchestrator").rglob("*.py"))
        for node in at_import_time(ast.parse(path.read_text(encoding="utf-8")))
        for name in imported(node)
        if name.split(".")[0] in THREE
    ]
    assert found == []


def test_every_module_of_the_hub_has_chosen(root: Path, core: set[str]) -> None:
    """A new module is named either in the contract for the pure core or in SHELL above."""
    there = {path.stem for path in (root / "orchestrator").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert {name for name in there if not name.startswith("__")} - core - SHELL == set()
    assert core & SHELL == set()
