"""The whole screen of a terminal, drawn over and over, and given back as it was."""

from __future__ import annotations

import os
import sys
import termios
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from orchestrator.cli.top_page import Look, Row

__all__ = ["Screen", "can_be_drawn_on"]

_TAKE: Final = "\x1b[?1049h\x1b[?25l"
_GIVE_BACK: Final = "\x1b[?25h\x1b[?1049l"
_LOOKS: Final[dict[Look, str]] = {"heading": "1", "bad": "1;31", "good": "32", "faint": "2", "": ""}


def can_be_drawn_on() -> bool:
    """Whether there is a terminal that knows how to put the cursor somewhere."""
    return sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


class Screen:
    """Use `Screen.taken`. Colours only where nobody has asked for none."""

    def __init__(self) -> None:
        self._colour = not os.environ.get("NO_COLOR")

    @classmethod
    @contextmanager
    def taken(cls) -> Generator[Screen, None, None]:
        """Take the screen over. On leaving it, however that comes about, all is as before."""
        before = _quiet_keys()
        try:
            _write(_TAKE)
            yield cls()
        finally:
            # A terminal that was closed under us takes nothing back.
            if before is not None:
                with suppress(termios.error, OSError):
                    termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, before)
            with suppress(OSError):
                _write(_GIVE_BACK)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows, as they are now."""
        try:
            columns, rows = os.get_terminal_size(sys.stdout.fileno())
        except OSError:
            return 80, 24
        return columns or 80, rows or 24

    def draw(self, rows: Sequence[Row]) -> None:
        """Show these rows. What was there is overwritten line by line, so that nothing flickers."""
        # A row is cleared before it is written: after a full one the cursor still stands on its last letter.
        lines = [f"\x1b[K{self._styled(row)}" for row in rows]
        below = "\r\n\x1b[J" if len(rows) < self.size[1] else ""
        _write("\x1b[H" + "\r\n".join(lines) + below)

    def _styled(self, row: Row) -> str:
        style = _LOOKS[row.look]
        return f"\x1b[{style}m{row.text}\x1b[0m" if style and self._colour else row.text


def _quiet_keys() -> list[Any] | None:
    """Keys are read one by one and not shown. Ctrl-C stays what it is; Ctrl-Z, which would leave the screen taken,
    does nothing. Gives what was before, and `None` where there are no keys."""
    if sys.stdin is None or not sys.stdin.isatty():
        return None
    descriptor = sys.stdin.fileno()
    before: list[Any] = termios.tcgetattr(descriptor)
    now: list[Any] = termios.tcgetattr(descriptor)
    now[3] &= ~(termios.ICANON | termios.ECHO)
    now[6][termios.VMIN], now[6][termios.VTIME] = 1, 0
    now[6][termios.VSUSP] = b"\x00"
    termios.tcsetattr(descriptor, termios.TCSADRAIN, now)
    return before


def _write(text: str) -> None:
    """A terminal may know fewer letters than there are."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode(sys.stdout.encoding or "ascii", errors="replace"))
    sys.stdout.buffer.flush()
