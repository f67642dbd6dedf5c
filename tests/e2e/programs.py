"""Programs in processes of their own: started, talked to, listened to, and ended with the test.

Nothing here sleeps: a test waits for words, or for an end, and fails with all that was said instead.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final

import pytest

__all__ = ["LONG_S", "ROOT", "Library", "Program", "Programs"]

ROOT: Final = Path(__file__).resolve().parents[2]

LONG_S: Final = 40.0
"""How long anything is waited for. Long, because a machine may be busy; a test that passes never waits for it."""


class _Ear:
    """Everything that comes out of one stream, while it comes."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._heard = bytearray()
        self._over = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while data := os.read(self._stream.fileno(), 65_536):
            with self._changed:
                self._heard += data
                self._changed.notify_all()
        with self._changed:
            self._over = True
            self._changed.notify_all()

    @property
    def text(self) -> str:
        with self._changed:
            return self._heard.decode(errors="replace")

    def wait_for(self, pattern: re.Pattern[str], begin: int, within_s: float) -> re.Match[str] | None:
        """The first match behind `begin` characters; `None` when there was none in time, or can be none any more."""
        until = time.monotonic() + within_s
        with self._changed:
            while True:
                found = pattern.search(self._heard.decode(errors="replace"), begin)
                left = until - time.monotonic()
                if found is not None or self._over or left <= 0:
                    return found
                self._changed.wait(left)

    def close(self) -> None:
        """Once the program is gone: take in what is left."""
        self._thread.join(LONG_S)
        self._stream.close()


class Program:
    """One process that talks. A word that was waited for is behind us: the next wait looks at what comes after it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._stdin = process.stdin
        self._out = _Ear(process.stdout)
        self._err = _Ear(process.stderr)
        self._passed = 0
        self.code: int | None = None
        """How it ended; that of a signal is negative. `None`: the test has not waited for its end."""

    @property
    def said(self) -> str:
        """Everything on stdout so far."""
        return self._out.text

    @property
    def complained(self) -> str:
        """Everything on stderr so far."""
        return self._err.text

    def hear(self, pattern: str, *, within_s: float = LONG_S) -> re.Match[str]:
        """Wait until stdout says what `pattern` (a regular expression; `.` is within a line) means."""
        found = self._out.wait_for(re.compile(pattern), self._passed, within_s)
        if found is None:
            pytest.fail(f"{pattern!r} was not said; what was:\n{self.said}\non stderr:\n{self.complained}")
        self._passed = found.end()
        return found

    def hear_complaint(self, pattern: str) -> re.Match[str]:
        """Wait until stderr says it, at any place."""
        found = self._err.wait_for(re.compile(pattern), 0, LONG_S)
        if found is None:
            pytest.fail(f"{pattern!r} was not on stderr; what was:\n{self.complained}\non stdout:\n{self.said}")
        return found

    def type(self, line: str) -> None:
        """Give it a line."""
        self.give(f"{line}\n".encode())

    def give(self, data: bytes) -> None:
        """Give it bytes; what it does not want to read any more is lost, as in a shell."""
        with contextlib.suppress(BrokenPipeError):
            self._stdin.write(data)
            self._stdin.flush()

    def no_more(self) -> None:
        """The end of its input."""
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def end(self) -> int:
        """Wait until it has ended by itself, and give its exit code."""
        try:
            self.code = self._process.wait(LONG_S)
        except subprocess.TimeoutExpired:
            pytest.fail(f"it did not end; it said:\n{self.said}\non stderr:\n{self.complained}")
        self._close()
        return self.code

    def kill(self) -> None:
        """End it as kill -9 does, if it has not ended yet."""
        self._process.kill()
        self._process.wait()
        self._close()

    def _close(self) -> None:
        self._out.close()
        self._err.close()
        self.no_more()


class Programs:
    """Starts programs in `folder`, and leaves none behind. Use it as a context."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._started: list[Program] = []

    def __enter__(self) -> Programs:
        return self

    def __exit__(self, *_: object) -> None:
        for program in self._started:
            program.kill()

    def duologue(self, *arguments: str | Path, **variables: str) -> Program:
        """Start `duologue ARGUMENTS`, with these environment variables besides."""
        return self.python("-m", "orchestrator.cli", *arguments, **variables)

    def python(self, *arguments: str | Path, **variables: str) -> Program:
        """Start a Python program."""
        return self._start([sys.executable, *map(str, arguments)], variables)

    def shell(self, script: str) -> Program:
        """Start what a person writes in a shell, where `$DUOLOGUE` is the command."""
        return self._start(["sh", "-c", script], {"DUOLOGUE": f"{sys.executable} -m orchestrator.cli"})

    def _start(self, command: Sequence[str], variables: Mapping[str, str]) -> Program:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self._folder,
            env={**self._environment, **variables},
        )
        program = Program(process)
        self._started.append(program)
        return program

    def piped(self, given: str | bytes, *arguments: str | Path, **variables: str) -> Program:
        """`printf GIVEN | duologue ARGUMENTS`, run to its end."""
        program = self.duologue(*arguments, **variables)
        program.give(given.encode() if isinstance(given, str) else given)
        program.no_more()
        program.end()
        return program


class Library:
    """The files of a person who has a few notes, and, where a test wants it, more than can be searched in a moment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder.with_name("talk.ndjson")
        """Where a conversation may be recorded: not among the files, or it would be found in them."""
        self._heavy = folder / "zz-archive"
        folder.mkdir()
        (folder / "notes.md").write_text("# Notes\n\nThe ledger is kept in the blue cupboard.\n", encoding="utf-8")
        (folder / "plans.md").write_text("# Plans\n\nThe agenda hangs on the green door.\n", encoding="utf-8")

    def grow(self) -> None:
        """From now on a search takes about as long as it may (20 s); the notes are read first, the answer comes last.

        One long text under many names: much to read and little to keep.
        """
        self._heavy.mkdir()
        first = self._heavy / "0000.txt"
        first.write_text("Nothing of any interest stands in this line of the archive.\n" * 64_000, encoding="utf-8")
        for number in range(1, 4_000):
            os.link(first, self._heavy / f"{number:04}.txt")

    def shrink(self) -> None:
        """What is being searched for comes to an end now: the rest of the archive is gone.

        At once: to delete it takes seconds on a busy machine, and the search would be over before the test goes on.
        """
        self._heavy.rename(self.folder.with_name("deleted"))
