"""What a terminal shows of a conversation: finished lines, the utterance in progress, one line of status. Pure."""

from __future__ import annotations

from typing import Final

from interaction.links.printable import printable, wrapped
from orchestrator.decisions import Hold, Splice
from orchestrator.effects import Delegate, Effect, Emit, LedgerChanged
from orchestrator.events import BusDown, BusPart, BusUp, Event
from orchestrator.finding import Finding

__all__ = ["ASSISTANT", "PERSON", "Live", "Status"]

ASSISTANT: Final = "duologue: "
PERSON: Final = "you: "
_LIVE_ROWS: Final = 4
_OPEN: Final = ("offered", "queued", "running")


class Live:
    """The utterance in progress. What grows beyond a few rows moves up into the finished lines."""

    def __init__(self) -> None:
        self._text = ""
        self._utterance: int | None = None

    def add(self, part: Emit, width: int) -> list[str]:
        """A piece of speech. Returns the rows that are finished."""
        rows: list[str] = []
        if self._utterance is not None and self._utterance != part.utterance:
            rows += self._finish(width)
        words = printable(part.text, lines=True)
        if self._utterance is None:
            words = words.lstrip()
            if words:
                self._utterance = part.utterance
                self._text = ASSISTANT
        self._text += words
        if part.ends:
            return rows + self._finish(width)
        if len(self._text) < width:
            return rows
        grown = wrapped(self._text, width)
        if len(grown) > _LIVE_ROWS:
            # The last row stays whole: the next piece may go on with its last word.
            space = self._text[len(self._text.rstrip()) :]
            self._text = grown[-1] + space
            rows += grown[:-1]
        return rows

    def stop(self, width: int) -> list[str]:
        """The assistant was interrupted. Returns the rows that are finished."""
        self._text = f"{self._text.rstrip()} --"
        return self._finish(width)

    def finish(self, width: int) -> list[str]:
        """Nothing more will come. Returns the rows that are finished."""
        return self._finish(width)

    def rows(self, width: int) -> list[str]:
        """What has been said so far and is not finished."""
        return [] if self._utterance is None else wrapped(self._text.rstrip(), width)

    def _finish(self, width: int) -> list[str]:
        rows = self.rows(width)
        self._text, self._utterance = "", None
        return rows


class Status:
    """One line on what goes on besides the talk, read from the journal."""

    def __init__(self) -> None:
        self._tasks: dict[str, str] = {}
        self._progress: dict[str, str] = {}
        self._state: dict[str, str] = {}
        self._held = ""
        self._away: dict[BusPart, str] = {}

    def take(self, item: Event | Effect) -> None:
        """Learn from one journal record."""
        match item:
            case Delegate(id=delegation, task=task):
                self._tasks[delegation] = task
            case Finding(kind="progress", delegation=delegation, text=text) if delegation in self._tasks:
                self._progress[delegation] = text
            case LedgerChanged(delegation=delegation, state=state) if delegation:
                self._state[delegation] = state
                if state not in _OPEN:
                    for kept in (self._tasks, self._progress, self._state):
                        kept.pop(delegation, None)
            case Hold(reason=reason, findings=findings) if findings:
                self._held = reason
            case Splice():
                self._held = ""
            case LedgerChanged(state="heard" | "acknowledged" | "superseded" | "cancelled" | "dropped" | "expired"):
                self._held = ""
            case BusDown(reason=reason, part=part):
                self._away[part] = reason or "it cannot be reached"
            case BusUp(part=part):
                self._away.pop(part, None)
            case _:
                pass

    def line(self, width: int) -> str:
        """The status, cut to one row; empty when there is nothing to tell."""
        parts: list[str] = []
        if self._away:
            parts.append(f"the background is away: {next(iter(self._away.values()))}")
        if self._held:
            parts.append(f"an answer waits: {_to_them(self._held)}")
        if self._tasks:
            newest = next(reversed(self._tasks))
            told = next((name for name in reversed(self._progress) if name in self._tasks), newest)
            doing = self._progress.get(told) or self._tasks[told]
            queued = " (queued)" if self._state.get(told) == "queued" else ""
            count = f"{len(self._tasks)} tasks" if len(self._tasks) > 1 else "working"
            parts.append(f"{count}: {doing}{queued}")
        line = printable(" | ".join(parts))
        rows = wrapped(line, max(width - 6, 8))
        return rows[0] + (" ..." if len(rows) > 1 else "")


def _to_them(reason: str) -> str:
    """A reason of the journal, said to the person whom it speaks of."""
    for told, saying in (("the person has", "you have"), ("the person is", "you are"), ("the person", "you")):
        reason = reason.replace(told, saying)
    return reason
