"""What a chaos run has left behind, read: the journals of all sides, sorted into lives and stories.

A *life* is a conversation for as long as it was one: all visits to one session in one process, or in several, where
sessions outlive their process. A *story* is what became of one task or of one finding in a life.
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
        return any(begin <= until and end >= since for begin, end in self._losses())

    def _losses(self) -> Iterator[tuple[int, int]]:
        for line in self.of("harm"):
            if self.plan.persistence == "sentinels" and line["kind"] in ("kill redis", "freeze redis"):
                # What a primary takes and its replica does not have; also when it wakes up, and does not know yet.
                yield line["t"] - 2_000, line["t"] + line["lasts_ms"] + 15_000
            forgets = line["kind"] == "kill redis" and self.plan.persistence in ("everysec", "none")
            if forgets or line["kind"] in LOSING:
                # What was acknowledged up to two seconds before is not yet on the disk with everysec.
                yield line["t"] - 2_000, line["t"] + line["lasts_ms"] + 2_000


class FindingStory(msgspec.Struct):
    """What became of one finding. `states` holds (line, state, reason)."""

    id: str
    delegation: str = ""
    kind: str = ""
    attempt: int = 1
    seq: int = 0
    text: str = ""
    arrivals: list[int] = msgspec.field(default_factory=list[int])
    states: list[tuple[int, str, str]] = msgspec.field(default_factory=list[tuple[int, str, str]])
    emitted: list[int] = msgspec.field(default_factory=list[int])

    @property
    def terminal(self) -> bool:
        """Whether it is an answer."""
        return self.kind in ("final", "error")

    @property
    def accepted(self) -> int | None:
        """The line at which it was taken into the ledger, if it was."""
        return next((at for at, state, _ in self.states if state == "owed"), None)

    @property
    def state(self) -> str:
        """Where it stands at the end."""
        return self.states[-1][1] if self.states else ""


class TaskStory(msgspec.Struct):
    """What became of one task."""

    id: str
    tasks: list[str] = msgspec.field(default_factory=list[str])
    handed_over: int = 0
    """The machine's time at which it was."""
    states: list[tuple[int, str, str]] = msgspec.field(default_factory=list[tuple[int, str, str]])
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
        if own is None or story.arrivals or not story.states:
            continue
        story.kind, story.delegation, story.arrivals = "error", own[1], [story.states[0][0]]
        story.attempt = int(own[2] or 1)
        if story.delegation in told.tasks:
            told.tasks[story.delegation].findings.append(story)


def gathered(folder: Path, *, durable: bool = False) -> Evidence:
    """Read what a run has left in `folder`. `durable`: sessions outlive their process."""
    driver = tuple(read(folder / "driver.ndjson"))
    good = {line["pid"] for line in driver if line["type"] == "ended" and line["code"] == 0}
    lives: list[Life] = []
    for session in sorted((folder / "sessions").iterdir()):
        visits = [tuple(read(path)) for path in session.iterdir()]
        visits = sorted((visit for visit in visits if visit), key=lambda visit: visit[0]["t"])
        lives.extend(_lives(session.name, visits, good, durable=durable))
    workers = [line for path in sorted((folder / "workers").iterdir()) for line in _named(read(path), path.stem)]
    charges = folder / "charges"
    return Evidence(
        msgspec.json.decode((folder / "plan.json").read_bytes(), type=Plan),
        tuple(lives),
        tuple(sorted(workers, key=lambda line: line["t"])),
        driver,
        tuple(charges.read_text(encoding="ascii").split()) if charges.exists() else (),
        {path.name: path.read_text(encoding="utf-8", errors="replace") for path in sorted(folder.glob("*.log"))},
    )


def _lives(name: str, visits: Iterable[tuple[Line, ...]], good: set[Any], *, durable: bool) -> Iterator[Life]:
    life: list[Line] = []
    pid = 0
    for visit in visits:
        if life and pid != visit[0]["pid"] and not durable:
            yield Life(name, tuple(life), pid in good)
            life = []
        pid = visit[0]["pid"]
        life.extend(visit)
    if life:
        yield Life(name, tuple(life), pid in good)


def _named(lines: Iterable[Line], name: str) -> Iterator[Line]:
    for line in lines:
        yield {**line, "worker": name}
