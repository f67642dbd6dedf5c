"""`duologue simulate`: a session with a scripted person."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal, cast

__all__ = ["simulate"]


def simulate(scenario: Path, *, clock: str, as_json: bool) -> int:
    """Run the scenario and print what happened. Returns the exit code.

    Raises:
        ScenarioError: the file is not there, or a line of it cannot be understood.
    """
    from orchestrator.siblings import require
    from orchestrator.simulation import simulate as run

    for package in ("interaction", "background"):
        require(package)
    chosen = cast(Literal["virtual", "real"], clock)
    return run(scenario, clock=chosen, as_json=as_json, out=sys.stdout.buffer, notes=sys.stderr)
