"""What a console needs to know of its session, read from the journal: is the voice dealing with what was just said, and
what is still being worked on."""

from __future__ import annotations

import anyio

from orchestrator.effects import Delegate, Effect, Emit, LedgerChanged, StepModel, StopSpeaking
from orchestrator.events import Event, ModelFailed, ModelRested, ModelSpoke, UserText

__all__ = ["Attention"]

_OPEN = ("offered", "queued", "running")
_CALM_S = 0.3
"""What follows one thing may be another: so long nothing must happen."""
_UNRECORDED_S = 5.0
"""How long something that was handed over may take until the journal shows it."""


class Attention:
    """Follows a journal. Make it on the loop it is used on."""

    def __init__(self) -> None:
        self._tasks: dict[str, str] = {}
        self._unheard = False
        self._stepped = 0
        self._rested = 0
        self._to_say = False
        self._expecting_until = 0.0
        self._changed = anyio.Event()

    def expect(self) -> None:
        """Something was just handed to the session, which has not recorded it yet."""
        self._expecting_until = anyio.current_time() + _UNRECORDED_S

    def take(self, item: Event | Effect) -> None:
        """Learn from one journal record."""
        match item:
            case UserText():
                self._expecting_until = 0.0
                self._unheard = True
            case StepModel(turn=turn):
                self._unheard, self._stepped = False, turn.n
            case ModelRested(n=n):
                self._rested = n
            case ModelFailed():
                self._rested = self._stepped
            case ModelSpoke(text=text) if text.strip():
                self._to_say = True
            case Emit(style="speech", ends=ends):
                self._to_say = not ends
            case StopSpeaking():
                self._to_say = False
            case Delegate(id=delegation, task=task):
                self._tasks[delegation] = task
            case LedgerChanged(delegation=delegation, state=state) if delegation and state not in _OPEN:
                self._tasks.pop(delegation, None)
            case _:
                return
        changed, self._changed = self._changed, anyio.Event()
        changed.set()

    async def turn_taken(self, *, longest_s: float) -> None:
        """Return when the voice has dealt with what was said and is silent, or after `longest_s` seconds."""
        with anyio.move_on_after(longest_s):
            while True:
                if not self._attending():
                    with anyio.move_on_after(_CALM_S):
                        await self._changed.wait()
                        continue
                    return
                with anyio.move_on_after(_CALM_S):
                    await self._changed.wait()

    def unfinished(self) -> tuple[str, ...]:
        """The tasks that have no answer yet."""
        return tuple(self._tasks.values())

    def _attending(self) -> bool:
        expected = anyio.current_time() < self._expecting_until
        return expected or self._unheard or self._rested < self._stepped or self._to_say
