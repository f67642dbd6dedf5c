"""What it costs to keep a session on Redis while it goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import count
from statistics import median
from time import perf_counter, process_time

import anyio
import anyio.lowlevel

from benchmarks.conversing import LINES, typed
from benchmarks.measuring import Report, Row, ratio, shown
from benchmarks.own_redis import redis_server
from interaction.clock import SystemClock
from interaction.loop import drive
from interaction.models.reflex import ReflexModel
from orchestrator.bus import connect
from orchestrator.bus.memory import MemoryBus
from orchestrator.clock import from_ms
from orchestrator.config import SessionConfig
from orchestrator.effects import Emit, StopSpeaking
from orchestrator.events import ModelDelegated, ModelRested, ModelSpoke, UserEvent, UserText
from orchestrator.finding import Finding
from orchestrator.ports import FrontBus, Opening, OwnedSession, SessionStore
from orchestrator.session import Session
from orchestrator.state import Snapshot
from orchestrator.timing import default_policy

__all__ = ["run"]

MINUTE_MS = 60_000
_NAMES = count()


def run(*, small: bool = False) -> Report:
    """Measure. `small` is for the test that this still works. Needs a redis-server to start."""
    turns, saves, crowd, seconds, rounds = (50, 20, 5, 0.5, 1) if small else (2_000, 500, 100, 8.0, 3)
    with redis_server() as server:
        rows = [
            *_snapshots(turns),
            *anyio.run(_saving, server.url, saves),
            *anyio.run(_conversing, server.url, crowd, seconds, rounds),
        ]
    return Report(
        "sessions",
        "keeping sessions on Redis while they go on",
        tuple(rows),
        (
            "The state is written whole each time, the conversation only as far as it is new.",
            f"{crowd} people type, interrupt and listen all the time, each with the rule-based voice, in one process.",
            "CPU is that of the front end's process; Redis takes its own beside it.",
        ),
    )


def _talked(turns: int) -> Session:
    session = Session(SessionConfig(id="bench", reassure_ms=None), timing=default_policy())
    for turn in range(turns):
        at_ms, task = 3_000 * turn, f"bench-{turn + 1}"
        session.receive(UserText(f"find the word number {turn}", final=True), now=from_ms(at_ms))
        session.receive(ModelDelegated(f"find the word number {turn}"), now=from_ms(at_ms + 50))
        session.receive(ModelSpoke("On it."), now=from_ms(at_ms + 60))
        session.receive(ModelRested(10**9), now=from_ms(at_ms + 100))
        found = Finding(f"It is in three places, {turn}.", delegation=task, seq=1, context_revision=10**9)
        session.receive(found, now=from_ms(at_ms + 1_000))
        session.receive(ModelSpoke("It is in three places.", (found.id,)), now=from_ms(at_ms + 1_500))
        session.receive(ModelRested(10**9), now=from_ms(at_ms + 1_600))
        session.receive(UserText(""), now=from_ms(at_ms + 2_800))
    return session


def _snapshots(turns: int) -> list[Row]:
    figures: list[tuple[float, int]] = []
    for length in (10, turns):
        session = _talked(length)
        since = session.entries()[-1].revision
        took: list[float] = []
        size = len(session.snapshot(now=from_ms(10**8), since=since).state)
        for _ in range(200):
            begun = perf_counter()
            session.snapshot(now=from_ms(10**8), since=since)
            took.append(perf_counter() - begun)
        figures.append((median(took) * 1e6, size))
    (short_us, short), (long_us, long) = figures
    return [
        shown("a snapshot after 10 turns with a task each", short_us, "us"),
        shown("its size, without the conversation", short / 1_024, "KiB"),
        shown(f"a snapshot after {turns:,} such turns", long_us / short_us, "x after 10"),
        shown("its size", long / short, "x after 10"),
    ]


async def _saving(url: str, saves: int) -> list[Row]:
    rows: list[Row] = []
    async with connect(url).store() as store, AsyncExitStack() as stack:
        for together in (1, 100):
            owned = [await stack.enter_async_context(store.own(f"s{next(_NAMES)}")) for _ in range(together)]
            session = _talked(10)
            begun = perf_counter()
            async with anyio.create_task_group() as tasks:
                for each in owned:
                    tasks.start_soon(_save, each, session, max(saves // together, 2))
            rate = together * max(saves // together, 2) / (perf_counter() - begun)
            rows.append(shown(f"saves a second, {together} session{'s' * (together > 1)} at once", rate, "a second"))
    return rows


async def _save(owned: OwnedSession, session: Session, times: int) -> None:
    for _ in range(times):
        await owned.save(session.snapshot(now=from_ms(10**8), since=owned.revision))


class _Person:
    """Types the lines of the minute, over and over."""

    def __init__(self, clock: SystemClock, ahead_ms: int) -> None:
        self._clock = clock
        self._ahead_ms = ahead_ms

    async def events(self) -> AsyncIterator[UserEvent]:
        for minute in count():
            for begun_ms, text in LINES:
                for at_ms, event in typed(minute * MINUTE_MS + begun_ms - self._ahead_ms, text):
                    if at_ms >= 0:
                        await self._clock.sleep_until(from_ms(at_ms))
                        yield event

    async def emit(self, part: Emit) -> None:
        await anyio.lowlevel.checkpoint()

    async def stop(self, stop: StopSpeaking) -> None:
        await anyio.lowlevel.checkpoint()


class _Counted:
    """A session of the store, whose saves are counted."""

    def __init__(self, owned: OwnedSession, sizes: list[int]) -> None:
        self.kept, self.away_ms, self.keep_ms = owned.kept, owned.away_ms, owned.keep_ms
        self._owned = owned
        self._sizes = sizes

    @property
    def revision(self) -> int:
        return self._owned.revision

    async def save(self, snapshot: Snapshot) -> bool:
        self._sizes.append(len(snapshot.state) + len(snapshot.config) + sum(map(len, snapshot.said)))
        return await self._owned.save(snapshot)

    async def watch(self) -> None:
        await self._owned.watch()


async def _conversing(url: str, size: int, seconds: float, rounds: int) -> list[Row]:
    alone: list[float] = []
    kept: list[float] = []
    sizes: list[int] = []
    async with MemoryBus().front() as front, connect(url).store() as store:
        for _ in range(rounds):
            alone.append(await _crowd(front, None, size, seconds, sizes))
            kept.append(await _crowd(front, store, size, seconds, sizes))
    rate = len(sizes) / (rounds * size * seconds)
    return [
        shown(f"CPU of one of {size} conversing sessions, not kept", median(alone), "ms a session-second"),
        shown("the same, kept on Redis", ratio(kept, alone), "x not kept"),
        shown("saves of a conversing session", rate, "a second"),
        shown("a save", sum(sizes) / max(len(sizes), 1), "bytes"),
    ]


async def _crowd(front: FrontBus, store: SessionStore | None, size: int, seconds: float, sizes: list[int]) -> float:
    found: list[float] = []
    measured: list[int] = []
    async with anyio.create_task_group() as sessions:
        for number in range(size):
            sessions.start_soon(_converse, front, store, number * MINUTE_MS // size, measured)
        await anyio.sleep(seconds / 4)
        measured.clear()
        begun, cpu = perf_counter(), process_time()
        await anyio.sleep(seconds)
        found.append((process_time() - cpu) / (perf_counter() - begun))
        sizes += measured
        sessions.cancel_scope.cancel()
    return 1_000 * found[0] / size


async def _converse(front: FrontBus, store: SessionStore | None, ahead_ms: int, sizes: list[int]) -> None:
    name = f"s{next(_NAMES)}"
    async with AsyncExitStack() as stack:
        owned = None if store is None else _Counted(await stack.enter_async_context(store.own(name)), sizes)
        clock = SystemClock()
        await drive(
            Session(SessionConfig(id=name), timing=default_policy()),
            model=ReflexModel(),
            opening=Opening(name),
            link=_Person(clock, ahead_ms),
            bus=front,
            clock=clock,
            owned=owned,
        )
