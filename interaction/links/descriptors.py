"""Lines from a file descriptor and bytes to one, without ever holding up the event loop.

Works for pipes, terminals, sockets and files alike. A descriptor is first waited for and only then read or written, so
that leaving never has to wait for a person to press a key, nor for a reader that has stopped reading.
"""

from __future__ import annotations

import codecs
import os
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import anyio
import anyio.lowlevel
import anyio.to_thread
import msgspec

__all__ = ["LineSource", "Outflow", "Piece"]

_READ: Final = 65_536
_WRITE: Final = 4_096
"""A pipe that is ready takes this many bytes without blocking (PIPE_BUF)."""


class Piece(msgspec.Struct, frozen=True):
    """A line, or a part of one that is longer than the source keeps. `ends`: the line is complete with it."""

    text: str
    ends: bool = True


class LineSource:
    """Reads UTF-8 lines from `fd`. Keeps at most `longest` characters: a longer line comes in several pieces."""

    def __init__(self, fd: int, *, longest: int = 16_384) -> None:
        self._fd = fd
        self._longest = longest
        # Broken bytes must not end a conversation.
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""
        self._over = False

    async def next(self) -> Piece | None:
        """The next line without its line break; `None` at the end of input."""
        while True:
            end = self._rest.find("\n")
            if 0 <= end <= self._longest:
                line, self._rest = self._rest[:end], self._rest[end + 1 :]
                return Piece(line.removesuffix("\r"))
            if len(self._rest) > self._longest:
                part, self._rest = self._rest[: self._longest], self._rest[self._longest :]
                return Piece(part, ends=False)
            if self._over:
                line, self._rest = self._rest, ""
                return Piece(line) if line else None
            data = await self._read()
            self._over = not data
            self._rest += self._decoder.decode(data, final=self._over)

    async def _read(self) -> bytes:
        while True:
            await _ready(anyio.wait_readable, self._fd)
            try:
                return await anyio.to_thread.run_sync(os.read, self._fd, _READ)
            except BlockingIOError:
                continue  # another process reads from the same descriptor and was quicker
            except OSError:
                return b""  # a terminal that was hung up


class Outflow:
    """Bytes on their way to `fd`. At most `limit` bytes wait; `lost` counts the lines that found no room.

    `closed` becomes true when nobody reads any more (a closed pipe, a terminal hung up, a full disk): from then on
    everything is thrown away, and it is for the owner to leave. `failure` says why, where it was not a closed pipe.
    """

    def __init__(self, fd: int, *, limit: int = 1 << 20) -> None:
        self._fd = fd
        self._limit = limit
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._changed = anyio.Event()
        self.lost: int = 0
        self.closed: bool = False
        self.failure: str = ""

    @classmethod
    @asynccontextmanager
    async def open(cls, fd: int, *, limit: int = 1 << 20) -> AsyncGenerator[Outflow, None]:
        """An outflow that is being written. On leaving, what still waits is given two seconds to get through."""
        flow = cls(fd, limit=limit)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(flow._write_on)
            try:
                yield flow
            finally:
                with anyio.move_on_after(2, shield=True):
                    await flow.drained()
                tasks.cancel_scope.cancel()

    def put(self, data: bytes) -> bool:
        """Queue `data` and return at once. False: there was no room (counted) or nobody reads."""
        if self.closed:
            return False
        if self._size and self._size + len(data) > self._limit:
            self.lost += 1
            return False
        self._waiting.append(data)
        self._size += len(data)
        self._signal()
        return True

    async def write(self, data: bytes) -> None:
        """Queue `data`, waiting for room where there is none."""
        while not self.closed and self._size and self._size + len(data) > self._limit:
            await self._changed.wait()
        if data:
            self.put(data)

    async def drained(self) -> None:
        """Return when everything is written, or nobody reads any more."""
        while self._size and not self.closed:
            await self._changed.wait()

    async def gone(self) -> None:
        """Return when nobody reads any more."""
        while not self.closed:
            await self._changed.wait()

    async def _write_on(self) -> None:
        while True:
            while not self._waiting:
                await self._changed.wait()
            data = b"".join(self._waiting)
            self._waiting.clear()
            try:
                await self._write_all(data)
            except OSError as problem:
                self.closed = True
                self.failure = "" if isinstance(problem, BrokenPipeError) else str(problem.strerror or problem)
                self._size = 0
                self._waiting.clear()
                self._signal()
                return

    async def _write_all(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            await _ready(anyio.wait_writable, self._fd)
            try:
                count = await anyio.to_thread.run_sync(os.write, self._fd, view[:_WRITE])
            except BlockingIOError:
                continue
            view = view[count:]
            self._size -= count
            self._signal()

    def _signal(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


async def _ready(wait: Callable[[int], Awaitable[None]], fd: int) -> None:
    try:
        await wait(fd)
    except PermissionError:
        # epoll refuses files, which are always ready; the thread that reads or writes them does not wait for long.
        await anyio.lowlevel.checkpoint()
