"""A PostgreSQL server, read and never written.

Three things hold that, whatever a query says: it runs as the one statement of a cursor (`DECLARE ... CURSOR FOR`),
which takes nothing but a SELECT; by the protocol that takes one statement at a time; in a transaction that is READ ONLY
and always rolled back. What a function does outside of the transaction is a matter of the role's rights.

The server cuts long values before it sends them, so that no value fills the memory here.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import anyio
import psycopg

from tools.sql_postgres_link import Link, connected, judged
from tools.sql_rows import SHOWN_BYTES, Query, SqlLimits
from tools.sql_url import DatabaseUrl

__all__ = ["PostgresReader"]

IDLE_S: Final = 60.0
"""A connection that nobody has used for so long is closed, and not used again: what stands between may have dropped
it."""
ENDING_S: Final = 2.0
WAKING_S: Final = 3.0
"""How long a kept connection may take to begin; then a new one is made."""
MOST_CHARS: Final = 4_000_000
"""Of rows that are sent at once."""

_END: Final = b"ROLLBACK; SELECT pg_advisory_unlock_all(); UNLISTEN *"
"""Locks of the session and subscriptions are all that outlives a rollback."""
_SHORT: Final = frozenset((16, 20, 21, 23, 26, 700, 701, 1082, 1083, 1114, 1184, 1186, 1266, 2278, 2950))
"""Types whose values are short whatever they are: truth, numbers, times, UUIDs."""
_BYTEA: Final = 17
_JSON: Final = frozenset((114, 3802))


class PostgresReader:
    """Reads from one server. Keeps connections that are idle for the next query, `at_once` at most."""

    def __init__(self, address: DatabaseUrl, limits: SqlLimits) -> None:
        self.address = address
        self.limits = limits
        self._slots = anyio.Semaphore(limits.at_once)
        self._idle: list[Link] = []

    async def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            await self._idle.pop().close()

    @asynccontextmanager
    async def reading(self, query: Query) -> AsyncGenerator[_PostgresRows]:
        """As `SqlReader`."""
        async with self._slots:
            until = anyio.current_time() + query.seconds
            link = await self._begun(until)
            cursor: psycopg.AsyncRawServerCursor[tuple[Any, ...]]
            cursor = psycopg.AsyncRawServerCursor(link.connection, "rows")
            try:
                yield await self._declared(link, cursor, query, until)
            finally:
                with anyio.CancelScope(shield=True):
                    await self._ended(link, cursor)

    async def _declared(
        self, link: Link, cursor: psycopg.AsyncRawServerCursor[tuple[Any, ...]], query: Query, until: float
    ) -> _PostgresRows:
        """The cursor, with long values cut by the server."""
        params = _sendable(query.params)
        try:
            await link.step(lambda: cursor.execute(query.sql.encode(), params or None), until)
            columns = [column.name for column in cursor.description or ()]
            kinds = [column.type_code for column in cursor.description or ()]
            reads = [self._read(link, place, kind) for place, kind in enumerate(kinds)]
            if any(kind not in _SHORT for kind in kinds):
                names = ", ".join(f"c{place}" for place in range(len(kinds)))
                # The line break ends a comment; the order stays, since a cursor is never read in parallel.
                sql = f"SELECT {', '.join(reads)} FROM (\n{query.sql}\n) AS q({names})"
                await link.step(lambda: cursor.execute(sql.encode(), params or None), until)
        except (psycopg.Error, UnicodeError) as problem:
            raise judged(problem, self.address, until, begun=False) from None
        decoded = [place for place, read in enumerate(reads) if "json" in read or kinds[place] in _JSON]
        return _PostgresRows(link, cursor, columns, decoded, self, until)

    def _read(self, link: Link, place: int, kind: int) -> str:
        """How a column is read, so that it comes short."""
        most = self.limits.cell_chars + 1
        if kind in _SHORT:
            return f"q.c{place}"
        if kind == _BYTEA:
            head = f"'\\x' || encode(substring(q.c{place} from 1 for {SHOWN_BYTES}), 'hex')"
            return (
                f"{head} || CASE WHEN octet_length(q.c{place}) > {SHOWN_BYTES} "
                f"THEN '... (' || octet_length(q.c{place}) || ' bytes)' ELSE '' END"
            )
        known = link.connection.adapters.types.get(kind)
        if known is not None and known.array_oid == kind:
            return f"left(array_to_json(q.c{place})::text, {most})"
        return f"left(q.c{place}::text, {most})"

    async def _begun(self, until: float) -> Link:
        """A connection in a transaction of its own."""
        while self._idle:
            link = self._idle.pop()
            if link.connection.closed or anyio.current_time() - link.idle_since > IDLE_S:
                await link.close()
                continue
            # A server that was started anew has dropped it, and that shows here.
            with suppress(psycopg.Error, TimeoutError):
                await self._begin(link, until, min(until, anyio.current_time() + WAKING_S))
                return link
            await self.close()
        link = await connected(self.address, until)
        try:
            await self._begin(link, until, until)
        except psycopg.Error as problem:
            raise judged(problem, self.address, until, begun=False) from None
        return link

    async def _begin(self, link: Link, until: float, by: float) -> None:
        left_ms = max(1, int((until - anyio.current_time()) * 1000))
        begin = (
            "BEGIN TRANSACTION READ ONLY; "
            f"SET LOCAL statement_timeout = {left_ms}; SET LOCAL lock_timeout = {left_ms}; "
            f"SET LOCAL idle_in_transaction_session_timeout = {left_ms + 60_000}; "
            "SET LOCAL datestyle = 'ISO'; SET LOCAL bytea_output = 'hex'"
        )
        try:
            await link.step(lambda: link.connection.execute(begin.encode()), by)
        except BaseException:
            # Also where nobody waits for it any more: nobody else knows of this connection.
            with anyio.CancelScope(shield=True):
                await link.close()
            raise

    async def _ended(self, link: Link, cursor: psycopg.AsyncRawServerCursor[tuple[Any, ...]]) -> None:
        """Roll back, whatever has become of it; keep the connection if it is as it was."""

        async def end() -> None:
            await cursor.close()
            await link.connection.execute(_END)

        if not link.spoiled:
            try:
                await link.step(end, anyio.current_time() + ENDING_S)
            except (psycopg.Error, TimeoutError):
                link.spoiled = True
        if link.spoiled or link.connection.closed:
            await link.close()
            await cursor.close()  # says nothing to a server any more
        else:
            link.idle_since = anyio.current_time()
            self._idle.append(link)


class _PostgresRows:
    def __init__(
        self,
        link: Link,
        cursor: psycopg.AsyncRawServerCursor[tuple[Any, ...]],
        columns: Sequence[str],
        decoded: Sequence[int],
        reader: PostgresReader,
        until: float,
    ) -> None:
        self._link = link
        self._cursor = cursor
        self._decoded = decoded
        self._address = reader.address
        self._most = max(1, MOST_CHARS // (reader.limits.cell_chars * max(1, len(columns))))
        self._until = until
        self.columns = columns

    async def next(self, most: int) -> Sequence[Sequence[Any]]:
        if anyio.current_time() > self._until:
            raise TimeoutError  # the server counts each step anew
        try:
            rows = await self._link.step(lambda: self._cursor.fetchmany(min(most, self._most)), self._until)
        except (psycopg.Error, UnicodeError) as problem:
            raise judged(problem, self._address, self._until, begun=True) from None
        return [self._plain(row) for row in rows] if self._decoded else rows

    def _plain(self, row: Sequence[Any]) -> list[Any]:
        values = list(row)
        for place in self._decoded:
            with suppress(ValueError, TypeError):  # cut JSON stays text
                values[place] = json.loads(values[place])
        return values


def _sendable(params: Sequence[Any] | Mapping[str, Any]) -> list[Any]:
    """Objects go as JSON."""
    assert not isinstance(params, Mapping), "names have been put in order: `numbered`"
    return [json.dumps(value) if isinstance(value, dict) else value for value in params]
