"""The context of a tool that runs in a thread: what it asks for is done on the event loop, while the thread waits."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from typing import Any, TypeVar, TypeVarTuple

import anyio.from_thread

from orchestrator.bundle import Bundle
from orchestrator.tool_port import ToolContext

__all__ = ["CallAbandoned", "SyncContext"]

T = TypeVar("T")
Args = TypeVarTuple("Args")


class CallAbandoned(BaseException):
    """Raised in the thread of a call that nobody waits for any more. Not an `Exception`, so that a tool which catches
    those does not go on by mistake."""


class SyncContext:
    """Implements `SyncToolContext` over the context of the call."""

    def __init__(self, context: ToolContext) -> None:
        self._context = context
        self._left = threading.Event()

    def leave(self) -> None:
        """The call is over; called by whoever waited for it."""
        self._left.set()

    @property
    def bundle(self) -> Bundle:
        """The task."""
        return self._context.bundle

    @property
    def remaining_s(self) -> float:
        """Seconds until the end of the call; 0 when nobody waits for it any more."""
        return 0.0 if self._left.is_set() else self._wait(self._time_left)

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits for the call any more."""
        return self._left.is_set()

    def check_cancelled(self) -> None:
        """End the call here if nobody waits for it any more."""
        if self._left.is_set():
            raise CallAbandoned

    def progress(self, text: str) -> None:
        """Tell what is being done."""
        self._wait(self._context.progress, text)

    def ask(self, question: str) -> str:
        """Ask the person and wait for the answer."""
        return self._wait(self._context.ask, question)

    def approve(self, question: str) -> bool:
        """Ask the person for leave."""
        return self._wait(self._context.approve, question)

    async def _time_left(self) -> float:
        return self._context.remaining_s  # by the clock of the loop, which is only there on the loop

    def _wait(self, ask: Callable[[*Args], Coroutine[Any, Any, T]], *arguments: *Args) -> T:
        self.check_cancelled()
        try:
            return anyio.from_thread.run(ask, *arguments)
        except CancelledError:
            raise CallAbandoned from None  # it was cancelled while it waited
