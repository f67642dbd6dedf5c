"""A model server in a process of its own, a person who types at a tempo, and sessions between the two."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

import anyio
import anyio.lowlevel
import msgspec

from interaction.clock import SystemClock
from interaction.loop import drive
from interaction.outbox import Outbox
from orchestrator.bundle import Bundle
from orchestrator.clock import START
from orchestrator.completions.endpoint_settings import EndpointSettings
from orchestrator.completions.switch import allowing
from orchestrator.config import SessionConfig
from orchestrator.effects import Emit, StopSpeaking
from orchestrator.events import BusEvent, DelegationUpdate, UserEvent, UserText
from orchestrator.finding import Finding
from orchestrator.ports import FrontBus, InteractionModel, Opening, Order
from orchestrator.session import Session
from orchestrator.testing import Asked
from orchestrator.timing import default_policy

__all__ = ["KEY", "Background", "Models", "Person", "model_process", "talking"]

KEY = "none"
"""The server asks for none, and the client wants one."""
_WAIT_S = 20.0


# --- the server ------------------------------------------------------------------------------------------------------


class Models:
    """A running server, and every request that is over, with what became of it. Times are `time.monotonic()`."""

    def __init__(self, base_url: str) -> None:
        self.base_url: str = base_url
        self.over: list[Asked] = []

    @property
    def endpoint(self) -> EndpointSettings:
        """The way to it."""
        return EndpointSettings(base_url=self.base_url, api_key=KEY)

    def between(self, model: str, begun: float, until: float) -> list[Asked]:
        """The requests to a model that were made within this time, oldest first, once all of them are over."""
        return sorted((one for one in self.over if one.model == model and begun <= one.at <= until), key=_at)


def _at(asked: Asked) -> float:
    return asked.at


@contextmanager
def model_process(rules: Sequence[Mapping[str, Any]]) -> Generator[Models]:
    """Play `rules` (as in a script file of `ModelServer`) in another process: it shares neither loop nor interpreter.

    On Linux the monotonic clock is one for all processes, so its times and ours can be subtracted.
    """
    names = sorted({str(rule["model"]) for rule in rules})
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.json"
        script.write_bytes(msgspec.json.encode({"models": names, "rules": rules}))
        command = (sys.executable, "-m", "orchestrator.testing.model_server", str(script))
        process = subprocess.Popen(
            command, cwd=Path(__file__).resolve().parent.parent, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdout is not None
        try:
            models = Models(process.stdout.readline().decode().strip())
            reader = Thread(target=_read, args=(process.stdout, models.over), daemon=True)
            reader.start()
            with allowing(int(models.base_url.rpartition(":")[2].partition("/")[0])):
                yield models
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()


def _read(lines: Any, over: list[Asked]) -> None:
    decoder = msgspec.json.Decoder(Asked)
    over.extend(decoder.decode(line) for line in lines)


# --- the person ------------------------------------------------------------------------------------------------------


class Person:
    """A link whose person types when told to. Every time is one of the loop's clock, which is `time.monotonic()`."""

    def __init__(self, seed: int = 0, *, key_ms: tuple[int, int] = (40, 90)) -> None:
        self.heard: list[tuple[float, Emit]] = []
        self.stopped: list[tuple[float, StopSpeaking]] = []
        self.chance: Random = Random(seed)
        self._key_ms = key_ms
        self._does: Outbox[UserEvent] = Outbox()
        self._news = anyio.Event()

    async def events(self) -> AsyncIterator[UserEvent]:
        """What they type."""
        while (got := await self._does.get()) is not None:
            yield got[0]

    async def emit(self, part: Emit) -> None:
        """They hear something."""
        self.heard.append((anyio.current_time(), part))
        self._tell()
        await anyio.lowlevel.checkpoint()

    async def stop(self, stop: StopSpeaking) -> None:
        """The assistant falls silent."""
        self.stopped.append((anyio.current_time(), stop))
        self._tell()
        await anyio.lowlevel.checkpoint()

    def press(self, text: str, *, final: bool = False) -> float:
        """One key, or Enter. Returns when."""
        self._does.put(UserText(text, final=final))
        return anyio.current_time()

    async def type(self, text: str) -> float:
        """Key by key. Returns when the last one was pressed."""
        at = anyio.current_time()
        for place, key in enumerate(text):
            if place:
                await anyio.sleep(self.chance.uniform(*self._key_ms) / 1_000)
            at = self.press(key)
        return at

    async def until(self, test: Callable[[], bool]) -> None:
        """Wait until something that they hear makes `test` true. Raises `TimeoutError`."""
        with anyio.fail_after(_WAIT_S):
            while not test():
                self._news = anyio.Event()
                await self._news.wait()

    async def hears(self, since: int) -> float:
        """When they hear the first piece after the `since`-th."""
        await self.until(lambda: len(self.heard) > since)
        return self.heard[since][0]

    async def falls_silent(self, since: int) -> float:
        """When the assistant is told to fall silent, after the `since`-th time."""
        await self.until(lambda: len(self.stopped) > since)
        return self.stopped[since][0]

    async def hears_out(self, since: int) -> None:
        """Wait until what they began to hear after the `since`-th piece has been said to its end."""
        await self.until(lambda: len(self.heard) > since and self.heard[-1][1].ends)

    def _tell(self) -> None:
        self._news.set()


# --- the session between them ----------------------------------------------------------------------------------------


class Background:
    """A `FrontBus` that answers each task so many seconds later with the next of its findings, and knows when."""

    def __init__(self, findings: Sequence[str] = (), *, after_s: Callable[[], float] = lambda: 2.5) -> None:
        self.found: list[float] = []
        """When each finding was handed to the session."""
        self._findings = iter(findings)
        self._after_s = after_s
        self._tasks: Outbox[str] = Outbox()

    async def submit(self, bundle: Bundle) -> None:
        """Take a task."""
        self._tasks.put(bundle.id)
        await anyio.lowlevel.checkpoint()

    async def order(self, order: Order) -> None:
        """Nothing is running that could be told."""
        await anyio.lowlevel.checkpoint()

    async def updates(self, session: str) -> AsyncIterator[BusEvent]:
        """A finding for each task."""
        while (got := await self._tasks.get()) is not None:
            task = got[0]
            yield DelegationUpdate(task, "running")
            await anyio.sleep(self._after_s())
            self.found.append(anyio.current_time())
            yield Finding(next(self._findings), delegation=task, seq=1)


@asynccontextmanager
async def talking(
    model: InteractionModel, person: Person, *, bus: FrontBus | None = None, config: SessionConfig | None = None
) -> AsyncGenerator[Session]:
    """A session with the real driver on the system clock, for as long as the body runs."""
    clock = SystemClock()
    session = Session(config or SessionConfig(), timing=default_policy(), started_at=START)

    async def run() -> None:
        await drive(
            session, model=model, opening=Opening(session.config.id), link=person, bus=bus or Background(), clock=clock
        )

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        # The first conversation looks at the server before it answers; that is no part of what is measured.
        await anyio.sleep(1.2)
        yield session
        group.cancel_scope.cancel()
