"""What a person can import is a promise: it is listed, it is there, and it changes only on purpose."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from scripts.write_exports import GOLDEN, golden, packages, public_names


def reading_order(name: str) -> tuple[int, str]:
    """CONSTANTS, then Classes, then the rest: the order that ruff keeps too (RUF022)."""
    if name.isupper():
        return 0, name
    return (1, name) if name[0].isupper() else (2, name)


@pytest.mark.parametrize("package", list(packages()))
def test_every_exported_name_is_there_and_in_order(package: str) -> None:
    names = public_names(package)
    module = importlib.import_module(package)
    assert names == sorted(set(names), key=reading_order)
    assert [name for name in names if not hasattr(module, name)] == []


def test_the_public_names_are_the_golden_ones() -> None:
    """If the change is meant, run `make exports`, and tell of it in CHANGELOG.md."""
    assert golden().splitlines() == GOLDEN.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("package", list(packages()))
def test_no_exported_name_is_that_of_a_module(package: str) -> None:
    """Once `package.name` has been imported as a module, `from package import name` gives the module."""
    inside = {module.name for module in pkgutil.iter_modules(importlib.import_module(package).__path__)}
    assert inside.intersection(public_names(package)) == set()
