"""The link for machines: one JSON object a line in, one a line out.

In: what the person does, with the tags of the journal (`{"type":"user.text","text":"hello","final":true}`); `at_ms` is
ignored, so that a scenario without `given.*` lines can be piped in. Out: every record of the journal, which holds the
speech too (`emit`, `stop`). A line that cannot be understood is counted, told on stderr, and skipped.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio
import anyio.lowlevel
import msgspec

from interaction.links.descriptors import LineSource, Outflow
from interaction.links.leaving import Leavable
from interaction.links.printable import printable
from orchestrator.clock import Instant
from orchestrator.effects import Effect, Emit, StopSpeaking
from orchestrator.events import Event, UserEvent, UserFinished, UserLeft
from orchestrator.journal import encode_record

__all__ = ["JsonLink"]

_LONGEST_LINE: Final = 1 << 20
_OUT_LIMIT: Final = 16 << 20
"""Bytes of journal that may wait for a slow reader; lines beyond that are lost, counted, and told at the end."""
_SHOWN: Final = 60


class JsonLink(Leavable):
    """Reads user events from one descriptor and writes the journal to another. Use `JsonLink.open`.

    It must be handed in as the session's journal: `emit` and `stop` print nothing, since the journal has them.
    """

    def __init__(self, source: LineSource, out: Outflow, complaints: Outflow) -> None:
        self._source = source
        self._out = out
        self._complaints = complaints
        self._decoder: msgspec.json.Decoder[UserEvent] = msgspec.json.Decoder(UserEvent)  # pyright: ignore[reportArgumentType]
        super().__init__()
        self.broken: int = 0
        """Lines that could not be understood."""

    @classmethod
    @asynccontextmanager
    async def open(cls, *, stdin: int = 0, stdout: int = 1, stderr: int = 2) -> AsyncGenerator[JsonLink, None]:
        """A link on three descriptors."""
        async with Outflow.open(stderr) as complaints, Outflow.open(stdout, limit=_OUT_LIMIT) as out:
            link = cls(LineSource(stdin, longest=_LONGEST_LINE), out, complaints)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(link._listen)
                tasks.start_soon(link._leave_when_nobody_reads)
                try:
                    yield link
                finally:
                    if out.lost:
                        complaints.put(f"{out.lost} lines of the journal were lost: the reader is too slow\n".encode())
                    tasks.cancel_scope.cancel()
                    link._doorway.close()

    def events(self) -> AsyncIterator[UserEvent]:
        """What the lines say, then `UserFinished`; `UserLeft` when somebody leaves."""
        return self._doorway.events()

    async def emit(self, part: Emit) -> None:
        """Nothing but to return when it is printed: the journal has it."""
        await self._out.drained()
        await anyio.lowlevel.checkpoint()

    async def stop(self, stop: StopSpeaking) -> None:
        """Nothing: the journal has it."""
        await anyio.lowlevel.checkpoint()

    def tell(self, line: str) -> None:
        """Say on stderr what is about the conversation, not a part of it."""
        self._complaints.put(f"{printable(line)}\n".encode("utf-8", errors="replace"))

    def record(self, at: Instant, n: int, item: Event | Effect) -> None:
        """Print the record as one line."""
        self._attention.take(item)
        self._out.put(encode_record(at, n, item).rstrip(b"\n") + b"\n")

    async def _listen(self) -> None:
        number = 1
        whole = True
        while (piece := await self._source.next()) is not None:
            if not piece.ends:
                if whole:
                    self._complain(number, f"it is longer than {_LONGEST_LINE} characters", piece.text)
            elif whole and piece.text.strip():
                event = self._understood(number, piece.text)
                if isinstance(event, UserLeft):
                    self.leave(event.reason or "the person left")
                    return
                if event is not None:
                    await self._doorway.give(event)
            whole = piece.ends
            number += piece.ends
        await self._doorway.give(UserFinished())

    def _understood(self, number: int, line: str) -> UserEvent | None:
        try:
            return self._decoder.decode(line.encode("utf-8", errors="replace"))
        except msgspec.ValidationError as problem:
            why = str(problem)
            if '"given.' in line:
                why = "given.* lines belong in a scenario: duologue simulate FILE"
            self._complain(number, why, line)
        except msgspec.DecodeError:
            self._complain(number, 'it is not JSON; a line is {"type":"user.text","text":"...","final":true}', line)
        return None

    def _complain(self, number: int, why: str, line: str) -> None:
        self.broken += 1
        shown = printable(line if len(line) <= _SHOWN else f"{line[:_SHOWN]}...")
        self._complaints.put(f"line {number} skipped: {why}: {shown}\n".encode("utf-8", errors="replace"))

    async def _leave_when_nobody_reads(self) -> None:
        await self._out.gone()
        self.leave("nobody reads the output")
