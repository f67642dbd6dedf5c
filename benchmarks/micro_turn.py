"""The pure core: what a micro-turn costs, whether that grows with the conversation, and what a session weighs."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Sequence
from statistics import median
from time import perf_counter
from typing import assert_never

from benchmarks.conversing import Crowd, converse_a_minute
from benchmarks.measuring import Report, Row, at_most, in_turns, ratio, shown
from orchestrator.clock import Instant, after, from_ms, to_ms
from orchestrator.config import SessionConfig
from orchestrator.effects import Effect, MicroTurn
from orchestrator.events import Event, ModelDelegated, ModelEvent, ModelRested, ModelSpoke, TickDue, UserLeft, UserText
from orchestrator.finding import Finding
from orchestrator.session import Session
from orchestrator.testing.playing import play
from orchestrator.testing.virtual import run_virtual
from orchestrator.timing import default_policy

__all__ = ["run"]

TURNS = 10
"""Turns of history of a session that is weighed."""
LONG_SPEECH = "and so it goes on, one clause after the other, until somebody has had enough of it. " * 500


def run(*, small: bool = False) -> Report:
    """Measure. `small` is for the test that this still works."""
    ticks, rounds = (200, 3) if small else (20_000, 9)
    lengths = (10, 100) if small else (10, 1_000, 10_000)
    crowd = 5 if small else 100
    minutes = 3 if small else 7
    return Report(
        "micro_turn",
        "the pure core, with time as an argument",
        (
            *_ticks(lengths, ticks, rounds),
            *_minute(minutes),
            at_most("memory a session, idle, 10 turns: the core", _core_kib(crowd), "KiB", 32),
            at_most("memory a session, idle, 10 turns: with its driver and voice", _driven_kib(crowd), "KiB", 32),
        ),
        (
            "A bare call is a Python method with one `match` on the event that returns an empty tuple.",
            "The minute is talk, a delegation, a result and an interruption; play() is the core alone, simulate is the"
            " real driver, voice, bus, worker and tool on a virtual clock.",
            "Memory is what tracemalloc counts; the driven session also has its tasks, streams and rule-based voice.",
        ),
    )


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


def _ticks(lengths: Sequence[int], ticks: int, rounds: int) -> list[Row]:
    grown = {length: _Ticking(_grown(length)) for length in lengths}
    speaking = _Ticking(_grown(lengths[0]), speech=LONG_SPEECH)
    holding = _Ticking(_holding())
    sides = {
        "bare": _Ticking(_Bare()).clock(ticks),
        **{f"idle {length}": each.clock(ticks) for length, each in grown.items()},
        "speaking": speaking.clock(ticks // 10),
        "holding": holding.clock(ticks // 10),
    }
    found = in_turns(sides, rounds)
    first = f"idle {lengths[0]}"
    rows = [
        at_most("tick, nothing pending", median(found[first]), "us", 10),
        shown("  the same, against a bare call", ratio(found[first], found["bare"]), "x"),
    ]
    rows += [
        # Noise alone moves a ratio by some hundredths; growth with the conversation would show as a factor.
        at_most(f"  {length:,} context entries against {lengths[0]}", ratio(found[f"idle {length}"], found[first]), "x", 1.2)
        for length in lengths[1:]
    ]
    rows += [
        shown("tick while the assistant speaks", median(found["speaking"]), "us"),
        shown("  against an idle tick", ratio(found["speaking"], found[first]), "x"),
        shown("tick while the person types and a result is held", median(found["holding"]), "us"),
        shown("  against an idle tick", ratio(found["holding"], found[first]), "x"),
    ]
    return rows


class _Ticking:
    """Ticks a session on its grid, on and on. In microseconds a tick."""

    def __init__(self, session: Session | _Bare, *, speech: str = "") -> None:
        self._session = session
        self._speech = speech
        self._now = after(_deadline(session), 0)

    def clock(self, ticks: int):
        return lambda: self._measure(ticks)

    def _measure(self, ticks: int) -> float:
        session, now, tick = self._session, self._now, TickDue()
        if self._speech:
            session.receive(ModelSpoke(self._speech), now=now)
        step = from_ms(200)
        begun = perf_counter()
        for _ in range(ticks):
            now = Instant(now + step)
            session.receive(tick, now=now)
        took = perf_counter() - begun
        self._now = now
        return took / ticks * 1e6
