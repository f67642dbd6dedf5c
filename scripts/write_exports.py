"""Write tests/house/exports.txt: every public name, one a line. Run it (`make exports`) when a change of them is meant.

The file is golden: a name that goes, or comes by accident, shows up in the diff of a review.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("orchestrator", "interaction", "background", "tools")
GOLDEN = Path(__file__).resolve().parents[1] / "tests" / "house" / "exports.txt"
HEADER = "# Every public name of Duologue. Written by `make exports`.\n"


def packages() -> Iterator[str]:
    """The four packages, and the packages in them: what a person imports from."""
    for package in PACKAGES:
        yield package
        inner = pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}.")
        yield from (module.name for module in inner if module.ispkg)


def public_names(package: str) -> list[str]:
    """The `__all__` of a package, in the order in which it stands there."""
    names: list[str] = getattr(importlib.import_module(package), "__all__", [])
    return names


def golden() -> str:
    """What the golden file should hold now."""
    lines = sorted(f"{package}.{name}\n" for package in packages() for name in public_names(package))
    return HEADER + "".join(lines)


if __name__ == "__main__":
    GOLDEN.write_text(golden(), encoding="utf-8")
    print(f"{GOLDEN.name}: {len(golden().splitlines()) - 1} names")
