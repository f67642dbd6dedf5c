"""Text that nobody vouches for, as a person would see it: what is hidden from the eye is hidden from models too.

A page can say to a model what it does not show to a person: in characters that have no shape (Unicode's tag block, zero
width, variation selectors; "ASCII smuggling"), in an order that the eye does not read (bidi controls; Trojan Source,
CVE-2021-42574), or in codes for a terminal. All of that goes. Ordinary text of any script stays as it is: the joiners
that Persian and the scripts of India need, and the ones that hold an emoji together.

Pure. Frames and leave are what protects; this only takes away what nobody could have seen coming.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final, cast

__all__ = ["hidden", "visible", "visible_data"]

MOST_MARKS: Final = 8
"""Accents on one letter; more is a drawing over the lines around it."""

# The codes of a terminal: CSI, OSC (titles, links), and the short ones.
_TERMINAL: Final = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[@-_])"
)
_JOINERS: Final = "\u200c\u200d"
_EMOJI_STYLE: Final = "\ufe0e\ufe0f"
_KEYCAP: Final = "\u20e3"
_KEPT_CONTROLS: Final = "\n\t"

_NO_SHAPE: Final = frozenset(
    [
        *"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufeff\ufffc",  # soft hyphen, fillers, and the like
        *map(chr, range(0x180B, 0x1810)),  # Mongolian variation selectors and the vowel separator
        *map(chr, range(0x200B, 0x2010)),  # zero width, and direction marks (the joiners are judged by their place)
        *map(chr, range(0x2028, 0x202F)),  # separators and bidi embeddings
        *map(chr, range(0x2060, 0x2070)),  # word joiner, invisible operators, bidi isolates
        *map(chr, range(0xFE00, 0xFE10)),  # variation selectors (the two of emoji are judged by their place)
        *map(chr, range(0xFFF9, 0xFFFC)),  # interlinear annotations
        *map(chr, range(0x13430, 0x13456)),  # joiners of hieroglyphs
        *map(chr, range(0x1BCA0, 0x1BCA4)),  # shorthand controls
        *map(chr, range(0x1D173, 0x1D17B)),  # musical controls
        *map(chr, range(0xE0000, 0xE1000)),  # tags, and variation selectors by the hundred
    ]
)
_BREAKS: Final = {"\u2028": "\n", "\u2029": "\n", "\x85": "\n", "\x0b": "\n", "\x0c": "\n"}
# Scripts whose letters are shaped by joiners: Arabic and its kin, and those of India and its neighbours.
_JOINING: Final = re.compile(
    r"[\u0600-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u17ff\u1800-\u18af\ufb50-\ufdff\ufe70-\ufefc]"
)


def visible(text: str) -> str:
    """`text` without what a person would not see. Idempotent, and never longer.

    >>> visible("caf\\u00e9 \\u202emoc.live\\u202c \\U000E0049\\U000E0067\\U000E006E ok")
    'café moc.live  ok'
    """
    text = _TERMINAL.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    kept: list[str] = []
    marks = 0
    for place, char in enumerate(text):
        char = _BREAKS.get(char, char)
        if char.isascii():
            if (char >= " " and char != "\x7f") or char in _KEPT_CONTROLS:
                kept.append(char)
                marks = 0
            continue
        if char in _JOINERS:
            if _joins(kept, text, place):
                kept.append(char)
            continue
        if char in _EMOJI_STYLE:
            if kept and _takes_style(kept[-1]):
                kept.append(char)
            continue
        if char in _NO_SHAPE:
            continue
        category = unicodedata.category(char)
        if category in ("Cc", "Cf", "Cs", "Co", "Cn"):
            continue
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks <= MOST_MARKS:
            kept.append(char)
    while kept and kept[-1] in _JOINERS:
        kept.pop()
    return "".join(kept)


def hidden(text: str) -> int:
    """How many characters of `text` a person would not see."""
    return len(text.replace("\r\n", "\n")) - len(visible(text))


def visible_data(data: Any) -> Any:
    """The same for all text in what JSON can hold, keys included."""
    match data:
        case str():
            return visible(data)
        case dict():
            entries = cast("dict[Any, Any]", cast("object", data))
            return {visible(str(key)): visible_data(value) for key, value in entries.items()}
        case list() | tuple():
            return [visible_data(item) for item in cast("list[Any]", data)]
        case _:
            return data


def _joins(before: list[str], text: str, place: int) -> bool:
    """Whether a joiner stands where it shapes something: between two such letters, or two parts of an emoji."""
    after = text[place + 1] if place + 1 < len(text) else ""
    if not before or not after or before[-1] in _JOINERS:
        return False
    last = before[-1]
    if _JOINING.match(last) and _JOINING.match(after):
        return True
    return text[place] == "\u200d" and (_pictures(last) or last in _EMOJI_STYLE) and _pictures(after)


def _pictures(char: str) -> bool:
    return unicodedata.category(char) in ("So", "Sk")


def _takes_style(char: str) -> bool:
    return _pictures(char) or char in "0123456789#*" or unicodedata.category(char) in ("Sm", "Po")
