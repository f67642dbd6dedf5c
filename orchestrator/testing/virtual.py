"""Virtual time: the real shell, without waiting.

The event loop's clock stands still while anything can run and jumps to the next timer when nothing can. Every timeout
and sleep of anyio and asyncio follows, so an hour of conversation takes as long as its work. Deterministic as long as
the program uses no threads, sockets or subprocesses of its own (those are waited for in real time).
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

__all__ = ["run_virtual"]

T = TypeVar("T")


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting for a timer, moves the clock to it (in whole microseconds, so that sums stay exact)."""

    micros = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0 if timeout is not None else None)
        if not ready and timeout is not None and timeout > 0:
            self.micros += max(1, round(timeout * 1e6))
        return ready


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _JumpingSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.micros / 1e6


def run_virtual(main: Callable[[], Awaitable[T]]) -> T:
    """Run `main` on an event loop with virtual time, beginning at 0."""
    return anyio.run(main, backend="asyncio", backend_options={"loop_factory": _VirtualLoop})
