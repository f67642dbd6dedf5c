"""How `duologue tasks` tells a person what it found or did."""

from __future__ import annotations

from typing import Final, Protocol

from orchestrator.bus.redis_operator import Retried, TaskStory
from orchestrator.bus.redis_overview import DeadLetter, TaskFacts
from orchestrator.cli.table import Column, shortened, span, table
from orchestrator.cli.top_advice import pool_name
from orchestrator.cli.top_page import why_given_up

__all__ = ["cancelled_lines", "listed_lines", "retried_lines", "story_lines"]

_LIST: Final = (
    Column("ID", gives=True),
    Column("STATE"),
    Column("POOL", gives=True, goes=2),
    Column("AGE", right=True),
    Column("TRIES", right=True, goes=1),
    Column("WORKER", gives=True, goes=3),
    Column("TASK", gives=True),
)


class _Listed(Protocol):
    @property
    def running(self) -> tuple[TaskFacts, ...]: ...

    @property
    def queued(self) -> tuple[TaskFacts, ...]: ...

    @property
    def dead(self) -> tuple[DeadLetter, ...]: ...

    @property
    def counts(self) -> dict[str, int]: ...


def listed_lines(listed: _Listed, width: int) -> list[str]:
    """The tasks in a table, and below it what did not fit."""
    tasks = (*listed.running, *listed.queued)
    rows = [
        (
            task.id,
            task.state if task.urgency not in ("high", "critical") else f"{task.state}, {task.urgency}",
            task.pool or "(default)",
            span(task.age_ms),
            str(task.attempt),
            task.worker,
            task.task,
        )
        for task in tasks
    ]
    rows += [
        (letter.id, "dead", letter.pool or "(default)", span(letter.age_ms), str(letter.attempt), "", letter.task)
        for letter in listed.dead
    ]
    shown = {"running": len(listed.running), "queued": len(listed.queued), "dead": len(listed.dead)}
    if not rows:
        return [_nothing(listed.counts)]
    lines = table(_LIST, rows, width)
    more = [f"{count - shown[name]} {name}" for name, count in listed.counts.items() if count > shown[name]]
    return [*lines, f"and more: {', '.join(more)} (--limit shows them)"] if more else lines


def _nothing(counts: dict[str, int]) -> str:
    said = {"running": "nothing runs", "queued": "nothing waits", "dead": "nothing was given up"}
    return f"no tasks: {', '.join(said[name] for name in counts)}"


def story_lines(story: TaskStory, width: int) -> list[str]:
    """All of one task, a fact a line."""
    facts = story.facts
    rows = [("task", facts.task), ("state", _state(story))]
    if facts.worker:
        rows.append(("worker", f"{facts.worker}, for {span(facts.running_ms)}, heard of {span(facts.beat_ms)} ago"))
    urgent = f", {facts.urgency}" if facts.urgency != "normal" else ""
    rows.append(("queue", f"{pool_name(facts.pool)}{urgent}"))
    rows.append(("attempt", str(facts.attempt) if facts.attempt else "none yet"))
    if facts.age_ms:
        rows.append(("handed over", f"{span(facts.age_ms)} ago"))
    if facts.left_ms:
        late = facts.left_ms < 0
        rows.append(("deadline", f"{span(-facts.left_ms)} ago" if late else f"in {span(facts.left_ms)}"))
    rows.append(("session", facts.session or "unknown"))
    rows.append(("front end", facts.front or "not known any more"))
    rows += [("told since", f"{order.kind}: {order.text}") for order in story.orders if order.kind != "conversation"]
    quiet = sum(order.kind == "conversation" for order in story.orders)
    if quiet:
        rows.append(("told since", f"{quiet} times what was said meanwhile"))
    if story.earlier:
        rows.append(("found", "(more before this)"))
    for found, after in zip(story.findings, (*story.findings[1:], None), strict=True):
        # Of what it was doing only the last is news.
        if found.kind != "progress" or after is None or after.kind != "progress" or after.attempt != found.attempt:
            rows.append(("found", f"{_attempt(found.attempt)}{found.kind}: {found.text}"))
    for step in story.steps:
        how = "done" if step.ended else "begun, and not known to have ended"
        rows.append(("not again", f"{_attempt(step.attempt)}{how}: {step.step}"))
    if story.entries:
        rows.append(("conversation", f"{story.entries} entries{'; at the end of it' if story.said else ''}"))
        rows += [("", line) for line in story.said]
    # The names in one column, the facts in the other; a fact may be long, and its end is seldom what matters.
    lines = table([Column(facts.id), Column("", gives=True)], rows, width)
    return [shortened(line, width) for line in lines]


def _attempt(number: int) -> str:
    return f"attempt {number}, " if number > 1 else ""


def _state(story: TaskStory) -> str:
    if story.letter is not None:
        return f"dead, given up {span(story.letter.age_ms)} ago: {why_given_up(story.letter.why)}"
    if story.facts.stopping:
        return "running, called off, and its worker has not stopped yet"
    return story.facts.state


def cancelled_lines(task: str, how: str) -> list[str]:
    """What came of calling it off."""
    said = {
        "ended": f"{task} was waiting and has ended; the person is told",
        "stopped": f"{task} has been stopped by its worker; the person is told",
        "sent": f"{task}: its worker was told to stop and has not confirmed it yet; the person is told when it has",
    }
    return [said[how]]


def retried_lines(task: str, retried: Retried) -> list[str]:
    """What came of having it tried again."""
    if retried.was == "running":
        return [f"{task} was taken from its worker and waits for the next"]
    if retried.heard:
        return [f"{task} waits for a worker again, with all its time; the person is told"]
    return [
        f"{task} waits for a worker again, with all its time",
        f"its front end seems to have gone, so nobody may hear the answer: duologue tasks show {task}",
    ]
