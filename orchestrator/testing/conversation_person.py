"""The person of a test: what they do and when, also in answer to what they hear. A script, and the link that plays it.

Times are whole milliseconds of session time.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from heapq import heappop, heappush
from typing import Final, Literal

import anyio
import anyio.lowlevel
import msgspec

from orchestrator.effects import Emit, StopSpeaking
from orchestrator.errors import UsageError
from orchestrator.events import UserActivity, UserAudio, UserEvent, UserLeft, UserText

__all__ = ["Act", "ActKind", "PersonLink", "ScriptedPerson", "Span"]

ActKind = Literal["types", "speaks", "backchannels", "leaves"]

KEY_MS: Final = 80
"""Between two keys: 150 words a minute, so that tests are short."""
WORD_MS: Final = 300
"""For a spoken word."""
BREATH_MS: Final = 1_000
"""Between two lines, where the test does not say."""


class Span(msgspec.Struct, frozen=True):
    """From when to when something lasted."""

    begins_ms: int
    ends_ms: int


class Act:
    """One thing that the person does. When it began and ended is known once the conversation has been held."""

    def __init__(self, kind: ActKind, text: str, line: int) -> None:
        self.kind: ActKind = kind
        self.text: str = text
        self.line: int = line
        """Acts with the same number are one line, with pauses in it."""
        self.span: Span | None = None

    @property
    def begins_ms(self) -> int:
        """The first key or sound. Raises `UsageError` where it has not happened."""
        return self._happened().begins_ms

    @property
    def ends_ms(self) -> int:
        """The last key or sound. Raises `UsageError` where it has not happened."""
        return self._happened().ends_ms

    def mark(self, now_ms: int) -> None:
        """A part of it happens now."""
        self.span = Span(now_ms if self.span is None else self.span.begins_ms, now_ms)

    def _happened(self) -> Span:
        if self.span is None:
            raise UsageError(
                f'The person has not done this: {self.kind} "{self.text}".',
                "The conversation has not been held, or it ended before.",
                "Call run() first, and look at picture().",
            )
        return self.span


class _Cue(msgspec.Struct):
    """What the person waits to hear, and what they do then (milliseconds after, event, act)."""

    words: str
    answer: list[tuple[int, UserEvent, Act]] = msgspec.field(default_factory=list[tuple[int, UserEvent, Act]])


class ScriptedPerson:
    """What the person does. Without `at`, an act begins a breath (1 s) after the one before it, or at 0.

    What follows an interruption without an `at` of its own counts from that interruption.
    """

    def __init__(self) -> None:
        self._timed: list[tuple[int, UserEvent, Act]] = []
        self._cues: list[_Cue] = []
        self._acts: list[Act] = []
        self._cue: _Cue | None = None
        """The cue that what comes next counts from."""
        self._done: int = 0
        """When the last act has ended."""
        self._gap: int | None = None
        """How long after that the next one begins, where the test says so."""
        self._open: bool = False
        """Whether the last line has not ended."""

    def types(self, text: str, *, at: int | None = None, key_ms: int = KEY_MS, enter: bool = True) -> Act:
        """Type `text`, a key every `key_ms` milliseconds, and Enter. Without Enter, the next `types` goes on with the
        same line."""
        self._from_the_start(at)
        return self._types(text, at, key_ms, enter=enter)

    def _types(self, text: str, at: int | None, key_ms: int, *, enter: bool) -> Act:
        act, now = self._begin("types", text, at)
        for place, letter in enumerate(text):
            self._put(now + place * key_ms, UserText(letter), act)
        now += max(len(text) - (not enter), 0) * key_ms
        if enter:
            self._put(now, UserText("", final=True), act)
        return self._end(act, now, ends=enter)

    def speaks(self, text: str, *, at: int | None = None, word_ms: int = WORD_MS, ends: bool = True) -> Act:
        """Say `text`, a word every `word_ms` milliseconds. Without `ends`, the next `speaks` goes on with the same
        utterance."""
        self._from_the_start(at)
        return self._speaks(text, at, word_ms, ends=ends)

    def _speaks(self, text: str, at: int | None, word_ms: int, *, ends: bool) -> Act:
        act, now = self._begin("speaks", text, at)
        self._put(now, UserActivity("speaking"), act)
        for word in text.split():
            now += word_ms
            self._put(now, UserAudio(f"{word} "), act)
        self._put(now, UserAudio("", final=True) if ends else UserActivity("pause"), act)
        return self._end(act, now, ends=ends)

    def pauses(self, for_ms: int) -> None:
        """Do nothing for so long. After a line without its end it is a pause within that line, and what is said next
        follows at its end."""
        self._gap = for_ms + (self._gap if self._gap is not None else KEY_MS if self._open else 0)

    def interrupts(self, text: str, *, on: str, after: int = 0, spoken: bool = False) -> Act:
        """Begin `text` `after` milliseconds after the assistant has said the words `on` (typed, or spoken).

        Cues are waited for in the order in which they are written. One that never comes fails the test.
        """
        self._wait_for(on)
        if spoken:
            return self._speaks(text, after, WORD_MS, ends=True)
        return self._types(text, after, KEY_MS, enter=True)

    def backchannels(self, text: str = "mm-hm", *, at: int | None = None, on: str = "") -> Act:
        """Say a listener's word, which does not ask for the floor; `on`: when the assistant has said these words."""
        self._from_the_start(at)
        if on:
            self._wait_for(on)
        act, now = self._begin("backchannels", text, at)
        self._put(now, UserAudio(text, final=True), act)
        return self._end(act, now, ends=True)

    def leaves(self, *, at: int | None = None) -> Act:
        """Go away; the conversation ends. Without it the person stays until nothing is owed any more."""
        self._from_the_start(at)
        act, now = self._begin("leaves", "", at)
        self._put(now, UserLeft("the person left"), act)
        return self._end(act, now, ends=True)

    @property
    def acts(self) -> tuple[Act, ...]:
        """Everything that the person does, as it was written."""
        return tuple(self._acts)

    @property
    def holding(self) -> tuple[Span, ...]:
        """When they held the floor: from the first key or sound of each line to its end, pauses within it included.

        Backchannels are none. Raises `UsageError` before the conversation has been held.
        """
        if self._acts and not any(act.span for act in self._acts):
            raise UsageError(
                "Nobody has said anything yet.", "The conversation has not been held.", "Call run() first."
            )
        lines: dict[int, Span] = {}
        for act in self._acts:
            if act.kind in ("types", "speaks") and act.span is not None:
                begun = lines.get(act.line, act.span)
                lines[act.line] = Span(min(begun.begins_ms, act.span.begins_ms), max(begun.ends_ms, act.span.ends_ms))
        return tuple(lines.values())

    def link(self, *, patience_ms: int) -> PersonLink:
        """The person at the other end of a session. They wait `patience_ms` for a cue, and then have no more to say."""
        return PersonLink(self._timed, self._cues, patience_ms)

    def _from_the_start(self, at: int | None) -> None:
        """A time of its own counts from the beginning of the conversation, also after a cue."""
        if at is not None:
            self._cue = None

    def _wait_for(self, words: str) -> None:
        self._cue = _Cue(words)
        self._cues.append(self._cue)
        self._done, self._gap, self._open = 0, 0, False

    def _begin(self, kind: ActKind, text: str, at: int | None) -> tuple[Act, int]:
        if at is not None and at < 0:
            raise UsageError("Nothing can happen before the conversation.", f"at is {at}.", "Give 0 or more.")
        same = self._open and self._acts and self._acts[-1].kind == kind and at is None
        line = self._acts[-1].line if same else len(self._acts)
        act = Act(kind, text, line)
        gap = self._gap if self._gap is not None else KEY_MS if self._open else BREATH_MS if self._acts else 0
        self._acts.append(act)
        return act, self._done + gap if at is None else at

    def _end(self, act: Act, now: int, *, ends: bool) -> Act:
        self._done, self._gap, self._open = now, None, not ends
        return act

    def _put(self, now: int, event: UserEvent, act: Act) -> None:
        (self._timed if self._cue is None else self._cue.answer).append((now, event, act))


class PersonLink:
    """A `Link` that plays a `ScriptedPerson` on the running loop, which should have begun with the session."""

    def __init__(self, timed: list[tuple[int, UserEvent, Act]], cues: list[_Cue], patience_ms: int) -> None:
        self._coming: list[tuple[int, int, UserEvent, Act]] = []
        self._cues = list(cues)
        self._patience_ms = patience_ms
        self._order = 0
        self._said = ""
        self._utterance = 0
        self._zero = anyio.current_time()
        self._changed = anyio.Event()
        self._add(0, timed)

    @property
    def unmet(self) -> tuple[str, ...]:
        """The words that the person still waited for when the conversation ended."""
        return tuple(cue.words for cue in self._cues)

    async def events(self) -> AsyncIterator[UserEvent]:
        """Each event when its instant has come, and what cues bring."""
        last = 0
        while True:
            now = self._now()
            if self._coming and self._coming[0][0] <= now:
                _, _, event, act = heappop(self._coming)
                act.mark(now)
                last = now
                yield event
            elif self._coming:
                await self._wait(self._coming[0][0] - now)
            elif self._cues and now < last + self._patience_ms:
                await self._wait(last + self._patience_ms - now)
            else:
                return

    async def emit(self, part: Emit) -> None:
        """The person listens, and notices a cue."""
        await anyio.lowlevel.checkpoint()
        if part.style == "card":
            return
        if part.utterance != self._utterance:
            self._utterance, self._said = part.utterance, ""
        self._said += part.text
        while self._cues:
            found = re.search(re.escape(self._cues[0].words), self._said, re.IGNORECASE)
            if found is None:
                return
            self._said = self._said[found.end() :]
            self._add(self._now(), self._cues.pop(0).answer)
            self._changed.set()
            self._changed = anyio.Event()

    async def stop(self, stop: StopSpeaking) -> None:
        """The person notices the silence."""
        await anyio.lowlevel.checkpoint()

    def _add(self, now: int, events: list[tuple[int, UserEvent, Act]]) -> None:
        for after, event, act in events:
            self._order += 1
            heappush(self._coming, (now + after, self._order, event, act))

    def _now(self) -> int:
        return round((anyio.current_time() - self._zero) * 1_000)

    async def _wait(self, for_ms: int) -> None:
        with anyio.move_on_after(for_ms / 1_000):
            await self._changed.wait()
