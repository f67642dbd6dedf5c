"""What must hold between the sides: workers, front ends, Redis and the processes themselves. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from statistics import median
from typing import Final

from tests.chaos.errands import ON_PURPOSE
from tests.chaos.evidence import Evidence, stories
from tests.chaos.laws import Violation, broken
from tests.chaos.notes import Line

__all__ = ["LAWS_OF_ALL_SIDES", "violations"]

_GROWTH_KIB: Final = 40 * 1024
_WATCHED_MS: Final = 120_000
"""A process that was watched for less says nothing about growth."""
_YOUNG_MS: Final = 8_000
"""Until then a process may not have learned what SIGTERM means to it."""
_FOR_EVER: Final = 1 << 62

Law = Callable[[Evidence], Iterator[str]]


def violations(evidence: Evidence) -> list[Violation]:
    """Every law that was broken in a run."""
    found = [violation for life in evidence.lives for violation in broken(life)]
    return found + [Violation(name, what) for name, law in LAWS_OF_ALL_SIDES.items() for what in law(evidence)]


def _by_task(evidence: Evidence, *types: str) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for line in evidence.workers:
        if line["type"] in types:
            found.setdefault(line["delegation"], []).append(line)
    return found


def _done_once(evidence: Evidence) -> Iterator[str]:
    for task, lines in _by_task(evidence, "finished").items():
        for one, other in pairwise(lines):
            if not evidence.lost_between(one["t"], other["t"]):
                yield f"{task} was finished by {one['worker']} and again by {other['worker']}"


def _one_owner_an_attempt(evidence: Evidence) -> Iterator[str]:
    for task, lines in _by_task(evidence, "claimed").items():
        for one, other in pairwise(lines):
            same = other["attempt"] <= one["attempt"]
            if same and not evidence.lost_between(one["t"], other["t"]):
                yield f"{task}: attempt {other['attempt']} of {other['worker']} after {one['attempt']}"


def _charged_once(evidence: Evidence) -> Iterator[str]:
    begun = _by_task(evidence, "claimed")
    for call, count in Counter(evidence.charges).items():
        if count > 1:
            lines = begun.get(call, [{"t": 0}])
            if not evidence.lost_between(lines[0]["t"], lines[-1]["t"]):
                yield f"{call} was charged {count} times"


def _told_everything(evidence: Evidence) -> Iterator[str]:
    holders: dict[str, set[int]] = {}
    for life in evidence.lives:
        holders.setdefault(life.session, set()).update(line["pid"] for line in life.lines if line["type"] == "opened")
    for line in evidence.workers:
        if line["type"] != "gap":
            continue
        # What a front end had told before it was killed is only in Redis, and is lost with it.
        moved = len(holders.get(line["delegation"].partition("-")[0], ())) > 1
        if not (moved and evidence.lost_between(0, line["t"])):
            found = f"{line['found']} ({line['n']}) since {line['since']}"
            yield f"{line['delegation']} on {line['worker']}: entries {found}"


def _acknowledged_arrives(evidence: Evidence) -> Iterator[str]:
    """What Redis has taken from a worker reaches the person's side, if that is still there."""
    answers = _by_task(evidence, "finished")
    for life in evidence.lives:
        told = stories(life.lines)
        for task in told.tasks.values():
            if not (life.finished and task.tasks) or {"cancelled", "superseded"} & set(task.ends):
                continue
            for line in answers.get(task.id, ()):
                arrived = line["finding"] in told.findings
                if not arrived and not evidence.lost_between(line["t"], _FOR_EVER):
                    yield f"{line['finding']} was taken from {line['worker']}, and {life.session} never got it"


def _nobody_is_forgotten(evidence: Evidence) -> Iterator[str]:
    """Whoever comes back is known, as long as Redis knows anything."""
    for one, other in pairwise(evidence.lives):
        if one.session == other.session:
            since, until = one.lines[0]["t"], other.lines[0]["t"]
            saved = any(line["type"] == "saved" for line in one.lines)
            if saved and not evidence.lost_between(since, until):
                yield f"{one.session} was begun anew"


def _nothing_left_in_redis(evidence: Evidence) -> Iterator[str]:
    ends = list(evidence.of("at end"))
    if not ends:
        yield "nobody has looked at the end: the run was broken off"
    for end in ends:
        for name in ("jobs", "pending", "without_ttl"):
            if end[name]:
                yield f"{name}: {end[name]}"


def _dead_letters_explained(evidence: Evidence) -> Iterator[str]:
    attempts = _by_task(evidence, "claimed")
    for end in evidence.of("at end"):
        for task, why in end["dead"]:
            most = max((line["attempt"] for line in attempts.get(task, ())), default=0)
            # The last attempts may have died before they could write anything down.
            if why != "dead" or most < evidence.plan.max_attempts - 1:
                yield f"{task} is a dead letter ({why}) after attempt {most}"


def _nobody_ends_by_himself(evidence: Evidence) -> Iterator[str]:
    poisoned = {line["worker"] for line in evidence.workers if line["type"] == "poisoned"}
    born = {line["pid"]: line["t"] for line in evidence.of("started")}
    for line in evidence.of("ended"):
        who, code = f"{line['name']}-{line['pid']}", line["code"]
        young = line["t"] - born.get(line["pid"], 0) < _YOUNG_MS
        if line["expected"]:
            if code not in (0, -9) and not (code == -15 and young):
                yield f"{who} was told to end, and ended with {code}"
        elif who not in poisoned:
            yield f"{who} ended by itself with {code}"
    yield from (f"{line['name']} did not end when it was told to" for line in evidence.of("did not end"))


def _no_growth(evidence: Evidence) -> Iterator[str]:
    samples: dict[tuple[str, int], list[Line]] = {}
    for line in evidence.of("memory"):
        if line["kib"]:
            samples.setdefault((line["name"], line["pid"]), []).append(line)
    for (name, pid), lines in samples.items():
        if lines[-1]["t"] - lines[0]["t"] < _WATCHED_MS:
            continue
        third = len(lines) // 3
        early, late = (median(line["kib"] for line in part) for part in (lines[third // 2 :][:third], lines[-third:]))
        if late - early > _GROWTH_KIB:
            yield f"{name}-{pid} grew from {early / 1024:.0f} to {late / 1024:.0f} MiB"


_RESET: Final = re.compile(
    r"^ERROR asyncio: Future exception was never retrieved\n"
    r"future: <Future finished exception=(?:ConnectionResetError|BrokenPipeError)\(.*\n"
    r"Traceback .*\n(?:  File \"[^\"]*/asyncio/[^\"]*\".*\n(?:    .*\n)*)+"
    r"(?:ConnectionResetError|BrokenPipeError)\b.*\n?",
    re.MULTILINE,
)
"""asyncio's own remark on a line that was reset long before, seen as a process ended. `StreamReaderProtocol.__del__` is
there to keep it quiet, and does only where a collection comes to the protocol before its future. Nobody waits for that
future, and no frame of ours is in it."""


def _no_bug_in_the_logs(evidence: Evidence) -> Iterator[str]:
    for name, whole in evidence.logs.items():
        text = _RESET.sub("", whole)
        for trace in re.findall(r"^Traceback .*?^(?=\w)(?!Traceback).*?$", text, re.MULTILINE | re.DOTALL):
            if ON_PURPOSE not in trace:
                yield f"{name}: {trace.splitlines()[-1]}"
        for line in text.splitlines():
            if line.startswith(("ERROR", "CRITICAL")) and not line.endswith("the reasoner failed"):
                yield f"{name}: {line}"


LAWS_OF_ALL_SIDES: Final[dict[str, Law]] = {
    "a task is finished once": _done_once,
    "an attempt has one owner": _one_owner_an_attempt,
    "a tool that must not run twice runs once": _charged_once,
    "a worker is told everything": _told_everything,
    "what was acknowledged arrives": _acknowledged_arrives,
    "nobody is forgotten": _nobody_is_forgotten,
    "nothing is left in Redis": _nothing_left_in_redis,
    "dead letters are explained": _dead_letters_explained,
    "nobody ends by himself": _nobody_ends_by_himself,
    "memory does not grow": _no_growth,
    "no bug in the logs": _no_bug_in_the_logs,
}
