"""Our own packages, and nobody else's: `tools` and `background` are names that a user's folder may have too.

Only the composition root imports the three, and it does so through here: another folder of the same name must end in
one clear error, not in a strange one from the middle of somebody's code.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

from orchestrator.errors import EnvironmentProblem, SiblingShadowed

__all__ = ["PACKAGES", "forget_current_folder", "home", "require"]

PACKAGES: Final = ("orchestrator", "interaction", "background", "tools")


def home() -> Path:
    """The folder in which the four packages stand side by side, installed, editable or in a clone."""
    return Path(__file__).resolve().parents[1]


def require(name: str) -> ModuleType:
    """Import one of our packages, or a module of one, such as `"tools.files"`.

    Raises:
        SiblingShadowed: another folder or file of that name is found first. It has not been run.
        EnvironmentProblem: the package is not there at all.
    """
    package = name.partition(".")[0]
    expected = home() / package
    found = _found(package)
    if found is None:
        raise EnvironmentProblem(
            f"the package {package!r} is missing",
            f"it should stand in {expected}",
            "install Duologue again: pip install --force-reinstall duologue",
        )
    if found != expected:
        raise SiblingShadowed(
            f"{found} stands in the place of Duologue's own package {package!r} in {expected}",
            "Python finds the first of that name on its path, and so it would run the wrong one",
            f"rename that folder, or take {found.parent} off PYTHONPATH, or start `duologue` with `python -P`",
        )
    return importlib.import_module(name)


def forget_current_folder() -> None:
    """Take the folder that `python -m` puts first off the path, unless it is where our packages are.

    The console script never has it; so both ways of starting see the same modules.
    """
    if sys.path and not sys.flags.safe_path and Path(sys.path[0] or ".").resolve() != home():
        del sys.path[0]


def _found(package: str) -> Path | None:
    """Where Python finds `package`: the folder, or the file where it is one. Nothing is run."""
    module = sys.modules.get(package)
    spec = module.__spec__ if module is not None else None
    if module is not None and spec is None and module.__file__ is not None:
        return _place(module.__file__)
    if spec is None:
        try:
            spec = importlib.util.find_spec(package)
        except (ImportError, ValueError):
            return None
    if spec is None:
        return None
    if spec.origin is not None:
        return _place(spec.origin)
    folders = list(spec.submodule_search_locations or ())
    return Path(folders[0]).resolve() if folders else None


def _place(file: str) -> Path:
    path = Path(file).resolve()
    return path.parent if path.name == "__init__.py" else path
