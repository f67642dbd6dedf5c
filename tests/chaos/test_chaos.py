"""The short chaos: real processes, really killed; a real Redis, really cut off. `make chaos` is the long one.

Only the laws are asserted. What broke one is printed with its seed and schedule; the journals are in the test's folder.
"""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from tests.chaos.evidence import gathered
from tests.chaos.plan import Persistence, planned
from tests.chaos.sides import violations
from tests.chaos.world import run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize(("seed", "persistence"), [(1, "always"), (2, "none")])
def test_whatever_is_done_every_law_holds(seed: int, persistence: Persistence, tmp_path: Path) -> None:
    plan = planned(seed, 16_000, persistence=persistence, deadline_ms=20_000)
    anyio.run(run, plan, tmp_path)
    evidence = gathered(tmp_path)
    broken = violations(evidence)
    schedule = "\n".join(f"{harm.at_ms} ms: {harm.kind} {harm.target} for {harm.lasts_ms} ms" for harm in plan.harms)
    assert broken == [], f"seed {seed}, see {tmp_path}\n{schedule}"
    harms = [line["kind"] for line in evidence.of("harm")]
    assert harms == [harm.kind for harm in plan.harms], "all of the schedule was done"
    heard = [line for life in evidence.lives for line in life.lines if line.get("state") == "heard"]
    assert len(heard) > 20, "and people were talked to meanwhile"
