"""What a chaos run comes to in figures: how much was done and survived, and how long each recovery took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from benchmarks.measuring import Report, Row, at_most, percentile, shown
from tests.chaos.evidence import Evidence, stories
from tests.chaos.laws import Violation
from tests.chaos.notes import Line

__all__ = ["report"]

_APART = ("redis", "line", "replies", "door", "some", "clients")
"""What a harm's name ends with where it is done to all at once."""


def report(evidence: Sequence[Evidence], broken: Sequence[Violation]) -> Report:
    """The figures of one run, or of several together."""
    harms = Counter(line["kind"] for each in evidence for line in each.of("harm"))
    rows = [
        at_most("laws broken", len(broken), "", 0),
        shown("harm done, of all kinds", sum(harms.values()), "times"),
        *(shown(f"  {kind}", count, "times") for kind, count in sorted(harms.items())),
        *_work(evidence),
        *_times(evidence),
        *_sizes(evidence),
    ]
    minutes = sum(each.plan.lasts_ms for each in evidence) / 60_000
    plan = evidence[0].plan
    return Report(
        "chaos",
        f"{minutes:.1f} minutes of harm, with the seeds {', '.join(str(each.plan.seed) for each in evidence)}",
        tuple(rows),
        (
            (
                f"{plan.workers} workers, {plan.fronts} front ends with {plan.sessions} persons each, one redis-server"
                f" ({', '.join(sorted({each.plan.persistence for each in evidence}))}) behind a line that is cut;"
                f" a lease is {plan.lease_ms} ms."
            ),
            "A re-run is quiet where nothing was done to Redis or to the line between the kill and the re-run.",
            "Redis is back when it answers a PING; counted where nothing else kept it or the line from working then.",
        ),
    )


def _work(evidence: Sequence[Evidence]) -> Iterator[Row]:
    ends = Counter[str]()
    findings = Counter[str]()
    again = 0
    for each in evidence:
        for life in each.lives:
            told = stories(life.lines)
            for task in told.tasks.values():
                ends[task.ends[-1] if task.ends else "lost with its session"] += bool(task.tasks)
            for finding in told.findings.values():
                again += any(state == "heard" for _, state, _ in finding.states) and any(
                    state == "heard" for _, state, _ in finding.unsure
                )
                if finding.terminal:
                    taken = "taken" if finding.accepted is not None else "refused"
                    findings[finding.state if taken == "taken" else taken] += 1
    yield shown("sessions", sum(len(each.lives) for each in evidence), "")
    yield shown("visits to them", _lines(evidence, "opened"), "")
    yield shown("tasks handed over", sum(ends.values()), "")
    yield from (shown(f"  {state}", count, "") for state, count in sorted(ends.items()))
    yield shown("answers that arrived", sum(findings.values()), "")
    yield from (shown(f"  {state or 'open'}", count, "") for state, count in sorted(findings.items()))
    calls = [Counter(each.charges) for each in evidence]
    yield shown("calls of a tool that must not run twice", sum(len(of) for of in calls), "")
    yield shown("  run twice, after a loss of data", sum(count > 1 for of in calls for count in of.values()), "")
    reruns = sum(line["type"] == "claimed" and line["attempt"] > 1 for each in evidence for line in each.workers)
    yield shown("attempts after the first", reruns, "")
    yield shown("words of a worker that lost its task, refused", _count(evidence, "lost"), "")
    yield shown("processes killed", sum(line["code"] == -9 for each in evidence for line in each.of("ended")), "")
    yield shown("times a session heard that the hand-off is away", _lines(evidence, "bus.down"), "")
    yield shown("answers heard in a moment that was not kept, and told again", again, "")


def _count(evidence: Sequence[Evidence], type_: str) -> int:
    return sum(line["type"] == type_ for each in evidence for line in each.workers)


def _lines(evidence: Sequence[Evidence], type_: str) -> int:
    return sum(line["type"] == type_ for each in evidence for life in each.lives for line in life.lines)


def _times(evidence: Sequence[Evidence]) -> Iterator[Row]:
    quiet, other = _reruns(evidence)
    yield from _spread("a worker killed, to the re-run of its task", quiet, "leases", 1.5)
    yield from _spread("the same, with more harm in between", other, "leases")
    yield from _spread("redis-server back with its data, to the first new finding", _back(evidence, True), "s")
    yield from _spread("the same with its data lost", _back(evidence, False), "s")
    yield from _spread("a front end killed, to its sessions gone on with", _resumed(evidence), "leases")


def _spread(what: str, values: Sequence[float], unit: str, limit: float | None = None) -> Iterator[Row]:
    if not values:
        return
    p50 = percentile(values, 50)
    yield (
        at_most(f"{what}, p50 of {len(values)}", p50, unit, limit)
        if limit
        else shown(f"{what}, p50 of {len(values)}", p50, unit)
    )
    yield shown(f"{what}, p97", percentile(values, 97), unit)


def _sizes(evidence: Sequence[Evidence]) -> Iterator[Row]:
    largest = max((line["kib"] for each in evidence for line in each.of("memory")), default=0)
    ends = [line for each in evidence for line in each.of("at end")]
    yield shown("the largest process", largest / 1_024, "MiB")
    yield shown("Redis at the end of a run", max((end["used_memory"] / 2**20 for end in ends), default=0), "MiB")
    yield shown("dead letters", sum(len(end["dead"]) for end in ends), "")


def _reruns(evidence: Sequence[Evidence]) -> tuple[list[float], list[float]]:
    quiet: list[float] = []
    other: list[float] = []
    for each in evidence:
        held: dict[str, dict[str, int]] = {}
        """By worker: its tasks, with the attempt."""
        waiting: dict[str, int] = {}
        """Since when a task waits for another worker."""
        deaths: list[Line] = [
            {"t": line["t"], "type": "death", "worker": f"{line['name']}-{line['pid']}"}
            for line in each.of("ended")
            if line["code"] == -9
        ]
        for line in sorted([*each.workers, *deaths], key=lambda line: line["t"]):
            worker, task = line["worker"], line.get("delegation", "")
            match line["type"]:
                case "claimed":
                    held.setdefault(worker, {})[task] = line["attempt"]
                    since = waiting.pop(task, None)
                    if since is not None:
                        calm = not _disturbed(each, since, line["t"])
                        (quiet if calm else other).append((line["t"] - since) / each.plan.lease_ms)
                case "finished" | "called off" | "handed back" | "lost":
                    held.setdefault(worker, {}).pop(task, None)
                    waiting.pop(task, None)
                case "death":
                    for left in held.pop(worker, dict[str, int]()):
                        waiting[left] = line["t"]
                case _:
                    pass
    return quiet, other


def _disturbed(evidence: Evidence, since: int, until: int) -> bool:
    """Whether something was done to all at once between two moments; what has just ended is still felt."""
    return any(
        line["kind"].endswith(_APART)
        and line["t"] <= until
        and line["t"] + line["lasts_ms"] + evidence.plan.lease_ms >= since
        for line in evidence.of("harm")
    )


def _cut_off(evidence: Evidence, since: int, until: int) -> bool:
    """Whether something else kept Redis or the line from working just then."""
    harms = [line for line in evidence.of("harm") if line["kind"].endswith(_APART) and line["kind"] != "kill redis"]
    return any(line["t"] <= until and line["t"] + line["lasts_ms"] >= since for line in harms)


def _back(evidence: Sequence[Evidence], kept: bool) -> list[float]:
    found: list[float] = []
    for each in evidence:
        if each.plan.persistence not in (("always", "everysec") if kept else ("none",)):
            continue
        arrivals = sorted(line["t"] for life in each.lives for line in life.lines if line["type"] == "finding")
        for line in each.of("over"):
            at = next((at for at in arrivals if at >= line["t"]), None)
            if line["kind"] == "kill redis" and at is not None and not _cut_off(each, line["t"], at):
                found.append((at - line["t"]) / 1_000)
    return found


def _resumed(evidence: Sequence[Evidence]) -> list[float]:
    found: list[float] = []
    for each in evidence:
        died = {line["pid"]: line["t"] for line in each.of("ended") if line["code"] == -9}
        for life in each.lives:
            visits = [line for line in life.lines if line["type"] == "opened"]
            for before, after in pairwise(visits):
                if before["pid"] != after["pid"] and before["pid"] in died:
                    found.append((after["t"] - died[before["pid"]]) / each.plan.lease_ms)
    return found
