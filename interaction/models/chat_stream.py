"""The shell of the chat voice: carries out what its brain decides. The one place of it that awaits.

Every request is a task of its own that reads the answer and feeds the brain; closing a request cancels its task, and
with that its connection. All calls of the brain are made on one loop and return at once, so what happens has one order.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol, assert_never

import anyio
import anyio.lowlevel
from anyio.abc import TaskGroup

from interaction.closing import closing
from interaction.models.chat_actions import (
    Action,
    Ask,
    Broke,
    Came,
    ClearTimer,
    Close,
    Due,
    Happening,
    SetTimer,
    Tell,
    Timer,
    Turned,
)
from interaction.outbox import Outbox
from orchestrator.completions.asking import Completions, Done, Request
from orchestrator.completions.troubles import ModelTrouble
from orchestrator.effects import MicroTurn
from orchestrator.events import ModelEvent

__all__ = ["ChatStream", "Decider", "chat_stream"]

_ROOM = 1_024
"""Events that may wait for the session; beyond it the answers are not read on, and the server waits."""


class Decider(Protocol):
    """What `ChatBrain` is to its shell."""

    def take(self, happening: Happening, at_ms: int) -> tuple[Action, ...]:
        """What is to be done about `happening`. `at_ms` is the stream's own time, and never goes back."""
        ...


class ChatStream:
    """An `InteractionStream`. Made by `chat_stream`, which ends what it still runs."""

    def __init__(self, brain: Decider, completions: Completions, group: TaskGroup, *, stall_s: float) -> None:
        self._brain = brain
        self._completions = completions
        self._group = group
        self._stall_s = stall_s
        self._events: Outbox[ModelEvent] = Outbox()
        self._taken = anyio.Event()
        self._opened = anyio.current_time()
        self._requests: dict[int, anyio.CancelScope] = {}
        self._timers: dict[Timer, anyio.CancelScope] = {}

    async def send(self, turn: MicroTurn) -> None:
        """Take in one micro-turn. What it led to at once is there when this returns; requests it ended are closed."""
        self._take(Turned(turn))
        await self._room()

    async def events(self) -> AsyncIterator[ModelEvent]:
        """What the voice says and asks for, in order. One reader."""
        while (got := await self._events.get()) is not None:
            self._taken.set()
            yield got[0]

    def close(self) -> None:
        """Nothing more is said; `events` ends."""
        self._events.close()

    def _take(self, happening: Happening) -> None:
        for action in self._brain.take(happening, round((anyio.current_time() - self._opened) * 1_000)):
            match action:
                case Tell(event=event):
                    self._events.put(event)
                case Ask(number=number, request=request):
                    scope = self._requests[number] = anyio.CancelScope()
                    self._group.start_soon(self._ask, number, request, scope)
                case Close(number=number):
                    self._cancel(self._requests.pop(number, None))
                case SetTimer(timer=timer, at_ms=at_ms):
                    self._cancel(self._timers.pop(timer, None))
                    scope = self._timers[timer] = anyio.CancelScope()
                    self._group.start_soon(self._wait, timer, at_ms, scope)
                case ClearTimer(timer=timer):
                    self._cancel(self._timers.pop(timer, None))
                case _:
                    assert_never(action)

    async def _ask(self, number: int, request: Request, scope: anyio.CancelScope) -> None:
        with scope:
            if scope.cancel_called:
                return
            try:
                await self._read(number, request)
            except ModelTrouble as trouble:
                self._requests.pop(number, None)
                # One that was closed meanwhile has nothing to tell any more.
                if not scope.cancel_called:
                    self._take(Broke(number, trouble))

    async def _read(self, number: int, request: Request) -> None:
        with anyio.CancelScope() as patience:
            async with closing(self._completions.stream(request)) as pieces:
                async for piece in pieces:
                    patience.deadline = math.inf
                    if isinstance(piece, Done):
                        self._requests.pop(number, None)
                    self._take(Came(number, piece))
                    if isinstance(piece, Done):
                        return
                    await self._room()
                    patience.deadline = anyio.current_time() + self._stall_s
        if patience.cancelled_caught:
            raise ModelTrouble("stalled", "the model has fallen silent in the middle of its answer")
        raise ModelTrouble("cut off", "the model's answer ended before its end")

    async def _wait(self, timer: Timer, at_ms: int, scope: anyio.CancelScope) -> None:
        with scope:
            await anyio.sleep_until(self._opened + at_ms / 1_000)
            if self._timers.get(timer) is scope:
                del self._timers[timer]
                self._take(Due(timer))

    async def _room(self) -> None:
        """Let others run, and wait where the session does not keep up."""
        await anyio.lowlevel.checkpoint()
        while len(self._events.waiting()) >= _ROOM:
            if self._taken.is_set():
                self._taken = anyio.Event()
            await self._taken.wait()

    @staticmethod
    def _cancel(scope: anyio.CancelScope | None) -> None:
        if scope is not None:
            scope.cancel()


@asynccontextmanager
async def chat_stream(brain: Decider, completions: Completions, *, stall_s: float = 10.0) -> AsyncGenerator[ChatStream]:
    """A stream round `brain`. Leaving it closes every request and every timer, and waits until they are gone.

    An answer that says nothing for `stall_s` in its middle is taken to have broken off.
    """
    async with anyio.create_task_group() as group:
        stream = ChatStream(brain, completions, group, stall_s=stall_s)
        try:
            yield stream
        finally:
            stream.close()
            group.cancel_scope.cancel()
