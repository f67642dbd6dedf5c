"""The page that compares tools is what the probes have printed, and our own column is what ours prints now."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


def test_the_table_is_written_from_what_the_probes_printed(root: Path) -> None:
    code = "import write_table, sys; sys.exit(write_table.page() != write_table.PAGE.read_text(encoding='utf-8'))"
    done = subprocess.run([sys.executable, "-c", code], cwd=root / "scripts" / "peers", timeout=60, check=False)
    assert done.returncode == 0, "run scripts/peers/write_table.py"


def test_our_own_column_holds(root: Path) -> None:
    done = subprocess.run(
        [sys.executable, "scripts/peers/probe_duologue.py"],
        capture_output=True,
        text=True,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kept = json.loads((root / "scripts" / "peers" / "duologue.json").read_text(encoding="utf-8"))
    assert json.loads(done.stdout)["rows"] == kept["rows"]
