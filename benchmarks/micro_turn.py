"""The pure core: what a micro-turn costs, whether that grows with the conversation, and what a session weighs."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Sequence
from statistics import median
from time import perf_counter

import anyio

from benchmarks.conversing import crowd, minute_of_events, minute_of_scenario, talkative, typed
from benchmarks.measuring import Report, Row, at_least, at_most, in_turns, ratio, shown
from orchestrator.clock import Instant, from_ms
from orchestrator.config import SessionConfig
from orchestrator.decisions import Hold
from orchestrator.effects import Effect
from orchestrator.events import (
    Event,
    ModelDelegated,
    ModelRested,
    ModelSpoke,
    TickDue,
    UserActivity,
    UserEvent,
    UserText,
)
from orchestrator.finding import Finding
from orchestrator.session import Session
from orchestrator.simulation import simulate_virtually
from orchestrator.testing.playing import play
from orchestrator.testing.virtual import run_virtual
from orchestrator.timing import AnswerFirst, AtBoundary, FirstOf, SilentProgress, Speak, WaitForGap, default_policy

__all__ = ["run"]

TICK_MS = 200
TURNS = 10
"""Turns of history of a session that is weighed."""
SPEECH = "and so it goes on, one clause after the other, until somebody has had enough of it, which may take a while; "
REFILL = 8
"""Ticks after which the assistant is given another `SPEECH`: about as long as it takes to say one."""
SAME = 1.2
"""Noise moves a ratio by some hundredths; growth with the conversation would be a factor of ten and more."""


def run(*, small: bool = False) -> Report:
    """Measure. `small` is for the test that this still works."""
    ticks, rounds = (200, 3) if small else (10_000, 9)
    return Report(
        "micro_turn",
        "the pure core, with time as an argument",
        (
            *_ticks((10, 100) if small else (10, 1_000, 10_000), ticks, rounds),
            *_minute(3 if small else 7),
            *_memory(5 if small else 100),
        ),
        (
            "A bare call is a Python method with one `match` on the event that counts and returns an empty tuple.",
            (
                "The minute is eight typed lines, seven answers, a delegation with its result, and an interruption."
                " play() is the core alone; simulate is the real driver, voice, bus, worker and tool in virtual time."
            ),
            "Memory is what tracemalloc counts. The driven session has its tasks, streams and rule-based voice too.",
        ),
    )


# --- ticks -----------------------------------------------------------------------------------------------------------


class _Bare:
    """The least that could take a tick in."""

    def __init__(self) -> None:
        self.n = 0

    def receive(self, event: Event, *, now: Instant) -> tuple[Effect, ...]:
        match event:
            case TickDue():
                self.n += 1
            case _:
                pass
        return ()


class _Ticking:
    """Ticks a session on its grid, on and on; `again` happens to it every few ticks. Microseconds a tick."""

    def __init__(self, session: Session | _Bare, ticks: int, *, again: Event | None = None) -> None:
        self._session = session
        self._ticks = ticks
        self._again = again
        begun = session.deadline if isinstance(session, Session) else None
        self._now = Instant(((begun or 0) // from_ms(TICK_MS)) * from_ms(TICK_MS))

    def __call__(self) -> float:
        session, now, step, tick = self._session, self._now, from_ms(TICK_MS), TickDue()
        receive = session.receive
        begun = perf_counter()
        for number in range(self._ticks):
            now = Instant(now + step)
            if self._again is not None and number % REFILL == 0:
                receive(self._again, now=now)
            receive(tick, now=now)
        took = perf_counter() - begun
        self._now = now
        return took / self._ticks * 1e6


def _ticks(lengths: Sequence[int], ticks: int, rounds: int) -> list[Row]:
    first = f"idle {lengths[0]}"
    found = in_turns(
        {
            "bare": _Ticking(_Bare(), ticks),
            **{f"idle {length}": _Ticking(_grown(length), ticks) for length in lengths},
            "speaking": _Ticking(_grown(lengths[0]), ticks // 10, again=ModelSpoke(SPEECH)),
            "holding": _Ticking(_holding(), ticks // 10, again=UserActivity("typing")),
        },
        rounds,
    )
    longer = [
        at_most(
            f"  {length:,} context entries, against {lengths[0]}",
            ratio(found[f"idle {length}"], found[first]),
            "x",
            SAME,
        )
        for length in lengths[1:]
    ]
    return [
        at_most("tick, nothing pending", median(found[first]), "us", 10),
        shown("  against a bare call", ratio(found[first], found["bare"]), "x"),
        *longer,
        shown("tick while the assistant speaks", median(found["speaking"]), "us"),
        shown("  against an idle tick", ratio(found["speaking"], found[first]), "x"),
        shown("tick while the person types and a result is held", median(found["holding"]), "us"),
        shown("  against an idle tick", ratio(found["holding"], found[first]), "x"),
    ]


def _grown(entries: int) -> Session:
    """A session with so much behind it, in which nothing is going on."""
    session = Session(SessionConfig(), timing=default_policy())
    at_ms = 0
    while len(session.entries()) < entries:
        at_ms += TICK_MS
        session.receive(UserText("and another line", final=True), now=from_ms(at_ms))
        session.receive(ModelRested(session.n + 1), now=from_ms(at_ms))
    # Long enough for the last line to be over and done with.
    play(session, (), until_ms=at_ms + 10_000)
    return session


def _holding() -> Session:
    """A session that owes a result to a person who does not stop typing, and has no patience that would end it."""
    patient = FirstOf((SilentProgress(), WaitForGap(), AnswerFirst(), AtBoundary(), Speak()))
    session = Session(SessionConfig(), timing=patient)
    events: list[tuple[int, Event]] = [
        (300, ModelDelegated("the next train")),
        (400, UserActivity("typing")),
        (500, Finding("It leaves at 9:12.", delegation="s-1", seq=1)),
    ]
    records = play(session, events, until_ms=1_000)
    if not any(isinstance(record.item, Hold) for record in records):
        raise AssertionError("the result was to be held")
    return session


# --- a minute --------------------------------------------------------------------------------------------------------


def _minute(rounds: int) -> list[Row]:
    found = in_turns({"play": _played, "simulate": _simulated}, rounds)
    return [
        shown("a minute of conversation by play()", 60 / median(found["play"]), "virtual s a real s"),
        # "Well under a second": a fifth of one is.
        at_least("a minute of conversation by simulate", 60 / median(found["simulate"]), "virtual s a real s", 300),
    ]


def _played() -> float:
    begun = perf_counter()
    session = Session(SessionConfig(), timing=default_policy())
    play(session, minute_of_events(), until_ms=60_000, voice=talkative)
    return perf_counter() - begun


def _simulated() -> float:
    begun = perf_counter()
    simulate_virtually(minute_of_scenario())
    return perf_counter() - begun


# --- memory ----------------------------------------------------------------------------------------------------------


def _memory(sessions: int) -> list[Row]:
    # What is made once for all is no part of a session, so one is held before anything is counted.
    _core_bytes(1)
    run_virtual(lambda: _driven_bytes(1))
    return [
        at_most(f"memory a session, idle, {TURNS} turns: the core", _core_bytes(sessions) / 1024, "KiB", 32),
        at_most(
            f"memory a session, idle, {TURNS} turns: with driver and voice",
            run_virtual(lambda: _driven_bytes(sessions)) / 1024,
            "KiB",
            32,
        ),
    ]


def _lines() -> list[tuple[int, UserEvent]]:
    return [event for turn in range(TURNS) for event in typed(turn * 8_000, f"hello for the {turn}th time")]


def _core_bytes(sessions: int) -> float:
    kept: list[Session] = []
    gc.collect()
    tracemalloc.start()
    for _ in range(sessions):
        session = Session(SessionConfig(), timing=default_policy())
        play(session, _lines(), until_ms=TURNS * 8_000 + 10_000, voice=talkative)
        kept.append(session)
    return _weighed(sessions)


async def _driven_bytes(sessions: int) -> float:
    gc.collect()
    tracemalloc.start()
    async with crowd(sessions, events=_lines()):
        await anyio.sleep(TURNS * 8 + 10)
        return _weighed(sessions)


def _weighed(sessions: int) -> float:
    gc.collect()
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return grown / sessions
