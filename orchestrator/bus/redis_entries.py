"""What a worker reads from a stream of tasks, in whichever form Redis gives it."""

from __future__ import annotations

from typing import Any

__all__ = ["Entry", "entries_of", "task_of"]

Entry = tuple[str, str, dict[bytes, bytes]]
"""Stream, id and fields of something that was read."""


def entries_of(stream: str, found: list[Any]) -> list[Entry]:
    # Redis 6.2 shows what was deleted as nothing at all. A script gives the fields in a row, a read as a mapping.
    return [(stream, str(item[0], "ascii"), _fields(item[1])) for item in found if item and item[0]]


def _fields(found: dict[bytes, bytes] | list[bytes] | None) -> dict[bytes, bytes]:
    return dict(zip(found[::2], found[1::2], strict=True)) if isinstance(found, list) else found or {}


def task_of(entry: Entry) -> str:
    return entry[2].get(b"id", b"").decode(errors="replace")
