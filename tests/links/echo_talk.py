"""A program that the tests start: a whole assistant with a voice that repeats what it hears, in any of the consoles.

    python echo_talk.py plain|json|terminal [FILE FOR THE EVENTS]

The voice answers a line with `You said: ...` (its first 80 characters). `work N TASK` hands a task over that takes N
seconds, `at N TEXT` says TEXT in N seconds, `show` speaks what a terminal would obey, `long` goes on talking, `crash`
breaks the program. A file called `problem` makes it end with an error for people.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from orchestrator.agenda_items import At
from orchestrator.assistant import Assistant
from orchestrator.bundle import Bundle
from orchestrator.cli import guarded
from orchestrator.cli.chat import run_in_terminal
from orchestrator.clock import Instant
from orchestrator.effects import MicroTurn
from orchestrator.errors import EnvironmentProblem
from orchestrator.events import (
    ModelDelegated,
    ModelEvent,
    ModelRested,
    ModelScheduled,
    ModelSpoke,
    UserEvent,
    UserText,
)
from orchestrator.finding import Finding
from orchestrator.journal import encode_record
from orchestrator.ports import Desk, Journal, Link, Opening, VoiceTraits
from orchestrator.resuming import Recap

EVIL = "before \x1b]0;owned\x07\x1b[31mred\x1b[0m \x9b2J \u202eafter"


class Stream:
    def __init__(self) -> None:
        self._send, self._receive = anyio.create_memory_object_stream[ModelEvent](1_000)
        self._line = ""

    async def send(self, turn: MicroTurn) -> None:
        for heard in turn.heard:
            if heard.op == "delete":
                self._line = self._line.removesuffix(heard.text)
            else:
                self._line += heard.text
            if heard.final:
                line, self._line = self._line, ""
                await self._send.send(answer(line))
        for offer in turn.offers:
            await self._send.send(ModelSpoke(offer.finding.text, about=(offer.finding.id,)))
        await self._send.send(ModelRested(turn.n))

    async def events(self) -> AsyncIterator[ModelEvent]:
        async for event in self._receive:
            yield event

    def close(self) -> None:
        self._send.close()
        self._receive.close()


def answer(line: str) -> ModelEvent:
    word, _, rest = line.partition(" ")
    number, _, text = rest.partition(" ")
    match word:
        case "work":
            return ModelDelegated(rest)
        case "at":
            return ModelScheduled(At(id=text, say=text, in_ms=int(float(number) * 1000)))
        case "show":
            return ModelSpoke(EVIL)
        case "long":
            return ModelSpoke("on and on, " * 60)
        case _:
            return ModelSpoke(f"You said: {line[:80]}")


class Echo:
    traits = VoiceTraits("echo", "An echo, for tests.")

    @asynccontextmanager
    async def open(self, opening: Opening) -> AsyncGenerator[Stream, None]:
        stream = Stream()
        try:
            yield stream
        finally:
            stream.close()


async def reasoner(bundle: Bundle, desk: Desk) -> Finding:
    seconds, _, task = bundle.task.partition(" ")
    await desk.progress(f"looking for {task}")
    await anyio.sleep(float(seconds))
    return Finding.final(f"Found {task}.")


class Heard:
    """The link, with everything the person does written to a file. Breaks where it is told to."""

    def __init__(self, link: Link, path: Path | None) -> None:
        self._link = link
        self._path = path
        self._line = ""
        self.emit = link.emit
        self.stop = link.stop

    async def events(self) -> AsyncIterator[UserEvent]:
        async for event in self._link.events():
            if self._path is not None:
                with self._path.open("ab") as file:
                    file.write(encode_record(Instant(0), 0, event) + b"\n")
            if isinstance(event, UserText):
                self._line += event.text
                if event.final and self._line == "crash":
                    raise RuntimeError("it broke")
                if event.final:
                    self._line = ""
            yield event


class Recorded(Assistant):
    """An assistant that lets the test see what reaches it."""

    path: Path | None = None

    async def converse(
        self,
        link: Link,
        *,
        id: str | None = None,
        journal: Journal | None = None,
        take_over: bool = False,
        begun: Callable[[Recap | None], None] | None = None,
    ) -> None:
        await super().converse(Heard(link, self.path), id=id, journal=journal, take_over=take_over, begun=begun)
        if self.path is not None and self.path.name == "problem":
            raise EnvironmentProblem("the plug is out", "somebody\nstumbled", "put it back")


def main() -> int:
    kind = sys.argv[1]
    assistant = Recorded(interaction=Echo(), background=reasoner)
    assistant.path = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    return run_in_terminal(assistant, plain=kind == "plain", as_json=kind == "json")


if __name__ == "__main__":
    sys.exit(guarded(main))
