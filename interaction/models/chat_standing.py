"""What stands whatever the prompt forgets: open tasks, the agenda, an unanswered question, what is still to be told.

Kept mechanically, from the conversation's entries and from what the session tells at each micro-turn; no model has a
hand in it.
"""

from __future__ import annotations

from typing import Final

import msgspec

from interaction.models.chat_frames import shortened
from interaction.models.chat_functions import item_arguments
from orchestrator.agenda_items import AgendaItem
from orchestrator.context import Assigned, Entry, Found, Scheduled, Settled, Unscheduled
from orchestrator.effects import MicroTurn
from orchestrator.events import DelegationState
from orchestrator.finding import Finding
from orchestrator.ledger import OPEN

__all__ = ["Standing", "clock", "described"]

_LONGEST_TASK: Final = 300
_LONGEST_FINDING: Final = 600
_QUESTIONS: Final = 20


class _Task(msgspec.Struct):
    task: str
    state: DelegationState
    revision: int
    since_ms: int


class Standing:
    """What holds at the moment, in one session."""

    def __init__(self) -> None:
        self.scheduled: set[str] = set()
        """Ids of everything that was ever on the agenda: a new item takes another."""
        self._tasks: dict[str, _Task] = {}
        self._items: dict[str, tuple[AgendaItem, int]] = {}
        self._untold: dict[str, tuple[Finding, int]] = {}
        self._questions: dict[str, str] = {}
        self._expecting = ""

    def entry(self, entry: Entry) -> None:
        """Take in what was written into the conversation."""
        match entry:
            case Assigned():
                self._assigned(entry)
            case Found(finding=finding) if finding is not None:
                self._found(finding, entry.revision)
            case Settled():
                self._untold.pop(entry.finding, None)
            case Scheduled(item=item) if item is not None:
                self.scheduled.add(item.id)
                self._items[item.id] = (item, entry.revision)
            case Unscheduled():
                if entry.item:
                    self._items.pop(entry.item, None)
                else:
                    self._items.clear()
            case _:
                pass

    def turn(self, turn: MicroTurn) -> None:
        """Take in how things stand: what the session no longer lists is over, unless it came later."""
        work = {each.delegation: each for each in turn.work}
        for name, task in list(self._tasks.items()):
            if name in work:
                task.state, task.since_ms = work[name].state, work[name].since_ms
            elif task.revision <= turn.revision:
                del self._tasks[name]
        for each in turn.work:
            if each.state in OPEN and each.delegation not in self._tasks:
                self._tasks[each.delegation] = _Task(each.task, each.state, turn.revision, each.since_ms)
        for name, (finding, revision) in list(self._untold.items()):
            job = work.get(finding.delegation)
            if revision <= turn.revision and (job is None or (finding.terminal and not job.untold)):
                del self._untold[name]
        for name, (_, revision) in list(self._items.items()):
            if revision <= turn.revision and name not in turn.agenda:
                del self._items[name]
        self._expecting = turn.expecting

    def question(self) -> str:
        """The question that the person has heard and not answered; empty: none."""
        return self._questions.get(self._expecting, "") if self._expecting else ""

    def task(self, name: str) -> str:
        """What a task is by now: as it was handed over, with the corrections since; empty where it is not known."""
        return self._tasks[name].task if name in self._tasks else ""

    def item(self, name: str) -> AgendaItem | None:
        """What stands on the agenda under this id, where that is known."""
        return self._items[name][0] if name in self._items else None

    def told(self) -> str:
        """All of it, in words; empty where nothing stands."""
        parts: list[str] = []
        tasks = [(name, task) for name, task in self._tasks.items() if task.state in OPEN]
        if tasks:
            parts.append("Tasks that are being worked on:")
            parts += [
                f'- {name} "{shortened(task.task, _LONGEST_TASK)}": {task.state} since {clock(task.since_ms)}'
                for name, task in tasks
            ]
        if self._items:
            parts.append("On the agenda:")
            parts += [f"- {name}: {described(item)}" for name, (item, _) in self._items.items()]
        question = self.question()
        if question:
            parts.append(f"The person was asked by task {self._expecting.partition('.')[0]}, and has not answered:")
            parts.append(f'- "{shortened(question, _LONGEST_TASK)}"')
        untold = [finding for finding, _ in self._untold.values() if finding.channel == "commentary"]
        if untold:
            parts.append("Findings that the person has not been told yet:")
            parts += [f"- {finding.id}: {shortened(finding.text, _LONGEST_FINDING)}" for finding in untold]
        return "\n".join(parts)

    def _assigned(self, entry: Assigned) -> None:
        name, task = entry.delegation, self._tasks.get(entry.delegation)
        match entry.action:
            case "delegated":
                self._tasks[name] = _Task(entry.task, "queued", entry.revision, entry.at_ms)
            case "amended":
                if task is not None:
                    task.task += f" ({entry.task})"
                self._forget(name)
            case "cancelled" | "superseded":
                self._tasks.pop(name, None)
                self._forget(name)

    def _found(self, finding: Finding, revision: int) -> None:
        if finding.terminal:
            self._forget(finding.delegation)
            if finding.delegation in self._tasks:
                self._tasks[finding.delegation].state = "done" if finding.kind == "final" else "failed"
        if finding.kind == "question":
            self._questions[finding.id] = finding.text
            if len(self._questions) > _QUESTIONS:
                del self._questions[next(iter(self._questions))]
        self._untold[finding.id] = (finding, revision)

    def _forget(self, delegation: str) -> None:
        for name in [name for name, (finding, _) in self._untold.items() if finding.delegation == delegation]:
            del self._untold[name]
        if self._expecting.startswith(f"{delegation}."):
            self._expecting = ""


def described(item: AgendaItem) -> str:
    """An item in words: when, and what is said then."""
    given = item_arguments(item)
    what = f'"{given["phrase"]}"' if "phrase" in given else f"{given['seconds']} s"
    return f'{given["when"]} {what}: "{given["say"]}"'


def clock(ms: int) -> str:
    """Milliseconds of session time as minutes and seconds, or hours."""
    minutes, seconds = divmod(ms // 1_000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
