"""Other people have folders called `tools` too."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.siblings import PACKAGES, require
from tests.cli.conftest import ROOT, Done

REQUIRE = """
from orchestrator.errors import DuologueError
from orchestrator.siblings import require
try:
    print(require("tools").__file__)
except DuologueError as problem:
    print(type(problem).__name__, problem, sep="\\n")
"""


def python(environment: dict[str, str], *arguments: str, path: list[Path], folder: Path) -> Done:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**environment, "PYTHONPATH": ":".join(map(str, path))},
        timeout=50,
        check=False,
    )


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """A folder with a `tools` that must never be run."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "__init__.py").write_text("raise SystemExit('the wrong tools were run')\n")
    return tmp_path


@pytest.mark.parametrize("name", PACKAGES)
def test_our_own_are_found(name: str) -> None:
    assert require(name).__name__ == name


def test_a_module_of_a_package_is_imported() -> None:
    assert require("interaction.links.memory").__name__ == "interaction.links.memory"


def test_a_stranger_is_named_and_not_run(environment: dict[str, str], strange: Path, tmp_path: Path) -> None:
    done = python(environment, "-P", "-c", REQUIRE, path=[strange, ROOT], folder=ROOT)
    name, what, why, todo = done.stdout.splitlines()
    assert name == "SiblingShadowed"
    assert str(strange / "tools") in what
    assert str(ROOT / "tools") in what
    assert why
    assert str(strange) in todo


def test_a_file_of_that_name_is_a_stranger_too(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "tools.py").write_text("")
    done = python(environment, "-P", "-c", REQUIRE, path=[tmp_path, ROOT], folder=ROOT)
    assert done.stdout.startswith(f"SiblingShadowed\n{tmp_path / 'tools.py'} stands")


def test_a_stranger_that_was_imported_before(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "__init__.py").write_text("")
    done = python(environment, "-P", "-c", f"import tools{REQUIRE}", path=[tmp_path, ROOT], folder=ROOT)
    assert done.stdout.startswith("SiblingShadowed")


def test_a_folder_that_is_no_package_does_no_harm(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    done = python(environment, "-P", "-c", REQUIRE, path=[tmp_path, ROOT], folder=ROOT)
    assert done.stdout == f"{ROOT / 'tools' / '__init__.py'}\n"


def test_a_package_that_is_not_there(environment: dict[str, str], tmp_path: Path) -> None:
    shutil.copytree(ROOT / "orchestrator", tmp_path / "orchestrator")
    # -S: an editable install of this very checkout would put the others back on the path.
    done = python(environment, "-S", "-P", "-c", REQUIRE, path=[tmp_path], folder=tmp_path)
    assert done.stdout.startswith("EnvironmentProblem\nthe package 'tools' is missing\n")


@pytest.mark.parametrize("module", ["orchestrator", "orchestrator.cli"])
def test_the_command_does_not_mind_the_folder_it_is_started_in(
    environment: dict[str, str], strange: Path, module: str
) -> None:
    done = python(environment, "-m", module, "doctor", path=[ROOT], folder=strange)
    assert "ok    packages" in done.stdout
    assert done.returncode == 0


def test_the_command_says_what_stands_in_its_way(environment: dict[str, str], strange: Path) -> None:
    folder = strange / "tools"  # any but the two that are on the path
    chat = python(environment, "-m", "orchestrator.cli", "chat", "--plain", path=[strange, ROOT], folder=folder)
    assert chat.returncode == 3
    assert len(chat.stderr.splitlines()) == 3
    assert str(strange / "tools") in chat.stderr
    doctor = python(environment, "-m", "orchestrator.cli", "doctor", path=[strange, ROOT], folder=folder)
    assert doctor.returncode == 3
    assert "fail  tools" in doctor.stdout
