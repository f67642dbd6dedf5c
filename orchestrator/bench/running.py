"""Running many scenarios with several policies, on several processors, in one order."""

from __future__ import annotations

import multiprocessing
from collections.abc import Container, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec

from orchestrator.bench.families import FAMILIES, scenario
from orchestrator.bench.playing import play_scenario
from orchestrator.bench.record import Line, encode_line, read_journal
from orchestrator.bench.scenario import encode_scenario
from orchestrator.bench.scoring import Rules, Score, score
from orchestrator.errors import UsageError
from orchestrator.timing.moment import TimingPolicy

__all__ = ["run", "score_folder", "write_scenarios"]


class _Task(msgspec.Struct, frozen=True):
    system: str
    policy: TimingPolicy
    families: tuple[str, ...]
    seed: int
    journals: str
    lawful: bool
    rules: Rules


def run(
    policies: Mapping[str, TimingPolicy],
    *,
    seeds: Iterable[int],
    families: Sequence[str] = tuple(FAMILIES),
    jobs: int = 1,
    journals: Path | None = None,
    lawless: Container[str] = (),
    rules: Rules = Rules(),  # noqa: B008 (a frozen value)
) -> list[Score]:
    """Play each family with each seed under each policy, in `jobs` processes, and score it.

    The policies that `lawless` names are played with `SessionConfig(lawful=False)`: those that restate the rules of
    others. With `journals`, each journal is written to `FOLDER/POLICY/SCENARIO.ndjson`.
    """
    folder = "" if journals is None else str(journals)
    chosen = tuple(seeds)
    tasks = [
        _Task(name, policy, tuple(families), seed, folder, name not in lawless, rules)
        for name, policy in policies.items()
        for seed in chosen
    ]
    if journals is not None:
        for name in policies:
            (journals / name).mkdir(parents=True, exist_ok=True)
    if jobs <= 1 or len(tasks) <= 1:
        return [result for task in tasks for result in _one(task)]
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(tasks)), mp_context=spawning) as pool:
        return [result for results in pool.map(_one, tasks) for result in results]


def _one(task: _Task) -> list[Score]:
    results: list[Score] = []
    for family in task.families:
        played = play_scenario(scenario(family, task.seed), task.policy, system=task.system, lawful=task.lawful)
        results.append(score(played, task.rules))
        if task.journals:
            file = Path(task.journals) / task.system / f"{family}-{task.seed}.ndjson"
            file.write_bytes(_encoded(played))
    return results


def _encoded(lines: Iterable[Line]) -> bytes:
    return b"".join(encode_line(line) + b"\n" for line in lines)


def score_folder(folder: Path, rules: Rules | None = None) -> list[Score]:
    """Score every `*.ndjson` below `folder`, in the order of system, family and seed.

    Raises `UsageError` where there is none, `ScenarioError` for a journal that cannot be read.
    """
    files = sorted(folder.rglob("*.ndjson")) if folder.is_dir() else []
    if not files:
        raise UsageError(f"there is no journal in {folder}", "", "journals are files that end in .ndjson")
    scores = [score(read_journal(file.read_bytes().splitlines(), str(file)), rules) for file in files]
    order = {family: at for at, family in enumerate(FAMILIES)}
    return sorted(scores, key=lambda one: (one.system, order.get(one.family, len(order)), one.family, one.seed))


def write_scenarios(folder: Path, families: Sequence[str], seeds: Iterable[int]) -> int:
    """Write each scenario to `FOLDER/FAMILY-SEED.json`. Returns how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for seed in seeds:
        for family in families:
            made = scenario(family, seed)
            (folder / f"{made.id}.json").write_bytes(encode_scenario(made))
            count += 1
    return count
