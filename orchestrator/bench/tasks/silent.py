"""The voice that never says anything: the floor of every table."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import anyio

from orchestrator.effects import MicroTurn
from orchestrator.events import ModelEvent, ModelRested
from orchestrator.ports import InteractionStream, Opening, VoiceTraits

__all__ = ["SilentModel"]


class SilentModel:
    """An `InteractionModel` that listens and rests."""

    @property
    def traits(self) -> VoiceTraits:
        """It says what it is, and nothing else."""
        return VoiceTraits(name="silent", about="Says nothing: the floor of a table.")

    def open(self, opening: Opening) -> AbstractAsyncContextManager[InteractionStream]:
        """Begin to say nothing."""
        return _Silence()


class _Silence:
    def __init__(self) -> None:
        self._inlet, self._outlet = anyio.create_memory_object_stream[ModelEvent](1_024)

    async def send(self, turn: MicroTurn) -> None:
        await self._inlet.send(ModelRested(turn.n))

    async def events(self) -> AsyncIterator[ModelEvent]:
        async for event in self._outlet:
            yield event

    async def __aenter__(self) -> _Silence:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._inlet.close()
        self._outlet.close()
