"""What a person who has said their last word is still owed: answers on the way, speech in progress, reminders.

Read from the journal alone, so that a link needs to know nothing of the session it serves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import anyio

from orchestrator.agenda_items import AfterSilence, AgendaItem, At, Every, OnCount, OnCue
from orchestrator.clock import SECOND, START, Instant, after
from orchestrator.effects import Delegate, Effect, Emit, LedgerChanged, StepModel, StopSpeaking
from orchestrator.events import (
    Event,
    ModelFailed,
    ModelRested,
    ModelScheduled,
    ModelSpoke,
    ModelUnscheduled,
    UserText,
)
from orchestrator.finding import Finding

__all__ = ["Owed", "Vigil"]

# Each is how long a thing is believed in without news of it. They only matter when something is broken: a voice that
# never rests, a segment that the session threw away. Without them a broken part would keep a pipe open for ever.
_INPUT_MS: Final = 3_000
_VOICE_MS: Final = 60_000
_SPEECH_MS: Final = 3_000
_UTTERANCE_MS: Final = 30_000
_FINDING_MS: Final = 45_000
_GRACE_MS: Final = 5_000
"""How much longer than its deadline a task is waited for: the session gives it up, and says so, before that."""
_MARGIN_MS: Final = 1_000

_Question: TypeAlias = Callable[[], bool]

_OPEN: Final = ("offered", "queued", "running")
_SETTLED: Final = ("heard", "acknowledged", "superseded", "expired", "cancelled", "dropped")


class Owed:
    """Follows a journal. Everything it holds goes when it is settled, so that it stays as small as the work at hand."""

    def __init__(self) -> None:
        self._tasks: dict[str, tuple[str, Instant]] = {}
        self._asking: set[str] = set()
        self._findings: dict[str, Instant] = {}
        self._kinds: dict[str, tuple[str, str]] = {}
        self._agenda: dict[str, Instant] = {}
        self._silences: dict[str, int] = {}
        self._voice: dict[str, Instant] = {}
        self._stepped = 0

    def take(self, at: Instant, item: Event | Effect) -> None:
        """Learn from one journal record."""
        match item:
            case UserText():
                self._voice["input"] = after(at, _INPUT_MS)
            case StepModel(turn=turn):
                self._voice.pop("input", None)
                self._stepped = turn.n
                self._voice["voice"] = after(at, _VOICE_MS)
            case ModelRested(n=n) if n >= self._stepped:
                self._voice.pop("voice", None)
            case ModelFailed():
                self._voice.pop("voice", None)
            case ModelSpoke(text=text) if text.strip():
                self._voice["speech"] = after(at, _SPEECH_MS)
            case Emit(style="speech", ends=ends):
                self._voice.pop("speech", None)
                self._voice.pop("utterance", None)
                if not ends:
                    self._voice["utterance"] = after(at, _UTTERANCE_MS)
                self._silence(at)
            case StopSpeaking():
                self._voice.pop("utterance", None)
            case Delegate(id=delegation, task=task, deadline_ms=deadline_ms):
                self._tasks[delegation] = (task, after(at, deadline_ms + _GRACE_MS))
            case Finding(id=finding, kind=kind, delegation=delegation):
                self._kinds[finding] = (kind, delegation)
                self._asking.discard(delegation)
            case LedgerChanged():
                self._ledger(at, item)
            case ModelScheduled(item=scheduled):
                self._schedule(at, scheduled)
            case ModelUnscheduled(item=name):
                for gone in [name] if name else [*self._agenda, *self._silences]:
                    self._agenda.pop(gone, None)
                    self._silences.pop(gone, None)
            case _:
                pass

    def _ledger(self, at: Instant, change: LedgerChanged) -> None:
        if change.delegation and change.state not in _OPEN:
            self._tasks.pop(change.delegation, None)
            self._asking.discard(change.delegation)
        if not change.finding:
            return
        kind, delegation = self._kinds.get(change.finding, ("final", ""))
        if change.state in _SETTLED:
            self._findings.pop(change.finding, None)
            self._kinds.pop(change.finding, None)
            if kind == "question" and change.state == "heard" and delegation in self._tasks:
                self._asking.add(delegation)
        elif kind != "progress":
            self._findings[change.finding] = after(at, _FINDING_MS)

    def _schedule(self, at: Instant, item: AgendaItem) -> None:
        match item:
            case At(in_ms=in_ms):
                self._agenda[item.id] = after(at, in_ms + _MARGIN_MS)
            case Every(period_ms=period_ms, times=times, for_ms=for_ms):
                # One that goes on until it is taken off is no debt: it would never be paid.
                if times or for_ms is not None:
                    lasts = min(ms for ms in (period_ms * times, for_ms) if ms)
                    self._agenda[item.id] = after(at, lasts + _MARGIN_MS)
            case AfterSilence(quiet_ms=quiet_ms, once=True):
                self._silences[item.id] = quiet_ms
                self._agenda[item.id] = after(at, quiet_ms + 2 * _MARGIN_MS)
            case AfterSilence() | OnCue() | OnCount():
                pass

    def _silence(self, at: Instant) -> None:
        """Speech puts off what waits for silence; what it put off and nobody cancelled has been said by then."""
        for name, quiet_ms in list(self._silences.items()):
            if self._agenda.get(name, START) > at:
                self._agenda[name] = after(at, quiet_ms + 2 * _MARGIN_MS)

    def attending(self, now: Instant) -> bool:
        """Whether the voice is still dealing with what was said, or is saying something."""
        return any(until > now for until in self._voice.values())

    def until(self, now: Instant) -> Instant | None:
        """Up to when it is worth waiting; `None` when nothing is owed.

        A task that waits for the person's answer is not: there will be none.
        """
        bounds = [
            *self._voice.values(),
            *self._findings.values(),
            *self._agenda.values(),
            *(bound for name, (_, bound) in self._tasks.items() if name not in self._asking),
        ]
        return max((bound for bound in bounds if bound > now), default=None)

    def unfinished(self) -> tuple[str, ...]:
        """The tasks that have no answer yet."""
        return tuple(task for task, _ in self._tasks.values())


class Vigil:
    """`Owed`, and the waiting for it. Its session must be given a moment (`expect`) to take in what was just said."""

    def __init__(self) -> None:
        self.owed: Owed = Owed()
        self._at = START
        self._now_at = anyio.current_time()
        self._recorded = False
        self._given = False
        self._expecting_until = 0.0
        self._quiet_since = self._now_at
        self._changed = anyio.Event()

    def record(self, at: Instant, item: Event | Effect) -> None:
        """Take in a journal record."""
        self._recorded = True
        self._at, self._now_at = at, anyio.current_time()
        if isinstance(item, UserText):
            self._expecting_until = 0.0
        self.owed.take(at, item)
        self._signal()

    def expect(self) -> None:
        """Something was just handed to the session, which has not recorded it yet."""
        self._given = True
        self._expecting_until = anyio.current_time() + 5
        self.heard()

    def heard(self) -> None:
        """There was output. All that is known where the link was not handed in as the journal."""
        self._quiet_since = anyio.current_time()
        self._signal()

    async def turn_taken(self, *, longest_s: float) -> None:
        """Return when the voice has dealt with what was said and is silent, or after `longest_s` seconds."""
        with anyio.move_on_after(longest_s):
            await self._calm(0.3, lambda: self._expected() or self.owed.attending(self._now()))

    async def nothing_owed(self) -> None:
        """Return when nothing is owed to the person any more."""
        await self._calm(0.6, lambda: self._expected() or self.owed.until(self._now()) is not None)

    async def _calm(self, breath_s: float, busy: _Question) -> None:
        """Return when for `breath_s` seconds on end nothing was busy: what follows one thing may be another."""
        calm_since: float | None = None
        while True:
            now = anyio.current_time()
            if self._given and not self._recorded:
                if now - self._quiet_since >= 2:
                    return
            elif busy():
                calm_since = None
            elif calm_since is None:
                calm_since = now
            elif now - calm_since >= breath_s:
                return
            with anyio.move_on_after(0.1):
                await self._changed.wait()

    def _expected(self) -> bool:
        return anyio.current_time() < self._expecting_until

    def _now(self) -> Instant:
        return Instant(self._at + int((anyio.current_time() - self._now_at) * SECOND))

    def _signal(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
