"""What the bytes of a file say: UTF-8, UTF-16 or UTF-32 by their mark, and Windows-1252 where they are no UTF-8.

Most old text that is no UTF-8 is of the Latin-1 family, and Windows-1252 reads that too. It is taken byte by byte, only
where UTF-8 fails, so that one broken byte does not turn a whole file; and it is said that it was done.
"""

from __future__ import annotations

import codecs
import io
from typing import Final, NamedTuple

__all__ = ["OTHER_LETTERS", "Lines", "Text", "decoded"]

OTHER_LETTERS: Final = "not all of it is UTF-8: the rest is read as Windows-1252"
"""What is said of a text with letters that UTF-8 does not have so."""

_HEAD: Final = 8_192
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_AS_WINDOWS: Final = "duologue.windows-1252"


class Text(NamedTuple):
    """The text of a file, and whether some of it was no UTF-8."""

    text: str
    other_letters: bool = False


def decoded(data: bytes) -> Text | None:
    """The text of a whole file, `None` when it is none."""
    if encoding := _marked(data):
        return Text(data.decode(encoding, errors="replace"))
    if b"\0" in data[:_HEAD]:
        return None
    try:
        return Text(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return Text(data.decode("utf-8-sig", errors=_AS_WINDOWS), other_letters=True)


class Lines:
    """The lines of an open file, one after another; of an enormous one only the beginning."""

    def __init__(self, file: io.BufferedReader, longest: int) -> None:
        self._file = file
        self._longest = longest
        head = file.peek(_HEAD)[:_HEAD]
        encoding = _marked(head)
        self._marked = io.TextIOWrapper(file, encoding, errors="replace", newline="\n") if encoding else None
        self._first = True
        self.binary: bool = not encoding and b"\0" in head
        self.other_letters: bool = False
        """Whether a line so far was no UTF-8."""
        self.passed: int = 0
        """About how many bytes have been read."""

    def next(self, most: int) -> str | None:
        """The next line; `None` when there is none. Ends within a line where `most` bytes have been passed in all."""
        return self._of_bytes(most) if self._marked is None else self._of_marked(self._marked, most)

    def _of_marked(self, file: io.TextIOWrapper, most: int) -> str | None:
        line = rest = file.readline(self._longest + 1)
        self.passed += 2 * len(line)
        while rest and not rest.endswith("\n") and self.passed <= most:
            rest = file.readline(65_536)
            self.passed += 2 * len(rest)
        return line or None

    def _of_bytes(self, most: int) -> str | None:
        room = 4 * self._longest + 4
        raw = rest = self._file.readline(room)
        self.passed += len(raw)
        while rest and not rest.endswith(b"\n") and self.passed <= most:
            rest = self._file.readline(65_536)
            self.passed += len(rest)
        if not raw:
            return None
        encoding = "utf-8-sig" if self._first else "utf-8"
        self._first = False
        # A line that was cut may end in the middle of a letter.
        whole = raw.endswith(b"\n") or len(raw) < room
        try:
            return codecs.getincrementaldecoder(encoding)().decode(raw, whole)
        except UnicodeDecodeError:
            self.other_letters = True
            return codecs.getincrementaldecoder(encoding)(_AS_WINDOWS).decode(raw, whole)


def _marked(data: bytes) -> str:
    return next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "")


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", errors="replace"), error.end


codecs.register_error(_AS_WINDOWS, _as_windows)
