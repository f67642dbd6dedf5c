"""Hearing: characters as they are typed become utterances, the moment they are complete and never before.

Enter completes an utterance, and so does a sentence's end with a space behind it; neither is waited for for ever: a
quiet spell will do when the words look finished. What was acted upon stays marked in the line, so that words taken back
and typed anew are told as what they are, a correction (`Utterance.revises`), and not as a second request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from orchestrator.effects import Heard

__all__ = ["QUIET_AFTER_END_MS", "Hearing", "Utterance"]

QUIET_AFTER_END_MS = 400
"""Quiet after `.`, `?` or `!` that makes it the end. The session gives the floor back after 600 ms and may
fall silent then: the last micro-turn before that comes in the 200 ms before it."""
QUIET_MS = 1300
"""Quiet after words without an end that are complete as they stand, and after an end that may go on ("journal."). The
session gives the floor back after 1,500 ms."""
BREATH_MS = 4000
"""The same, after the person has shown that they only take a breath (activity `pause`)."""

_ENDS = ".?!"
_CLOSERS = "\"')]}\u201d\u2019"
_DOUBLE_QUOTES = '"\u201c\u201d'
_ABBREVIATIONS = frozenset(
    {"e.g", "i.e", "mr", "mrs", "ms", "dr", "prof", "st", "vs", "etc", "approx", "fig", "cf", "al"}
)
_LONGEST_WORD = 24
_MARKS_KEPT = 8
_LONGEST_UNENDED = 400


class Utterance(msgspec.Struct, frozen=True):
    """Something the person has finished saying. `revises` is the number of the utterance that it is typed over."""

    number: int
    text: str
    revises: int = 0


class _Mark(msgspec.Struct, frozen=True):
    start: int
    end: int
    number: int
    text: str


class Hearing:
    """The line that the person types, and how far it has been acted upon.

    `looks_complete` judges words that have no end of their own; it is asked only after a quiet spell.
    The same text gives the same utterances however it is cut into pieces.
    """

    def __init__(self, looks_complete: Callable[[str], bool]) -> None:
        self.looks_complete: Callable[[str], bool] = looks_complete
        self._line: list[str] = []
        self._marks: list[_Mark] = []
        self._start = 0
        self._quotes = 0
        self._blank = True
        self._revised: _Mark | None = None
        self._entered: tuple[list[str], list[_Mark]] | None = None
        self._breath = False
        self._given_back = False
        self._judged = ""
        self._count = 0

    @property
    def open(self) -> bool:
        """Whether a line stands that has not been entered."""
        return bool(self._line)

    def hear(self, pieces: Iterable[Heard], quiet_ms: int) -> list[Utterance]:
        """What has become complete with these pieces and, after them, `quiet_ms` of quiet."""
        found: list[Utterance] = []
        for piece in pieces:
            if piece.activity is not None:
                self._breath = piece.activity == "pause"
                self._given_back = piece.activity == "silent"
                continue
            if piece.frame:
                continue
            self._breath = self._given_back = False
            if piece.op == "delete":
                self._delete(piece.text)
            else:
                self._insert(piece.text, found)
            if piece.final:
                self._enter(found)
        self._quiet(quiet_ms, found)
        return found

    # --- what is typed -----------------------------------------------------------------------------------------------

    def _insert(self, text: str, found: list[Utterance]) -> None:
        for char in text:
            if char in "\r\n":
                # A pasted line is an entered line; after "\r\n" the second finds nothing left to enter.
                self._enter(found)
                continue
            self._entered = None
            if not char.isspace():
                if self._goes_on():
                    self._reopen()
                self._blank = False
            self._line.append(char)
            if char in _DOUBLE_QUOTES:
                self._quotes += 1
            if char.isspace() and self._ended():
                self._complete(len(self._line) - 1, found)

    def _goes_on(self) -> bool:
        """Whether the next character continues what was held for complete: "journal." and then "md"."""
        if not self._marks or not self._blank:
            return False
        last = self._marks[-1]
        return last.end == len(self._line) or self._line[last.end - 1] not in _ENDS + _CLOSERS

    def _reopen(self) -> None:
        mark = self._marks.pop()
        self._start = mark.start
        self._revised = mark
        self._look_again()

    def _look_again(self) -> None:
        rest = self._line[self._start :]
        self._quotes = sum(char in _DOUBLE_QUOTES for char in rest)
        self._blank = all(char.isspace() for char in rest)

    def _delete(self, text: str) -> None:
        if not self._line and self._entered is not None:
            line, marks = self._entered
            if text and "".join(line).endswith(text):
                self._line, self._marks, self._start, self._entered = line, marks, len(line), None
                self._quotes, self._blank = 0, True
        for _ in range(min(len(text), len(self._line))):
            # Only what is removed is looked at: taking back a long line key by key must not read it anew each time.
            if self._line.pop() in _DOUBLE_QUOTES:
                self._quotes -= 1
        while self._marks and len(self._line) < self._marks[-1].end:
            self._reopen()
        if len(self._line) <= self._start:
            self._start = len(self._line)
            self._quotes, self._blank = 0, True

    # --- when it is complete -----------------------------------------------------------------------------------------

    def _ended(self) -> bool:
        """Whether a sentence ends just before the space that was typed last."""
        return self._quotes % 2 == 0 and _ends_sentence(self._line, self._start, len(self._line) - 1)

    def _enter(self, found: list[Utterance]) -> None:
        self._complete(len(self._line), found)
        if self._line:
            self._entered = (self._line, self._marks)
        self._line, self._marks = [], []
        self._start = self._quotes = 0
        self._blank, self._revised = True, None

    def _complete(self, end: int, found: list[Utterance]) -> None:
        text = "".join(self._line[self._start : end])
        revised, self._revised = self._revised, None
        if text.strip():
            same = revised is not None and _words(revised.text) == _words(text)
            number = revised.number if same and revised is not None else self._count + 1
            if not same:
                self._count = number
                found.append(Utterance(number, text.strip(), revised.number if revised is not None else 0))
            end = self._start + len(text.rstrip())
            self._marks.append(_Mark(self._start, end, number, text.strip()))
        self._start = end
        self._quotes, self._blank = 0, True
        self._forget()

    def _forget(self) -> None:
        """A line that is never entered must not grow for ever: what was acted upon long ago cannot be taken back."""
        if len(self._marks) > 2 * _MARKS_KEPT:
            cut = self._marks[-_MARKS_KEPT].start
            del self._line[:cut]
            self._marks = [
                _Mark(mark.start - cut, mark.end - cut, mark.number, mark.text) for mark in self._marks[-_MARKS_KEPT:]
            ]
            self._start -= cut

    def _quiet(self, quiet_ms: int, found: list[Utterance]) -> None:
        if quiet_ms < QUIET_AFTER_END_MS or len(self._line) == self._start:
            return
        end = len(self._line)
        while end > self._start and self._line[end - 1].isspace():
            end -= 1
        if end == self._start:
            return
        if _ends_sentence(self._line, self._start, end):
            if quiet_ms >= (QUIET_MS if _may_go_on(self._line, self._start, end) else QUIET_AFTER_END_MS):
                self._complete(end, found)
            return
        patience = BREATH_MS if self._breath else QUIET_AFTER_END_MS if self._given_back else QUIET_MS
        if quiet_ms < patience or end - self._start > _LONGEST_UNENDED:
            return
        text = "".join(self._line[self._start : end])
        # The grid comes back five times a second with the same words; they are judged once.
        if text != self._judged:
            self._judged = text
            if self.looks_complete(text):
                self._judged = ""
                self._complete(end, found)


def _words(text: str) -> str:
    return text.strip().rstrip(_ENDS + " ").casefold()


def _last_word(line: list[str], start: int, end: int) -> str:
    """The word before `end`; cut at a length that no abbreviation has, so that time stays linear."""
    first = end
    while first > start and end - first < _LONGEST_WORD and not line[first - 1].isspace():
        first -= 1
    return "".join(line[first:end])


def _ends_sentence(line: list[str], start: int, end: int) -> bool:
    last = end
    while last > start and end - last < 3 and line[last - 1] in _CLOSERS:
        last -= 1
    if last == start or line[last - 1] not in _ENDS:
        return False
    if line[last - 1] != ".":
        return True
    if last - start >= 2 and line[last - 2] == ".":
        return False  # "well..." is a thought that goes on
    word = _last_word(line, start, last)[:-1].casefold().strip("\"'([{")
    if word in _ABBREVIATIONS or (len(word) == 1 and word.isalpha()):
        return False
    listed = word.isdigit() and "".join(line[start : start + len(word) + 2]).strip() == f"{word}."
    return not listed


def _may_go_on(line: list[str], start: int, end: int) -> bool:
    """Whether the full stop may stand inside a word: a path, a version, a number, an address."""
    if line[end - 1] != ".":
        return False
    word = _last_word(line, start, end)[:-1]
    return any(char.isdigit() or char in "/\\._@" for char in word)
