"""Bytes to text, whatever a page says of itself: never an error, and never one of Python's codecs that do more than
decode. Pure."""

from __future__ import annotations

import codecs
import re
from typing import Final

__all__ = ["declared", "decoded"]

_MARKS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_META: Final = re.compile(rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w:.-]{2,40})", re.IGNORECASE)
_XML: Final = re.compile(rb"<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([\w:.-]{2,40})", re.IGNORECASE)
_HEAD: Final = 4_096
# What the web uses (WHATWG's list); and what browsers take for what they are told.
_KNOWN: Final = frozenset(
    [
        *("utf-8", "utf-16-le", "utf-16-be", "cp866", "koi8-r", "koi8-u", "mac-roman", "mac-cyrillic"),
        *("gbk", "gb18030", "big5", "big5hkscs", "euc_jp", "iso2022_jp", "cp932", "cp949", "tis-620", "cp874"),
        *(f"iso8859-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
        *(f"cp125{n}" for n in range(9)),
    ]
)
_TAKEN_FOR: Final = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874", "gb2312": "gbk",
    "shift_jis": "cp932", "euc_kr": "cp949", "utf-16": "utf-16-le", "utf-8-sig": "utf-8",
}  # fmt: skip


def declared(content_type: str) -> str:
    """The charset in a `Content-Type`; empty where there is none."""
    match = re.search(r"charset\s*=\s*[\"']?([\w:.-]{2,40})", content_type, re.IGNORECASE)
    return match[1] if match else ""


def decoded(data: bytes, said: str = "") -> str:
    """The text of a body. `said` is what its head claims.

    A mark at its beginning counts most, then what the head says, then what the page says; what does not fit is not
    believed, and UTF-8 tried. What nothing fits is decoded with gaps.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    inside = _META.search(data[:_HEAD]) or _XML.match(data[:_HEAD])
    claims = [_codec(said), _codec(inside[1].decode("ascii", "replace")) if inside else ""]
    if claims[1].startswith("utf-16"):
        claims[1] = "utf-8"  # it could not have been read there
    names = [name for name in (*claims, "utf-8") if name]
    for name in names:
        # The end may have been cut within a letter: then all but its last few bytes fit.
        try:
            return codecs.getincrementaldecoder(name)("strict").decode(data)
        except UnicodeError:
            continue
    return data.decode(next((name for name in claims if name), "cp1252"), "replace")


def _codec(label: str) -> str:
    try:
        name = codecs.lookup(label).name if label else ""
    except (LookupError, ValueError):
        return ""
    name = _TAKEN_FOR.get(name, name)
    return name if name in _KNOWN else ""
