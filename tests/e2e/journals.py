"""What a journal says of a conversation, for tests that look at one from outside."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

__all__ = ["Record", "of", "read", "speech", "told_once"]

Record: TypeAlias = dict[str, Any]


def read(lines: str | Path) -> list[Record]:
    """The records of a journal, from its text or its file. Fails on a line that is none."""
    text = lines.read_text(encoding="utf-8") if isinstance(lines, Path) else lines
    records: list[Record] = [msgspec.json.decode(line) for line in text.splitlines()]
    for record in records:
        assert isinstance(record["at_ms"], int)
        assert isinstance(record["type"], str)
    return records


def of(journal: Iterable[Record], type_: str, /, **having: object) -> list[Record]:
    """The records of one kind in which these fields have these values."""
    return [
        record
        for record in journal
        if record["type"] == type_ and all(record.get(name) == value for name, value in having.items())
    ]


def speech(journal: Iterable[Record]) -> str:
    """All that was said, an utterance a line."""
    return "".join(record["text"] + ("\n" if record.get("ends") else "") for record in of(journal, "emit"))


def told_once(journal: list[Record], words: str) -> Record:
    """The final finding that holds `words`. Fails unless it was heard, and once.

    It may well have come twice: the bus brings each at least once, and an attempt more than was needed may be made.
    """
    finals = {record["id"]: record for record in of(journal, "finding", kind="final") if words in record["text"]}
    heard = [record["finding"] for record in of(journal, "ledger", state="heard") if record["finding"] in finals]
    assert len(heard) == 1, f"{words!r} came as {list(finals)} and was heard as {heard}"
    return finals[heard[0]]
