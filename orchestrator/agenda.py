"""What to say at a time, after a silence, or on a cue.

Times are absolute (`scheduled + k * period`), so nothing drifts; a missed repetition is skipped and counted, never made
up by a burst. Cues and counts look at the stream of what is heard, key by key: a word counts once it is complete
(something follows it, Enter, or a breath), and once only.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from orchestrator.agenda_items import AfterSilence, AgendaItem, At, Every, OnCount, OnCue
from orchestrator.clock import MS, Instant, after

__all__ = ["Agenda", "Due", "Planned"]

_TAIL: Final = 2_000
"""Characters of what was heard that are kept for matching; a phrase cannot be longer."""
_LIMIT: Final = 200
"""Items that can stand on one agenda."""


class Due(msgspec.Struct, frozen=True):
    """An item that fires now, and the words to say."""

    item: AgendaItem
    say: str


class Planned(msgspec.Struct):
    """An item and where it stands."""

    item: AgendaItem
    scheduled: Instant
    due: Instant | None = None
    from_char: int = 0
    """Only what is heard after this position of the stream counts: an instruction does not trigger itself."""
    count: int = 0
    waiting: int = 0
    """Matches that have not been spoken yet."""
    heard: str = ""
    fired: int = 0
    ends: list[int] = msgspec.field(default_factory=list[int])
    """Where the last matches ended, so that a word that is taken back is taken out of the count."""


class Agenda(msgspec.Struct):
    """The items of one session."""

    planned: dict[str, Planned] = msgspec.field(default_factory=dict[str, Planned])
    tail: str = ""
    length: int = 0
    """Characters heard so far; `tail` is the end of them."""
    scanned: int = 0
    """Up to which position every item has looked."""
    skipped: int = 0
    """Repetitions that came too late and were left out."""

    def add(self, item: AgendaItem, *, now: Instant) -> str:
        """Plan an item; one with the same id is replaced. Returns why it was refused, or nothing."""
        if len(self.planned) >= _LIMIT and item.id not in self.planned:
            return f"there are {_LIMIT} things on the agenda already"
        due: Instant | None = None
        match item:
            case At():
                due = after(now, max(item.in_ms, 0))
            case Every():
                if item.period_ms < 200:
                    return "it would repeat more often than five times a second"
                due = after(now, item.period_ms)
            case OnCue() | OnCount():
                if not item.phrase.strip() or len(item.phrase) > _TAIL // 4:
                    return "there is no phrase to listen for, or it is too long"
            case AfterSilence():
                pass
        self.planned[item.id] = Planned(item, now, due, from_char=self.length)
        return ""

    def remove(self, item_id: str) -> bool:
        """Take an item off; an empty id clears the agenda. Returns whether anything was there."""
        if item_id:
            return self.planned.pop(item_id, None) is not None
        found = bool(self.planned)
        self.planned.clear()
        return found

    def hear(self, text: str, *, delete: bool = False, final: bool = False) -> bool:
        """Take in what was typed or said. Returns whether a cue or a count was met."""
        if delete:
            gone = min(len(text), len(self.tail))
            self.tail = self.tail[: len(self.tail) - gone]
            self.length -= gone
            self.scanned = min(self.scanned, self.length)
            for planned in self.planned.values():
                planned.from_char = min(planned.from_char, self.length)
                while planned.ends and planned.ends[-1] > self.length:
                    planned.ends.pop()
                    planned.count -= 1
                    planned.waiting = max(planned.waiting - 1, 0)
            return False
        self.tail += text
        self.length += len(text)
        if final:
            # A line ends a word, and no phrase reaches across it unnoticed: a blank stands for the line end.
            self.tail += "\n"
            self.length += 1
        met = self._scan(whole=final)
        self.tail = self.tail[-_TAIL:]
        return met

    def breathe(self) -> bool:
        """The person has paused: the last word is complete. Returns whether a cue or a count was met."""
        return self._scan(whole=True)

    def _scan(self, *, whole: bool) -> bool:
        if not self.planned:
            self.scanned = self.length
            return False
        end = self.length if whole else self.length - _open_word(self.tail)
        if end <= self.scanned:
            return False
        start = self.length - len(self.tail)
        met = False
        for planned in self.planned.values():
            item = planned.item
            if isinstance(item, OnCue | OnCount):
                since = max(self.scanned - 2 * len(item.phrase), planned.from_char, start)
                for match in _pattern(item.phrase).finditer(self.tail, since - start, end - start):
                    # What ended before the last scan was met then already.
                    if start + match.end() > self.scanned:
                        planned.count += 1
                        planned.waiting += 1
                        planned.ends = [*planned.ends[-50:], start + match.end()]
                        planned.heard = match.group()
                        met = True
        self.scanned = end
        return met

    def fire(
        self, *, now: Instant, silent_since: Instant, last_input: Instant | None = None, person_holds: bool
    ) -> list[Due]:
        """The items that are due, each with its words. What may not be said over the person stays due."""
        fired: list[Due] = []
        for item_id, planned in list(self.planned.items()):
            item = planned.item
            if person_holds and not item.over_speech:
                continue
            words = self._words(planned, now=now, silent_since=silent_since, last_input=last_input)
            if words:
                planned.fired += 1
                fired.append(Due(item, words))
            if _over(planned, now):
                del self.planned[item_id]
        return fired

    def pass_over(self, now: Instant) -> None:
        """Nobody was there until now: repetitions that came due meanwhile are left out. A reminder waits."""
        for item_id, planned in list(self.planned.items()):
            item = planned.item
            if isinstance(item, Every) and planned.due is not None and now >= planned.due:
                missed = (now - planned.due) // (item.period_ms * MS) + 1
                self.skipped += missed
                planned.due = after(planned.due, missed * item.period_ms)
                if _over(planned, now):
                    del self.planned[item_id]

    def _words(self, planned: Planned, *, now: Instant, silent_since: Instant, last_input: Instant | None) -> str:
        item = planned.item
        match item:
            case At():
                return item.say if planned.due is not None and now >= planned.due else ""
            case Every():
                if planned.due is None or now < planned.due:
                    return ""
                late = (now - planned.due) // (item.period_ms * MS)
                self.skipped += late
                planned.due = after(planned.due, (late + 1) * item.period_ms)
                return item.say
            case AfterSilence():
                said = planned.due is not None and (last_input is None or last_input <= planned.due)
                if said or now - max(silent_since, planned.scheduled) < item.quiet_ms * MS:
                    return ""
                planned.due = now
                return item.say
            case OnCue():
                waiting, planned.waiting = planned.waiting, 0
                return (
                    item.say.replace("{heard}", planned.heard).replace("{count}", str(planned.count)) if waiting else ""
                )
            case OnCount():
                before, planned.waiting = planned.count - planned.waiting, 0
                reached = planned.count > before and (item.n == 0 or before < item.n <= planned.count)
                if item.silent or not reached:
                    return ""
                return item.say.replace("{count}", str(item.n or planned.count)).replace("{heard}", planned.heard)

    @property
    def promises(self) -> bool:
        """Whether something will certainly be said in its time: a reminder, a limited repetition, a word after
        silence."""
        return any(
            isinstance(planned.item, At)
            or (isinstance(planned.item, Every) and (planned.item.times > 0 or planned.item.for_ms is not None))
            or (isinstance(planned.item, AfterSilence) and planned.item.once)
            for planned in self.planned.values()
        )

    def counts(self) -> tuple[tuple[str, int], ...]:
        """The tallies: (phrase, how often it was heard)."""
        return tuple(
            (planned.item.phrase, planned.count)
            for planned in self.planned.values()
            if isinstance(planned.item, OnCount)
        )


def _over(planned: Planned, now: Instant) -> bool:
    match planned.item:
        case At():
            return planned.fired > 0
        case Every(times=times, for_ms=for_ms):
            ended = for_ms is not None and planned.due is not None and planned.due > after(planned.scheduled, for_ms)
            return (times > 0 and planned.fired >= times) or ended
        case AfterSilence(once=once):
            return once and planned.fired > 0
        case OnCue():
            return False
        case OnCount(n=n):
            return 0 < n <= planned.count and planned.fired > 0


def _open_word(text: str) -> int:
    """How many characters at the end of `text` belong to a word that may still grow."""
    size = 0
    while size < len(text) and (text[-1 - size].isalnum() or text[-1 - size] in "'_"):
        size += 1
    return size


def _pattern(phrase: str) -> re.Pattern[str]:
    words = r"\s+".join(re.escape(word) for word in phrase.split())
    return re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE)
