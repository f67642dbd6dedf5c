"""What each side writes down: one line with one `write`, so that a kill costs none that was written."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from orchestrator.clock import Instant
from orchestrator.effects import Effect
from orchestrator.events import Event
from orchestrator.journal import encode_record

__all__ = ["Line", "Notes", "now_ms", "read"]

Line: TypeAlias = dict[str, Any]
"""One thing that happened. `t` is the machine's own clock in milliseconds, which all processes share."""


def now_ms() -> int:
    """The machine's own clock."""
    return time.monotonic_ns() // 1_000_000


class Notes:
    """A file of lines. Also a `Journal`."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, type_: str, /, **fields: object) -> None:
        """Write one line."""
        os.write(self._fd, msgspec.json.encode({"t": now_ms(), "type": type_, **fields}) + b"\n")

    def record(self, at: Instant, n: int, item: Event | Effect) -> None:
        """See `Journal.record`."""
        os.write(self._fd, f'{{"t":{now_ms()},'.encode() + encode_record(at, n, item)[1:] + b"\n")

    def close(self) -> None:
        """No more is written."""
        os.close(self._fd)


def read(path: Path) -> Iterator[Line]:
    """The lines of a file. A last line without an end was cut off by a kill, and is none."""
    for line in path.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            yield msgspec.json.decode(line)
