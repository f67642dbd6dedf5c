"""What `duologue top` shows of a hand-off: rows of text that fit the screen."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from orchestrator.bus.redis_overview import Overview, WorkerFacts
from orchestrator.cli.table import Column, clean, shortened, span, table

__all__ = ["Row", "page", "why_given_up"]

Look: TypeAlias = Literal["", "heading", "bad", "good", "faint"]

_SAID_OF_DEATH: Final = {
    "dead": "every worker that took it stopped in the middle",
    "unreadable": "no worker could read it",
}
_LEAST_ROWS: Final = 3
_PLAIN: Final[tuple[Look, ...]] = ("",)


class Row(msgspec.Struct, frozen=True):
    """One row, and how it looks."""

    text: str
    look: Look = ""


class _Section(msgspec.Struct, frozen=True):
    heading: str
    rows: tuple[Row, ...]


def page(overview: Overview, problems: Sequence[str], *, width: int, height: int | None) -> list[Row]:
    """The rows, at most `height` of them; without a height, all of them."""
    top = [*_summary(overview, width), *_problems(problems, width)]
    sections = [
        section
        for section in (
            _queues(overview, width),
            _workers(overview, width),
            _running(overview, width),
            _letters(overview, width),
            _fronts(overview, width),
        )
        if section is not None
    ]
    if height is None:
        allowed = [len(section.rows) for section in sections]
    else:
        top = top[:height]
        allowed = _shared_out([len(section.rows) for section in sections], height - len(top))
    rows = top
    for section, room in zip(sections, allowed, strict=False):
        rows += [Row(""), Row(section.heading, "heading"), *_cut(section.rows, room)]
    return rows


def why_given_up(why: str) -> str:
    """The reason of a dead letter in words."""
    return _SAID_OF_DEATH.get(why, why)


def _shared_out(wanted: Sequence[int], room: int) -> list[int]:
    """How many rows each section gets: a few each, the first sections more. Those for which there is no room: none."""
    given: list[int] = []
    for rows in wanted:
        # A heading and the empty row before it.
        least = min(rows, _LEAST_ROWS)
        if room < 2 + min(rows, 1):
            break
        least = min(least, room - 2)
        given.append(least)
        room -= 2 + least
    for i in range(len(given)):
        more = min(wanted[i] - given[i], room)
        given[i] += more
        room -= more
    return given


def _cut(rows: Sequence[Row], room: int) -> list[Row]:
    if len(rows) <= room:
        return list(rows)
    return [*rows[: room - 1], Row(f"and {len(rows) - room + 1} more", "faint")]


def _summary(overview: Overview, width: int) -> list[Row]:
    server = overview.server
    memory = _bytes(server.memory_used) if server.version else ""
    most = f" of {_bytes(server.memory_most)}" if server.memory_most else ""
    parts = [server.address, f"{server.kind} {server.version}".strip(), f"{memory}{most} used" if memory else ""]
    waiting = sum(queue.waiting for queue in overview.queues)
    running = sum(queue.running for queue in overview.queues)
    alive = [worker for worker in overview.workers if not worker.stale]
    slots, busy = sum(worker.slots for worker in alive), sum(worker.busy for worker in alive)
    tasks = f"tasks: {waiting} waiting, {running} running, {overview.retries} retried, {overview.dead} given up"
    workers = f"workers: {len(alive)}, {busy} of {slots} slots busy"
    both = f"{tasks}; {workers}"
    about = ", ".join(part for part in parts if part)
    lines = [about, *([both] if len(both) <= width else [tasks, workers])]
    return [Row(shortened(clean(line), width)) for line in lines]


def _problems(problems: Sequence[str], width: int) -> list[Row]:
    if not problems:
        return [Row("all is well", "good")]
    return [
        Row(line, "bad")
        for problem in problems
        for line in textwrap.wrap(clean(problem), max(20, width), initial_indent="! ", subsequent_indent="  ")
    ]


def _queues(overview: Overview, width: int) -> _Section | None:
    columns = [
        Column("QUEUE", gives=True),
        Column("WAITING", right=True),
        Column("RUNNING", right=True),
        Column("OLDEST", right=True),
        Column("FULL", right=True, goes=2),
        Column("WORKERS", right=True, goes=1),
    ]
    shown = [queue for queue in overview.queues if queue.length or not queue.urgent]
    cells: list[Sequence[str]] = []
    for queue in shown:
        alive = sum(queue.pool in worker.pools and not worker.stale for worker in overview.workers)
        cells.append(
            (
                (queue.pool or "(default)") + (", urgent" if queue.urgent else ""),
                str(queue.waiting),
                str(queue.running),
                span(queue.oldest_waiting_ms) if queue.waiting else "",
                f"{100 * queue.length / queue.capacity:.0f} %",
                str(alive) if alive else "none",
            )
        )
    looks: list[Look] = [
        "bad" if queue.waiting and cell[-1] == "none" else "" for queue, cell in zip(shown, cells, strict=True)
    ]
    return _section(columns, cells, width, looks)


def _workers(overview: Overview, width: int) -> _Section | None:
    columns = [
        Column("WORKER", gives=True),
        Column("WHERE", gives=True, goes=3),
        Column("POOLS", gives=True, goes=2),
        Column("BUSY", right=True),
        Column("HEARD", right=True),
        Column("UP", right=True, goes=4),
        Column(""),
    ]
    # Those that need a look come first, also where not all fit.
    shown = sorted(overview.workers, key=lambda worker: not worker.stale)
    cells = [
        (
            worker.consumer,
            f"{worker.host}:{worker.pid}" if worker.host else "unknown",
            ", ".join(pool or "(default)" for pool in worker.pools),
            f"{worker.busy}/{worker.slots}" if worker.slots else str(worker.busy),
            span(worker.beat_ms) if worker.beat_ms >= 0 else "never",
            span(worker.up_ms) if worker.up_ms else "",
            _how(worker),
        )
        for worker in shown
    ]
    looks: list[Look] = ["bad" if worker.stale else "" for worker in shown]
    return _section(columns, cells, width, looks)


def _how(worker: WorkerFacts) -> str:
    if worker.stale:
        return "STALE"
    if not worker.taking:
        return "finishing"
    return "full" if worker.slots and worker.busy >= worker.slots else ""


def _running(overview: Overview, width: int) -> _Section | None:
    columns = [
        Column("RUNNING", gives=True),
        Column("FOR", right=True),
        Column("LEFT", right=True, goes=2),
        Column("TRY", right=True, goes=1),
        Column("WORKER", gives=True, goes=3),
        Column("TASK", gives=True),
    ]
    stale = {worker.consumer for worker in overview.workers if worker.stale}
    cells = [
        (
            task.id,
            span(task.running_ms),
            span(task.left_ms),
            str(task.attempt),
            task.worker,
            ("(stopping) " if task.stopping else "") + task.task,
        )
        for task in overview.running
    ]
    looks: list[Look] = ["bad" if t.left_ms < 0 or t.worker in stale else "" for t in overview.running]
    section = _section(columns, cells, width, looks)
    unseen = sum(queue.running for queue in overview.queues) - len(overview.running)
    if section is None or unseen <= 0:
        return section
    return _Section(section.heading, (*section.rows, Row(f"and {unseen} more that are not looked at", "faint")))


def _letters(overview: Overview, width: int) -> _Section | None:
    columns = [
        Column("GIVEN UP", gives=True),
        Column("AGO", right=True),
        Column("TRIES", right=True, goes=2),
        Column("POOL", gives=True, goes=3),
        Column("WHY", gives=True, goes=1),
        Column("TASK", gives=True),
    ]
    cells = [
        (x.id, span(x.age_ms), str(x.attempt), x.pool or "(default)", why_given_up(x.why), x.task)
        for x in overview.letters
    ]
    return _section(columns, cells, width)


def _fronts(overview: Overview, width: int) -> _Section | None:
    columns = [Column("FRONT END", gives=True), Column("UNREAD", right=True)]
    shown = sorted(overview.fronts, key=lambda front: -front.unread)
    return _section(columns, [(front.name, str(front.unread)) for front in shown], width)


def _section(
    columns: Sequence[Column], cells: Sequence[Sequence[str]], width: int, looks: Sequence[Look] = ()
) -> _Section | None:
    if not cells:
        return None
    heading, *lines = table(columns, cells, width)
    rows = zip(lines, looks or _PLAIN * len(lines), strict=True)
    return _Section(heading, tuple(Row(line, look) for line, look in rows))


def _bytes(number: int) -> str:
    size = float(number)
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GB"
