"""Replay and what-if: the inputs of a recording once more, under the same policy or another.

`replay` feeds a session with the recorded events and compares every effect with the recorded one: a check of a new
version, or of a recording. `what_if` asks what another policy would have said, and when. It keeps the person and the
background as they were, and puts a stand-in in place of the voice where the voice had reacted to the timing
(`orchestrator.recorded_voice`).
"""

from __future__ import annotations

from bisect import bisect_left
from copy import copy
from heapq import heappop, heappush
from itertools import zip_longest
from statistics import median
from typing import Final

import msgspec

from orchestrator.clock import MS, START, Instant, from_ms, to_ms
from orchestrator.config import SessionConfig
from orchestrator.effects import Effect, Emit, StepModel
from orchestrator.errors import ScenarioError
from orchestrator.events import Event, ModelRested, ModelSpoke, TickDue, UserHeard
from orchestrator.journal import Record, worth_writing
from orchestrator.recorded_voice import RecordedVoice
from orchestrator.recording import Recording, Step
from orchestrator.session import Session
from orchestrator.timing import TimingPolicy

__all__ = ["Difference", "Replay", "WhatIf", "replay", "what_if"]

_LATE_MS: Final = 1_000
"""By so much a busy machine may have been late for a tick."""
_WAYS: Final = 8
_NOTHING: Final = 1 << 60
_AFTERMATH_MS: Final = 60_000
"""How long a what-if goes on after the last recorded input, while something is still owed or being said."""
_DELAY_MS: Final = 20
_DELAYS: Final = 3


class Difference(msgspec.Struct, frozen=True):
    """Where a replay and the recording part: the first effect that is not the same. `None`: there is none."""

    at: Instant
    n: int
    event: Event
    recorded: Effect | None
    replayed: Effect | None


class Replay(msgspec.Struct, frozen=True):
    """What came of a replay under the recorded timing."""

    records: tuple[Record, ...]
    effects: int
    """How many recorded effects were compared and the same, up to the difference if there is one."""
    difference: Difference | None = None


class WhatIf(msgspec.Struct, frozen=True):
    """What another policy would have made of the same inputs."""

    records: tuple[Record, ...]
    own_words: tuple[str, ...]
    """Findings that no recorded words were there for: told in their own."""
    latency_ms: int
    """How long the voice takes from an offer to its first word, where the recording does not say it of a finding."""
    closed: bool
    """The session came to its end; otherwise something was still owed a minute after the last input."""


def _begun(recording: Recording, policy: TimingPolicy, config: SessionConfig) -> Session:
    opened = recording.opened
    if opened is not None and opened.snapshot is not None:
        return Session.restore(opened.snapshot, timing=policy, now=recording.opened_at, config=config)
    if recording.taken_up:
        raise ScenarioError(
            f"{recording.name} goes on with an earlier session",
            "it does not hold how that session stood, as recordings of this version do",
            "replay a recording that begins with its session",
        )
    return Session(config, timing=policy, started_at=START)


# --- the same again --------------------------------------------------------------------------------------------------


def replay(recording: Recording, *, policy: TimingPolicy, config: SessionConfig) -> Replay:
    """Feed the recorded events in and compare the effects.

    A tick that has no line did nothing. It came when it was due, or on a busy machine the next event came first and did
    its work: so all that may have happened is followed up, until the effects tell which it was.
    """
    ways = [_Way(_begun(recording, policy, config))]
    records = list(recording.taken_up)
    same = 0
    difference: Difference | None = None
    for step in recording.steps:
        tried = [further for way in ways for further in _further(way, step, alone=difference is not None)]
        fitting = [way for way in tried if way.fits(step)]
        if difference is None and not fitting:
            same, difference = _compared(tried[0], step, same)
        elif difference is None:
            same += len(step.effects)
        ways = _apart(fitting) if fitting and difference is None else tried[:1]
        if len(ways) == 1:
            records.extend(ways[0].lines)
            ways[0].lines.clear()
    return Replay((*records, *ways[0].lines), same, difference)


def _compared(way: _Way, step: Step, same: int) -> tuple[int, Difference | None]:
    for recorded, now in zip_longest(step.effects, way.effects):
        if recorded != now:
            return same, Difference(step.at, step.n, step.event, recorded, now)
        same += 1
    # Only the number of the micro-turn is another; what follows will show it.
    return same, None


class _Way(msgspec.Struct):
    """One way in which a recording may have come about, as far as it has been followed."""

    session: Session
    effects: list[Effect] = msgspec.field(default_factory=list[Effect])
    """Those of the present step."""
    lines: list[Record] = msgspec.field(default_factory=list[Record])
    """What its journal holds, since there was only one way."""

    def take(self, event: Event, now: Instant, *, written: bool) -> None:
        effects = self.session.receive(event, now=now)
        if written or effects:
            self.lines.extend(Record(now, self.session.n, item) for item in (event, *effects))
        self.effects.extend(effects)

    def fork(self) -> _Way:
        return _Way(copy(self.session), list(self.effects), list(self.lines))

    def fits(self, step: Step) -> bool:
        return self.session.n == step.n and tuple(self.effects) == step.effects


def _further(way: _Way, step: Step, *, alone: bool) -> list[_Way]:
    """The ways in which it may have gone on to and with `step`; the likeliest first. `way` is used up."""
    way.effects.clear()
    is_tick = isinstance(step.event, TickDue)
    forks: list[_Way] = []
    while (due := way.session.deadline) is not None and due <= step.at:
        if is_tick and due == step.at:
            break
        if step.at - due <= _LATE_MS * MS and not (alone and not is_tick):
            forks.append(way.fork())
        way.take(TickDue(), due, written=False)
    ways = [way, *reversed(forks)]
    if is_tick and forks and (due is None or due > step.at):
        # The last of these ticks is the one that was written.
        del ways[0]
    ways = ways[:1] if alone else ways
    for each in ways:
        each.take(step.event, step.at, written=True)
    return ways


def _apart(ways: list[_Way]) -> list[_Way]:
    """Those that do not stand at the same point."""
    if len(ways) == 1:
        return ways
    found: dict[bytes, _Way] = {}
    for way in ways:
        found.setdefault(way.session.snapshot(now=START, since=_NOTHING).state, way)
    return list(found.values())[:_WAYS]


# --- another policy --------------------------------------------------------------------------------------------------


def what_if(recording: Recording, *, policy: TimingPolicy, config: SessionConfig) -> WhatIf:
    """The same person and the same background under `policy`, on a clock that is never late.

    Recorded: what the person did, what the background found, and what the voice answered or asked for, each at its
    instant. Words that told a finding are said when this policy offers it, after the recorded latency; a finding that
    the voice had no words for is told in its own.
    """
    stage = _Stage(recording, _begun(recording, policy, config))
    stage.play(until=to_ms(recording.end), beyond=_AFTERMATH_MS)
    return WhatIf(
        (*recording.taken_up, *stage.records),
        tuple(stage.voice.own_words),
        stage.voice.latency_ms,
        stage.session.deadline is None,
    )


class _Stage:
    """A session, what comes to it from the recording, and the stand-in for its voice."""

    def __init__(self, recording: Recording, session: Session) -> None:
        self.session = session
        self.voice = RecordedVoice(recording.records)
        self.records: list[Record] = []
        self._turns: list[tuple[int, int]] = []
        """(millisecond, number) of each micro-turn so far."""
        self._stepped = _steps(recording)
        self._heard_after = _playing_ms(recording)
        self._heap: list[tuple[int, int, int, Event]] = []
        self._order = 0
        for step in recording.steps:
            if not self._replaced(step.event):
                self._push(to_ms(step.at), step.event)

    def _replaced(self, event: Event) -> bool:
        """What belonged to the recorded timing, and is made anew."""
        match event:
            case TickDue():
                return True
            case ModelSpoke():
                return bool(event.about)
            case UserHeard():
                return self._heard_after is not None
            case _:
                return False

    def _push(self, at_ms: int, event: Event, delays: int = 0) -> None:
        self._order += 1
        heappush(self._heap, (at_ms, self._order, delays, event))

    def play(self, *, until: int, beyond: int) -> None:
        while (deadline := self.session.deadline) is not None:
            due = to_ms(deadline)
            if self._heap and self._heap[0][0] < due:
                at, _, delays, event = heappop(self._heap)
            else:
                at, delays, event = due, 0, TickDue()
            if at > until + (beyond if self.session.busy else 0):
                return
            if isinstance(event, ModelRested) and event.n in self._stepped:
                rested = self._rested(event, at, delays)
                if rested is None:
                    continue
                event = rested
            self._take(event, at)

    def _take(self, event: Event, at: int) -> None:
        now, before = from_ms(at), self.session.n
        effects = self.session.receive(event, now=now)
        if self.session.n != before:
            self._turns.append((at, self.session.n))
        self.voice.done(event)
        if worth_writing(event, len(effects)):
            self.records.append(Record(now, self.session.n, event))
        for effect in effects:
            self.records.append(Record(now, self.session.n, effect))
            if isinstance(effect, StepModel):
                for delay_ms, said in self.voice.answer(effect.turn):
                    self._push(at + delay_ms, said)
            elif isinstance(effect, Emit) and self._heard_after is not None:
                self._push(at + self._heard_after, UserHeard(effect.seq))

    def _rested(self, event: ModelRested, at: int, delays: int) -> ModelRested | None:
        """A recorded rest, said of the micro-turn that takes the place of the recorded one."""
        stepped = self._stepped[event.n]
        last_at = self._turns[-1][0] if self._turns else -1
        if last_at < stepped and delays < _DELAYS:
            # Here that micro-turn comes a moment later.
            self._push(at + _DELAY_MS, event, delays + 1)
            return None
        place = bisect_left(self._turns, (stepped, 0))
        near = self._turns[place : place + 1]
        if not near or near[0][0] >= stepped + 2 * _DELAY_MS:
            near = self._turns[max(place - 1, 0) : place]
        n = near[0][1] if near else 0
        # What the stand-in is still to phrase has not been dealt with.
        n = min(n, self.voice.phrasing - 1) if self.voice.phrasing else n
        return ModelRested(max(n, 0), takes_back=event.takes_back)


def _steps(recording: Recording) -> dict[int, int]:
    """When the voice was given each micro-turn that it was given."""
    turns = (item.item.turn for item in recording.records if isinstance(item.item, StepModel))
    return {turn.n: turn.at_ms for turn in turns}


def _playing_ms(recording: Recording) -> int | None:
    """How long after it went out a piece of speech was reported as heard; `None` where nothing was reported."""
    sent: dict[int, int] = {}
    waits: list[int] = []
    for record in recording.records:
        if isinstance(record.item, Emit):
            sent[record.item.seq] = to_ms(record.at)
        elif isinstance(record.item, UserHeard) and record.item.emit in sent:
            waits.append(to_ms(record.at) - sent[record.item.emit])
    return int(median(waits)) if waits else None
