"""An answer that grows while it is told: which part of a text has been heard already, as an earlier part of it.

Law: a text that begins with another one, at the end of a sentence, goes on with it. So a reasoner that tells its
answer sentence by sentence puts into each partial all that it has by then, and the final holds the whole answer and
makes sense alone; what the person has heard of it they are not told again.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["first_sentence", "goes_on", "reached"]

_ENDED: Final = re.compile(r"""[.!?:;…\u3002\uff01\uff1f]["'”’)\]]*$|\n$""")
_CLAUSE: Final = re.compile(r"""[.!?:;,…][\"'”’)\]]*(?=\s)|[\u3002\uff01\uff1f]|\n""")
_SENTENCE: Final = re.compile(r"""[.!?…]["'”’)\]]*(?=\s)|[\u3002\uff01\uff1f]|\n""")
_BEFORE: Final = re.compile(r"""[.!?:;,…\u3002\uff01\uff1f\n]["'”’)\]]*\s*\Z""")
_LEAST: Final = 4
"""Characters of what was heard that have to be found within a text."""
_TAIL: Final = 400
"""Characters at the end of what was heard that are looked for in the text."""


def goes_on(text: str, before: str) -> bool:
    """Whether `text` holds `before` as its beginning, and more.

    >>> goes_on("It is noon. Lunch is at one.", "It is noon."), goes_on("2 trains", "2")
    (True, False)
    """
    begun = before.rstrip()
    if not begun or len(text.rstrip()) <= len(begun) or not text.startswith(begun):
        return False
    return _ENDED.search(before.rstrip(" ")) is not None


def reached(text: str, heard: str) -> str:
    """How much of `text` a person has heard, up to the last clause, when `heard` is what was said before a cut.

    >>> reached("It is noon. Lunch is at one.", "So far: It is noon. Lun")
    'It is noon.'
    """
    begun = " ".join(heard.split())
    end = _end_of(text, begun)
    tail = begun[-_TAIL:]
    while tail and not end:
        # What was heard may begin with words that are not in the text ("So far: "); the longest end of it that is.
        end = _end_in(text, tail)
        tail = tail.partition(" ")[2]
    ends = [match.end() for match in _CLAUSE.finditer(text, 0, min(len(text), end + 1)) if match.end() <= end]
    return text[: ends[-1]] if ends else ""


def first_sentence(text: str, longest: int) -> str:
    """The first sentence of `text`, or as much of it as `longest` characters hold.

    >>> first_sentence("It is noon. Lunch is at one.", 60)
    'It is noon.'
    """
    stripped = text.strip()
    sentence = _SENTENCE.search(stripped)
    first = stripped[: sentence.end()] if sentence is not None else stripped
    return first if len(first) <= longest else first[: longest - 1].rpartition(" ")[0] + "…"


def _end_in(text: str, tail: str) -> int:
    """Where `tail` ends in `text`, if it stands at its beginning, or is the whole beginning of a clause of it; else 0.

    Within the text a letter or two are not enough: "I" also stands in "It", and whatever came before it would be taken
    for heard. To be told twice is better than never.
    """
    place = text.find(tail)
    while place >= 0:
        end = place + len(tail)
        whole = not (tail[-1:].isalnum() and text[end : end + 1].isalnum())
        if not place or (whole and len(tail) >= _LEAST and _BEFORE.search(text, 0, place) is not None):
            return end
        place = text.find(tail, place + 1)
    return 0


def _end_of(text: str, begun: str) -> int:
    """Where in `text` its beginning `begun` ends, whatever white space there is between the words; 0 if it does not
    begin with it."""
    place = 0
    for word in begun.split(" "):
        while place < len(text) and text[place].isspace():
            place += 1
        if not text.startswith(word, place):
            return 0
        place += len(word)
    return place
