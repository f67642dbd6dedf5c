"""A conversation as a program sees it: do what a person does, and read what happens."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from typing import Final

import anyio
import anyio.lowlevel
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from orchestrator.clock import Instant
from orchestrator.effects import Effect, Emit, StopSpeaking
from orchestrator.events import Event, UserAudio, UserEvent, UserFrame, UserLeft, UserText
from orchestrator.resuming import Recap

__all__ = ["Line", "Talk"]

_AHEAD: Final = 1_000
"""Inputs that may wait for the session; then whoever types waits too."""
_BEHIND: Final = 10_000
"""Happenings a reader may be behind; then the oldest are left out and counted."""


class Line:
    """The link and the journal of a `Talk`: what the session sees of it."""

    def __init__(self) -> None:
        self.input: MemoryObjectSendStream[UserEvent]
        self._inbox: MemoryObjectReceiveStream[UserEvent]
        self.input, self._inbox = anyio.create_memory_object_stream[UserEvent](_AHEAD)
        self.happened: deque[Event | Effect] = deque()
        self.missed: int = 0
        self.news: anyio.Event = anyio.Event()
        self.over: bool = False
        self._begun = anyio.Event()
        self._recap: Recap | None = None

    async def events(self) -> AsyncIterator[UserEvent]:
        """What the program does in the person's place."""
        with self._inbox:
            async for event in self._inbox:
                yield event

    async def emit(self, part: Emit) -> None:
        """Nothing to do: the same part is among the happenings."""
        await anyio.lowlevel.checkpoint()

    async def stop(self, stop: StopSpeaking) -> None:
        """Nothing to do: the same stop is among the happenings."""
        await anyio.lowlevel.checkpoint()

    def record(self, at: Instant, n: int, item: Event | Effect) -> None:
        """Keep what happened until the program reads it."""
        if len(self.happened) >= _BEHIND:
            self.happened.popleft()
            self.missed += 1
        self.happened.append(item)
        self._wake()

    def begin(self, recap: Recap | None) -> None:
        """The session begins, or goes on."""
        self._recap = recap
        self._begun.set()

    async def recap(self) -> Recap | None:
        """How it stood when it was taken up, once that is known."""
        await self._begun.wait()
        return self._recap

    def hang_up(self) -> None:
        """The session is over."""
        self.over = True
        self.input.close()
        self._inbox.close()
        self._begun.set()
        self._wake()

    def _wake(self) -> None:
        woken, self.news = self.news, anyio.Event()
        woken.set()


class Talk:
    """One conversation, as `Assistant.session` gives it."""

    def __init__(self, id: str, line: Line) -> None:
        self.id = id
        self._line = line

    @property
    def missed(self) -> int:
        """Happenings that were left out because `events` was not read in time."""
        return self._line.missed

    async def recap(self) -> Recap | None:
        """How the conversation stood when it was taken up; `None` where it is new. Waits until that is known."""
        return await self._line.recap()

    async def type(self, text: str, *, final: bool = True) -> None:
        """The person types `text`; `final` adds the Enter."""
        await self.send(UserText(text, final))

    async def key(self, key: str) -> None:
        r"""The person presses one key: a character, Enter (`"\n"`) or Backspace (`"\b"`)."""
        match key:
            case "\n" | "\r":
                await self.send(UserText("", final=True))
            case "\b" | "\x7f":
                await self.send(UserText(" ", op="delete"))
            case _:
                await self.send(UserText(key))

    async def audio(self, transcript: str, *, final: bool = True, ref: str = "") -> None:
        """The person says `transcript`; `ref` is where the sound is kept."""
        await self.send(UserAudio(transcript, final, ref))

    async def frame(self, ref: str, caption: str = "") -> None:
        """The person shows something: where the picture is kept, and what is on it."""
        await self.send(UserFrame(ref, caption))

    async def send(self, event: UserEvent) -> None:
        """The person does anything else. Nothing happens once the conversation is over."""
        try:
            await self._line.input.send(event)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            await anyio.lowlevel.checkpoint()

    async def leave(self, reason: str = "the person left") -> None:
        """The person goes; the session closes."""
        await self.send(UserLeft(reason))
        self._line.input.close()

    async def finish(self) -> None:
        """The person has no more to say: what is worked on or owed is still finished and said, then the session
        closes."""
        self._line.input.close()
        await anyio.lowlevel.checkpoint()

    async def events(self) -> AsyncIterator[Event | Effect]:
        """What happens, in order, from the beginning: the journal's own events and effects. One reader.

        Ends when the conversation is over.
        """
        line = self._line
        while True:
            while line.happened:
                yield line.happened.popleft()
            if line.over:
                return
            await line.news.wait()
