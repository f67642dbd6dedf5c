"""A front-end process of a chaos run: `python -m tests.chaos.front SPEC`.

SIGTERM: everybody hears what is still to come, and leaves."""

from __future__ import annotations

import logging
import os
import random
import signal
import sys
from pathlib import Path

import anyio
import msgspec

from orchestrator import Assistant
from orchestrator.bus.redis import RedisBus
from orchestrator.config import SessionConfig
from tests.chaos.notes import Notes
from tests.chaos.person import Person, Visit
from tests.chaos.spec import Spec, end_with_parent
from tests.chaos.voice import PlainVoice


async def main(spec: Spec) -> None:
    """Hold all conversations until told to end them."""
    assistant = Assistant(
        interaction=PlainVoice(),
        bus=RedisBus(spec.url, settings=spec.bus()),
        config=SessionConfig(pace=150, deadline_ms=spec.deadline_ms),
    )
    persons = [Person(name, random.Random(f"{spec.seed} {name} {os.getpid()}")) for name in spec.sessions]
    with anyio.open_signal_receiver(signal.SIGTERM) as signals:
        async with assistant, anyio.create_task_group() as tasks:

            async def hear_the_signal() -> None:
                async for _ in signals:
                    for person in persons:
                        person.go()

            tasks.start_soon(hear_the_signal)
            async with anyio.create_task_group() as conversations:
                for person in persons:
                    conversations.start_soon(_converse, assistant, person, Path(spec.folder))
            tasks.cancel_scope.cancel()


async def _converse(assistant: Assistant, person: Person, folder: Path) -> None:
    visits = 0
    last = False
    while not last:
        last = person.going
        visits += 1
        notes = Notes(folder / "sessions" / person.name / f"{os.getpid()}-{visits:04}.ndjson")
        notes.write("opened", session=person.name, pid=os.getpid(), visit=visits)
        await assistant.converse(visit := Visit(person, notes), id=person.name, journal=visit)
        notes.close()
        # Somebody who left, or was told to go in the middle, comes back once more to hear the rest.
        if not person.going:
            await person.pause(person.chance.uniform(0.1, 2.0))


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    end_with_parent()
    anyio.run(main, msgspec.json.decode(sys.argv[1], type=Spec))
