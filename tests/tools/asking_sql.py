"""What the tests of the SQL tools share: a worker's bench around them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from background.alone import Alone
from orchestrator.ports import Progress, Result, Tool, ToolCall
from tools.sql import SqlLimits, sql_tools


class Asking:
    """Calls the tools of one database as a task would."""

    def __init__(self, bench: Alone) -> None:
        self._bench = bench

    async def query(self, sql: str, params: Sequence[Any] | dict[str, Any] | None = None) -> Result:
        given = {} if params is None else {"params": params}
        return await self._bench.result(ToolCall("sql_query", {"sql": sql, **given}))

    async def rows(self, sql: str, params: Sequence[Any] | dict[str, Any] | None = None) -> list[Any]:
        """Of a query that is answered."""
        result = await self.query(sql, params)
        assert result.ok, result.text
        rows: list[Any] = result.data["rows"]
        return rows

    async def tables(self, name: str = "") -> Result:
        return await self._bench.result(ToolCall("sql_tables", {"name": name}))

    async def steps(self, sql: str) -> list[Progress | Result]:
        async with self._bench.calling(ToolCall("sql_query", {"sql": sql})) as steps:
            return [step async for step in steps]


@asynccontextmanager
async def asking(url: str, *, untrusted: bool = True, **limits: float) -> AsyncGenerator[Asking]:
    bounds = SqlLimits(**limits)  # type: ignore[arg-type]
    async with Alone(list(sql_tools(url, untrusted=untrusted, limits=bounds))) as bench:
        yield Asking(bench)


def named(tools: Sequence[Tool], name: str) -> Tool:
    return next(tool for tool in tools if tool.info.name == name)
