"""Questions to a database in SQL: read only, within bounds, and told as the rows come.

```python
from orchestrator import Assistant
from tools.sql import sql_tools

shop = sql_tools("postgresql://reader:${SHOP_DB_PASSWORD}@db.intern/shop", about="orders and stock of the shop")
Assistant(tools=[shop]).run()
```

What holds a query to reading, and what only the rights of its role can hold, is told in docs/data-tools.md.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, Final

import anyio
import anyio.to_thread

from orchestrator.errors import ConfigError, ToolFailed, ToolRetry
from orchestrator.function_tool import tool
from orchestrator.ports import Progress, Result
from orchestrator.resources import SharedResource
from orchestrator.toolbox import Toolbox
from tools.sql_rows import Gathered, Query, Rows, SqlLimits, SqlReader
from tools.sql_sqlite import SqliteReader
from tools.sql_tables import described, tables_of
from tools.sql_text import numbered, one_statement
from tools.sql_trouble import Unreadable
from tools.sql_url import DatabaseUrl, parse_database_url

if TYPE_CHECKING:
    from tools.sql_postgres import PostgresReader

__all__ = ["SqlLimits", "sql_tools"]

INSTALL: Final = "Install it: pip install 'duologue[postgres]'."

_DIALECTS = {
    "sqlite": ("SQLite", "`?` with a list, or `:name` with an object"),
    "postgresql": ("PostgreSQL", "`$1` with a list, or `:name` with an object"),
}


def sql_tools(
    url: str, *, about: str = "", prefix: str = "sql_", untrusted: bool = True, limits: SqlLimits | None = None
) -> Toolbox:
    """The tools `sql_query` and `sql_tables`, on one database.

    Args:
        url: `sqlite:///shop.db`, `sqlite:////full/path/shop.db`, or `postgresql://reader:${PASSWORD}@host/shop`.
            `${NAME}` is read from the environment at each connection. PostgreSQL needs the extra `postgres`.
        about: What is in it, for models: "orders and stock of the shop".
        prefix: Stands before both names; with several databases, each needs its own.
        untrusted: Whether what is in it is the word of strangers, as it is where customers write into it. Models then
            get rows in a frame only, and a task that has read some asks the person before it does anything with
            effects. Say `False` where your own people alone write into it.
        limits: What one query may take.

    Raises:
        ConfigError: `url` is no address of a database, or a limit lets nothing through.
    """
    address = parse_database_url(url)
    bounds = limits or SqlLimits()
    _check_limits(bounds)
    dialect, placeholders = _DIALECTS[address.kind]
    of = f" of {about}" if about else ""

    @asynccontextmanager
    async def opened() -> AsyncGenerator[SqlReader]:
        async with _reader(address, bounds) as reader:
            yield reader

    database = SharedResource(opened, address.shown, {})

    async def query(
        reader: Annotated[SqlReader, database], sql: str, params: list[Any] | dict[str, Any] | None = None
    ) -> AsyncGenerator[Progress | Result]:
        statement = one_statement(sql)
        given: list[Any] | dict[str, Any] = params or []
        if isinstance(given, dict) and address.kind == "postgresql":
            statement, given = numbered(statement, given)
        # Left in the middle, it has to stop the query now, and not when somebody cleans up.
        async with aclosing(_told(reader, Query(statement, given, bounds.seconds))) as steps:
            async for step in steps:
                yield step

    async def _told(reader: SqlReader, query: Query) -> AsyncGenerator[Progress | Result]:
        gathered: Gathered | None = None
        told_at = anyio.current_time()
        try:
            async with reader.reading(query) as rows:
                gathered = Gathered(rows.columns, bounds)
                while (more := await rows.next(gathered.next_most)) and gathered.add(more):
                    if anyio.current_time() - told_at >= bounds.tell_every_s:
                        told_at = anyio.current_time()
                        yield Progress(f"{gathered.count:,} rows so far, the last: {gathered.last}", untrusted)
        except TimeoutError:
            if gathered is None or not gathered.count:
                raise ToolRetry(
                    f"The query took more than {bounds.seconds:g} seconds and was stopped.",
                    "No row had come by then.",
                    "Ask for less: fewer tables, a narrower WHERE, a column with an index.",
                ) from None
            gathered.stop(f"the query was stopped after {bounds.seconds:g} seconds")
        except Unreadable as problem:
            # Not raised: these words may be those of whoever wrote into the database.
            text = f"A row cannot be computed. {dialect} says: {problem}.\nMend the query."
            yield Result(text, ok=False, retry=True, untrusted=untrusted)
            return
        assert gathered is not None, "without rows an error has been raised"
        yield gathered.result(untrusted=untrusted)

    async def tables(reader: Annotated[SqlReader, database], name: str = "") -> Result:
        try:
            found, every = await tables_of(reader, address.kind, name, bounds.seconds)
        except (TimeoutError, Unreadable) as problem:
            raise ToolRetry(
                "The tables cannot be listed.",
                f"{dialect} says: {problem or 'nothing, for too long'}.",
                "Ask with a part of a name, or query at once.",
            ) from None
        return described(found, every=every, name=name, untrusted=untrusted)

    query.__doc__ = f"""Look something up in a database{of}: run one {dialect} SELECT and read its rows.

        Only reading is possible. At most {bounds.rows:,} rows come back, so let the database count, sum and sort. The
        tables and their columns are told by `{prefix}tables`.

        Args:
            sql: One SELECT (or WITH ... SELECT) in the SQL of {dialect}.
            params: Values for the placeholders in it: {placeholders}. Leave it out where there are none.
        """
    tables.__doc__ = f"""List the tables of a database{of}: their columns, types, keys and what leads where.

        Args:
            name: Only tables whose name holds this. Empty means all.
        """
    # More than a query may take: the tool itself ends it, and says what it had by then.
    seconds = bounds.seconds + 15.0
    box = Toolbox("sql", prefix=prefix, timeout=seconds, read_only=True)
    return box.add(tool(name="query")(query), tool(name="tables")(tables))


@asynccontextmanager
async def _reader(address: DatabaseUrl, limits: SqlLimits) -> AsyncGenerator[SqlReader]:
    if address.kind == "sqlite":
        yield SqliteReader(address, limits.at_once)
        return
    try:
        # An import reads files: in a thread.
        postgres = await anyio.to_thread.run_sync(_postgres)
    except ImportError as problem:
        yield _Missing(f"{problem}")
        return
    reader = postgres(address, limits)
    try:
        yield reader
    finally:
        await reader.close()


def _postgres() -> type[PostgresReader]:
    # Here, and not at the top: it is an extra, and whoever asks no PostgreSQL needs none of it.
    from tools.sql_postgres import PostgresReader

    return PostgresReader


class _Missing:
    """In place of a reader whose library is not there."""

    def __init__(self, why: str) -> None:
        self._why = why

    @asynccontextmanager
    async def reading(self, query: Query) -> AsyncGenerator[Rows]:
        raise ToolFailed(
            "PostgreSQL cannot be asked here yet.", f"What speaks with it is missing: {self._why}.", INSTALL
        )
        yield  # so that it is what the port wants


def _check_limits(limits: SqlLimits) -> None:
    wrong = [name for name in limits.__struct_fields__ if name != "tell_every_s" and not getattr(limits, name) > 0]
    if wrong:
        raise ConfigError(
            f"no query could run with {', '.join(f'{name}={getattr(limits, name)}' for name in wrong)}",
            "a limit is a number above 0",
            "correct SqlLimits, or leave it out",
        )
