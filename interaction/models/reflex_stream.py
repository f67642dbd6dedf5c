"""A pure brain as a voice: the one place in this folder that awaits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

import anyio

from orchestrator.effects import MicroTurn
from orchestrator.events import ModelEvent

__all__ = ["Brain", "BrainStream"]

_ROOM = 1_024
"""Events that may wait for the session; beyond it `send` waits, and micro-turns pile up where they are seen."""


class Brain(Protocol):
    """What a rule-based voice is made of: a micro-turn in, events out, no clock and no await."""

    def turn(self, turn: MicroTurn) -> tuple[ModelEvent, ...]:
        """What the voice says and asks for; the last event is `ModelRested`."""
        ...


class BrainStream:
    """An `InteractionStream` round a brain. Leave it as a context manager; then `events` ends."""

    def __init__(self, brain: Brain) -> None:
        self._brain = brain
        self._inlet, self._outlet = anyio.create_memory_object_stream[ModelEvent](_ROOM)

    async def send(self, turn: MicroTurn) -> None:
        """Take in one micro-turn. The events of a turn are there when it returns."""
        for event in self._brain.turn(turn):
            try:
                self._inlet.send_nowait(event)
            except anyio.WouldBlock:
                await self._inlet.send(event)

    async def events(self) -> AsyncIterator[ModelEvent]:
        """What the brain has said, in order. One reader."""
        try:
            async for event in self._outlet:
                yield event
        except anyio.ClosedResourceError:
            return

    async def __aenter__(self) -> BrainStream:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._inlet.close()
        self._outlet.close()
