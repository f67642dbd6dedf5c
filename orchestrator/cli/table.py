"""Rows of facts for a person: in columns, cut to the width there is, and with nothing in them that a terminal obeys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

__all__ = ["WIDE", "Column", "clean", "shortened", "span", "table"]

WIDE: Final = 100_000
"""The width of a file or a pipe, where nothing needs to be cut."""
_GAP: Final = 2
_LEAST: Final = 12
"""A column that gives way keeps this much."""
_CUT: Final = ".."


class Column(msgspec.Struct, frozen=True):
    """How a column behaves where there is little room."""

    title: str
    right: bool = False
    gives: bool = False
    """It is cut first."""
    goes: int = 0
    """Where cutting is not enough it goes altogether, those with the highest number first; 0: never."""


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """The heading and one line a row, none longer than `width` cells."""
    kept = list(range(len(columns)))
    cells = [[clean(cell) for cell in row] for row in rows]
    while True:
        widths = {i: max(len(columns[i].title), *(_cells(row[i]) for row in cells), 0) for i in kept}
        over = sum(widths.values()) + _GAP * (len(kept) - 1) - width
        for i in reversed(kept):
            if columns[i].gives and over > 0:
                less = min(over, max(0, widths[i] - max(_LEAST, len(columns[i].title))))
                widths[i] -= less
                over -= less
        goes = max(kept, key=lambda i: columns[i].goes)
        if over <= 0 or not columns[goes].goes:
            break
        kept.remove(goes)
    lines: list[str] = []
    for row in [[column.title for column in columns], *cells]:
        parts = [_fitted(row[i], widths[i], right=columns[i].right) for i in kept]
        lines.append(shortened((" " * _GAP).join(parts).rstrip(), width))
    return lines


def shortened(text: str, width: int) -> str:
    """`text` in at most `width` cells."""
    if _cells(text) <= width:
        return text
    room = max(0, width - len(_CUT))
    if text.isascii():
        return text[:room] + _CUT
    while _cells(text) > room:
        text = text[:-1]
    return text + _CUT


def span(ms: int) -> str:
    """How long, in few letters."""
    for most, unit, name in ((120_000, 1_000, "s"), (7_200_000, 60_000, "min"), (172_800_000, 3_600_000, "h")):
        if abs(ms) < most:
            return f"{ms / unit:.1f} {name}" if unit == 1_000 and abs(ms) < 10_000 else f"{int(ms / unit)} {name}"
    return f"{int(ms / 86_400_000)} d"


def clean(text: str) -> str:
    """One line of `text`, without anything that a terminal would obey."""
    from interaction.links.printable import printable

    return " ".join(printable(text).split())


def _fitted(text: str, width: int, *, right: bool) -> str:
    text = shortened(text, width)
    blank = " " * (width - _cells(text))
    return blank + text if right else text + blank


def _cells(text: str) -> int:
    if text.isascii():
        return len(text)
    from prompt_toolkit.utils import get_cwidth

    return get_cwidth(text)
