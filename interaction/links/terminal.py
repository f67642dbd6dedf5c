"""The link for a person at a terminal: every key is heard as it is typed.

Finished lines scroll up as ordinary text that can be selected and scrolled back to; at the bottom stand the utterance
in progress, one dim line on what is being worked on, and the line being typed.
"""

from __future__ import annotations

import os
import signal
import sys
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import anyio
import anyio.lowlevel

from interaction.links.keys import typed
from interaction.links.leaving import INTERRUPTED, Leavable
from interaction.links.printable import printable, wrapped
from interaction.links.screen import PERSON, Live, Status
from interaction.links.tool_lines import tool_lines
from orchestrator.clock import Instant
from orchestrator.effects import Effect, Emit, StopSpeaking
from orchestrator.events import Event, ToolsChanged, UserEvent, UserText

if TYPE_CHECKING:
    from interaction.links.window import Window

__all__ = ["TerminalLink"]

_AHEAD: Final = 2_000
"""Events that may wait for the session. Beyond it keys are still edited, and told when there is room."""


class TerminalLink(Leavable):
    """A person at a keyboard. Use `TerminalLink.open`."""

    def __init__(self) -> None:
        super().__init__()
        self._live = Live()
        self._status = Status()
        self._typed: deque[UserText] = deque()
        self._told = ""
        self._key = anyio.Event()
        self._window: Window

    @classmethod
    @asynccontextmanager
    async def open(cls) -> AsyncGenerator[TerminalLink, None]:
        """A link on the terminal that stdin and stdout are. However this ends, the terminal is as it was before."""
        # prompt_toolkit takes a seventh of a second to import; pipes and programs should not pay for it.
        from interaction.links.window import Window

        link = cls()
        link._window = Window(link)
        async with anyio.create_task_group() as tasks:
            await tasks.start(link._show)
            tasks.start_soon(link._pass_on)
            try:
                yield link
            finally:
                link._print(link._live.finish(link._width))
                with anyio.CancelScope(shield=True):
                    await link._window.close()
                tasks.cancel_scope.cancel()
                link._doorway.close()

    # --- the port ----------------------------------------------------------------------------------------------------

    def events(self) -> AsyncIterator[UserEvent]:
        """Every key, then `UserLeft`."""
        return self._doorway.events()

    async def emit(self, part: Emit) -> None:
        """Show a piece of speech, or a card."""
        await anyio.lowlevel.checkpoint()
        if part.style == "card":
            self._print(wrapped(f"  [card] {printable(part.text)}", self._width, indent="    "))
        else:
            self._print(self._live.add(part, self._width))

    async def stop(self, stop: StopSpeaking) -> None:
        """End the utterance with ` --`."""
        await anyio.lowlevel.checkpoint()
        if self._live.rows(self._width):
            self._print(self._live.stop(self._width))

    def tell(self, line: str) -> None:
        """Show a line that is about the conversation, not a part of it."""
        self._print(wrapped(f"  [{printable(line)}]", self._width, indent="   "))

    def record(self, at: Instant, n: int, item: Event | Effect) -> None:
        """Show what is being worked on, and what waits to be said."""
        self._attention.take(item)
        self._status.take(item)
        if isinstance(item, ToolsChanged):
            for line in tool_lines(item):
                self._print(wrapped(f"  [tools] {printable(line)}", self._width, indent="    "))
        self._window.redraw()

    # --- what the window asks for and tells ---------------------------------------------------------------------------

    def edited(self, text: str) -> None:
        """The line being typed is now `text`."""
        if len(self._typed) < _AHEAD:
            self._typed.extend(typed(self._told, text))
            self._told = text
            self._key.set()

    def entered(self, text: str) -> bool:
        """Enter was pressed on `text`. Returns whether the line may go."""
        if not text.strip():
            return True
        if len(self._typed) >= _AHEAD:
            return False
        self.edited(text)
        self._typed.append(UserText("", final=True))
        self._told = ""
        self._key.set()
        self._print(wrapped(f"{PERSON}{printable(text)}", self._width))
        return True

    def broken_off(self) -> None:
        """Ctrl-C: the first leaves; a later one is for whoever runs the conversation, as a signal."""
        if self.leaving is None:
            self.leave(INTERRUPTED)
        else:
            signal.raise_signal(signal.SIGINT)

    def pending(self, width: int) -> tuple[list[str], str]:
        """The rows of the utterance in progress, and the line of status."""
        return self._live.rows(width), self._status.line(width)

    async def _show(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        # Shielded, because the window puts the terminal back while it closes, and `open` always closes it.
        with anyio.CancelScope(shield=True):
            await self._window.run(task_status)
        self.leave("the terminal was closed")

    async def _pass_on(self) -> None:
        while True:
            while self._typed:
                await self._doorway.give(self._typed.popleft())
            self._key = anyio.Event()
            await self._key.wait()

    def _print(self, rows: list[str]) -> None:
        self._window.print_above(rows)

    @property
    def _width(self) -> int:
        # One column stays free: a full row makes some terminals wrap, and then a blank row follows.
        return self._window.width - 1


def is_terminal() -> bool:
    """Whether stdin and stdout are a terminal that can be drawn on."""
    try:
        return os.isatty(sys.stdin.fileno()) and os.isatty(sys.stdout.fileno()) and os.environ.get("TERM") != "dumb"
    except (AttributeError, OSError, ValueError):
        return False
