"""The window of the terminal link: prompt_toolkit's half of it. The only file that knows prompt_toolkit."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final, Protocol

import anyio
import anyio.abc
from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input.defaults import create_input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import BufferControl, ConditionalContainer, FormattedTextControl, HSplit, Layout
from prompt_toolkit.layout import Window as Pane
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.renderer import print_formatted_text
from prompt_toolkit.styles import Style

from interaction.links.printable import printable
from interaction.links.screen import ASSISTANT, PERSON

__all__ = ["Person", "Window"]

_LONGEST: Final = 16_384
"""Characters of the line being typed; what is pasted beyond it is cut."""

# Weights, not colours: readable on every background, and NO_COLOR has nothing to take away.
_STYLE: Final = Style.from_dict({"who": "bold", "aside": "dim", "status": "dim", "prompt": "bold"})


class Person(Protocol):
    """Who sits at the window."""

    def edited(self, text: str) -> None: ...
    def entered(self, text: str) -> bool: ...
    def broken_off(self) -> None: ...
    def leave(self, reason: str) -> None: ...
    def pending(self, width: int) -> tuple[list[str], str]: ...


class Window:
    """The last rows of a terminal, and what is printed above them."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._output = Vt100_Output.from_pty(sys.stdout)
        # The question where the cursor stands is only needed for menus, and terminals that do not answer it get a
        # warning instead.
        self._output.enable_cpr = False
        self._buffer = Buffer(multiline=False)
        self._buffer.on_text_changed += self._edited
        self._app: Application[None] = Application(
            layout=self._layout(),
            style=_STYLE,
            key_bindings=self._keys(),
            erase_when_done=True,
            min_redraw_interval=0.02,
            input=create_input(sys.stdin),
            output=self._output,
        )
        self._running = False
        self._closed = anyio.Event()

    @property
    def width(self) -> int:
        """Columns, as of now."""
        return self._output.get_size().columns

    def redraw(self) -> None:
        """Something that is shown has changed."""
        self._app.invalidate()

    def print_above(self, rows: list[str]) -> None:
        """Add finished rows; they scroll up and stay."""
        if rows:
            if self._running:
                self._app.renderer.erase()
            for row in rows:
                print_formatted_text(self._output, [*_styled(row), ("", "\n")], _STYLE)
        self._app.invalidate()

    async def run(self, started: anyio.abc.TaskStatus[None]) -> None:
        """Show the window until it is closed, or the terminal is gone."""

        def ready() -> None:
            self._running = True
            started.started()

        try:
            # Ctrl-C is a key here; a signal is for whoever runs the conversation.
            await self._app.run_async(pre_run=ready, handle_sigint=False, set_exception_handler=False)
        except (EOFError, OSError):
            pass  # the terminal was hung up
        finally:
            self._running = False
            self._closed.set()

    async def close(self) -> None:
        """Take the window down and put the terminal back. Returns when that is done."""
        if self._running and not self._app.is_done:
            self._app.exit()
        await self._closed.wait()

    def _edited(self, buffer: Buffer) -> None:
        if len(buffer.text) > _LONGEST:
            buffer.text = buffer.text[:_LONGEST]  # comes back here with the shorter text
            return
        self._person.edited(buffer.text)

    def _layout(self) -> Layout:
        def live() -> StyleAndTextTuples:
            rows, _ = self._person.pending(self.width - 1)
            return [piece for row in rows for piece in (*_styled(row), ("", "\n"))][:-1]

        def status() -> StyleAndTextTuples:
            return [("class:status", f"  {self._person.pending(self.width - 1)[1]}")]

        def prompt(row: int, wrap_count: int) -> StyleAndTextTuples:
            return [("class:prompt", "> " if row == 0 and wrap_count == 0 else "  ")]

        return Layout(
            HSplit(
                [
                    _while(lambda: bool(self._person.pending(self.width - 1)[0]), live),
                    _while(lambda: bool(self._person.pending(self.width - 1)[1]), status),
                    Pane(
                        BufferControl(self._buffer),
                        height=Dimension(min=1, max=6),
                        wrap_lines=True,
                        dont_extend_height=True,
                        get_line_prefix=prompt,
                    ),
                ]
            )
        )

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        def enter(event: KeyPressEvent) -> None:
            text = self._buffer.text
            if self._person.entered(text):
                # Its line has been told whole: emptying it is not taking it back.
                self._buffer.on_text_changed -= self._edited
                self._buffer.append_to_history()
                self._buffer.reset()
                self._buffer.on_text_changed += self._edited

        def interrupt(event: KeyPressEvent) -> None:
            self._person.broken_off()

        def end(event: KeyPressEvent) -> None:
            if self._buffer.text:
                self._buffer.delete()
            else:
                self._person.leave("the person left")

        def paste(event: KeyPressEvent) -> None:
            text = event.data[: _LONGEST + 1].replace("\r\n", "\n").replace("\r", "\n")
            self._buffer.insert_text(printable(text))

        def suspend(event: KeyPressEvent) -> None:
            event.app.suspend_to_background()

        keys.add("enter")(enter)
        keys.add("c-c", eager=True)(interrupt)
        keys.add("<sigint>")(interrupt)
        keys.add("c-d", eager=True)(end)
        keys.add("c-z")(suspend)
        keys.add(Keys.BracketedPaste, eager=True)(paste)
        return keys


def _while(shown: Callable[[], bool], text: Callable[[], StyleAndTextTuples]) -> ConditionalContainer:
    pane = Pane(FormattedTextControl(text), dont_extend_height=True, wrap_lines=True)
    return ConditionalContainer(pane, filter=Condition(shown))


def _styled(row: str) -> StyleAndTextTuples:
    for who in (ASSISTANT, PERSON):
        if row.startswith(who):
            return [("class:who", who), ("", row.removeprefix(who))]
    return [("class:aside" if row.startswith("  [") else "", row)]
