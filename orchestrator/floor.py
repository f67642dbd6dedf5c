"""Who holds the floor, and what the person is in the middle of.

Keystrokes hold the floor as speech does: the first key takes it, Enter or a long enough pause gives it back. A short
backchannel ("mm-hm") while the assistant speaks takes nothing: as long as what is typed could still become one, the
assistant only pauses.
"""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from orchestrator.clock import START, Instant, after
from orchestrator.config import SessionConfig
from orchestrator.effects import Floor, Heard
from orchestrator.events import Activity
from orchestrator.tempo import Tempo

__all__ = [
    "BACKCHANNELS",
    "FLOOR_TRANSITIONS",
    "Cause",
    "FloorState",
    "Person",
    "could_be_backchannel",
    "is_backchannel",
]

Cause = Literal["person begins", "person ends", "assistant begins", "assistant ends"]

FLOOR_TRANSITIONS: Final[dict[tuple[Floor, Cause], Floor]] = {
    ("nobody", "person begins"): "person",
    ("nobody", "assistant begins"): "assistant",
    ("person", "person ends"): "nobody",
    ("person", "assistant begins"): "both",
    ("assistant", "assistant ends"): "nobody",
    ("assistant", "person begins"): "both",
    ("both", "assistant ends"): "person",
    ("both", "person ends"): "assistant",
}
"""Every way the floor can change. A barge-in is two of them in one instant: the person begins, the assistant ends."""

BACKCHANNELS: Final = frozenset(
    {
        *(
            "mm",
            "mhm",
            "mmhm",
            "mm hm",
            "mm-hm",
            "mm-hmm",
            "mmm",
            "hm",
            "hmm",
            "uh huh",
            "uh-huh",
            "uhuh",
            "ah",
            "aha",
            "oh",
        ),
        *("ok", "okay", "k", "yeah", "yep", "yes", "yup", "right", "sure", "i see", "got it", "go on", "good", "great"),
        *("cool", "nice", "wow", "really", "true", "exactly", "interesting", "👍"),
    }
)
"""What a listener says without wanting the floor. English; the set is data, and small on purpose."""

_EDGES = " \t\r\n.,!?…~"
_SENTENCE_END = re.compile(r"[.!?…][\"')\]]?\s*$")


def _normal(text: str) -> str:
    return " ".join(text.casefold().split()).strip(_EDGES)


def is_backchannel(text: str) -> bool:
    """Whether `text`, as a whole, is a listener's word."""
    return len(text) <= 24 and _normal(text) in BACKCHANNELS


def could_be_backchannel(text: str) -> bool:
    """Whether `text` could still become a listener's word if the person types on."""
    if len(text) > 24:
        return False
    beginning = _normal(text)
    return any(word.startswith(beginning) for word in BACKCHANNELS)


_BREATH_MS: Final = 600
_LISTEN_MS: Final = 5_000
"""How long the voice is stepped through the silence after an unfinished line."""


class FloorState(msgspec.Struct):
    """The floor and since when."""

    floor: Floor = "nobody"
    since: Instant = START

    def settle(self, *, person: bool, assistant: bool, now: Instant) -> bool:
        """Bring the floor in line with who holds it now. Returns whether it changed."""
        before = self.floor
        if (before in ("person", "both")) != person:
            self._move("person begins" if person else "person ends")
        if (before in ("assistant", "both")) != assistant:
            self._move("assistant begins" if assistant else "assistant ends")
        if self.floor != before:
            self.since = now
        return self.floor != before

    def _move(self, cause: Cause) -> None:
        self.floor = FLOOR_TRANSITIONS[self.floor, cause]


class Person(msgspec.Struct):
    """What the person is doing: the unfinished line, since when they hold the floor, how fast they go."""

    draft: str = ""
    """What has been typed and is not yet in the context."""
    continues: bool = False
    """Whether the draft goes on from a line that went into the context without an Enter."""
    committed: str = ""
    """The part of the present line that is in the context already (so that a deletion can reach into it)."""
    holding_since: Instant | None = None
    last_input: Instant | None = None
    active: bool = False
    """An explicit `typing` or `speaking` that has not ended."""
    ended: bool = False
    """Whether they said themselves that they have finished (Enter, or a client that reports silence)."""
    unjudged: bool = False
    """Their words ended with silence alone: whether that was all is for the voice to judge, by how long it lasts."""
    tempo_ms: int = 250
    """Running mean of the time between inputs of one stretch."""
    tempo: Tempo = msgspec.field(default_factory=Tempo)
    """How long they pause, and then go on."""
    unsure: list[Heard] = msgspec.field(default_factory=list[Heard])
    """Pieces that may still turn out to be a backchannel; not yet handed to the voice."""

    def typed(self, text: str, *, delete: bool, now: Instant, answered: bool = False) -> str:
        """Take in characters. Returns what a deletion took out of the context's part of the line.

        `answered`: the assistant has said something since the last input, and was let to.
        """
        if text or self._has_begun:
            self._touch(now, answered)
        if not delete:
            self.draft += text
            return ""
        count = len(text)
        within = min(count, len(self.draft))
        self.draft = self.draft[: len(self.draft) - within]
        beyond = min(count - within, len(self.committed))
        taken = self.committed[len(self.committed) - beyond :] if beyond else ""
        self.committed = self.committed[: len(self.committed) - beyond]
        return taken

    def did(self, kind: Activity, *, now: Instant, answered: bool = False) -> None:
        """Take in an activity whose words are not known. A client that says once more that they are silent says
        nothing: it must not keep a gap from growing."""
        if kind in ("typing", "speaking") or self._has_begun:
            self._touch(now, answered)
        self.active = kind in ("typing", "speaking")
        self.unjudged = kind == "silent" and self.holding_since is not None and bool(self.draft or self.committed)

    @property
    def _has_begun(self) -> bool:
        return self.holding_since is not None or self.active or bool(self.draft or self.committed)

    def take_floor(self, now: Instant) -> bool:
        """Hold the floor from now. Returns whether that is new."""
        if self.holding_since is not None:
            return False
        self.holding_since = now
        return True

    def release(self, *, ended: bool = False) -> None:
        """Give the floor back; `ended` when the person said so themselves."""
        self.holding_since = None
        self.active = False
        self.ended = ended

    def lapses_at(self, config: SessionConfig) -> Instant | None:
        """When the floor falls back to nobody if the person does nothing more."""
        if self.last_input is None or (self.holding_since is None and not self.unsure):
            return None
        if self.active:
            return after(self.last_input, config.activity_hold_ms)
        done = _SENTENCE_END.search(self.draft[-4:]) is not None or bool(self.unsure) or not self.draft.strip()
        return after(self.last_input, config.sentence_hold_ms if done else config.draft_hold_ms)

    def quiet_ms(self, now: Instant) -> int:
        """For how long the person has done nothing (a day, where they never did)."""
        return 86_400_000 if self.last_input is None else (now - self.last_input) // 1_000_000

    def breathes(self, now: Instant) -> bool:
        """Whether they have paused for so long that the last word is complete."""
        return self.last_input is not None and self.quiet_ms(now) >= _BREATH_MS

    def listened_to(self, now: Instant) -> bool:
        """Whether a line stands without an Enter: how long the silence after it grows tells whether it is finished."""
        return bool(self.draft or self.committed or self.unjudged) and self.quiet_ms(now) <= _LISTEN_MS

    def _touch(self, now: Instant, answered: bool) -> None:
        if self.last_input is not None:
            gap = (now - self.last_input) // 1_000_000
            if self.holding_since is not None:
                self.tempo_ms = (3 * self.tempo_ms + min(gap, 2_000)) // 4
            if not (self.active or answered):
                self.tempo.went_on(gap, ended=self.ended)
        self.last_input, self.ended, self.unjudged = now, False, False
