"""The journal of a conversation in a file, written while it goes on."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio.to_thread

from interaction.links.descriptors import Outflow
from orchestrator.clock import Instant
from orchestrator.effects import Effect
from orchestrator.errors import EnvironmentProblem
from orchestrator.events import Event
from orchestrator.journal import Opened, encode_opened, encode_record
from orchestrator.ports import Journal, OpenedJournal

__all__ = ["Both", "Recording"]

_LIMIT: Final = 16 << 20


class Recording:
    """Writes every record to a file, one JSON object a line. Use `Recording.open`."""

    def __init__(self, out: Outflow) -> None:
        self._out = out

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncGenerator[Recording, None]:
        """A recording into `path`, which is written anew.

        Raises:
            EnvironmentProblem: the file cannot be written.
        """
        try:
            # The conversation is private: nobody else may read the file.
            fd = await anyio.to_thread.run_sync(os.open, path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as problem:
            raise EnvironmentProblem(
                f"the recording cannot be written to {path}", str(problem.strerror), "choose another file for --record"
            ) from problem
        try:
            async with Outflow.open(fd, limit=_LIMIT) as out:
                yield cls(out)
        finally:
            os.close(fd)

    def record(self, at: Instant, n: int, item: Event | Effect) -> None:
        """Queue one line."""
        self._out.put(encode_record(at, n, item).rstrip(b"\n") + b"\n")

    def opened(self, at: Instant, n: int, opened: Opened) -> None:
        """Queue the first line: how the session began."""
        self._out.put(encode_opened(at, n, opened) + b"\n")

    @property
    def lost(self) -> int:
        """Lines that are not in the file, because the disk was too slow or full."""
        return self._out.lost

    @property
    def failure(self) -> str:
        """Why the file could not be written to the end; empty: it could."""
        return self._out.failure


class Both:
    """Two journals as one."""

    def __init__(self, first: Journal, second: Journal) -> None:
        self._first = first
        self._second = second

    def record(self, at: Instant, n: int, item: Event | Effect) -> None:
        """Tell both."""
        self._first.record(at, n, item)
        self._second.record(at, n, item)

    def opened(self, at: Instant, n: int, opened: Opened) -> None:
        """Tell those that want to know."""
        for journal in (self._first, self._second):
            if isinstance(journal, OpenedJournal):
                journal.opened(at, n, opened)
