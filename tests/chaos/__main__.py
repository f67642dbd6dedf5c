"""`python -m tests.chaos [--minutes N] [--seed N] [--json FILE]`: harm for so long, then the figures and what broke.

The time is cut into runs of a few minutes with the seeds N, N + 1, ..., so that each way of keeping Redis' data gets
its turn, and a run that breaks a law can be repeated without the others.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import cast

import anyio
import msgspec

from benchmarks.measuring import table
from tests.chaos.evidence import Evidence, gathered
from tests.chaos.figures import report
from tests.chaos.laws import Violation
from tests.chaos.plan import PERSISTENCES, Persistence, Plan, planned
from tests.chaos.sides import violations
from tests.chaos.world import run

__all__ = ["main"]

_RUN_S = 225
_SHOWN = 20


def main(arguments: list[str] | None = None) -> int:
    """Do harm and see what comes of it. Returns the exit code: 1 where a law was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description="Kill, cut, and count.")
    parser.add_argument("--minutes", type=float, default=15.0, help="how long harm is done (15)")
    parser.add_argument("--seed", type=int, default=7, help="what the harm is drawn from (7)")
    parser.add_argument("--persistence", choices=PERSISTENCES, help="how Redis keeps its data; by default in turns")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--folder", type=Path, help="where journals go; by default a new one, kept if a law was broken")
    given = parser.parse_args(arguments)
    folder: Path = given.folder or Path(tempfile.mkdtemp(prefix="chaos-"))
    seed: int = given.seed
    seconds = round(given.minutes * 60)
    runs = max(1, round(seconds / _RUN_S))
    evidence: list[Evidence] = []
    broken: list[Violation] = []
    for number in range(runs):
        chosen = cast("Persistence | None", given.persistence)
        kept = PERSISTENCES[(seed + number) % len(PERSISTENCES)] if chosen is None else chosen
        plan = planned(seed + number, seconds * 1_000 // runs, persistence=kept)
        print(f"seed {plan.seed}: {plan.lasts_ms // 1_000} s, {len(plan.harms)} harms, data kept: {kept}", flush=True)
        found, violated = _one(plan, folder / f"seed-{plan.seed}")
        evidence.append(found)
        broken.extend(violated)
    figures = report(evidence, broken)
    print(f"\n{table(figures)}", flush=True)
    if given.json is not None:
        given.json.write_bytes(msgspec.json.format(msgspec.json.encode(figures)) + b"\n")
    if broken:
        print(f"\n{len(broken)} laws were broken; everything that was written down is in {folder}")
    elif given.folder is None:
        shutil.rmtree(folder)
    return 1 if broken else 0


async def _to_the_end(plan: Plan, folder: Path) -> bool:
    """Returns whether it came to its end. When it is told to stop it takes everybody along whom it has started."""
    over = False
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with anyio.create_task_group() as tasks:

            async def stop() -> None:
                async for _ in signals:
                    tasks.cancel_scope.cancel()

            tasks.start_soon(stop)
            await run(plan, folder)
            over = True
            tasks.cancel_scope.cancel()
    return over


def _one(plan: Plan, folder: Path) -> tuple[Evidence, list[Violation]]:
    if not anyio.run(_to_the_end, plan, folder):
        sys.exit("stopped before the end")
    evidence = gathered(folder)
    broken = violations(evidence)
    if broken:
        print(f"seed {plan.seed} broke laws; its schedule is {folder / 'plan.json'}, and begins:")
        for harm in plan.harms[:_SHOWN]:
            print(f"  {harm.at_ms:>7} ms  {harm.kind} {harm.target}  for {harm.lasts_ms} ms")
        for violation in broken:
            print(f"BROKEN {violation.law}: {violation.where} {violation.what}", flush=True)
    return evidence, broken


if __name__ == "__main__":
    sys.exit(main())
