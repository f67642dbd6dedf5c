"""What is published works: the wheel, in an environment that has never seen this repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

# Making an environment and installing into it takes a while, more so with an empty pip cache.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PACKAGES = ["background", "interaction", "orchestrator", "tools"]
IMPORT_ALL = "import orchestrator, interaction, background, tools; print(tools.__file__)"


def run(*command: str | Path, folder: Path) -> str:
    """Run a command as a stranger would: with nothing in the environment that points to this repository."""
    ours = ("PYTHON", "PYTEST", "VIRTUAL_ENV")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built with the hatchling that is installed here: no isolation, so no network."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, folder=root)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def sdist(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    run(sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", folder, folder=root)
    (built,) = folder.glob("*.tar.gz")
    return built


@pytest.fixture(scope="module")
def bin_folder(root: Path, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the programs are, of a clean environment with the wheel and what the wheel says it needs."""
    venv = tmp_path_factory.mktemp("clean") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", venv, folder=root)
    pip = (sys.executable, "-m", "pip", "--python", venv / "bin" / "python", "--disable-pip-version-check")
    run(*pip, "install", "--quiet", "--constraint", root / "constraints.txt", wheel, folder=root)
    return venv / "bin"


@pytest.fixture(params=["empty", "with a tools folder"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where the person stands: in an empty folder, or in one whose own tools/ has the name of ours."""
    if request.param != "empty":
        (tmp_path / "tools").mkdir()
        (tmp_path / "tools" / "__init__.py").write_text("raise RuntimeError('this is not the tools you meant')\n")
    return tmp_path


def test_the_wheel_holds_the_four_packages_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert sorted({name.split("/")[0] for name in names if ".dist-info/" not in name}) == PACKAGES
    assert [package for package in PACKAGES if f"{package}/py.typed" not in names] == []
    assert [name for name in names if name.endswith("/licenses/LICENSE")] != []


def test_the_sdist_builds_the_same_wheel(wheel: Path, sdist: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        if hasattr(tarfile, "data_filter"):  # from Python 3.11.4 on, where it is asked for
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(tmp_path)
    (unpacked,) = tmp_path.iterdir()
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path, folder=unpacked)
    (again,) = tmp_path.glob("*.whl")
    assert sorted(zipfile.ZipFile(again).namelist()) == sorted(zipfile.ZipFile(wheel).namelist())


def test_everything_imports_from_the_wheel(bin_folder: Path, folder: Path) -> None:
    where = run(bin_folder / "python", "-P", "-c", IMPORT_ALL, folder=folder)
    assert Path(where.strip()).is_relative_to(bin_folder.parent)


def test_the_hub_does_not_mind_a_tools_folder_of_the_users(bin_folder: Path, folder: Path) -> None:
    """Without -P the folder of the user's comes first on the path, and that must harm nobody who imports the hub."""
    run(bin_folder / "python", "-c", "from orchestrator import *", folder=folder)


@pytest.mark.parametrize(("option", "word"), [("--version", "0."), ("--help", "chat")])
def test_the_command_answers(bin_folder: Path, folder: Path, option: str, word: str) -> None:
    assert word in run(bin_folder / "duologue", option, folder=folder)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_has_a_known_type(bin_folder: Path, package: str) -> None:
    """An editor completes it, and a user's strict checker has nothing to guess."""
    pyright = Path(sys.executable).parent / "pyright"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(bin_folder.parent),
    }
    command: list[str | Path] = [pyright, "--verifytypes", package, "--ignoreexternal", "--outputjson"]
    done = subprocess.run(command, cwd=bin_folder, env=environment, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)["typeCompleteness"]
    vague = [symbol["name"] for symbol in report["symbols"] if symbol["isExported"] and not symbol["isTypeKnown"]]
    assert vague == []
    assert package == "tools" or report["exportedSymbolCounts"]["withKnownType"] > 100
