"""Running what cannot bear to be cancelled twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import anyio

__all__ = ["sheltered"]

T = TypeVar("T")

CLOSING_S: Final = 5.0
"""How long it may take to let go of what it holds, before it is cancelled as everything else is."""


async def sheltered(work: Callable[[], Awaitable[T]]) -> T:
    """Await `work()`. When this is cancelled, `work` is cancelled once, and waited for.

    anyio cancels again at every await until the scope is left; asyncio cancels once. Code that awaits while it cleans
    up, and was written for asyncio alone, is broken off in its cleaning by the second one: it leaves its requests open.
    """
    done = anyio.Event()
    task: list[asyncio.Task[object]] = []
    results: list[T] = []
    failures: list[Exception] = []
    left = False
    scope = anyio.CancelScope(shield=True)

    async def run() -> None:
        current = asyncio.current_task()
        if current is not None:
            task.append(current)
        try:
            with scope:
                results.append(await work())
        except asyncio.CancelledError:
            if not left:
                raise
        except Exception as error:
            failures.append(error)
        finally:
            done.set()

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        try:
            await done.wait()
        finally:
            if not done.is_set():
                left = True
                with anyio.CancelScope(shield=True):
                    for one in task:
                        one.cancel()
                    with anyio.move_on_after(CLOSING_S):
                        await done.wait()
                scope.cancel()
    if failures:
        raise failures[0]
    if not results:
        raise asyncio.CancelledError
    return results[0]
