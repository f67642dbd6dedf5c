"""What a micro-turn costs: against a bare method call, and as the conversation grows."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable

from benchmarks.figures import Figure, interleaved
from orchestrator.clock import Instant, from_ms
from orchestrator.config import SessionConfig
from orchestrator.events import Event, ModelDelegated, TickDue, UserText
from orchestrator.finding import Finding
from orchestrator.session import Session
from orchestrator.testing import play
from orchestrator.timing import default_policy

__all__ = ["run"]


class _Bare:
    """The least that anything with this signature can do."""

    def receive(self, event: Event, *, now: Instant) -> tuple[()]:
        match event:
            case TickDue():
                return ()
            case _:
                return ()


def _session(entries: int = 0) -> Session:
    session = Session(SessionConfig(pace=None), timing=default_policy())
    for number in range(entries):
        session.receive(UserText(f"line {number}", final=True), now=from_ms(number))
    return session


def _ticks(target: Session | _Bare, count: int, start_ms: int) -> Callable[[], object]:
    tick, clock = TickDue(), [start_ms]

    def side() -> None:
        for _ in range(count):
            clock[0] += 200
            target.receive(tick, now=from_ms(clock[0]))

    return side


def _conversation() -> None:
    """A minute: twenty lines, ten tasks, ten results."""
    session = _session()
    events: list[tuple[int, Event]] = [(3_000 * n, UserText(f"please look up {n}", final=True)) for n in range(20)]
    for n in range(10):
        events.append((6_000 * n + 100, ModelDelegated(f"task {n}")))
        events.append((6_000 * n + 2_500, Finding(f"Result {n}.", delegation=f"s-{n + 1}", seq=1)))
    play(session, sorted(events, key=lambda pair: pair[0]), until_ms=60_000)


def _bytes_of_a_session(turns: int = 10, sessions: int = 50) -> float:
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = [_session(turns) for _ in range(sessions)]
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return used / len(kept)


def run(*, quick: bool = False) -> list[Figure]:
    """The figures; `quick` for a look that they can be made at all."""
    count, rounds = (200, 3) if quick else (20_000, 9)
    short, long = _session(10), _session(1_000 if quick else 10_000)
    bare, idle, grown = interleaved(
        rounds, _ticks(_Bare(), count, 100_000), _ticks(short, count, 100_000), _ticks(long, count, 100_000)
    )
    begun = time.perf_counter()
    minutes = 1 if quick else 20
    for _ in range(minutes):
        _conversation()
    taken = time.perf_counter() - begun
    return [
        Figure("idle micro-turn", 1e6 * idle / count, "us", "at most 10"),
        Figure("idle micro-turn / bare method call", idle / bare, "x"),
        Figure("idle micro-turn at 10,000 lines / at 10", grown / idle, "x", "no growth"),
        Figure("conversation played, minutes a second", minutes / taken, "min/s"),
        Figure("memory of a session with 10 lines", _bytes_of_a_session() / 1_024, "KB", "at most 32"),
    ]
