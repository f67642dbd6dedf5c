"""Rows as they come, within bounds, and what is told of them. Pure: no database here."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final, Protocol, TypeAlias, cast
from uuid import UUID

import msgspec

from orchestrator.ports import Result

__all__ = ["Gathered", "Parameters", "Query", "Rows", "SqlLimits", "SqlReader", "cell"]

Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]

SHOWN_BYTES: Final = 32
"""Of what is no text: its first bytes are shown, and how many there are."""


class SqlLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one query may take. What is beyond is cut, and said to be."""

    rows: int = 200
    cell_chars: int = 2_000
    total_chars: int = 100_000
    """Of all rows as they are told."""
    seconds: float = 15.0
    """For the query and all its rows."""
    at_once: int = 4
    """Queries at once in one worker; and connections, where the database is a server."""
    tell_every_s: float = 1.0
    """How often it is told how many rows there are so far."""


class Query(msgspec.Struct, frozen=True):
    """One statement, and how long it and its rows may take once it has begun."""

    sql: str
    params: Parameters
    seconds: float


class Rows(Protocol):
    """The answer to a query, while it comes."""

    @property
    def columns(self) -> Sequence[str]: ...

    async def next(self, most: int) -> Sequence[Sequence[Any]]:
        """At most `most` further rows; none at the end.

        Raises:
            TimeoutError: the time of the query is up; it has been stopped.
            Unreadable: a row cannot be computed.
            ToolFailed: the database has gone.
        """
        ...


class SqlReader(Protocol):
    """One way to one database."""

    def reading(self, query: Query) -> AbstractAsyncContextManager[Rows]:
        """Run it. Leaving stops it, wherever it is.

        Raises:
            ToolRetry: the database does not take it, as it stands.
            ToolFailed: the database cannot be asked.
            TimeoutError: the time of the query is up; it has been stopped.
        """
        ...


class Gathered:
    """The rows of one query so far."""

    def __init__(self, columns: Sequence[str], limits: SqlLimits) -> None:
        self._columns = [column[:200] for column in columns]
        self._limits = limits
        self._rows: list[list[Any]] = []
        self._lines: list[str] = []
        self._chars = 0
        self._cut_cells = 0
        self._why = ""

    @property
    def count(self) -> int:
        return len(self._rows)

    @property
    def next_most(self) -> int:
        """How many rows to ask for: no more than are taken, and one to see whether there are more."""
        return max(1, min(100, self._limits.rows + 1 - self.count))

    @property
    def last(self) -> str:
        """The newest row, in short."""
        return self._lines[-1][:200] if self._lines else ""

    def add(self, rows: Sequence[Sequence[Any]]) -> bool:
        """Take rows in; false when no more fit."""
        for row in rows:
            if self.count >= self._limits.rows:
                self._why = f"{self.count:,} of more than {self.count:,} rows"
                return False
            values: list[Any] = []
            for value in row:
                plain, cut = cell(value, self._limits.cell_chars)
                values.append(plain)
                self._cut_cells += cut
            line = json.dumps(values, ensure_ascii=False)
            if self._chars + len(line) > self._limits.total_chars:
                self._why = f"{self.count:,} of more than {self.count:,} rows, since they are long"
                return False
            self._chars += len(line)
            self._rows.append(values)
            self._lines.append(line)
        return True

    def stop(self, why: str) -> None:
        """The query was ended before its end."""
        self._why = f"the first {self.count:,} rows only, since {why}"

    def result(self, *, untrusted: bool) -> Result:
        """What there is, and first what of it is missing."""
        count = f"{self.count:,} row{'' if self.count == 1 else 's'}" if self.count else "No rows"
        notes = [self._why or count]
        if self._cut_cells:
            times = f"{self._cut_cells:,} value{' is' if self._cut_cells == 1 else 's are'}"
            notes.append(f"{times} cut at {self._limits.cell_chars:,} characters")
        head = f"{'; '.join(notes)}. Columns: {json.dumps(self._columns, ensure_ascii=False)}"
        return Result(
            "\n".join([head, *self._lines]),
            data={
                "columns": self._columns,
                "rows": self._rows,
                "whole": not self._why and not self._cut_cells,
                "cut": "; ".join(notes) if self._why or self._cut_cells else "",
            },
            untrusted=untrusted,
        )


def cell(value: object, most_chars: int) -> tuple[Any, bool]:
    """A value as JSON can hold it, and whether it was cut. Numbers that JSON has no form for, and dates, are text."""
    match value:
        case None | bool():
            return value, False
        case int():
            return (value, False) if abs(value) < 1 << 63 else _short(str(value), most_chars)
        case float():
            return (value, False) if math.isfinite(value) else (str(value), False)
        case str():
            return _short(value, most_chars)
        case bytes() | bytearray() | memoryview():
            raw = bytes(cast("bytes", value))
            shown = f"\\x{raw[:SHOWN_BYTES].hex()}"
            return (f"{shown}... ({len(raw):,} bytes)", True) if len(raw) > SHOWN_BYTES else (shown, False)
        case datetime() | date() | time():
            return value.isoformat(), False
        case Decimal() | UUID():
            return _short(str(value), most_chars)
        case list() | tuple() | dict():
            text = json.dumps(cast("object", value), ensure_ascii=False, default=str)
            return _short(text, most_chars) if len(text) > most_chars else (json.loads(text), False)
        case _:
            return _short(str(value), most_chars)


def _short(text: str, most: int) -> tuple[str, bool]:
    # A lone half of a pair of surrogates can be in a database, and in no JSON.
    text = text[: most + 1].encode("utf-8", "replace").decode("utf-8")
    return (f"{text[:most]}...", True) if len(text) > most else (text, False)
