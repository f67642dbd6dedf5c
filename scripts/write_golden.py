"""Accepts the golden journals as they are now. Read the difference before you commit it: it is what people will
hear."""

from __future__ import annotations

import io
import sys
from pathlib import Path

from orchestrator.simulation import simulate

GOLDEN = Path(__file__).parent.parent / "tests" / "golden"


def write() -> None:
    """Hold every golden scenario again and keep its journal."""
    for scenario in sorted(GOLDEN.glob("*/scenario.ndjson")):
        out = io.BytesIO()
        simulate(scenario, clock="virtual", as_json=True, out=out, notes=sys.stderr)
        journal = scenario.with_name("journal.ndjson")
        changed = not journal.exists() or journal.read_bytes() != out.getvalue()
        journal.write_bytes(out.getvalue())
        sys.stdout.write(f"{'changed' if changed else 'same   '}  {scenario.parent.name}\n")


if __name__ == "__main__":
    write()
