"""A task as messages: the conversation as far as it was heard, and the task last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from orchestrator.bundle import Amendment, Bundle
from orchestrator.context import Deleted, Entry, Said, Saw, Spoke, what_was_said

__all__ = ["Turn", "briefing", "correction"]


class Turn(msgspec.Struct, frozen=True):
    """What one side said. Roles alternate: some servers take nothing else."""

    role: Literal["user", "assistant"]
    text: str


def briefing(bundle: Bundle) -> tuple[Turn, ...]:
    """The bundle as turns. The last one is the person's, and ends with the task."""
    turns = list(_turns(bundle.context))
    if not turns:
        return (Turn("user", bundle.task),)
    task = f"Your task: {bundle.task}"
    last = turns[-1]
    if last.role == "assistant":
        turns.append(Turn("user", task))
    elif last.text.splitlines()[-1:] != [bundle.task]:  # else the person's own words are the task
        turns[-1] = Turn("user", f"{last.text}\n\n{task}")
    return tuple(turns)


def correction(amendments: Sequence[Amendment]) -> str:
    """What an agent at work must be told of these; empty where they hold no correction and no answer."""
    lines: list[str] = []
    for amendment in amendments:
        if not amendment.text:
            continue
        if amendment.answers:
            lines.append(f"The person answered what you had asked: {amendment.text}")
            continue
        said = what_was_said(amendment.entries)
        if said and said != amendment.text:
            lines.append(f"The person said: {said}")
        lines.append(f"The task has changed: {amendment.text}")
    return "\n".join(lines)


def _turns(entries: Iterable[Entry]) -> Iterable[Turn]:
    role: Literal["user", "assistant"] = "user"
    lines: list[str] = []
    for entry in entries:
        match entry:
            case Said() if not entry.backchannel:
                speaker, text, joined = "user", entry.text, entry.continues
            case Saw() if entry.caption:
                speaker, text, joined = "user", f"(shows: {entry.caption})", False
            case Deleted() if entry.text:
                speaker, text, joined = "user", f"(takes back: {entry.text})", False
            case Spoke() if entry.text.strip():
                speaker, text, joined = "assistant", entry.text, False
            case _:
                continue
        if speaker != role and lines:
            yield Turn(role, "\n".join(lines))
            lines = []
        role = "user" if speaker == "user" else "assistant"
        if joined and lines:
            lines[-1] += text
        else:
            lines.append(text)
    if lines:
        yield Turn(role, "\n".join(lines))
