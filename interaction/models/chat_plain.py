"""Markdown that a model writes although it speaks: its marks are taken out of what is said, while it streams.

Each sign is judged as it comes, by what stands before it and the few signs behind it, so that the same comes out
however the stream is cut. What closes a mark is never waited for: a star before a word that nothing closes (`*args`)
is lost. Numbers of a list stay: people say them. Code is left as it is, without its ticks.
"""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias, assert_never

__all__ = ["Plain"]

_Place: TypeAlias = Literal["line", "gap", "text", "run", "bracket", "target", "escape", "info", "fence", "coded"]
"""`line`: what stands first in a line is not decided. `gap`: behind a mark that was taken out. `run`: in stars,
underscores or ticks. `bracket`, `target`: in the words and the address of a link. `info`: behind the ticks that begin a
block of code. `fence`, `coded`: in such a block, at the beginning of a line and in it."""

_NUMBERED: Final = re.compile(r"\s*\d{1,3}[.)]\Z")
_BEGIN: Final = " \t\n([{<\"'“‘«„‚—–-:|¿¡"  # noqa: RUF001
"""What may stand before a mark that opens."""
_OPEN: Final = "([{<\"'“‘«„‚¿¡`_*"  # noqa: RUF001
"""What beside letters and digits may stand behind one star that opens."""
_BEFORE_WORDS: Final = "([{<“‘«„‚¿¡"  # noqa: RUF001
_ESCAPED: Final = "*_#`"
_WIDE: Final = "\u2e80"
"""From here on words are written without spaces between them."""
_LONGEST_WORDS: Final = 80
_LONGEST_TARGET: Final = 2_000


class Plain:
    """Takes the marks out of one answer."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._place: _Place = "line"
        self._held = ""
        """What is not decided."""
        self._tail = ""
        """The end of what was said."""
        self._line = ""
        """The beginning of what was said in this line."""
        self._item = False
        """The line is a heading or stands in a list: it ends like a sentence."""
        self._spaces = ""
        """At the end of such a line, as far as is known."""
        self._open: dict[str, list[int]] = {"*": [], "_": []}
        """How many signs opened what is open."""
        self._code = 0
        """The same for code."""
        self._url = False
        self._depth = 0

    def feed(self, text: str) -> str:
        """What can be said, now that `text` has come."""
        for char in text:
            self._take(char)
        return self._taken()

    def end(self) -> str:
        """What can be said, now that nothing more comes. It is over then."""
        self._settle()
        return self._taken() + self._spaces

    def _taken(self) -> str:
        out, self._out = "".join(self._out), []
        return out

    def _say(self, text: str) -> None:
        for char in text:
            self._out.append(char)
            self._tail = (self._tail + char)[-4:]
            self._url = not char.isspace() and (self._url or self._tail.endswith("://") or self._tail == "www.")
            self._line = "" if char == "\n" else (self._line + char)[:8]

    def _go(self, place: _Place, held: str = "") -> None:
        self._place, self._held = place, held

    def _again(self, text: str) -> None:
        """Take up what was held as words."""
        self._go("text")
        for char in text:
            self._take(char)

    def _take(self, char: str) -> None:
        match self._place:
            case "text":
                self._words(char)
            case "line":
                self._begins(char)
            case "gap":
                if char not in " \t":
                    self._again(char)
            case "run":
                if char == self._held[0]:
                    self._held += char
                else:
                    self._marked(char)
                    self._again(char)
            case "bracket":
                self._bracket(char)
            case "target":
                self._target(char)
            case "escape":
                self._go("text")
                if char in _ESCAPED:
                    self._say(char)
                else:
                    self._say("\\")
                    self._take(char)
            case "info":
                self._info(char)
            case "fence" | "coded":
                self._in_block(char)
            case _:
                assert_never(self._place)

    # --- lines -------------------------------------------------------------------------------------------------------

    def _begins(self, char: str) -> None:
        mark = self._held.strip(" \t")
        if (not mark and char in " \t#-+*•>`_") or (char in "#-*`_" and char == mark[:1]):
            self._held += char
        elif mark == ">" and char in " \t":
            self._go("line")
        elif (mark in {"-", "+", "*"} and char in " \t") or mark == "•":
            self._go("gap")
            self._item = True
            self._take(char)
        elif mark.startswith("#") and len(mark) <= 6 and char in " \t":
            self._go("gap")
            self._item = True
        elif len(mark) >= 3 and mark[0] in "-*_" and char == "\n":
            self._go("line")
        elif mark.startswith("```"):
            self._go("info", self._held)
            self._take(char)
        else:
            self._no_mark()
            self._take(char)

    def _no_mark(self) -> None:
        """What stands first in the line is no mark of a line."""
        held = self._held
        mark = held.strip(" \t")
        self._go("text")
        if mark and mark[0] in "*_`":
            self._say(held[: len(held) - len(mark)])
            self._go("run", mark)
        else:
            self._say(held)

    def _ends(self) -> None:
        if self._item and self._tail:
            last = self._tail[-1]
            if last.isalnum() or last in ")]\"'”’»%`":
                self._say("。" if last >= _WIDE else ".")
        if self._tail.endswith("\n") or self._item:
            self._open = {"*": [], "_": []}
        self._item, self._spaces, self._code = False, "", 0
        self._say("\n")
        self._go("line")

    # --- words -------------------------------------------------------------------------------------------------------

    def _words(self, char: str) -> None:
        if char == "\n":
            return self._ends()
        if char in " \t":
            self._item = self._item or _NUMBERED.match(self._line) is not None
            if self._item:
                self._spaces += char
                return None
        elif self._spaces:
            self._say(self._spaces)
            self._spaces = ""
        if char == "`" or (char in "*_" and not self._code):
            return self._go("run", char)
        if char == "\\" and not self._code:
            return self._go("escape", char)
        if char == "[" and not self._code and not _joined(self._tail[-1:]):
            return self._go("bracket", char)
        return self._say(char)

    def _marked(self, behind: str) -> None:
        """A run of stars, underscores or ticks is whole."""
        run, before = self._held, self._tail[-1:]
        self._go("text")
        if run[0] == "`":
            return self._ticked(run, before, behind)
        size = len(run)
        if size > (3 if run[0] == "*" else 1):
            return self._say(run)
        stack = self._open[run[0]]
        within = behind.isalnum() and (run[0] == "_" or self._url)
        if stack and before and not before.isspace() and before not in _BEFORE_WORDS and not within:
            # Of two that opened, one closes nothing; of three it does.
            while stack and size and not (stack[-1] == 2 and size == 1):
                closed = min(stack[-1], size)
                stack[-1] -= closed
                size -= closed
                if not stack[-1]:
                    stack.pop()
        if size and self._opens(size, before, behind):
            stack.append(size)
            size = 0
        return self._say(run[:size])

    def _opens(self, size: int, before: str, behind: str) -> bool:
        if self._url or not behind or behind.isspace():
            return False
        if before and before not in _BEGIN and before < _WIDE:
            return False
        return size > 1 or behind.isalnum() or behind in _OPEN

    def _ticked(self, run: str, before: str, behind: str) -> None:
        if self._code:
            if len(run) != self._code:
                return self._say(run)
            self._code = 0
        elif not behind or behind.isspace() or (before.isalnum() and behind.isalnum()):
            return self._say(run)
        else:
            self._code = len(run)
        return None

    # --- links -------------------------------------------------------------------------------------------------------

    def _bracket(self, char: str) -> None:
        held = self._held
        if held.endswith("]") and char == "(":
            self._again(held[1:-1])
            self._settle()
            self._depth = 0
            self._go("target")
        elif held.endswith("]") or char in "[\n" or len(held) > _LONGEST_WORDS:
            self._say("[")
            self._again(held[1:] + char)
        else:
            self._held += char

    def _target(self, char: str) -> None:
        held = self._held
        title = any(quote in held for quote in "\"'")
        if char == "\n":
            self._again(char)
        elif char == ")" and not self._depth:
            self._go("text")
        elif held[-1:] == " " and held.strip() and char not in "\"' " and not title:
            # No address has words: it is a remark.
            self._say(" (")
            self._again(held + char)
        elif len(held) < _LONGEST_TARGET:
            self._depth += {"(": 1, ")": -1}.get(char, 0)
            self._held += char

    # --- blocks of code ----------------------------------------------------------------------------------------------

    def _info(self, char: str) -> None:
        held = self._held
        if char == "\n":
            self._go("fence")
        elif char == "`" or len(held) > _LONGEST_WORDS:
            mark = held.strip(" \t")
            self._code = len(mark) - len(mark.lstrip("`"))
            self._again(mark.lstrip("`") + char)
        else:
            self._held += char

    def _in_block(self, char: str) -> None:
        if self._place == "fence" and char in " \t`":
            self._held += char
        elif self._place == "fence" and char == "\n" and self._held.strip().startswith("```"):
            self._go("line")
        else:
            self._say(self._held + char)
            self._go("fence" if char == "\n" else "coded")

    def _settle(self) -> None:
        """Nothing more comes that would decide it."""
        held, place = self._held, self._place
        mark = held.strip(" \t")
        if place == "run":
            self._marked("")
        elif place == "bracket":
            self._say("[")
            self._again(held[1:])
            self._settle()
        elif place == "line" and mark and (len(mark) < 3 or mark[0] not in "-*_`"):
            self._no_mark()
            self._settle()
        elif place == "escape" or (place in ("fence", "line") and not mark.startswith("```") and len(mark) < 3):
            self._say(held)
        self._go("text")


def _joined(char: str) -> bool:
    """Whether it joins what follows to a word."""
    return char.isalnum() and char < _WIDE
