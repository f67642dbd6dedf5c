"""One Python program in a process of its own: started, listened to, and ended whatever happens.

Law: when `run` is left, in whatever way, the process is dead and its folder is gone.
"""

from __future__ import annotations

import codecs
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal

import anyio
import anyio.abc
import anyio.to_thread
import msgspec

from orchestrator.errors import ToolFailed
from tools.folder import open_file
from tools.python_isolation import Isolation, readable

__all__ = ["Outcome", "PythonLimits", "run"]

_TELL_EVERY_S: Final = 0.25
_TOLD_CHARS: Final = 500
_REPORT_BYTES: Final = 4_000_000
_PIECE_BYTES: Final = 65_536
_LEFT_BEHIND_S: Final = 1.0

_START: Final = "import sys; sys.path.append({home!r}); from tools.python_child import main; sys.path.pop(); main()"
"""Our own folder is on the path for this one import, and last: it may hold anything."""


class PythonLimits(msgspec.Struct, frozen=True):
    """What one program may take."""

    seconds: float = 10.0
    """Of the clock; of the processor about as much."""
    memory_mb: int = 512
    file_mb: int = 16
    """For each file that it writes. How many there are is not limited."""
    open_files: int = 64
    output_chars: int = 100_000
    """Beyond it the middle of what it prints is left out."""
    output_mb: int = 16
    """Beyond it the program is ended."""
    code_chars: int = 100_000


class Outcome(msgspec.Struct, frozen=True):
    """What became of a program."""

    end: Literal["value", "done", "exit", "raised", "memory", "refused", "timeout", "flood", "broken"]
    """`broken`: it ended without a word, as by `os._exit` or a signal."""
    text: str = ""
    """The value, the trace, or why."""
    kind: str = ""
    """The exception's class."""
    json: str = ""
    cut: bool = False
    output: str = ""


class _Output:
    """What was printed: its beginning and its end, in bounded memory."""

    def __init__(self, chars: int) -> None:
        self._half = max(chars // 2, 1)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._head = self._tail = self._line = ""
        self._left_out = 0
        self._told_at = 0.0

    def add(self, data: bytes, *, final: bool = False) -> None:
        text = self._decoder.decode(data, final)
        room = self._half - len(self._head)
        self._head += text[:room]
        self._tail += text[room:] if room < len(text) else ""
        self._left_out += max(0, len(self._tail) - self._half)
        self._tail = self._tail[-self._half :]
        self._line = (self._line + text)[-4 * _TOLD_CHARS :]

    def news(self, now: float) -> str:
        """The lines since the last time, the newest of them if there are many; empty where it is too early."""
        lines, end, rest = self._line.rpartition("\n")
        if not end or not lines.strip() or now < self._told_at:
            return ""
        self._told_at, self._line = now + _TELL_EVERY_S, rest
        lines = lines.strip()
        return lines if len(lines) <= _TOLD_CHARS else f"... {lines[-_TOLD_CHARS:]}"

    @property
    def text(self) -> str:
        if not self._left_out:
            return self._head + self._tail
        return f"{self._head}\n[{self._left_out:,} characters are left out here]\n{self._tail}"


async def run(code: str, limits: PythonLimits, walls: Isolation) -> AsyncGenerator[str | Outcome]:
    """Run `code`. Every chunk but the last is what it printed meanwhile; the last is the one `Outcome`."""
    place, process = await _begun(code, limits, walls)
    try:
        output = _Output(limits.output_chars)
        end: Literal["timeout", "flood", ""] = ""
        until = anyio.current_time() + limits.seconds
        received = 0
        while not end:
            data = b""
            with anyio.move_on_after(until - anyio.current_time()) as waiting:
                data = await _piece(process)
            if waiting.cancelled_caught:
                end = "timeout"
            elif not data:
                break
            output.add(data)
            received += len(data)
            if received > limits.output_mb * 1_000_000:
                end = "flood"
            elif news := output.news(anyio.current_time()):
                yield news
        if not end:
            with anyio.move_on_after(max(0.0, until - anyio.current_time())) as waiting:
                await process.wait()
            end = "timeout" if waiting.cancelled_caught else ""
        await _ended(process, walls)
        output.add(b"", final=True)
        report = await anyio.to_thread.run_sync(_reported, place)
        yield _outcome(report, end, process.returncode, output.text)
    finally:
        with anyio.CancelScope(shield=True):
            await _ended(process, walls)
            # The rest of what it wrote, else its pipe stays open. Somebody it left behind may hold it open too.
            with anyio.move_on_after(_LEFT_BEHIND_S):
                while await _piece(process):
                    pass
            await process.aclose()
            await anyio.to_thread.run_sync(_cleared, place)


async def _begun(code: str, limits: PythonLimits, walls: Isolation) -> tuple[Path, anyio.abc.Process]:
    # A call that is cancelled in here must still learn what there is to clear up.
    with anyio.CancelScope(shield=True):
        place = await anyio.to_thread.run_sync(_laid_out, code, limits, walls)
        return place, await _started(place)
    raise AssertionError("a scope that is shielded and never cancelled has ended early")


async def _started(place: Path) -> anyio.abc.Process:
    try:
        return await anyio.open_process(
            [sys.executable, "-I", "-S", "-B", "-c", _START.format(home=str(Path(__file__).parents[1])), str(place)],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            cwd=place / "work",
            env=_environment(place / "work"),
            start_new_session=True,
        )
    except OSError as problem:
        await anyio.to_thread.run_sync(_cleared, place)
        raise ToolFailed("The program could not be started.", f"{problem.strerror or problem}.") from problem


async def _piece(process: anyio.abc.Process) -> bytes:
    """What it printed next; nothing at the end."""
    assert process.stdout is not None  # it was opened with a pipe
    try:
        return await process.stdout.receive(_PIECE_BYTES)
    except (anyio.EndOfStream, anyio.ClosedResourceError):
        return b""


async def _ended(process: anyio.abc.Process, walls: Isolation) -> None:
    """Kill it, with all that is of its group, and wait for that."""
    if process.returncode is None or not walls.processes:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    with anyio.CancelScope(shield=True):
        await process.wait()


def _request(code: str, limits: PythonLimits, walls: Isolation, place: Path) -> dict[str, Any]:
    return {
        "code": code,
        "parent": os.getpid(),
        # A program with threads may use more of the processor than of the clock; the clock is the limit that counts.
        "seconds": int(limits.seconds * 4) + 1,
        "memory_bytes": limits.memory_mb * 1_000_000,
        "file_bytes": limits.file_mb * 1_000_000,
        "open_files": limits.open_files,
        "value_chars": limits.output_chars,
        "read": readable(),
        "write": [str(place / "work")],
        "promised": [name for name in ("network", "files", "processes", "memory") if getattr(walls, name)],
    }


def _laid_out(code: str, limits: PythonLimits, walls: Isolation) -> Path:
    """A fresh folder: the request, and a place to work in."""
    place = Path(tempfile.mkdtemp(prefix="duologue-python-"))
    (place / "work").mkdir()
    (place / "request").write_bytes(msgspec.json.encode(_request(code, limits, walls, place)))
    return place


def _cleared(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)


def _environment(home: Path) -> dict[str, str]:
    """Nothing of ours: an environment holds keys."""
    kept = {name: os.environ[name] for name in ("TZ",) if name in os.environ}
    return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(home), "TMPDIR": str(home), **kept}


def _reported(place: Path) -> dict[str, Any]:
    """The last line of the report, which the program may have written too: it is believed about its own end only."""
    try:
        # A program that is not kept to its own folder could put a link or a pipe there.
        with open(open_file(place / "report"), "rb") as file:
            lines = file.read(_REPORT_BYTES).splitlines()
        return msgspec.json.decode(lines[-1], type=dict[str, Any])
    except (OSError, IndexError, msgspec.MsgspecError, UnicodeDecodeError):
        return {}


def _outcome(report: dict[str, Any], end: Literal["timeout", "flood", ""], code: int | None, output: str) -> Outcome:
    if end:
        return Outcome(end, output=output)
    try:
        found = msgspec.convert({**report, "output": output}, Outcome)
    except msgspec.ValidationError:
        why = _signal_name(code) if code is not None and code < 0 else f"code {code}"
        begun = "" if report else " It could not be started."
        return Outcome("broken", f"{why}.{begun}", output=output)
    return found


def _signal_name(code: int) -> str:
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
