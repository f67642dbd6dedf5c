"""Saying something to a bus until it has been taken, however long the bus is away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from background.settings import WorkerSettings
from orchestrator.errors import BusUnavailable

__all__ = ["insist"]

T = TypeVar("T")


async def insist(say: Callable[[], Awaitable[T]], settings: WorkerSettings) -> T:
    """What `say` returns, as soon as the bus does not refuse it any more. Whatever else it raises passes."""
    pause = settings.retry_s
    while True:
        try:
            return await say()
        except BusUnavailable:
            await anyio.sleep(pause)
            pause = min(pause * 2, settings.longest_retry_s)
