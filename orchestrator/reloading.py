"""Tools from files that are edited while they are in use: saved, and the next task has the new ones.

```python
Assistant(tools=[Reloading("shop.py")])
```

What cannot be imported leaves the tools as they were, and says why. A call that runs goes on with the code it began
with. What is shared (`@resource`) is opened anew when it is next asked for; the old one stays open until the worker
ends, since a call may still hold it.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, TypeAlias

import anyio
import anyio.to_thread

from orchestrator.discovery import Found, found_at
from orchestrator.equipment import sorted_out
from orchestrator.errors import DuologueError
from orchestrator.tool_port import OpenTools, Tool

__all__ = ["Reloading"]

_log = logging.getLogger(__name__)

LOOK_S: Final = 0.5
"""How often the files are looked at."""

SETTLED_S: Final = 0.1
"""So long they must have stayed the same."""

_Stamps: TypeAlias = dict[Path, tuple[int, int, int]]


class Reloading:
    """The tools at `spec`, as `orchestrator.discovery.tools_from` finds them, for as long as the files stay as they
    are; then the new ones. A `ToolSource`.

    What is found first is imported here, so that a mistake in it is known before anything starts. Where there are
    sources among the tools, as an MCP server, these are opened with it, and do not change with the file.

    Raises:
        ConfigError: there is nothing there, or no tool, or it cannot be imported.
        ToolDefinitionError: what is there cannot become a tool.
    """

    def __init__(self, spec: str) -> None:
        self._spec = spec
        self._found = found_at(spec)
        self._stamps = _stamps(self._found.files)

    def __repr__(self) -> str:
        return f"<tools at {self._spec}>"

    @property
    def name(self) -> str:
        """Where they are."""
        return self._spec

    @property
    def tools(self) -> tuple[Tool, ...]:
        """What was found first, without what its sources have."""
        return sorted_out(self._found.tools)[0]

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[OpenTools]:
        """Watch the files, and open the sources that were found in them."""
        _, sources = sorted_out(self._found.tools)
        async with AsyncExitStack() as stack:
            opened = [await stack.enter_async_context(source.open()) for source in sources]
            watched = _Watched(self._spec, self._found, self._stamps, opened)
            tasks = await stack.enter_async_context(anyio.create_task_group())
            if self._found.files:
                tasks.start_soon(watched.watch)
            try:
                yield watched
            finally:
                tasks.cancel_scope.cancel()


class _Watched:
    """The tools as they are now."""

    def __init__(self, spec: str, found: Found, stamps: _Stamps, sources: Sequence[OpenTools]) -> None:
        self._spec = spec
        self._found = found
        self._stamps = stamps
        self._sources = sources
        self._fixed = sorted_out(found.tools)[0]
        self._problem = ""
        self._readings = 0
        self._changed = anyio.Event()

    @property
    def tools(self) -> Sequence[Tool]:
        return [*self._fixed, *(tool for source in self._sources for tool in source.tools)]

    @property
    def spec(self) -> str:
        return self._spec

    @property
    def readings(self) -> int:
        return self._readings

    @property
    def problem(self) -> str:
        return self._problem or next((source.problem for source in self._sources if source.problem), "")

    async def changed(self) -> None:
        async with anyio.create_task_group() as group:

            async def wait(change: Callable[[], Awaitable[None]]) -> None:
                await change()
                group.cancel_scope.cancel()

            for change in (self._changed.wait, *(source.changed for source in self._sources)):
                group.start_soon(wait, change)

    @property
    def _files(self) -> Sequence[Path]:
        if not self._problem:
            return self._found.files
        # What is wrong may stand in a file that was never imported whole.
        folders = {file.parent for file in self._found.files}
        return sorted({*self._found.files, *(file for folder in folders for file in folder.glob("*.py"))})

    async def watch(self) -> None:
        stamps = self._stamps
        while True:
            await anyio.sleep(LOOK_S)
            now = await anyio.to_thread.run_sync(self._look)
            if now == stamps:
                continue
            while now != stamps:
                # An editor may be in the middle of it.
                stamps = now
                await anyio.sleep(SETTLED_S)
                now = await anyio.to_thread.run_sync(self._look)
            # Not on the loop: what is imported may take its time, and somebody is talking meanwhile.
            await anyio.to_thread.run_sync(self._load)
            # What was known before the import counts: what was written during it is not in it.
            watched = await anyio.to_thread.run_sync(self._look)
            stamps = {file: now.get(file, stamp) for file, stamp in watched.items()}
            changed, self._changed = self._changed, anyio.Event()
            changed.set()

    def _look(self) -> _Stamps:
        return _stamps(self._files)

    def _load(self) -> None:
        try:
            found = found_at(self._spec, again=self._found.modules)
            fixed = sorted_out(found.tools)[0]
        except DuologueError as error:
            self._problem = f"{self._spec} is used as it was: {error.why}"
            _log.warning("the tools of %s stay as they were: %s; %s", self._spec, error.what, error.why)
            return
        self._found, self._fixed, self._problem = found, fixed, ""
        self._readings += 1
        _log.info("the tools of %s were read again", self._spec)


def _stamps(files: Sequence[Path]) -> _Stamps:
    found: _Stamps = {}
    for file in files:
        try:
            about = file.stat()
        except OSError:
            # An editor may put a new file in the place of the old one: for a moment there is none.
            continue
        found[file] = (about.st_mtime_ns, about.st_size, about.st_ino)
    return found
