"""A SQLite file, read and never written.

Four things hold that, each by itself: the file is opened with `mode=ro`; `query_only` is on; an authorizer lets nothing
pass but reading; and a connection serves one query and is closed. Each query runs in a thread, and stops where its
time is up or nobody waits any more.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar
from urllib.parse import quote

import anyio
import anyio.to_thread

from orchestrator.errors import ToolFailed, ToolRetry
from tools.sql_rows import Query
from tools.sql_trouble import Unreadable
from tools.sql_url import DatabaseUrl

__all__ = ["SqliteReader"]

BUSY_S: Final = 2.0
"""How long another one who writes is waited for."""
GRACE_S: Final = 1.0
"""SQLite looks at the time between two of its steps; one may take longer, and is left behind then."""
CLOSING_S: Final = 2.0
STEPS: Final = 4_000
"""Of SQLite's machine, between two looks at the time: a fraction of a millisecond."""
LARGEST: Final = 5_000_000
"""Bytes of one value, also of one that is being computed."""
MOST_COLUMNS: Final = 256
"""Of one result: with the bound above, what a single row may take."""
MOST_SIZE: Final = 4_000_000
"""Of rows that are fetched at once."""
LONGEST_PATTERN: Final = 500
"""Of LIKE and GLOB, which take as long as pattern times text."""

_PRAGMAS: Final = frozenset(
    (
        *("table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo", "foreign_key_list"),
        "data_version",  # full-text tables ask for it
    )
)
_REFUSED_FUNCTIONS: Final = frozenset(("load_extension", "fts3_tokenizer", "readfile", "writefile", "edit", "eval"))
_MENDABLE: Final = frozenset(
    (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE)
)
_WRITING: Final = frozenset((sqlite3.SQLITE_AUTH, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM))

T = TypeVar("T")


class SqliteReader:
    """Reads one file. Holds no connection: a file that was replaced is seen at the next query."""

    def __init__(self, address: DatabaseUrl, at_once: int) -> None:
        self._address = address
        self._slots = anyio.Semaphore(at_once)
        # Twice as many: closing must not wait for a thread that somebody else has.
        self._threads = anyio.CapacityLimiter(2 * at_once)

    @asynccontextmanager
    async def reading(self, query: Query) -> AsyncGenerator[_SqliteRows]:
        """As `SqlReader`."""
        async with self._slots:
            run = _Run(self._address, query)
            until = anyio.current_time() + query.seconds
            try:
                columns = await self.step(run.start, until)
                yield _SqliteRows(self, run, columns, until)
            finally:
                run.leave()
                with anyio.move_on_after(CLOSING_S, shield=True):
                    await anyio.to_thread.run_sync(run.close, abandon_on_cancel=True, limiter=self._threads)

    async def step(self, step: Callable[[], T], until: float) -> T:
        """In a thread. Raises `TimeoutError` where the time is up."""
        with anyio.fail_after(max(0.0, until - anyio.current_time()) + GRACE_S):
            return await anyio.to_thread.run_sync(step, abandon_on_cancel=True, limiter=self._threads)


class _SqliteRows:
    def __init__(self, reader: SqliteReader, run: _Run, columns: Sequence[str], until: float) -> None:
        self._reader = reader
        self._run = run
        self._until = until
        self.columns = columns

    async def next(self, most: int) -> Sequence[Sequence[Any]]:
        return await self._reader.step(lambda: self._run.fetch(most), self._until)


class _Run:
    """One query on a connection of its own. Its methods run in threads, one at a time; `leave` comes from anywhere."""

    def __init__(self, address: DatabaseUrl, query: Query) -> None:
        self._address = address
        self._query = query
        self._until = time.monotonic() + query.seconds
        self._left = False
        self._timed_out = False
        self._using = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._cursor: sqlite3.Cursor | None = None

    def leave(self) -> None:
        """Nobody waits any more: stop."""
        self._left = True

    def start(self) -> list[str]:
        """Open the file, and begin. Gives the names of the columns."""
        with self._using:
            if self._left:
                raise TimeoutError  # nobody would close what is opened now
            path = self._address.file()
            try:
                self._connection = self._opened(path)
            except sqlite3.Error as problem:
                raise self._failed(problem) from None
            given = self._query.params
            try:
                # What the query itself is wrong in shows here, and no row has been looked at.
                self._connection.execute(f"EXPLAIN\n{self._query.sql}", given).close()
            except (sqlite3.Error, sqlite3.Warning, OverflowError, ValueError) as problem:
                raise self._refused(problem) from None
            try:
                self._cursor = self._connection.execute(self._query.sql, given)
            except (sqlite3.Error, sqlite3.Warning, OverflowError, ValueError) as problem:
                raise self._unreadable(problem) from None
            if self._cursor.description is None:
                raise _only_reading("It brings no rows.")
            return [str(column[0]) for column in self._cursor.description]

    def fetch(self, most: int) -> list[Sequence[Any]]:
        """Further rows: fewer where they are long."""
        rows: list[Sequence[Any]] = []
        size = 0
        with self._using:
            assert self._cursor is not None, "it has been started"
            try:
                while len(rows) < most and size < MOST_SIZE and (row := self._cursor.fetchone()) is not None:
                    rows.append(row)
                    size += sum(len(value) for value in row if isinstance(value, str | bytes))
                return rows
            except (sqlite3.Error, OverflowError, ValueError) as problem:
                raise self._unreadable(problem) from None

    def close(self) -> None:
        """End it. Waits for a step that is still running."""
        with self._using:
            if self._connection is not None:
                self._connection.close()
            self._connection = self._cursor = None

    def _opened(self, path: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(path)}?mode=ro",
            uri=True,
            timeout=BUSY_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=0,
        )
        try:
            for pragma in ("query_only = ON", "trusted_schema = OFF", "cell_size_check = ON"):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").close()  # is it a database at all
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST)
            connection.setlimit(sqlite3.SQLITE_LIMIT_COLUMN, MOST_COLUMNS)  # the tables are known by now
            connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
            connection.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, LONGEST_PATTERN)
            connection.text_factory = _text
            connection.set_progress_handler(self._may_go_on, STEPS)
            connection.set_authorizer(_authorize)
        except BaseException:
            connection.close()
            raise
        return connection

    def _may_go_on(self) -> int:
        if time.monotonic() > self._until:
            self._timed_out = True
        return int(self._left or self._timed_out)

    def _refused(self, problem: Exception) -> Exception:
        """What is wrong with the query as it stands."""
        code = _code(problem)
        if code in _WRITING or "more than one statement" in str(problem) or "one statement at a time" in str(problem):
            return _only_reading(f"SQLite says: {_said(problem)}.")
        if code is None or code in _MENDABLE:
            return ToolRetry("SQLite does not take the query.", f"It says: {_said(problem)}.", "Mend it.")
        return self._unreadable(problem)

    def _unreadable(self, problem: Exception) -> Exception:
        """What went wrong while rows were read."""
        code = _code(problem)
        if self._timed_out:
            return TimeoutError()
        if code in _WRITING:
            return _only_reading(f"SQLite says: {_said(problem)}.")
        if code is None or code in _MENDABLE:
            return Unreadable(_said(problem))
        return self._failed(problem)

    def _failed(self, problem: Exception) -> ToolFailed:
        return ToolFailed(f"{self._address.shown} cannot be read.", f"SQLite says: {_said(problem)}.", "Try it later.")


def _authorize(action: int, first: str | None, second: str | None, database: str | None, inner: str | None) -> int:
    match action:
        case sqlite3.SQLITE_SELECT | sqlite3.SQLITE_READ | sqlite3.SQLITE_RECURSIVE:
            return sqlite3.SQLITE_OK
        case sqlite3.SQLITE_FUNCTION if (second or "").lower() not in _REFUSED_FUNCTIONS:
            return sqlite3.SQLITE_OK
        case sqlite3.SQLITE_PRAGMA if (first or "").lower() in _PRAGMAS:
            return sqlite3.SQLITE_OK
        case sqlite3.SQLITE_UPDATE if first == "sqlite_master" and database == "main":
            # What SQLite asks for when it opens a virtual table (full text, pragma_...): it reads a declaration as if
            # it were to be written down. A query cannot write there: neither the file nor `query_only` lets it.
            return sqlite3.SQLITE_OK
        case _:
            return sqlite3.SQLITE_DENY


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _code(problem: Exception) -> int | None:
    code: int | None = getattr(problem, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _said(problem: Exception) -> str:
    return " ".join(str(problem).split()).rstrip(".")[:500]


def _only_reading(why: str) -> ToolRetry:
    return ToolRetry("Only reading is done here, one SELECT at a time.", why, "Write one SELECT.")
