"""What the pools of an assistant can do: their own tools, and those of sources that are asked for theirs.

A source is opened once in a process, however many pools share it. A front end whose workers are elsewhere opens it only
to look what there is.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from fnmatch import fnmatchcase
from typing import Any, Final, TypeAlias, cast

import anyio
import msgspec

from orchestrator.errors import ToolFailed
from orchestrator.events import ToolsChanged
from orchestrator.function_tool import as_tool
from orchestrator.ports import Equipped, OpenTools, Reasoner, Resource, Tool, ToolInfo, ToolSource
from orchestrator.resources import Resources
from orchestrator.tool_port import Reread
from orchestrator.toolbox import Toolbox

__all__ = ["EVERY", "Equipment", "Pool", "ToolLike", "sorted_out"]

_log = logging.getLogger(__name__)

ToolLike: TypeAlias = Tool | Callable[..., Any] | Toolbox | ToolSource
"""What may stand where tools are named."""

EVERY: Final = ("*",)
LOOKING_S: Final = 10.0
"""How long a front end waits for what a source has."""


class Pool(msgspec.Struct, frozen=True):
    """A pool of workers, made ready."""

    tools: tuple[Tool, ...]
    sources: tuple[ToolSource, ...]
    reasoner: Reasoner
    about: str = ""
    allow: tuple[str, ...] = EVERY


def sorted_out(given: Iterable[ToolLike]) -> tuple[tuple[Tool, ...], tuple[ToolSource, ...]]:
    """The tools and the sources among `given`. Raises `ToolDefinitionError`."""
    tools: list[Tool] = []
    sources: list[ToolSource] = []
    for each in given:
        match each:
            case Toolbox():
                tools.extend(each)
            case _ if callable(getattr(each, "open", None)) and not hasattr(each, "info"):
                sources.append(cast("ToolSource", each))
            case _:
                tools.append(as_tool(cast("Tool", each)))
    return tuple(tools), tuple(sources)


class Equipment:
    """The pools by name, and what their sources have: nothing, until they are open."""

    def __init__(
        self,
        pools: Mapping[str, Pool],
        open_: Mapping[int, OpenTools] | None = None,
        seen: Mapping[str, Mapping[str, ToolInfo]] | None = None,
    ) -> None:
        self._pools = pools
        self._open = dict(open_ or {})
        self._seen = dict(seen or {})
        """By pool: what its sources had when they were looked at."""

    @property
    def tools(self) -> tuple[Tool, ...]:
        """All that can be done from here, each name once."""
        return tuple({name: tool for pool in self._pools for name, tool in self._of(pool).items()}.values())

    @property
    def infos(self) -> tuple[ToolInfo, ...]:
        """All that a voice is told of."""
        return tuple({name: info for pool in self._pools for name, info in self._known(pool).items()}.values())

    @property
    def routes(self) -> dict[str, str]:
        """Which pool has which tool; those of the pool without a name are not told."""
        return {name: pool for pool in self._pools if pool for name in self._known(pool)}

    @property
    def problem(self) -> str:
        """What is wrong with what the sources have: told by themselves, or a tool that another one hides."""
        told = [open_.problem for open_ in self._open.values() if open_.problem]
        return "; ".join(dict.fromkeys([*told, *self._hidden()]))

    def _hidden(self) -> Iterator[str]:
        for name, pool in self._pools.items():
            first: dict[str, Tool] = {}
            for tool in [*pool.tools, *(tool for open_ in self.sources(name) for tool in open_.tools)]:
                if first.setdefault(tool.info.name, tool) is not tool:
                    yield f"two tools are called {tool.info.name}: only the first is used, rename the other"

    def sources(self, pool: str) -> tuple[OpenTools, ...]:
        """The open sources of a pool."""
        return tuple(self._open[id(source)] for source in self._pools[pool].sources if id(source) in self._open)

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[Equipment]:
        """The same with all sources open meanwhile. One that fails to open is told in the log, and left out."""
        every = {id(source): _Source(source) for pool in self._pools.values() for source in pool.sources}
        if not every:
            yield self
            return
        open_: dict[int, OpenTools] = {}

        async def take(held: Resources, key: int, source: _Source) -> None:
            try:
                open_[key] = await held.use(source)
            except ToolFailed as error:
                _log.warning("the tools of %s are missing: %s", source.name, error.why)

        async with Resources() as held:
            async with anyio.create_task_group() as group:
                for key, source in every.items():
                    group.start_soon(take, held, key, source)
            yield Equipment(self._pools, open_)

    async def looked(self) -> Equipment:
        """The same with what the sources have, without keeping them open; what cannot be told in time is left out."""
        with anyio.move_on_after(LOOKING_S):
            async with self.opened() as opened:
                seen = {pool: opened._known(pool) for pool in self._pools}
                return Equipment(self._pools, seen=seen)
        return self

    async def changes(self) -> AsyncGenerator[Equipped]:
        """Each time the open sources have come to have other tools: what is new, gone, and changed."""
        before, problem, readings = {info.name: info for info in self.infos}, "", self._readings()
        while self._open:
            # What is wrong from the start is told at the start.
            if self.problem == problem:
                await self._change()
            now = {info.name: info for info in self.infos}
            added = tuple(name for name in now if name not in before)
            removed = tuple(name for name in before if name not in now)
            changed = tuple(name for name, info in now.items() if before.get(name, info) != info)
            known, before, problem = problem, now, self.problem
            read, readings = readings, self._readings()
            again = tuple(spec for spec, count in readings.items() if read.get(spec) != count)
            told = bool(added or removed or changed or problem != known)
            if told or again:
                event = ToolsChanged(added, removed, changed, self.routes, problem, () if told else again)
                yield Equipped(event, tuple(now.values()))

    def _readings(self) -> dict[str, int]:
        return {open_.spec: open_.readings for open_ in self._open.values() if isinstance(open_, Reread)}

    async def _change(self) -> None:
        async with anyio.create_task_group() as group:

            async def watch(open_: OpenTools) -> None:
                await open_.changed()
                group.cancel_scope.cancel()

            for open_ in self._open.values():
                group.start_soon(watch, open_)

    def _known(self, pool: str) -> dict[str, ToolInfo]:
        return {**self._seen.get(pool, {}), **{name: tool.info for name, tool in self._of(pool).items()}}

    def _of(self, name: str) -> dict[str, Tool]:
        pool = self._pools[name]
        every: Sequence[Tool] = [*pool.tools, *(tool for open_ in self.sources(name) for tool in open_.tools)]
        found: dict[str, Tool] = {}
        for tool in every:
            if any(fnmatchcase(tool.info.name, pattern) for pattern in pool.allow):
                found.setdefault(tool.info.name, tool)
        return found


class _Source:
    """A source as something that is held open."""

    def __init__(self, source: ToolSource) -> None:
        self._source = source
        self.needs: Mapping[str, Resource[Any]] = {}

    @property
    def name(self) -> str:
        return self._source.name

    def open(self, **_: Any) -> AbstractAsyncContextManager[OpenTools]:
        return self._source.open()
