"""The simulated person: plays the steps of a scenario, one after the other, each on its cue.

Pure: no clock and no chance. Whoever plays a scenario tells it what happens (`notice`) and asks it to act when
`wakes_ms` has come; a benchmark of another system can use it as it is. It says what it does (`Does`), and the player
makes of that what its system takes in, and the journal's lines.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Literal

import msgspec

from orchestrator.bench.scenario import Happening, Step, Stroke

__all__ = ["Does", "Person"]


class Does(msgspec.Struct, frozen=True):
    """One thing the person does at an instant. `stroke` stands where a key is hit or a word begins to sound."""

    what: Literal["begins", "stroke", "ends"]
    step: Step
    stroke: Stroke | None = None


class Person:
    """Plays `steps`. Time only ever grows."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._coming: deque[Step] = deque(steps)
        self._step: Step | None = None
        self._begins_ms: int | None = None
        """When the next step begins, once its cue has come."""
        self._latest_ms: int = 0
        """When it begins without its cue."""
        self._planned: deque[tuple[int, Does]] = deque()
        self._past: set[Happening] = set()
        self._next(0)

    @property
    def finished(self) -> bool:
        """Whether there is nothing left that the person will do."""
        return self._step is None and not self._coming

    @property
    def inside(self) -> Step | None:
        """The step that has begun and not ended."""
        return self._step

    @property
    def wakes_ms(self) -> int | None:
        """When the person acts next, as far as it is known now."""
        if self._planned:
            return self._planned[0][0]
        if not self._coming:
            return None
        return self._latest_ms if self._begins_ms is None else self._begins_ms

    def notice(self, happening: Happening, now_ms: int) -> None:
        """Something happened that the person may have waited for, or that they may yield to."""
        self._past.add(happening)
        if self._step is None and self._coming and self._begins_ms is None and self._coming[0].cue.met_by(happening):
            self._begins_ms = now_ms + self._coming[0].cue.after_ms
        if self._step is not None and self._step.yields_ms and happening.on == "speech.begins":
            self._planned = deque((at_ms + self._step.yields_ms, does) for at_ms, does in self._planned)

    def act(self, now_ms: int) -> tuple[Does, ...]:
        """What the person does now: everything that has come due."""
        done: list[Does] = []
        while (at_ms := self.wakes_ms) is not None and at_ms <= now_ms:
            if not self._planned:
                self._begin(self._coming.popleft(), now_ms)
                continue
            _, does = self._planned.popleft()
            done.append(does)
            if does.what == "ends":
                self._step = None
                self._next(now_ms)
                # Others must have heard of the end before the next step begins.
                break
        return tuple(done)

    def _begin(self, step: Step, now_ms: int) -> None:
        self._step, self._begins_ms = step, None
        self._planned.append((now_ms, Does("begins", step)))
        for stroke in step.strokes:
            self._planned.append((now_ms + stroke.at_ms, Does("stroke", step, stroke)))
        lasts = max(step.lasts_ms, *(stroke.at_ms + stroke.ms for stroke in step.strokes), 0)
        self._planned.append((now_ms + lasts, Does("ends", step)))

    def _next(self, now_ms: int) -> None:
        if self._coming:
            cue = self._coming[0].cue
            self._latest_ms = now_ms + max(cue.within_ms, 1)
            due = cue.on == "start" or cue.past(self._past)
            self._begins_ms = now_ms + cue.after_ms if due else None
