"""The processes of a chaos run: started, killed, frozen, told to stop, and watched for ending by themselves."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Final

import anyio
import anyio.abc
import msgspec

from tests.chaos.notes import Notes
from tests.chaos.spec import Spec

__all__ = ["Cell"]

ROOT: Final = Path(__file__).resolve().parents[2]


class Cell:
    """A place for one process after the other: `worker 0`, `front 1`."""

    def __init__(self, module: str, spec: Spec, notes: Notes, group: anyio.abc.TaskGroup) -> None:
        self.spec = spec
        self._module = module
        self._notes = notes
        self._group = group
        self._process: anyio.abc.Process | None = None
        self._expected = False
        """Whether the process that runs has been told to end."""
        self._ended = anyio.Event()
        self._starting = anyio.Lock()

    @property
    def pid(self) -> int | None:
        """The process that runs."""
        return self._process.pid if self._process is not None else None

    async def start(self) -> None:
        """Start a process, unless one runs."""
        async with self._starting:
            if self._process is None:
                await self._start()

    async def _start(self) -> None:
        folder = Path(self.spec.folder)
        out = os.open(folder / f"{self.spec.name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            process = await anyio.open_process(
                [sys.executable, "-m", self._module, msgspec.json.encode(self.spec).decode()],
                stdin=None,
                stdout=out,
                stderr=out,
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        finally:
            os.close(out)
        self._process, self._expected, self._ended = process, False, anyio.Event()
        self._notes.write("started", name=self.spec.name, pid=process.pid)
        self._group.start_soon(self._watch, process, self._ended)

    async def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)
        await self._ended.wait()

    async def stop(self, within_s: float) -> bool:
        """SIGTERM, and wait for the end. Returns whether it came in time; else it is killed."""
        self._end(signal.SIGTERM)
        with anyio.move_on_after(within_s):
            await self._ended.wait()
            return True
        await self.kill()
        return False

    def nudge(self) -> None:
        """SIGUSR1."""
        _send(self._process, signal.SIGUSR1)

    def freeze(self) -> None:
        """SIGSTOP."""
        _send(self._process, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        _send(self._process, signal.SIGCONT)

    def _end(self, number: signal.Signals) -> None:
        process = self._process
        if process is None:
            self._ended.set()
            return
        self._expected = True
        self._notes.write("signalled", name=self.spec.name, pid=process.pid, signal=number.name)
        _send(process, number)
        # One that is frozen would hear of it only later.
        _send(process, signal.SIGCONT)

    async def _watch(self, process: anyio.abc.Process, ended: anyio.Event) -> None:
        code = -1
        # Also while the run is broken off: whoever kills it waits for this.
        with anyio.CancelScope(shield=True):
            code = await process.wait()
        self._notes.write("ended", name=self.spec.name, pid=process.pid, code=code, expected=self._expected)
        if self._process is process:
            self._process = None
        ended.set()
        if not self._expected:
            await self.start()


def _send(process: anyio.abc.Process | None, number: signal.Signals) -> None:
    # Not by the process object: it would look first whether it has ended, and its end would be nobody's news any more.
    if process is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)
