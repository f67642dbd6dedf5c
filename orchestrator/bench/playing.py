"""Playing a scenario with a real `Session` and a timing policy, in virtual time and without an event loop."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify, heappop, heappush
from typing import Final, Literal

from orchestrator.bench.background import Background, Brought
from orchestrator.bench.listening import Listener
from orchestrator.bench.person import Does, Person
from orchestrator.bench.record import (
    End,
    FactStale,
    Line,
    PersonAway,
    PersonBack,
    PersonBackchannel,
    PersonBegins,
    PersonEnds,
    PersonKey,
    RequestAsked,
    RequestWithdrawn,
    Run,
)
from orchestrator.bench.scenario import Happening, Scenario, Step, Stroke
from orchestrator.bench.voice import SymbolicVoice
from orchestrator.clock import from_ms, to_ms
from orchestrator.config import SessionConfig
from orchestrator.effects import Amend, Cancel, Delegate, Effect, Emit, LedgerChanged, StepModel, StopSpeaking
from orchestrator.events import Event, TickDue, UserActivity, UserAudio, UserText
from orchestrator.finding import Finding
from orchestrator.session import Session
from orchestrator.state import Snapshot
from orchestrator.timing.moment import TimingPolicy

__all__ = ["play_scenario"]

PACE: Final = 60
"""Characters of speech a second."""
NOTICES_MS: Final = 120
"""How long a microphone takes to know that the person speaks."""
PAUSE_MS: Final = 300
"""After so much silence it tells that they pause."""
ENDPOINT_MS: Final = 250
"""How long the recogniser takes to tell that they have finished."""
TAIL_MS: Final = 1_500
"""How long the silence at the end is watched."""


def play_scenario(scenario: Scenario, policy: TimingPolicy, *, system: str, lawful: bool = True) -> list[Line]:
    """Play it to its end. Returns the journal, which names `system`.

    `lawful=False` is for the rules of others (`SessionConfig.lawful`).
    """
    config = SessionConfig(id="s", pace=PACE, lawful=lawful)
    return _Stage(scenario, config, policy, system).play()


class _Stage:
    """One run: everybody in it, and the order of what happens."""

    def __init__(self, scenario: Scenario, config: SessionConfig, policy: TimingPolicy, system: str) -> None:
        self._scenario = scenario
        self._policy = policy
        self._session: Session = Session(config, timing=policy)
        self._kept: Snapshot | None = None
        """The session, while the connection is gone."""
        self._waiting: list[Event] = []
        """What the background brought meanwhile."""
        self._person: Person = Person(scenario.steps)
        self._background: Background = Background(scenario.works)
        self._voice: SymbolicVoice = SymbolicVoice(scenario.steps, scenario.think_ms)
        self._listener: Listener = Listener(scenario, PACE)
        self._listener.lines.append(Run(0, scenario.id, scenario.family, scenario.seed, system))
        self._coming: list[tuple[int, int, Event | Happening]] = []
        self._count: int = 0
        self._delegations: dict[str, str] = {}
        """The newest delegation of each request."""

    def play(self) -> list[Line]:
        now_ms, idle_since = 0, 0
        while now_ms < self._scenario.limit_ms:
            times = [self._person.wakes_ms, self._background.wakes_ms, self._deadline_ms()]
            if self._coming:
                times.append(self._coming[0][0])
            now_ms = min(max(now_ms, min(at for at in times if at is not None)), self._scenario.limit_ms)
            if self._moves(now_ms):
                idle_since = now_ms
            if now_ms - idle_since >= TAIL_MS:
                break
        lines = self._listener.journal(now_ms)
        return [*lines, End(now_ms)]

    def _moves(self, now_ms: int) -> bool:
        """Let everything that is due at this instant happen. Returns whether anything is still to be expected."""
        for does in self._person.act(now_ms):
            self._done(does, now_ms)
        for brought in self._background.bring(now_ms):
            self._brought(brought, now_ms)
        while self._coming and self._coming[0][0] <= now_ms:
            item = heappop(self._coming)[2]
            if isinstance(item, Happening):
                self._tell(item, now_ms)
            else:
                self._receive(item, now_ms)
        deadline = self._deadline_ms()
        if deadline is not None and deadline <= now_ms:
            self._receive(TickDue(), now_ms)
        waiting = bool(self._coming) or self._background.wakes_ms is not None
        return waiting or not self._person.finished or self._session.busy

    def _deadline_ms(self) -> int | None:
        deadline = self._session.deadline
        return None if deadline is None or self._kept is not None else to_ms(deadline)

    def _at(self, at_ms: int, item: Event | Happening) -> None:
        self._count += 1
        heappush(self._coming, (at_ms, self._count, item))

    def _tell(self, happening: Happening, now_ms: int) -> None:
        self._person.notice(happening, now_ms)
        self._background.notice(happening, now_ms)

    # --- the person --------------------------------------------------------------------------------------------------

    def _done(self, does: Does, now_ms: int) -> None:
        step, write = does.step, self._listener.lines.append
        match does.what:
            case "begins":
                if step.how in ("away", "cut-off"):
                    write(PersonAway(now_ms))
                    if step.how == "cut-off":
                        self._cut_off(now_ms)
                elif step.how == "backchannels":
                    write(PersonBackchannel(now_ms, step.lasts_ms))
                elif step.how in ("types", "speaks", "aside"):
                    write(PersonBegins(now_ms, step.id, step.how))
                self._tell(Happening("step.begins", step.id), now_ms)
            case "stroke":
                if does.stroke is not None:
                    self._stroke(step, does.stroke, now_ms)
            case "ends":
                self._ended(step, now_ms)
                self._tell(Happening("step.ends", step.id), now_ms)

    def _stroke(self, step: Step, stroke: Stroke, now_ms: int) -> None:
        if step.how == "backchannels":
            return
        self._listener.lines.append(PersonKey(now_ms, step.id, stroke.text, stroke.ms))
        if step.how == "types":
            self._receive(UserText(stroke.text, op=stroke.op), now_ms)
            return
        at = step.strokes.index(stroke)
        before = None if at == 0 else step.strokes[at - 1]
        after = None if at == len(step.strokes) - 1 else step.strokes[at + 1]
        if before is None or _gap(before, stroke) > PAUSE_MS:
            self._at(now_ms + NOTICES_MS, UserActivity("speaking"))
        self._at(now_ms + max(stroke.ms, NOTICES_MS), UserAudio(stroke.text))
        if after is not None and _gap(stroke, after) > PAUSE_MS:
            self._at(now_ms + stroke.ms + PAUSE_MS, UserActivity("pause"))

    def _ended(self, step: Step, now_ms: int) -> None:
        write, means = self._listener.lines.append, step.means
        match step.how:
            case "away":
                return write(PersonBack(now_ms))
            case "cut-off":
                write(PersonBack(now_ms))
                return self._back(now_ms)
            case "backchannels":
                return self._receive(UserAudio(step.line, final=True), now_ms)
            case "types":
                if step.enter:
                    self._at(now_ms, UserText("", final=True))
            case "speaks" | "aside":
                self._at(now_ms + ENDPOINT_MS, UserAudio("", final=True))
        write(PersonEnds(now_ms, step.id, bool(means.say)))
        withdrawn = (means.instead_of, means.corrects, means.cancels)
        for request in withdrawn:
            if request:
                write(RequestWithdrawn(now_ms, request))
        if means.asks:
            write(RequestAsked(now_ms, means.asks))
        for fact in means.stale:
            write(FactStale(now_ms, fact))

    def _cut_off(self, now_ms: int) -> None:
        """The connection breaks: the session is kept, and its voice is gone with what it was about to say."""
        self._expect(self._listener.stopped(now_ms), now_ms)
        self._kept = self._session.snapshot(now=from_ms(now_ms))
        self._coming = [item for item in self._coming if isinstance(item[2], Happening)]
        heapify(self._coming)

    def _back(self, now_ms: int) -> None:
        """The session goes on where it was kept, and is told what came in the absence."""
        if self._kept is not None:
            self._session = Session.restore(self._kept, timing=self._policy, now=from_ms(now_ms))
            self._voice = SymbolicVoice(self._scenario.steps, self._scenario.think_ms)
            self._kept = None
        while self._waiting:
            self._receive(self._waiting.pop(0), now_ms)

    # --- the background ----------------------------------------------------------------------------------------------

    def _brought(self, brought: Brought, now_ms: int) -> None:
        event = brought.event
        if isinstance(event, Finding) and brought.arrival is not None:
            for happening in self._listener.brought(event, brought.request, brought.arrival, now_ms):
                self._tell(happening, now_ms)
        self._receive(event, now_ms)

    # --- the session -------------------------------------------------------------------------------------------------

    def _receive(self, event: Event, now_ms: int) -> None:
        if self._kept is not None:
            self._waiting.append(event)
            return
        for effect in self._session.receive(event, now=from_ms(now_ms)):
            self._carry_out(effect, now_ms)

    def _carry_out(self, effect: Effect, now_ms: int) -> None:
        match effect:
            case StepModel():
                for at_ms, said in self._voice.turn(effect.turn, now_ms, self._delegations):
                    self._at(at_ms, said)
            case Emit():
                self._expect(self._listener.emitted(effect, self._voice.replies, now_ms), now_ms)
            case StopSpeaking():
                self._expect(self._listener.stopped(now_ms), now_ms)
            case Delegate() | Amend() | Cancel():
                request = self._background.order(effect, now_ms)
                if request and not isinstance(effect, Cancel):
                    delegation = effect.id if isinstance(effect, Delegate) else effect.delegation
                    self._delegations[request] = delegation
                    self._tell(Happening("request.taken", request), now_ms)
            case LedgerChanged():
                self._ledger(effect)
            case _:
                pass

    def _ledger(self, effect: LedgerChanged) -> None:
        state: Literal["owed", "acknowledged"] | str = effect.state
        if state == "acknowledged":
            self._listener.needless(effect.finding)
        elif state == "owed" and effect.finding.endswith(".0"):
            # Number 0 is the session's own word that it gives a task up.
            self._listener.own(effect.finding, self._background.requests.get(effect.finding[:-2], ""))

    def _expect(self, happenings: Iterable[tuple[int, Happening]], now_ms: int) -> None:
        for at_ms, happening in happenings:
            if at_ms > now_ms:
                self._at(at_ms, happening)
            else:
                self._tell(happening, now_ms)


def _gap(one: Stroke, other: Stroke) -> int:
    return other.at_ms - one.at_ms - one.ms
