"""`duologue bench`: the benchmarks. Options and help only; what they run is imported when they run."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from orchestrator.cli.bench_interaction import interaction

__all__ = ["bench"]


@click.group()
def bench() -> None:
    """Measure: when findings are spoken, how a voice behaves. The same seeds give the same bytes."""


@bench.command()
@click.option(
    "--policy",
    "policies",
    metavar="NAME",
    multiple=True,
    help="Which timing policies (default: all that have a name). Or give yours: MODULE:NAME.",
)
@click.option("--family", "families", metavar="NAME", multiple=True, help="Which families of scenarios (default: all).")
@click.option("--seeds", metavar="N", type=click.IntRange(1, 100_000), default=10, show_default=True, help="How many.")
@click.option(
    "--quiet-ms",
    metavar="MS",
    type=click.IntRange(0, 60_000),
    default=300,
    show_default=True,
    help="A moment is good when the person has been quiet for so long.",
)
@click.option("--train", is_flag=True, help="Use the seeds that are for tuning, which no report uses.")
@click.option("--jobs", metavar="N", type=click.IntRange(1, 64), help="Processes (default: one a processor).")
@click.option("--by-family", is_flag=True, help="Show each family by itself, too.")
@click.option("--json", "as_json", is_flag=True, help="Print the table as one JSON object, families included.")
@click.option("--journals", metavar="DIR", type=click.Path(path_type=Path), help="Write the journal of each run here.")
@click.option(
    "--score",
    "scored",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Run nothing: score the journals in this folder, made by any system.",
)
@click.option(
    "--scenarios",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Run nothing: write the scenarios here, for other systems to run.",
)
def splice(
    policies: tuple[str, ...],
    families: tuple[str, ...],
    seeds: int,
    quiet_ms: int,
    train: bool,
    jobs: int | None,
    by_family: bool,
    as_json: bool,
    journals: Path | None,
    scored: Path | None,
    scenarios: Path | None,
) -> int:
    """When is a finding spoken, and what becomes of it?

    Plays seeded scenarios, in each of which a simulated person talks while a simulated background works, under each
    timing policy, and scores the journals. docs/benchmark.md tells how to run it on another system.
    """
    import os

    from orchestrator.bench.families import FAMILIES, report_seeds, train_seeds
    from orchestrator.bench.running import run, score_folder, write_scenarios
    from orchestrator.bench.scoring import Rules
    from orchestrator.bench.table import as_json as to_json
    from orchestrator.bench.table import as_text, tabulate
    from orchestrator.cli.policies import from_here, make_sure_it_travels, policy_named
    from orchestrator.errors import UsageError
    from orchestrator.timing.baselines import BASELINES
    from orchestrator.timing.named import NAMED

    for name in families:
        if name not in FAMILIES:
            raise UsageError(f"there is no family {name!r}", "", f"choose from: {', '.join(FAMILIES)}")
    numbers = train_seeds(seeds) if train else report_seeds(seeds)
    if scenarios is not None:
        count = write_scenarios(scenarios, families or tuple(FAMILIES), numbers)
        click.echo(f"{count} scenarios written to {scenarios}")
        return 0
    rules = Rules(quiet_ms=quiet_ms)
    if scored is not None:
        results = score_folder(scored, rules)
    else:
        chosen = {name: policy_named(name) for name in policies or tuple(NAMED)}
        processes = jobs or os.cpu_count() or 1
        if processes > 1:
            for name, policy in chosen.items():
                make_sure_it_travels(name, policy)
        with from_here():
            results = run(
                chosen,
                seeds=numbers,
                families=families or tuple(FAMILIES),
                jobs=processes,
                journals=journals,
                lawless=BASELINES,
                rules=rules,
            )
    table = tabulate(results, rules)
    sys.stdout.buffer.write(to_json(table) if as_json else as_text(table, families=by_family).encode())
    return 0


bench.add_command(interaction)
