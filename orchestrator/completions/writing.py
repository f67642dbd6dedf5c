"""What a model writes into its text that is not for the ear: its thoughts, and calls spelled out. Pure.

Servers without a parser for their model let `<think>` and `<tool_call>` through. No such tag ever gets out of here,
also when it comes in pieces; ordinary text waits only while what it ends with may be the beginning of a tag.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, TypeAlias

from orchestrator.completions.asking import FunctionCall, Text, Thought
from orchestrator.completions.mending import Nesting, whole_characters
from orchestrator.completions.written_calls import CALL_TAGS, may_be_bare, read_bare, read_written

__all__ = ["Writing", "Written"]

Written: TypeAlias = Text | Thought | FunctionCall

_THINK_TAGS: Final = {"<think>": "</think>", "<thinking>": "</thinking>"}


class Writing:
    """The content of one answer. Calls are looked for only where functions are offered.

    `thinks_first`: the server's template begins the answer within `<think>`, so that only the closing tag is seen;
    then nothing is said before it has come.
    """

    def __init__(self, functions: Collection[str] = (), *, thinks_first: bool = False) -> None:
        self._functions = frozenset(functions)
        self._openers = {**_THINK_TAGS, **(CALL_TAGS if functions else {})}
        self._strays = {closer for closer in self._openers.values() if closer}
        self._tags = re.compile(
            "|".join(re.escape(tag) for tag in sorted({*self._openers, *self._strays}, key=len)[::-1])
        )
        self._starts = re.compile(f"[{re.escape(''.join({tag[0] for tag in self._openers}))}]")
        self._text = ""
        """What has come and is not decided yet."""
        self._opener = "<think>" if thinks_first else ""
        """The tag that one is inside of."""
        self._assumed = thinks_first
        self._waiting = bool(functions)
        """Whether all of the content may still be one bare call."""
        self._after_tag = False
        """Space after a tag belongs to it."""
        self._last = ""
        """The character said last."""
        self._nesting = Nesting()
        self._read = 0
        """How far a call has been looked through for its end."""
        self._half = ""
        """The first half of a character that servers in JavaScript cut in two."""

    def feed(self, text: str) -> list[Written]:
        """Take a piece of content."""
        text = self._half + text
        self._half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        self._text += whole_characters(text[: len(text) - len(self._half)])
        return self._decide(final=False)

    def end(self) -> list[Written]:
        """The content is over: decide what was left."""
        if self._half:
            self._text, self._half = self._text + "\ufffd", ""
        return self._decide(final=True)

    def _decide(self, *, final: bool) -> list[Written]:
        found: list[Written] = []
        if self._waiting and not self._opener:
            if not final and may_be_bare(self._text, self._functions):
                return []
            self._waiting = False
            if final and (calls := read_bare(self._text, self._functions)):
                self._text = ""
                return list(calls)
        while self._text and (part := self._next(final)) is not None:
            found += part
        return found

    def _next(self, final: bool) -> list[Written] | None:
        """Decide the beginning of what is left; `None` when more has to come first."""
        if self._opener in _THINK_TAGS:
            return self._in_thoughts(final)
        if self._opener:
            return self._in_call(final)
        return self._in_text(final)

    def _in_text(self, final: bool) -> list[Written] | None:
        if self._after_tag:
            self._text = self._text.lstrip()
            self._after_tag = not self._text
        if self._starts.search(self._text) is None:
            return self._said(len(self._text)) or None
        if (found := self._tags.search(self._text)) is None:
            kept = 0 if final else _unfinished(self._text, (*self._openers, *self._strays))
            return self._said(len(self._text) - kept) or None
        place, tag = found.start(), found[0]
        if tag in _THINK_TAGS and (self._text[place - 1 : place] if place else self._last) == "`":
            return self._said(place + len(tag))
        said = self._said(place)
        self._text = self._text[len(tag) :]
        self._waiting = False
        if tag in self._openers:
            self._opener = tag
            self._nesting, self._read = Nesting(), 0
        else:
            self._after_tag = True
        return said

    def _in_thoughts(self, final: bool) -> list[Written] | None:
        closer = _THINK_TAGS[self._opener]
        place = self._text.find(closer)
        if place < 0 and self._assumed:
            if not final:
                return None
            # The server does split thoughts off, or the model had none: all of it is for the ear.
            self._opener, self._assumed = "", False
            return []
        end = place if place >= 0 else len(self._text) - (0 if final else _unfinished(self._text, (closer,)))
        thought = self._text[:end]
        self._text = self._text[end:]
        if place >= 0:
            self._text = self._text[len(closer) :]
            self._opener, self._after_tag, self._assumed = "", True, False
        return [Thought(thought)] if thought else [] if place >= 0 else None

    def _in_call(self, final: bool) -> list[Written] | None:
        closer = CALL_TAGS[self._opener]
        place = self._call_end(closer) if closer else -1
        if place < 0:
            if not final and not _is_prose(self._opener, self._text):
                return None
            place = self._text.find(closer) if closer else -1
        body, rest = (self._text, "") if place < 0 else (self._text[:place], self._text[place + len(closer) :])
        opener, self._opener, self._after_tag = self._opener, "", True
        if _is_prose(opener, self._text):
            # Somebody speaks of the tag. It is not said, what follows is.
            self._after_tag = False
            return []
        self._text = rest
        return list(read_written(opener, body, self._functions))

    def _call_end(self, closer: str) -> int:
        """Where the closing tag begins; -1 if it has not come. One that stands within an argument does not count."""
        while (place := self._text.find(closer, self._read)) >= 0:
            in_string = self._nesting.feed(self._text[self._read : place]).in_string
            self._read = place
            if not in_string:
                return place
            self._nesting.feed(closer[0])
            self._read += 1
        # The tag may have begun at the end.
        upto = max(self._read, len(self._text) - len(closer) + 1)
        self._nesting.feed(self._text[self._read : upto])
        self._read = upto
        return -1

    def _said(self, end: int) -> list[Written]:
        text, self._text = self._text[:end], self._text[end:]
        self._last = text[-1:] or self._last
        return [Text(text)] if text else []


def _is_prose(opener: str, text: str) -> bool:
    """Whether what follows the tag cannot be a call."""
    text = text[:100]
    begin = text.lstrip()[:1]
    return (
        opener != "<function="
        and bool(begin)
        and begin not in '{[<"`'
        and not re.match(r"\s*[\w.-]*\s*(\Z|\n|\[|<|\{)", text)
    )


def _unfinished(text: str, tags: Collection[str]) -> int:
    """How many characters at the end may be the beginning of a tag."""
    longest = min(len(text), max(map(len, tags)) - 1)
    return next((size for size in range(longest, 0, -1) if any(tag.startswith(text[-size:]) for tag in tags)), 0)
