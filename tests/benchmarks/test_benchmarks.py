"""The benchmarks can be run, and say what they measure. What the figures are is not for a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("name", ["micro_turn", "speech_timing", "handoff"])
def test_a_benchmark_runs_and_tells_its_figures(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", name, "--quick", "--json"],
        capture_output=True,
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if key != "REDIS_URL"},
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    figures = json.loads(done.stdout)[name]
    assert len(figures) >= 5
    assert all(figure["what"] and figure["unit"] and figure["value"] >= 0 for figure in figures)
