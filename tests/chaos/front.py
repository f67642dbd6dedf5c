"""A front-end process of a chaos run: `python -m tests.chaos.front SPEC`.

At its start it takes up every session that nobody holds. SIGUSR1: one person of another front end comes here, and takes
the session along. SIGTERM: everybody hears what is still to come, and leaves.
"""

from __future__ import annotations

import logging
import os
import random
import signal
import sys
from pathlib import Path

import anyio
import anyio.abc
import msgspec

from orchestrator import Assistant
from orchestrator.bus.redis import RedisBus
from orchestrator.config import SessionConfig
from orchestrator.errors import BusUnavailable, SessionLost, UsageError
from orchestrator.resuming import Recap
from tests.chaos.keeping import NotedBus, Saves
from tests.chaos.notes import Notes
from tests.chaos.person import Person, Visit
from tests.chaos.spec import Spec, end_with_parent
from tests.chaos.voice import PlainVoice


async def main(spec: Spec) -> None:
    """Hold conversations until told to end them."""
    saves = Saves()
    assistant = Assistant(
        interaction=PlainVoice(),
        bus=NotedBus(RedisBus(spec.url, settings=spec.bus()), saves),
        config=SessionConfig(pace=150, deadline_ms=spec.deadline_ms),
    )
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGUSR1) as signals:
        async with assistant, anyio.create_task_group() as tasks, anyio.create_task_group() as conversations:
            house = _House(spec, assistant, saves, conversations)

            async def hear_signals() -> None:
                async for number in signals:
                    if number == signal.SIGTERM:
                        house.close()
                    else:
                        house.invite()

            tasks.start_soon(hear_signals)
            for name in spec.sessions:
                house.welcome(name)
            await anyio.Path(spec.folder, f"{spec.name}-{os.getpid()}.ready").touch()
            async with anyio.create_task_group() as waiting:
                waiting.start_soon(house.empty)
            tasks.cancel_scope.cancel()


class _House:
    """Who is here."""

    def __init__(self, spec: Spec, assistant: Assistant, saves: Saves, group: anyio.abc.TaskGroup) -> None:
        self._spec = spec
        self._assistant = assistant
        self._saves = saves
        self._group = group
        self._persons: dict[str, Person] = {}
        self._visits = 0
        self._chance = random.Random(f"{spec.seed} {spec.name} {os.getpid()}")
        self._closing = False
        self._changed = anyio.Event()

    def welcome(self, name: str, *, take_over: bool = False) -> None:
        """Somebody comes."""
        person = self._persons[name] = Person(name, random.Random(f"{self._spec.seed} {name} {os.getpid()}"))
        self._group.start_soon(self._converse, person, take_over)

    def invite(self) -> None:
        """Somebody comes who is elsewhere just now."""
        elsewhere = [name for name in self._spec.sessions if name not in self._persons]
        if elsewhere and not self._closing:
            self.welcome(self._chance.choice(elsewhere), take_over=True)

    def close(self) -> None:
        """Everybody is to go."""
        self._closing = True
        for person in self._persons.values():
            person.go()
        self._changed.set()

    async def empty(self) -> None:
        """Return when all have gone."""
        while not self._closing or self._persons:
            self._changed = anyio.Event()
            await self._changed.wait()

    async def _converse(self, person: Person, take_over: bool) -> None:
        last = False
        while not last:
            last = person.going
            self._visits += 1
            path = Path(self._spec.folder) / "sessions" / person.name / f"{os.getpid()}-{self._visits:04}.ndjson"
            notes = Notes(path)
            visit = Visit(person, notes)
            self._saves.visits[person.name] = visit

            def begun(recap: Recap | None, visit: Visit = visit) -> None:
                visit.begin(recap)

            try:
                await self._assistant.converse(visit, id=person.name, journal=visit, take_over=take_over, begun=begun)
            except (UsageError, SessionLost) as elsewhere:
                notes.write("elsewhere", why=elsewhere.what)
                break
            except BusUnavailable as away:
                notes.write("away", why=away.what)
                last = False
                await anyio.sleep(0.1)
            finally:
                notes.write("left")
                notes.close()
            take_over = False
            # Somebody who left, or was told to go in the middle, comes back once more to hear the rest.
            if not person.going:
                await person.pause(person.chance.uniform(0.1, 2.0))
        del self._persons[person.name]
        self._changed.set()


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    end_with_parent()
    anyio.run(main, msgspec.json.decode(sys.argv[1], type=Spec))
