"""The person of a scenario: does each thing at its instant, and then has no more to say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import anyio.lowlevel

from orchestrator.clock import Clock, Instant
from orchestrator.effects import Emit, StopSpeaking
from orchestrator.events import UserEvent

__all__ = ["ScriptedLink"]


class ScriptedLink:
    """Plays `events`, which are in the order of time, on `clock`. What is emitted is heard and not kept."""

    def __init__(self, events: Sequence[tuple[Instant, UserEvent]], clock: Clock) -> None:
        self._events = events
        self._clock = clock

    async def events(self) -> AsyncIterator[UserEvent]:
        """Each event when its instant has come."""
        for at, event in self._events:
            await self._clock.sleep_until(at)
            yield event

    async def emit(self, part: Emit) -> None:
        """The person listens."""
        await anyio.lowlevel.checkpoint()

    async def stop(self, stop: StopSpeaking) -> None:
        """The person notices the silence."""
        await anyio.lowlevel.checkpoint()
