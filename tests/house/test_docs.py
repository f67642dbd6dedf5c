"""The generated pages are what the code says today, and what pages show runs."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from background.models.chat_settings import ChatReasonerSettings
from interaction.models.chat_settings import ChatSettings
from scripts import draw_diagrams

ROW = re.compile(r"^\| `(\w+)` \| (.*?) \|", re.MULTILINE)
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_diagrams_are_drawn_from_the_tables() -> None:
    assert draw_diagrams.PAGE.read_text() == draw_diagrams.page(), "run `make docs`"


@pytest.mark.timeout(150)
@pytest.mark.parametrize("page", ["testing.md", "tools.md"])
def test_the_pages_with_tests_are_tests_that_pass(root: Path, tmp_path: Path, page: str) -> None:
    blocks = BLOCK.findall((root / "docs" / page).read_text(encoding="utf-8"))
    (tmp_path / "test_page.py").write_text("\n".join(blocks), encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-W",
            "error",
            "-p",
            "orchestrator.testing.pytest_plugin",
            "test_page.py",
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        timeout=140,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert f"{len(re.findall('def test_', ''.join(blocks)))} passed" in done.stdout


def shown(default: Any) -> str:
    """A default as a table has it."""
    match default:
        case bool():
            return "yes" if default else "no"
        case int() | float():
            return f"{default:,g}"
        case str() if default:
            return f'"{default}"'
        case msgspec.Struct():
            return f"`{type(default).__name__}`"
        case _:
            return "none"


@pytest.mark.parametrize("settings", [ChatSettings(), ChatReasonerSettings()], ids=["voice", "reasoner"])
def test_the_tables_of_settings_are_those_of_the_code(root: Path, settings: msgspec.Struct) -> None:
    page = (root / "docs" / "models.md").read_text(encoding="utf-8")
    section = (
        page.partition(f"`{type(settings).__name__}`")[2].partition("| setting | default |")[2].partition("\n\n")[0]
    )
    told = dict(ROW.findall(section))
    assert told == {name: shown(getattr(settings, name)) for name in settings.__struct_fields__}


@pytest.mark.parametrize("page", ["README.md", "docs/models.md", "docs/data-tools.md"])
def test_what_a_page_shows_can_be_made(root: Path, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block runs but for the conversation itself; where it waits for something it has to be Python at least."""
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    for block in BLOCK.findall((root / page).read_text(encoding="utf-8")):
        code = compile(block.replace(").run()", ")"), page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        if "async with" not in block:
            exec(code, {"__name__": "shown"})
