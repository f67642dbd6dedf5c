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

_CLOSE_MS: Final = 50
"""So near to a tick that left no line, an event may also have come before it."""
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
    """Feed the recorded events in and compare the effects. A tick that has no line came when it was due, and did
    nothing."""
    session = _begun(recording, policy, config)
    records = list(recording.taken_up)
    same = 0
    difference: Difference | None = None
    for step in recording.steps:
        passage = _once_more(session, step)
        session, effects = passage.session, passage.effects
        records.extend(passage.lines)
        if difference is not None:
            continue
        for recorded, now in zip(step.effects, effects, strict=False):
            if recorded != now:
                difference = Difference(step.at, step.n, step.event, recorded, now)
                break
            same += 1
        else:
            if len(step.effects) != len(effects):
                both = min(len(step.effects), len(effects))
                missing = step.effects[both] if len(step.effects) > both else None
                added = effects[both] if len(effects) > both else None
                difference = Difference(step.at, step.n, step.event, missing, added)
    return Replay(tuple(records), same, difference)


class _Passage(msgspec.Struct):
    """A session on its way through one step: what it did."""

    session: Session
    effects: list[Effect] = msgspec.field(default_factory=list[Effect])
    lines: list[Record] = msgspec.field(default_factory=list[Record])

    def take(self, event: Event, now: Instant, *, written: bool) -> None:
        effects = self.session.receive(event, now=now)
        if written or effects:
            self.lines.extend(Record(now, self.session.n, item) for item in (event, *effects))
        self.effects.extend(effects)

    def fork(self) -> _Passage:
        return _Passage(copy(self.session), list(self.effects), list(self.lines))

    def fits(self, step: Step) -> bool:
        return self.session.n == step.n and tuple(self.effects) == step.effects


def _once_more(session: Session, step: Step) -> _Passage:
    """Let the ticks without a line pass that lie before `step`, then take it in.

    Of an event in the instant of a tick the recording does not say which came first, and a tick that came late may
    have come after it: what fits its effects counts.
    """
    passage, before = _Passage(session), None
    is_tick = isinstance(step.event, TickDue)
    near = session.config.tick_ms if is_tick else _CLOSE_MS
    while (due := passage.session.deadline) is not None and due <= step.at:
        if is_tick and due == step.at:
            break
        # The last tick before the step may be no tick of its own; further back there is no doubt.
        before = passage.fork() if step.at - due <= near * MS else None
        passage.take(TickDue(), due, written=False)
    if is_tick and before is not None and (due is None or due > step.at):
        passage, before = before, None
    passage.take(step.event, step.at, written=True)
    if before is not None and not passage.fits(step):
        before.take(step.event, step.at, written=True)
        if before.fits(step):
            return before
    return passage


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
