"""A link without a person: a program says what the person does, and looks at what they would have heard.

For tests of voices, sessions and whole assistants, and for programs that talk to an assistant themselves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator

import anyio
import anyio.lowlevel

from orchestrator.clock import Instant
from orchestrator.effects import Effect, Emit, StopSpeaking
from orchestrator.errors import UsageError
from orchestrator.events import Event, UserEvent, UserLeft, UserText

__all__ = ["MemoryLink"]


class MemoryLink:
    """A `Link` and a `Journal` in memory.

    Keeps the last `keep` pieces of output and the last `keep` journal records; at most `ahead` events may be pushed
    before the session takes them.
    """

    def __init__(self, *, keep: int = 10_000, ahead: int = 1_000) -> None:
        # Not a memory object stream: one that is left open warns, and whoever only looks at output has none to close.
        self._pushed: deque[UserEvent] = deque()
        self._ahead = ahead
        self._ended = False
        self.output: deque[Emit | StopSpeaking] = deque(maxlen=keep)
        """What came out, in order."""
        self.records: deque[tuple[Instant, int, Event | Effect]] = deque(maxlen=keep)
        """What was recorded, in order; empty where the link is not handed in as the journal."""
        self._changed = anyio.Event()

    async def push(self, *events: UserEvent) -> None:
        """The person does this. Waits while the session is `ahead` events behind.

        Raises:
            UsageError: the person has left already, or has no more to say.
        """
        for event in events:
            while len(self._pushed) >= self._ahead:
                await self._changed.wait()
            if self._ended:
                raise UsageError("nothing can be pushed any more", "the person has left, or has no more to say")
            self._pushed.append(event)
            self._ended = isinstance(event, UserLeft)
            self._signal()
        await anyio.lowlevel.checkpoint()

    async def type(self, text: str) -> None:
        """The person types a line, key by key, and Enter."""
        await self.push(*(UserText(letter) for letter in text), UserText("", final=True))

    def end(self) -> None:
        """The person has no more to say, and stays to listen: the session ends when nothing is owed any more."""
        self._ended = True
        self._signal()

    async def heard(self, text: str, *, within_s: float = 10.0) -> None:
        """Return when `text` has been said or shown, in pieces or whole.

        Raises:
            TimeoutError: it was not, within `within_s` seconds; the message holds what was said instead.
        """
        with anyio.move_on_after(within_s):
            while text not in self.said:
                await self._changed.wait()
            return
        raise TimeoutError(f"{text!r} was not heard within {within_s:g} s; what was: {self.said!r}")

    @property
    def said(self) -> str:
        """What came out as text: an utterance a line; one that was cut ends with ` --`."""
        text = ""
        for item in self.output:
            match item:
                case Emit(text=words, ends=ends, style=style):
                    text += words + ("\n" if ends or style == "card" else "")
                case StopSpeaking():
                    text += "" if not text or text.endswith("\n") else " --\n"
        return text

    async def events(self) -> AsyncIterator[UserEvent]:
        """What was pushed, in order, until `end` or a `UserLeft`."""
        while self._pushed or not self._ended:
            if self._pushed:
                event = self._pushed.popleft()
                self._signal()
                yield event
            else:
                await self._changed.wait()

    async def emit(self, part: Emit) -> None:
        """Keep a piece of speech, or a card."""
        await anyio.lowlevel.checkpoint()
        self.output.append(part)
        self._signal()

    async def stop(self, stop: StopSpeaking) -> None:
        """Keep that the assistant fell silent."""
        await anyio.lowlevel.checkpoint()
        self.output.append(stop)
        self._signal()

    def record(self, at: Instant, n: int, item: Event | Effect) -> None:
        """Keep a journal record."""
        self.records.append((at, n, item))

    def _signal(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()
