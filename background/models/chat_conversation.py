"""The conversation as a model reads it: one line for each thing said or done, beginning with who it was.

A line break within what was said is followed by an indent, so that nobody's words can begin a line of somebody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from orchestrator.context import (
    Assigned,
    Deleted,
    Entry,
    Found,
    Interrupted,
    Noticed,
    Said,
    Saw,
    Scheduled,
    Settled,
    Spoke,
    Unscheduled,
)

__all__ = ["lines_of"]


def lines_of(entries: Sequence[Entry], *, own: str = "") -> list[str]:
    """One line for each entry that says something. What the task `own` has found itself is left out."""
    lines: list[str] = []
    found = [entry.finding for entry in entries if isinstance(entry, Found) and entry.finding is not None]
    answered = {finding.delegation for finding in found if finding.kind == "final"}
    for entry in entries:
        if isinstance(entry, Said) and entry.continues and lines and lines[-1].startswith("Person: "):
            lines[-1] += _held(entry.text)
        elif isinstance(entry, Deleted) and lines and lines[-1].startswith("Person: "):
            # What was typed and taken back before it was sent was never said.
            lines[-1] = lines[-1].removesuffix(_held(entry.text))
            if lines[-1] == "Person: ":
                lines.pop()
        elif isinstance(entry, Found) and _contained(entry, answered):
            continue
        elif line := _line(entry, own):
            lines.append(line)
    return lines


def _contained(entry: Found, answered: set[str]) -> bool:
    """Whether it is a part of an answer that is there as a whole."""
    return entry.finding is not None and entry.finding.kind == "partial" and entry.finding.delegation in answered


def _line(entry: Entry, own: str) -> str:
    match entry:
        case Said():
            return f"Person: {_held(entry.text)}" if entry.text.strip() and not entry.backchannel else ""
        case Deleted():
            return f"Person took back: {_held(entry.text)}" if entry.text.strip() else ""
        case Saw():
            return f"Person shows: {_held(entry.caption or entry.ref)}"
        case Spoke():
            cut = f" (interrupted; the person did not hear: {_held(entry.cut)})" if entry.cut.strip() else ""
            return f"Voice: {_held(entry.text)}{cut}" if entry.text.strip() or cut else ""
        case Assigned():
            whose = "your own task" if entry.delegation == own else f"task {entry.delegation}"
            return f"({whose} {entry.action}: {_held(entry.task)})"
        case Found():
            finding = entry.finding
            if finding is None or finding.delegation == own or finding.kind == "progress":
                return ""
            whose = ", with text that nobody here vouches for" if finding.tainted else ""
            return f"(task {finding.delegation}, {finding.kind}{whose}: {_held(finding.text)})"
        case Noticed():
            return f"(note: {_held(entry.text)})"
        case Scheduled():
            return f"(put on the agenda: {_held(entry.item.say)})" if entry.item is not None else ""
        case Settled() | Unscheduled() | Interrupted():
            return ""
        case _:
            assert_never(entry)


def _held(text: str) -> str:
    lines = text.splitlines()
    return "\n    ".join(lines) if len(lines) > 1 else text
