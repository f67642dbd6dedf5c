"""What a chaos run has left behind, read: the journals of all sides, sorted into lives and stories.

A *life* is a conversation for as long as it was one: all visits to one session, in whatever process. A *story* is what
became of one task or of one finding in a life. What a front end wrote down after its last save, before it was killed or
lost the session, is *unsure*: it happened, and whoever goes on may or may not know of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from tests.chaos.notes import Line, read
from tests.chaos.plan import LOSING, Plan

_OWN: Final = re.compile(r"(.+?)(?:\.(\d+))?\.0")

__all__ = ["Evidence", "FindingStory", "Life", "Stories", "TaskStory", "gathered", "stories"]


class Life(msgspec.Struct, frozen=True):
    """`lines` of all its visits, in order. `finished`: it ended well; else whoever held it was killed."""

    session: str
    lines: tuple[Line, ...]
    finished: bool


class Evidence(msgspec.Struct, frozen=True):
    """All sides of a run."""

    plan: Plan
    lives: tuple[Life, ...] = ()
    workers: tuple[Line, ...] = ()
    """The lines of all workers, by time."""
    driver: tuple[Line, ...] = ()
    charges: tuple[str, ...] = ()
    logs: dict[str, str] = {}

    def of(self, *types: str) -> Iterator[Line]:
        """The driver's lines of these types."""
        return (line for line in self.driver if line["type"] in types)

    def lost_between(self, since: int, until: int) -> bool:
        """Whether Redis may have forgotten something between two moments."""
        return any(begin <= until and end >= since for begin, end in _losses(self.plan, self.driver))


_OVER: Final = ("heard", "acknowledged", "superseded", "expired", "cancelled", "dropped")


def _losses(plan: Plan, driver: Iterable[Line]) -> Iterator[tuple[int, int]]:
    """When something may get lost that Redis has taken."""
    for line in driver:
        if line["type"] != "harm":
            continue
        if plan.persistence == "sentinels" and line["kind"] in ("kill redis", "freeze redis"):
            # What a primary takes and its replica does not have; also when it wakes up, and does not know yet.
            yield line["t"] - 2_000, line["t"] + line["lasts_ms"] + 15_000
        forgets = line["kind"] == "kill redis" and plan.persistence in ("everysec", "none")
        if forgets or line["kind"] in LOSING:
            # What was acknowledged up to two seconds before is not yet on the disk with everysec.
            yield line["t"] - 2_000, line["t"] + line["lasts_ms"] + 2_000


class FindingStory(msgspec.Struct):
    """What became of one finding. `states` holds (line, state, reason), `unsure` the same where it may be forgotten."""

    id: str
    delegation: str = ""
    kind: str = ""
    attempt: int = 1
    seq: int = 0
    text: str = ""
    arrivals: list[int] = msgspec.field(default_factory=list[int])
    states: list[tuple[int, str, str]] = msgspec.field(default_factory=list[tuple[int, str, str]])
    unsure: list[tuple[int, str, str]] = msgspec.field(default_factory=list[tuple[int, str, str]])
    emitted: list[int] = msgspec.field(default_factory=list[int])
    """Lines with a piece of it."""

    @property
    def terminal(self) -> bool:
        """Whether it is an answer."""
        return self.kind in ("final", "error")

    @property
    def accepted(self) -> int | None:
        """The line at which it was taken into the ledger, if it was."""
        return next((at for at, state, _ in self.states if state == "owed"), None)

    @property
    def over(self) -> int | None:
        """The line at which it reached an end that nobody forgets."""
        return next((at for at, state, _ in self.states if state in _OVER), None)

    @property
    def state(self) -> str:
        """How it ended, or where it stands."""
        ends = [state for _, state, _ in self.states if state in _OVER]
        last = sorted([*self.states, *self.unsure])[-1:]
        return ends[0] if ends else last[0][1] if last else ""


class TaskStory(msgspec.Struct):
    """What became of one task."""

    id: str
    tasks: list[str] = msgspec.field(default_factory=list[str])
    handed_over: int = 0
    """The machine's time at which it was."""
    states: list[tuple[int, str, str]] = msgspec.field(default_factory=list[tuple[int, str, str]])
    unsure: list[str] = msgspec.field(default_factory=list[str])
    """The states it was in where that may be forgotten."""
    corrections: list[tuple[int, str]] = msgspec.field(default_factory=list[tuple[int, str]])
    findings: list[FindingStory] = msgspec.field(default_factory=list[FindingStory])

    @property
    def ends(self) -> list[str]:
        """The terminal states it was in."""
        return [state for _, state, _ in self.states if state in ("done", "failed", "cancelled", "superseded")]


class Stories(msgspec.Struct):
    """Everything that a life tells of tasks and findings, each by its id."""

    tasks: dict[str, TaskStory] = msgspec.field(default_factory=dict[str, TaskStory])
    findings: dict[str, FindingStory] = msgspec.field(default_factory=dict[str, FindingStory])


def stories(lines: Sequence[Line]) -> Stories:
    """The stories of one life."""
    told = Stories()

    def task(name: str) -> TaskStory:
        return told.tasks.setdefault(name, TaskStory(name))

    def finding(name: str) -> FindingStory:
        return told.findings.setdefault(name, FindingStory(name))

    for at, line in enumerate(lines):
        match line:
            case {"unsure": True, "type": "ledger", "finding": str(name), "state": state} if name:
                finding(name).unsure.append((at, state, line.get("reason", "")))
            case {"unsure": True, "type": "ledger", "delegation": str(name), "state": state}:
                task(name).unsure.append(state)
            case {"unsure": True, "type": "delegate" | "amend"}:
                pass
            case {"type": "delegate", "id": name, "task": words}:
                story = task(name)
                story.tasks.append(words)
                story.handed_over = story.handed_over or line.get("t", 0)
            case {"type": "amend", "delegation": name, "text": str(text)} if text and not line.get("answers"):
                task(name).corrections.append((at, text))
            case {"type": "finding", "id": name, "delegation": of}:
                found = finding(name)
                if not found.arrivals:
                    task(of).findings.append(found)
                found.delegation, found.kind, found.text = of, line["kind"], line["text"]
                found.attempt, found.seq = line.get("attempt", 1), line.get("seq", 0)
                found.arrivals.append(at)
            case {"type": "ledger", "finding": str(name), "state": state} if name:
                finding(name).states.append((at, state, line.get("reason", "")))
            case {"type": "ledger", "delegation": str(name), "state": state}:
                task(name).states.append((at, state, line.get("reason", "")))
            case {"type": "emit", "about": about}:
                for name in about:
                    finding(name).emitted.append(at)
            case _:
                pass
    _add_own_answers(told)
    return told


def _add_own_answers(told: Stories) -> None:
    """The session's own answer (number 0) is no event: it is known by what the ledger says of it."""
    for name, story in told.findings.items():
        own = _OWN.fullmatch(name)
        if own is None or story.arrivals:
            continue
        first = min([*story.states, *story.unsure])[0]
        story.kind, story.delegation, story.arrivals = "error", own[1], [first]
        story.attempt = int(own[2] or 1)
        if story.delegation in told.tasks:
            told.tasks[story.delegation].findings.append(story)


def gathered(folder: Path) -> Evidence:
    """Read what a run has left in `folder`."""
    driver = tuple(read(folder / "driver.ndjson"))
    good = {line["pid"] for line in driver if line["type"] == "ended" and line["code"] == 0}
    plan = msgspec.json.decode((folder / "plan.json").read_bytes(), type=Plan)
    shaky = list(_losses(plan, driver))
    lives: list[Life] = []
    for session in sorted((folder / "sessions").iterdir()):
        visits = [tuple(_with_doubt(list(read(path)), shaky)) for path in session.iterdir()]
        # Whoever was sent away at the door has not been there.
        visits = sorted((v for v in visits if v and v[0]["type"] == "opened"), key=lambda visit: visit[0]["t"])
        lives.extend(_lives(session.name, visits, good))
    workers = [line for path in sorted((folder / "workers").iterdir()) for line in _named(read(path), path.stem)]
    charges = folder / "charges"
    return Evidence(
        plan,
        tuple(lives),
        tuple(sorted(workers, key=lambda line: line["t"])),
        driver,
        tuple(charges.read_text(encoding="ascii").split()) if charges.exists() else (),
        {path.name: path.read_text(encoding="utf-8", errors="replace") for path in sorted(folder.glob("*.log"))},
    )


def _with_doubt(lines: list[Line], shaky: Sequence[tuple[int, int]]) -> Iterator[Line]:
    """The lines of a visit; what came after the last save that Redis cannot have forgotten is marked."""
    saves = [line for line in lines if line["type"] == "saved"]
    certain = max(
        (save["lines"] for save in saves if not any(begin <= save["t"] <= end for begin, end in shaky)), default=0
    )
    number = 0
    for line in lines:
        if "at_ms" not in line:
            yield line
            continue
        number += 1
        yield line if number <= certain else {**line, "unsure": True}


def _lives(name: str, visits: Iterable[tuple[Line, ...]], good: set[Any]) -> Iterator[Life]:
    life: list[Line] = []
    pid = 0
    for visit in visits:
        if life and not visit[0]["known"]:
            yield Life(name, tuple(life), finished=False)
            life = []
        pid = visit[0]["pid"]
        life.extend(visit)
    if life:
        yield Life(name, tuple(life), pid in good)


def _named(lines: Iterable[Line], name: str) -> Iterator[Line]:
    for line in lines:
        yield {**line, "worker": name}
