"""The messages of a prompt in the order in which they were put there. It only grows, until a new era begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from orchestrator.completions.asking import Message

__all__ = ["Kind", "Line", "Log", "line"]

Kind: TypeAlias = Literal["system", "person", "assistant", "call", "finding", "status", "tell", "frame", "summary"]

_ENVELOPE = 16
"""Characters that a message weighs besides its content."""


class Line(msgspec.Struct, frozen=True):
    """One or more messages that are never parted: a function call stands with its result."""

    kind: Kind
    messages: tuple[Message, ...]
    revision: int
    """The revision of the conversation up to which it was written."""
    chars: int
    """What it weighs."""
    finding: str = ""
    """The id of the finding that it shows."""


def line(kind: Kind, *messages: Message, revision: int = 0, finding: str = "") -> Line:
    """A line of `messages`."""
    return Line(kind, messages, revision, sum(map(_weight, messages)), finding)


def _weight(message: Message) -> int:
    chars = _ENVELOPE + len(message.get("content") or "")
    calls: Sequence[Any] = message.get("tool_calls") or ()
    return chars + sum(map(_called, calls))


def _called(call: Mapping[str, Any]) -> int:
    # What a server puts on a call of its own can be longer than the call.
    own = sum(len(str(value)) for field, value in call.items() if field not in ("id", "type", "function"))
    return _ENVELOPE + len(call["function"]["name"]) + len(call["function"]["arguments"]) + own


class Log:
    """Lines, their messages, and what they weigh."""

    def __init__(self, head: Line, *, overhead: int = 0) -> None:
        """`head` begins every era. `overhead`: characters that go out with each request besides the messages."""
        self.head: Line = head
        self.lines: list[Line] = []
        """All lines of this era but the head."""
        self.era: int = 0
        self._overhead = overhead
        self._messages: list[Message] = list(head.messages)
        self._chars = overhead + head.chars
        self._chars_a_token = 4.0

    @property
    def chars(self) -> int:
        """Characters of a request made now."""
        return self._chars

    @property
    def fixed(self) -> int:
        """Characters that no new era saves."""
        return self._overhead + self.head.chars

    @property
    def messages(self) -> tuple[Message, ...]:
        return tuple(self._messages)

    def tokens(self, chars: int) -> int:
        """About how many tokens so many characters are, from what the server has counted so far."""
        return round(chars / self._chars_a_token)

    def characters(self, tokens: float) -> int:
        """About how many characters so many tokens are."""
        return round(tokens * self._chars_a_token)

    def weighed(self, tokens: int, chars: int) -> None:
        """The server counted so many tokens in so many characters."""
        found = min(max(chars / tokens, 0.5), 8.0)
        self._chars_a_token += (found - self._chars_a_token) / 2

    def append(self, line: Line) -> None:
        self.lines.append(line)
        self._messages.extend(line.messages)
        self._chars += line.chars

    def restart(self, lines: Sequence[Line]) -> None:
        """Begin a new era: the head, and then `lines`."""
        self.era += 1
        self.lines = []
        self._messages = list(self.head.messages)
        self._chars = self.fixed
        for each in lines:
            self.append(each)
