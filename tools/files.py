"""Search and read the person's own files, under one allowed folder.

Searching is real work on real trees: it goes on in a worker thread a slice at a time, tells what it has found while it
walks, and ends a tree that is too big with an honest word about where it stopped.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable
from typing import Annotated, Final, TypeVar

import anyio
import anyio.to_thread
import msgspec
from pydantic import Field

from orchestrator.errors import ToolRetry
from orchestrator.function_tool import tool
from orchestrator.ports import Progress, Result, Tool
from tools import file_reading
from tools.file_search import KEPT, Search
from tools.folder import FileLimits, Folder
from tools.matching import parse_query

__all__ = ["FileLimits", "files"]

TELL_EVERY_S: Final = 0.5

T = TypeVar("T")


def files(root: str | os.PathLike[str] = ".", *, limits: FileLimits | None = None, trusted: bool = True) -> list[Tool]:
    """The tools `search_files`, `read_file` and `list_files`, which see what is under `root` and nothing else.

    They never follow a link out of it, and do not open files of passwords and keys (`.env`, `*.pem`, `id_rsa`, ...).

    `trusted`: whether what the files say is taken for the person's own words. Not where others can write: downloads,
    mail, a repository of strangers. Then it reaches models in a frame only, and taints the task.
    """
    folder = Folder(root)
    most = limits or FileLimits()

    def marked(result: Result) -> Result:
        return result if trusted else msgspec.structs.replace(result, untrusted=True)

    @tool(timeout=None)  # it stops by itself, and says what it had by then
    async def search_files(
        query: str, path: str = "", limit: Annotated[int, Field(ge=1, le=KEPT)] = 20
    ) -> AsyncGenerator[Progress | Result]:
        """Find text in the person's files: search the project, its documents and its code.

        Looks for the phrase as it is said first, in what files say and in their names, whatever its case. When nobody
        wrote it so, for its words close together. Use it for "find ...", "search for ...", "where is ... mentioned",
        "which file says ...".

        Args:
            query: What to look for: a word, a phrase, or a name from code. Quote a part to have just that looked for.
            path: Only in this folder or file. Empty means everywhere.
            limit: How many places to return.
        """
        asked = parse_query(query)
        if asked is None:
            raise ToolRetry("There is nothing to search for.", "The query is empty.", "Give a word or a phrase.")
        started = told_at = anyio.current_time()
        search = await _in_thread(lambda: Search(folder, path, asked, most))
        told = False
        while await _in_thread(search.go_on):
            now = anyio.current_time()
            if now - started > most.seconds:
                search.stopped = f"its {most.seconds:g} seconds were up"
                break
            if now - told_at >= TELL_EVERY_S or (search.promising and not told):
                told_at, told = now, told or search.promising
                yield Progress(search.so_far, untrusted=not trusted)
        yield marked(search.result(limit))

    @tool
    def read_file(
        path: str,
        start: Annotated[int, Field(ge=1)] = 1,
        lines: Annotated[int, Field(ge=1, le=2_000)] = 200,
    ) -> Result:
        """Read one of the person's files, or a part of it: open it, show what it says.

        Args:
            path: Which file. Its name alone will do where there is only one of that name.
            start: The first line to read, counted from 1.
            lines: How many lines to read.
        """
        return marked(file_reading.read(folder, path, start, lines, most))

    @tool
    def list_files(path: str = "", pattern: str = "*") -> Result:
        """List the person's files: what is in a folder, or which files have names of a kind.

        Args:
            path: Which folder. Empty means the top one.
            pattern: Only names that fit, as in "*.py" or "test_*", also in the folders below. Everything in this one
                folder when it is "*".
        """
        return marked(file_reading.names(folder, path, pattern, most))

    return [search_files, read_file, list_files]


async def _in_thread(function: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(function, abandon_on_cancel=True)
