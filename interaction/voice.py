"""Keeps a voice at work: opens it, hands it its micro-turns, and opens it again when it breaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import anyio
from anyio.abc import ObjectSendStream

from interaction.closing import closing
from interaction.outbox import Outbox
from orchestrator.effects import MicroTurn
from orchestrator.errors import ModelError
from orchestrator.events import Event, ModelFailed, SinkStalled
from orchestrator.ports import InteractionModel, InteractionStream, Opening

__all__ = ["run_voice"]

_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 10.0


async def run_voice(
    model: InteractionModel,
    opening: Callable[[], Opening],
    turns: Outbox[MicroTurn],
    inbox: ObjectSendStream[Event],
) -> None:
    """Run until cancelled. A voice that fails is reported, and opened again with the conversation as it stands then."""
    pause = _FIRST_PAUSE_S
    while True:
        since = anyio.current_time()
        try:
            async with model.open(opening()) as stream, anyio.create_task_group() as both:
                both.start_soon(_hear, stream, inbox)
                await _feed(stream, turns, inbox)
        # A voice is the code of others: whatever it raises is an event here, never the end of the session.
        except Exception as error:
            await inbox.send(ModelFailed(_reason(error)))
        if anyio.current_time() - since > _LONGEST_PAUSE_S:
            pause = _FIRST_PAUSE_S
        await anyio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_S)


async def _hear(stream: InteractionStream, inbox: ObjectSendStream[Event]) -> None:
    async with closing(stream.events()) as events:
        async for event in events:
            await inbox.send(event)
    raise ModelError("the voice ended its stream")


async def _feed(stream: InteractionStream, turns: Outbox[MicroTurn], inbox: ObjectSendStream[Event]) -> None:
    while (got := await turns.get()) is not None:
        turn, news = got
        try:
            await stream.send(turn)
        except BaseException:
            # Not taken: whoever is opened next gets it, so that nothing the person said is lost.
            turns.put_first(turn)
            raise
        if news:
            await inbox.send(SinkStalled("model", over=True))


def _reason(error: BaseException) -> str:
    cause = error
    while isinstance(cause, BaseExceptionGroup):
        inner: tuple[BaseException, ...] = cast("BaseExceptionGroup[BaseException]", cause).exceptions
        cause = inner[0]
    first = str(cause).splitlines()
    return f"{type(cause).__name__}: {first[0]}" if first else type(cause).__name__
