"""The person of a case: writes down, key by key or word by word, what they do and when.

Typing is keys and then Enter. Speech is what a plain recogniser tells: each word a little after it ended, `speaking`
when sound begins and `silent` a little after it stops. It never says that an utterance is finished: a pause and an end
look alike, as they do to a microphone.
"""

from __future__ import annotations

from typing import Final, Literal

from orchestrator.bench.tasks.dice import Dice
from orchestrator.bench.tasks.record import Kind, Stretch
from orchestrator.clock import Instant, from_ms
from orchestrator.events import UserActivity, UserAudio, UserEvent, UserFrame, UserLeft, UserText

__all__ = ["By", "Script"]

By = Literal["keys", "speech"]

_RECOGNISED_MS: Final = 100
"""How long after a word ended the recogniser knows it."""
_NOTICED_MS: Final = 60
_HANGOVER_MS: Final = 200
"""How long after the last sound the detector says `silent`."""


class Script:
    """What the person does, in the order of time. `at_ms` is where they are."""

    def __init__(self, dice: Dice, by: By, *, begin_ms: int = 1_000) -> None:
        self.by: By = by
        self.at_ms: int = begin_ms
        self.stretches: list[Stretch] = []
        self._dice = dice
        self._events: list[tuple[int, UserEvent]] = []
        self._begun = False
        self._ends: list[int] = []
        """When each word ended, of all that was said."""

    def waits(self, low_ms: int, high_ms: int | None = None) -> int:
        """Nothing, for so long. Returns how long it was."""
        ms = low_ms if high_ms is None else self._dice.between(low_ms, high_ms)
        self.at_ms += ms
        return ms

    def says(self, text: str, *, kind: Kind = "turn", enter: bool = True) -> Stretch:
        """Say `text` (or type it) from now on."""
        return self.says_with_pauses([text], [], kind=kind, enter=enter)

    def says_with_pauses(
        self, parts: list[str], pauses_ms: list[int], *, kind: Kind = "turn", enter: bool = True
    ) -> Stretch:
        """Say one thing, with a silence after each part but the last."""
        start = self.at_ms
        for index, part in enumerate(parts):
            self._utter(part)
            if index < len(pauses_ms):
                self.at_ms += pauses_ms[index]
        end = self.at_ms
        if enter and self.by == "keys":
            self._do(end + self._dice.between(80, 200), UserText("", final=True))
            self._begun = False
        stretch = Stretch(start, end, " ".join(parts), kind)
        self.stretches.append(stretch)
        return stretch

    def coughs(self, ms: int = 350) -> Stretch:
        """A sound without words."""
        start = self.at_ms
        self._do(start + _NOTICED_MS, UserActivity("speaking"))
        self.at_ms += ms
        self._do(self.at_ms + _HANGOVER_MS, UserActivity("silent"))
        stretch = Stretch(start, self.at_ms, "", "tic")
        self.stretches.append(stretch)
        return stretch

    def shows(self, caption: str) -> int:
        """The camera sees this now. Returns when that is."""
        self._do(self.at_ms, UserFrame(f"frame-{self.at_ms}", caption))
        return self.at_ms

    def word_end(self, stretch: Stretch, number: int) -> int:
        """When word `number` (from 0) of a stretch ended: its last key or sound."""
        return [at_ms for at_ms in self._ends if stretch.start_ms < at_ms <= stretch.end_ms][number]

    def leaves(self) -> tuple[tuple[Instant, UserEvent], ...]:
        """All they did, with their leaving now as the last of it."""
        self._do(self.at_ms, UserLeft("the case is over"))
        ordered = sorted(enumerate(self._events), key=lambda item: (item[1][0], item[0]))
        return tuple((from_ms(at_ms), event) for _, (at_ms, event) in ordered if at_ms <= self.at_ms)

    # --- the hand and the mouth --------------------------------------------------------------------------------------

    def _utter(self, text: str) -> None:
        if self.by == "speech":
            self._do(self.at_ms + _NOTICED_MS, UserActivity("speaking"))
        for word in text.split():
            piece = f" {word}" if self._begun else word
            self._begun = True
            if self.by == "keys":
                for char in piece:
                    self.at_ms += self._dice.between(50, 120)
                    self._do(self.at_ms, UserText(char))
            else:
                self.at_ms += 110 + 45 * len(word) + self._dice.between(0, 60)
                self._do(self.at_ms + _RECOGNISED_MS, UserAudio(piece))
            self._ends.append(self.at_ms)
        if self.by == "speech":
            self._do(self.at_ms + _HANGOVER_MS, UserActivity("silent"))

    def _do(self, at_ms: int, event: UserEvent) -> None:
        self._events.append((at_ms, event))
