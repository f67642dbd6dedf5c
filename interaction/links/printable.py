"""Text that may be shown.

What the assistant says can hold the bytes of a stranger's file, and a terminal obeys some of them.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["printable", "wrapped"]

# Whole sequences go without a trace, so that the words of a coloured log stay readable: CSI, then OSC and its kin up
# to their terminator, then the two-character ones.
_SEQUENCES: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]{0,4096}(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-Z\\^-~]"
)
# Control characters, the marks that turn the direction of text (they make a line read otherwise than it is), line and
# paragraph separators, and lone surrogates, which no stream can encode.
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str, *, lines: bool = False) -> str:
    """`text` without anything that a terminal would obey: what cannot be shown becomes U+FFFD.

    With `lines`, line breaks stay; without, they become spaces. Tabs become spaces. Text that comes in pieces may be
    treated piece by piece: a sequence that is torn apart loses its first character, and with it its force.
    """
    text = text.replace("\r\n", "\n").replace("\t", "    ")
    text = _CONTROLS.sub("\ufffd", _SEQUENCES.sub("", text))
    return text if lines else text.replace("\n", " ")


def wrapped(text: str, width: int, *, indent: str = "  ") -> list[str]:
    """`text` in rows of at most `width` cells (at least 8), broken at spaces; rows after the first begin with `indent`.

    A word longer than a row is broken. Cells, not characters: a wide character takes two.
    """
    width = max(width, 8)
    rows: list[str] = []
    for paragraph in text.split("\n"):
        row = indent if rows else ""
        empty = True
        for piece in re.findall(r"\s+|\S+", paragraph):
            if _cells(row) + _cells(piece) <= width:
                row += piece
                empty = empty and piece.isspace()
                continue
            if piece.isspace():
                continue
            if not empty:
                rows.append(row.rstrip())
                row = indent
            for letter in piece:
                if _cells(row) + _cells(letter) > width:
                    rows.append(row)
                    row = indent
                row += letter
            empty = False
        rows.append(row.rstrip())
    return rows


def _cells(text: str) -> int:
    if text.isascii():
        return len(text)
    from prompt_toolkit.utils import get_cwidth

    return get_cwidth(text)
