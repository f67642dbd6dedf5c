"""What the assistant is about to say, is saying, and how much of it the person heard.

The voice writes as fast as it likes; here it is paced like quick speech and cut at words. Each piece of speech knows
which findings it delivers, so that an interruption can say of every finding what was heard of it.
"""

from __future__ import annotations

import re
from typing import Final, Literal

import msgspec

from orchestrator.clock import MS, Instant
from orchestrator.effects import Emit

__all__ = ["Cut", "Segment", "Speech", "being_told", "take_back", "take_back_answers"]

_WORD: Final = re.compile(r"\s*\S+\s*")
_SENTENCE: Final = re.compile(r"[.;:!?…]+[\"')\]]*(?=\s|$)")
_CLAUSE: Final = re.compile(r"[,.;:!?…]+[\"')\]]*(?=\s|$)|\s[-–—](?=\s)")
_CONJUNCTION: Final = re.compile(r"\s(?=(?:and|but|because|or|which|while)\s)")
_SENTENCE_SEARCH: Final = 40
"""Characters to look ahead for the end of a sentence, before a comma will do."""
_CLAUSE_SEARCH: Final = 80
"""Characters to look ahead for a clause boundary: a good second of speech; then the next word will do."""


class Segment(msgspec.Struct):
    """One run of speech with one purpose: an answer, the delivery of findings, a notice, an agenda item."""

    text: str
    utterance: int
    about: tuple[str, ...] = ()
    overlap: str = ""
    """Why it may be heard while the person holds the floor; empty: it may not."""
    keep: bool = False
    """Said again from the beginning if it is cut: what the session itself promised to say (reminders, notices)."""
    reason: str = ""
    quiet_ms: int = 0
    """Not begun before the person has been quiet for so long."""
    sealed: bool = False
    """Nothing will be added."""
    emitted: int = 0
    confirmed: int = 0
    """Characters that the person has heard."""

    @property
    def left(self) -> int:
        """Characters not yet emitted."""
        return len(self.text) - self.emitted

    @property
    def heard(self) -> str:
        """What the person has heard of it."""
        return self.text[: self.confirmed]


class Cut(msgspec.Struct, frozen=True):
    """What an interruption did: the words heard and not heard of the utterance, and the findings that were hit."""

    heard: str
    flushed: str
    about: tuple[str, ...]
    findings: tuple[tuple[str, str], ...]
    """(finding id, what was heard of the segment that delivers it) for each that was queued or being said."""
    spoke: bool
    """Whether anything had been emitted of what was cut."""


class _Unconfirmed(msgspec.Struct):
    seq: int
    utterance: int
    chars: int


class Speech(msgspec.Struct):
    """The queue of speech of one session."""

    queue: list[Segment] = msgspec.field(default_factory=list[Segment])
    finished: list[Segment] = msgspec.field(default_factory=list[Segment])
    """Fully emitted, not yet collected by the session (or not yet confirmed as heard)."""
    unconfirmed: list[_Unconfirmed] = msgspec.field(default_factory=list[_Unconfirmed])
    paused: bool = False
    """Silent until it is known whether the person wants the floor."""
    credit: int = 0
    """Thousandths of characters that may go out now."""
    last_emit: Instant | None = None
    credited_at: Instant | None = None
    seq: int = 0
    utterances: int = 0

    @property
    def active(self) -> bool:
        """Whether something is being said or waits to be said."""
        return bool(self.queue)

    @property
    def speaking(self) -> bool:
        """Whether the person has begun to hear something that is not finished."""
        begun = any(segment.emitted and (segment.left or not segment.sealed) for segment in self.queue)
        return begun or bool(self.unconfirmed)

    @property
    def remaining(self) -> int:
        """Characters still to be said."""
        return sum(segment.left for segment in self.queue)

    def delivering(self) -> tuple[str, ...]:
        """The findings in what is queued or being said."""
        return tuple(finding for segment in self.queue for finding in segment.about)

    def say(
        self,
        text: str,
        about: tuple[str, ...] = (),
        overlap: str = "",
        quiet_ms: int = 0,
        place: Literal["last", "clause"] = "last",
        *,
        keep: bool = False,
        reason: str = "",
    ) -> None:
        """Queue text. It joins a segment that is still open and has the same purpose."""
        if not text:
            return
        for segment in reversed(self.queue):
            if not (segment.sealed or keep) and segment.about == about and segment.overlap == overlap:
                segment.text += text
                return
        if not text.strip():
            return
        self.utterances += 1
        segment = Segment(text.lstrip(), self.utterances, about, overlap, keep, reason, quiet_ms, sealed=keep)
        if place == "clause":
            self.queue.insert(self._clause_place(), segment)
        else:
            self.queue.append(segment)

    def seal(self) -> None:
        """The voice has no more to say: what is queued is whole."""
        for segment in self.queue:
            segment.sealed = True
            if segment.left:
                # Nothing is emitted but words: blanks at the end would be waited for for ever.
                segment.text = segment.text[: max(segment.emitted, len(segment.text.rstrip()))]

    def to_next_clause(self) -> int:
        """Characters until the assistant's own speech reaches a place where something may be put in."""
        head = next((segment for segment in self.queue if segment.emitted), None)
        if head is None:
            return 0
        return head.left if head.about else _clause_end(head.text, head.emitted) - head.emitted

    def _clause_place(self) -> int:
        for at, segment in enumerate(self.queue):
            if not segment.emitted or segment.overlap:
                continue
            if segment.about or segment.keep:
                break
            end = _clause_end(segment.text, segment.emitted)
            if end < len(segment.text):
                self.utterances += 1
                rest = Segment(
                    segment.text[end:].lstrip(), self.utterances, overlap=segment.overlap, sealed=segment.sealed
                )
                segment.text = segment.text[:end]
                segment.sealed = True
                self.queue.insert(at + 1, rest)
            return at + 1
        return len(self.queue)

    def emit(self, now: Instant, *, pace: int | None, tick_ms: int, quiet_ms: int, reported: bool) -> list[Emit]:
        """What goes out at this micro-turn: at most one tick's worth, and nothing over the person unless it may.

        `quiet_ms`: for how long the person has been quiet; less than 0 while they hold the floor.
        """
        cap = 0 if pace is None else pace * tick_ms
        if pace is not None:
            elapsed = tick_ms if self.credited_at is None else min((now - self.credited_at) // MS, tick_ms)
            if not any(segment.emitted for segment in self.queue):
                # A silence saves up no speech; what was said on credit is still paid back.
                self.credit = min(self.credit, 0)
            self.credit = min(self.credit + pace * elapsed, 2 * cap)
            self.credited_at = now
        if self.paused:
            return []
        parts: list[Emit] = []
        for segment in list(self.queue):
            if not segment.overlap and (quiet_ms < 0 or self._too_early(segment, quiet_ms)):
                continue
            text = segment.text[segment.emitted :] if pace is None else self._words(segment, cap)
            closes = segment.sealed and len(text) == segment.left
            if text or closes:
                parts.append(self._part(segment, text, closes, now, reported))
            if not closes:
                break
            self.queue.remove(segment)
            self.finished.append(segment)
        return parts

    def _too_early(self, segment: Segment, quiet_ms: int) -> bool:
        """Whether what was phrased ahead waits: for the gap, or for what was begun in the meantime."""
        if segment.emitted or not segment.quiet_ms:
            return False
        return quiet_ms < segment.quiet_ms or any(other.emitted for other in self.queue)

    def _words(self, segment: Segment, cap: int) -> str:
        text = ""
        for word in _WORD.finditer(segment.text, segment.emitted):
            cost = 1_000 * len(word.group())
            # Rounded to whole words: up to half a word goes out on credit, and the next micro-turn pays it back.
            if 2 * self.credit < min(cost, 2 * cap):
                break
            self.credit -= cost
            text += word.group()
        return text

    def _part(self, segment: Segment, text: str, closes: bool, now: Instant, reported: bool) -> Emit:
        self.seq += 1
        segment.emitted += len(text)
        if reported:
            self.unconfirmed.append(_Unconfirmed(self.seq, segment.utterance, len(text)))
        else:
            segment.confirmed = segment.emitted
        self.last_emit = now
        reason = segment.overlap or segment.reason
        return Emit(self.seq, text, segment.utterance, segment.about, ends=closes, reason=reason)

    def confirm(self, seq: int) -> None:
        """The person has heard every part up to and with number `seq`."""
        while self.unconfirmed and self.unconfirmed[0].seq <= seq:
            part = self.unconfirmed.pop(0)
            for segment in (*self.finished, *self.queue):
                if segment.utterance == part.utterance:
                    segment.confirmed += part.chars

    def collect(self) -> list[Segment]:
        """The segments that are said and heard to the end since the last call."""
        done = [segment for segment in self.finished if segment.confirmed >= len(segment.text)]
        self.finished = [segment for segment in self.finished if segment.confirmed < len(segment.text)]
        return done

    def cut(self) -> Cut:
        """Fall silent: throw away what is queued and what was sent but not heard. Kept segments start over later."""
        hit = [*self.finished, *self.queue]
        kept = [segment for segment in hit if segment.keep]
        gone = [segment for segment in hit if not segment.keep]
        for segment in kept:
            self.utterances += 1
            segment.utterance, segment.emitted, segment.confirmed = self.utterances, 0, 0
        self.queue, self.finished, self.unconfirmed = kept, [], []
        self.paused = False
        return Cut(
            heard="".join(segment.heard for segment in gone),
            flushed="".join(segment.text[segment.confirmed :] for segment in gone),
            about=tuple(finding for segment in gone for finding in segment.about),
            findings=tuple((finding, segment.heard) for segment in gone for finding in segment.about),
            spoke=any(segment.emitted for segment in gone),
        )

    def withdraw(self, finding: str) -> Segment | None:
        """Take the segment that delivers `finding` out of the queue, because it is no longer wanted."""
        for segment in self.queue:
            if finding in segment.about:
                self.queue.remove(segment)
                return segment
        return None


def take_back(speech: Speech, reason: str) -> bool:
    """Take back what was to be said for `reason` and has not begun. Returns whether there was any."""
    before = len(speech.queue)
    speech.queue = [segment for segment in speech.queue if segment.reason != reason or segment.emitted]
    return len(speech.queue) < before


def being_told(speech: Speech, *, whole: bool) -> tuple[str, ...]:
    """The findings in utterances that have (`whole`) come to their end in the voice, or have not."""
    segments = (*speech.finished, *speech.queue)
    return tuple(finding for segment in segments if segment.sealed == whole for finding in segment.about)


def take_back_answers(speech: Speech) -> None:
    """Take back the voice's own answers that nobody has heard a word of. Findings and promises stay."""
    speech.queue = [part for part in speech.queue if part.emitted or part.about or part.keep or part.overlap]


def _clause_end(text: str, start: int) -> int:
    ahead = start + _CLAUSE_SEARCH
    found = (
        _SENTENCE.search(text, start, start + _SENTENCE_SEARCH)
        or _CLAUSE.search(text, start, ahead)
        or _CONJUNCTION.search(text, start, ahead)
    )
    if found is not None:
        return found.end()
    for word in _WORD.finditer(text, min(start + _CLAUSE_SEARCH, len(text))):
        return word.end()
    return len(text)
