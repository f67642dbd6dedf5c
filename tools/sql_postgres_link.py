"""One connection to PostgreSQL, and what goes wrong with it.

psycopg stops a query when its caller is cancelled once; a scope of anyio cancels again and again, and psycopg then
drops the connection while the server works on. So each step runs in a task of its own that is shielded, and whoever
waits for it tells the server to stop before they leave.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import anyio
import psycopg
from psycopg import capabilities
from psycopg.adapt import Buffer, Loader
from psycopg.conninfo import make_conninfo

from orchestrator.errors import ToolFailed, ToolRetry
from tools.from_environment import scrubbed
from tools.sql_trouble import Unreadable
from tools.sql_url import DatabaseUrl

__all__ = ["Link", "connected", "judged"]

CONNECTING_S: Final = 8.0
STOPPING_S: Final = 2.0
GRACE_S: Final = 1.0
"""The server ends a query itself when its time is up; this is for one that does not."""

READ_ONLY: Final = "-c default_transaction_read_only=on"

# Told as the server writes them: some of their values have no place in Python (infinity, the year 10000).
_AS_TEXT: Final = (25, 1082, 1083, 1114, 1184, 1186, 1266, 2278, 2950)
"""text, date, time, timestamp, timestamptz, interval, timetz, void, uuid"""
_GONE: Final = ("08", "28", "3D", "53", "57P", "58", "F0", "XX")
"""Classes of SQLSTATE that tell of the server or the way to it, and not of the query."""
_BUSY: Final = ("40", "55")
_WRITING: Final = ("25006", "0A000")
_MISCOUNTED: Final = "08P01"

T = TypeVar("T")


class Link:
    """A connection, and how another one like it is made. `spoiled`: it must not serve another query."""

    def __init__(self, connection: psycopg.AsyncConnection[tuple[object, ...]], conninfo: str) -> None:
        self.connection = connection
        self._conninfo = conninfo
        self.spoiled: bool = False
        self.idle_since: float = 0.0

    async def step(self, step: Callable[[], Awaitable[T]], until: float) -> T:
        """One exchange with the server.

        Raises:
            TimeoutError: it was not over at `until`; the server has been told to stop.
            psycopg.Error: what came of it.
        """
        return await _apart(step, until - anyio.current_time() + GRACE_S, self._stop)

    async def _stop(self, over: anyio.Event) -> None:
        # A cancel that comes late would hit the next query of this connection, so there is none.
        self.spoiled = True
        with anyio.move_on_after(STOPPING_S, shield=True):
            try:
                await self._cancel()
            except (psycopg.Error, OSError):
                pass
            else:
                await over.wait()
        if not over.is_set():
            # Before the step is cancelled: psycopg would try once more, and with an older libpq block all threads.
            await self.connection.close()

    async def _cancel(self) -> None:
        if capabilities.has_cancel_safe():
            await self.connection.cancel_safe(timeout=STOPPING_S)
            return
        # What older libpqs have for it blocks while a server hangs. The role may always cancel its own queries.
        pid = self.connection.info.backend_pid
        async with await psycopg.AsyncConnection.connect(self._conninfo, autocommit=True) as other:
            await other.execute("SELECT pg_cancel_backend(%s)", [pid])

    async def close(self) -> None:
        """End it."""
        self.spoiled = True
        await self.connection.close()


async def connected(address: DatabaseUrl, until: float) -> Link:
    """A new connection.

    Raises:
        ToolFailed: there is none to be had.
    """
    told = {"application_name": "duologue", "connect_timeout": f"{CONNECTING_S:.0f}", "options": READ_ONLY}
    told |= {**address.connection(), "client_encoding": "utf8"}
    made: list[psycopg.AsyncConnection[tuple[object, ...]]] = []
    conninfo = ""

    async def connect() -> None:
        made.append(
            await psycopg.AsyncConnection.connect(
                conninfo,
                autocommit=True,  # what begins and ends a transaction is said in words
                prepare_threshold=None,  # nothing is kept on the server, where a PgBouncer may stand between
            )
        )

    async def end(over: anyio.Event) -> None:
        # Most often it is there in a moment, and can be closed; broken off it would stay open for a while.
        with anyio.move_on_after(STOPPING_S, shield=True):
            await over.wait()

    try:
        conninfo = make_conninfo("", **{name: value for name, value in told.items() if value})
        await _apart(connect, min(CONNECTING_S, until - anyio.current_time()), end)
    except BaseException as problem:
        with anyio.CancelScope(shield=True):
            for connection in made:
                await connection.close()
        if isinstance(problem, TimeoutError):
            raise _away(address, "It does not answer.") from None
        if isinstance(problem, psycopg.Error | OSError | UnicodeError):
            raise _away(address, f"{_first_line(problem, address)}.") from None
        raise
    (connection,) = made
    for kind in _AS_TEXT:
        connection.adapters.register_loader(kind, _AsWritten)
    return Link(connection, conninfo)


async def _apart(step: Callable[[], Awaitable[T]], seconds: float, stop: Callable[[anyio.Event], Awaitable[None]]) -> T:
    """What `step` comes to, in a task that no cancel reaches. Where it is not over in time, or nobody waits for it any
    more, `stop` is to bring it to its end; then it is cancelled.

    Raises `TimeoutError`, or what `step` raises.
    """
    outcome: list[T] = []
    failure: list[Exception] = []
    over = anyio.Event()
    shield = anyio.CancelScope(shield=True)

    async def run() -> None:
        with shield:
            try:
                outcome.append(await step())
            except Exception as problem:
                failure.append(problem)
        over.set()

    late = True
    async with anyio.create_task_group() as group:
        group.start_soon(run)
        try:
            with anyio.move_on_after(max(0.0, seconds)):
                await over.wait()
                late = False
        finally:
            if not over.is_set():
                await stop(over)
                shield.cancel()
    if failure:
        raise failure[0]
    if late or not outcome:
        raise TimeoutError
    return outcome[0]


def judged(problem: Exception, address: DatabaseUrl, until: float, *, begun: bool) -> Exception:
    """What an error of psycopg is to whoever asked. `begun`: rows may have been looked at."""
    state = getattr(problem, "sqlstate", None) or ""
    said = _said(problem, address)
    if isinstance(problem, psycopg.errors.QueryCanceled) and anyio.current_time() > until - GRACE_S / 2:
        return TimeoutError()
    if state in _WRITING and not begun:
        return ToolRetry("Only reading is done here, one SELECT at a time.", f"PostgreSQL says: {said}.")
    if state != _MISCOUNTED and state.startswith(_GONE):
        return _away(address, f"PostgreSQL says: {said}.")
    if state.startswith(_BUSY):
        return ToolFailed(f"{address.shown} is busy.", f"PostgreSQL says: {said}.", "Try it later.")
    if not state and isinstance(problem, psycopg.OperationalError | psycopg.InterfaceError):
        return _away(address, f"{_first_line(problem, address)}.")
    if begun:
        return Unreadable(said)
    return ToolRetry("PostgreSQL does not take the query.", f"It says: {said}.", "Write one SELECT, and nothing else.")


def _away(address: DatabaseUrl, why: str) -> ToolFailed:
    return ToolFailed(f"{address.shown} cannot be asked just now.", why, "Try it later.")


def _said(problem: Exception, address: DatabaseUrl) -> str:
    diagnosis = getattr(problem, "diag", None)
    primary = getattr(diagnosis, "message_primary", None)
    if not primary:
        return _first_line(problem, address)
    hint = getattr(diagnosis, "message_hint", None)
    text = f"{primary}{f'. {hint}' if hint else ''}"
    return scrubbed(" ".join(text.split()).rstrip(".")[:500], *_secrets(address))


def _first_line(problem: Exception, address: DatabaseUrl) -> str:
    lines = str(problem).strip().splitlines() or [type(problem).__name__]
    return scrubbed(" ".join(lines[0].split()).rstrip(".")[:300], *_secrets(address))


def _secrets(address: DatabaseUrl) -> list[str]:
    try:
        said = address.connection()
    except ToolFailed:
        said = dict(address.parts)
    return [value for name, value in said.items() if "password" in name]


class _AsWritten(Loader):
    def load(self, data: Buffer) -> str:
        return bytes(data).decode("utf-8", "replace")
