"""The generated pages are what the code says today, and what pages show runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import draw_diagrams

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_diagrams_are_drawn_from_the_tables() -> None:
    assert draw_diagrams.PAGE.read_text() == draw_diagrams.page(), "run `make docs`"


@pytest.mark.timeout(150)
def test_the_page_on_tests_is_a_test_that_passes(root: Path, tmp_path: Path) -> None:
    blocks = BLOCK.findall((root / "docs" / "testing.md").read_text(encoding="utf-8"))
    (tmp_path / "test_page.py").write_text("\n".join(blocks), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "test_page.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        timeout=140,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert f"{len(re.findall('def test_', ''.join(blocks)))} passed" in done.stdout
