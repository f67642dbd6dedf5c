"""The link for pipes and screen readers: a line in, lines out, appended and never taken back.

What is typed at a terminal is heard line by line, and at once. Lines that come from a pipe faster than anyone talks are
given one after the other: each waits until the assistant has dealt with the one before and has said what it had to say
to it. Work in the background goes on meanwhile; a line that waited is not an interruption, one that comes later by
itself is. At the end of a pipe everything that is still owed is heard first; Ctrl-D at a terminal leaves at once.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio

from interaction.links.descriptors import LineSource, Outflow, Piece
from interaction.links.leaving import Leavable
from interaction.links.printable import printable
from interaction.links.tool_lines import tool_lines
from interaction.links.transcript import Transcript
from orchestrator.clock import SECOND, Instant
from orchestrator.effects import Delegate, Effect, Emit, StopSpeaking
from orchestrator.events import BusDown, BusPart, BusUp, Event, ToolsChanged, UserEvent, UserFinished, UserText
from orchestrator.finding import Finding

__all__ = ["PlainLink"]

_TURN_S: Final = 0.4
"""Two micro-turns: the shortest time between two lines of a pipe."""
_TOGETHER_S: Final = 1.0
"""A line that comes this soon after the last one was given belongs to the same burst."""
_LONGEST_WAIT_S: Final = 30.0
_PROGRESS_EVERY: Final = 1 * SECOND
"""A screen reader reads every line aloud; more progress of one task than this would drown the talk."""


class PlainLink(Leavable):
    """Reads lines from one descriptor and writes the conversation to another. Use `PlainLink.open`."""

    def __init__(self, source: LineSource, out: Outflow, *, echo: bool) -> None:
        self._source = source
        self._out = out
        self._echo = echo
        super().__init__()
        self._transcript = Transcript()
        self._told: dict[str, Instant] = {}
        self._away: set[BusPart] = set()

    @classmethod
    @asynccontextmanager
    async def open(cls, *, stdin: int = 0, stdout: int = 1) -> AsyncGenerator[PlainLink, None]:
        """A link on two descriptors. What is read is repeated in the output, unless a terminal did that already."""
        async with Outflow.open(stdout) as out:
            link = cls(LineSource(stdin), out, echo=not _is_terminal(stdin))
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(link._listen)
                tasks.start_soon(link._leave_when_nobody_reads)
                try:
                    yield link
                finally:
                    out.put(link._transcript.finish().encode())
                    tasks.cancel_scope.cancel()
                    link._doorway.close()

    def events(self) -> AsyncIterator[UserEvent]:
        """What the person says, line by line; `UserLeft` where they left before the end of input."""
        return self._doorway.events()

    async def emit(self, part: Emit) -> None:
        """Print a piece of speech, or a card. Returns when it is printed."""
        await self._out.write(_bytes(self._transcript.speech(part)))
        await self._out.drained()

    async def stop(self, stop: StopSpeaking) -> None:
        """End the line with ` --`."""
        await self._out.write(_bytes(self._transcript.stop()))

    def tell(self, line: str) -> None:
        """Print a line that is about the conversation, not a part of it."""
        self._out.put(_bytes(self._transcript.aside(f"  [{printable(line)}]")))

    def record(self, at: Instant, n: int, item: Event | Effect) -> None:
        """Print what is being worked on, and learn whether the voice is attending."""
        self._attention.take(item)
        match item:
            case Delegate(task=task):
                self._note("working", task)
            case Finding(kind="progress", text=text, delegation=delegation):
                if at - self._told.get(delegation, Instant(-_PROGRESS_EVERY)) >= _PROGRESS_EVERY:
                    self._told[delegation] = at
                    self._note("working", text)
            case Finding(delegation=delegation, terminal=True):
                self._told.pop(delegation, None)
            case ToolsChanged():
                for line in tool_lines(item):
                    self._note("tools", line)
            case BusDown(reason=reason, part=part):
                if not self._away:
                    self._note("waiting", f"the background cannot be reached: {reason}")
                self._away.add(part)
            case BusUp(part=part):
                was_away = part in self._away
                self._away.discard(part)
                if was_away and not self._away:
                    self._note("working", "the background is back")
            case _:
                pass

    def _note(self, kind: str, text: str) -> None:
        # What finds no room is lost here: a status is no result, and `record` must not wait.
        self._out.put(_bytes(self._transcript.aside(f"  [{kind}] {printable(text)}")))

    async def _listen(self) -> None:
        given_at = float("-inf")
        begins = True
        while (piece := await self._source.next()) is not None:
            if begins and piece.ends and not piece.text.strip():
                continue
            if begins and self._echo and anyio.current_time() - given_at < _TOGETHER_S:
                await anyio.sleep_until(given_at + _TURN_S)
                await self._attention.turn_taken(longest_s=_LONGEST_WAIT_S)
            await self._give(piece)
            begins = piece.ends
            given_at = anyio.current_time()
        if self._echo:
            await self._doorway.give(UserFinished())
        else:
            self.leave("the person left")

    async def _give(self, piece: Piece) -> None:
        self._attention.expect()
        if self._echo and piece.text:
            await self._out.write(_bytes(self._transcript.aside(f"you: {printable(piece.text)}")))
        await self._doorway.give(UserText(piece.text, final=piece.ends))

    async def _leave_when_nobody_reads(self) -> None:
        await self._out.gone()
        self.leave("nobody reads the output")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", errors="replace")


def _is_terminal(fd: int) -> bool:
    try:
        return os.isatty(fd)
    except OSError:
        return False
