"""A little English: stems, and words that mean nearly the same. What the rules know of the language stands here."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Final

__all__ = [
    "NUMBER",
    "PATH",
    "SMALL_NUMBERS",
    "STOP",
    "URL",
    "VERBS",
    "bag",
    "concepts",
    "identifier_words",
    "stem",
    "stems",
    "words",
]

NUMBER: Final = r"(?<!\d)[-+]?\d+(?:,\d{3})*(?:\.\d+)?"
"""Begins where no digit stands before, so that a search through a long row of digits is not tried from each of them."""
PATH: Final = r"(?:~?[\w.\-]*/[\w./\-]*\w/?|[\w.\-]+/|\w[\w\-]*(?:\.[A-Za-z]\w{0,7})+|\.[a-z]\w+)"
"""Something that looks like a path or a file name: has a slash, or a dot with an extension."""
URL: Final = r"(?:https?://|www\.)[^\s<>\"']*[^\s<>\"'.,;:!?)]"
"""The address of a page."""

_NUMERALS: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
SMALL_NUMBERS: Final = {word: number for number, word in enumerate(_NUMERALS.split())}


def bag(text: str) -> frozenset[str]:
    """The words of a text, in no order."""
    return frozenset(text.split())


STOP: Final = bag(
    "a an and any are as at be by can could did do does for from get give had has have he her here him "
    "his how i if in into is it its just let like me more much my need new next not now of off on one "
    "only or our out over please say says she should so some tell than that the their them then there "
    "these they thing this those to too up us use used using very want was we were what when which who "
    "will with would you your about all also called each every given many made make name names value "
    "values text tool returns return result results"
)

CONCEPTS: Final = {
    "search": "find search look lookup locate grep seek query where hunt scan match mention occurrence discover "
    "research investigate",
    "read": "read open show display view cat print contents",
    "list": "list enumerate",
    "calculate": "calculate compute calculator calculation arithmetic math maths mathematics sum expression evaluate "
    "plus minus multiply multiplied divide divided add subtract formula percent percentage sqrt",
    "convert": "convert conversion converter unit units",
    "time": "time clock hour o'clock",
    "date": "date day today weekday calendar",
    "weather": "weather forecast temperature rain snow sunny",
    "web": "web internet online website url site page google",
    "file": "file doc docs document folder directory project code repository repo source",
    "travel": "train bus flight travel journey trip route connection departure timetable",
    "book": "book booking reserve reservation order buy purchase",
    "send": "send mail email message notify",
    "count": "count tally",
    "translate": "translate translation translator",
    "fetch": "fetch download retrieve",
    "play": "play music song",
}

VERBS: Final = bag(
    "find search look lookup locate grep seek query hunt scan check discover research investigate read "
    "open show display view cat print list enumerate calculate compute evaluate add subtract multiply "
    "divide convert translate book reserve order buy send mail email notify count fetch download retrieve "
    "play tell give get work write create delete remove move copy run start stop summarize summarise "
    "compare explain call schedule plan draw turn set switch google"
)
"""What an order begins with."""

_IRREGULAR: Final = {
    "found": "find",
    "sent": "send",
    "bought": "buy",
    "children": "child",
    "times": "times",
    "timing": "timing",
}


def words(text: str) -> list[str]:
    """The words of a text in lower case; a possessive 's is dropped."""
    plain = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return [re.sub(r"'s$|s'$", "", word) for word in re.findall(r"[^\W_]+(?:'[^\W\d_]+)?", plain)]


def identifier_words(name: str) -> list[str]:
    """`searchFiles`, `search_files` and `search-files` are all `search files`."""
    return words(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").replace("-", " "))


@functools.lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """What is left of a word without its ending; the same for all forms of a verb or noun that matter here."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    for ending, least in (
        ("ations", 4), ("ation", 4), ("ators", 4), ("ator", 4), ("ating", 4), ("ated", 4), ("ates", 4), ("ate", 4),
    ):  # fmt: skip
        if word.endswith(ending) and len(word) - len(ending) >= least:
            return word[: -len(ending)]
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(("ches", "shes", "sses", "xes", "zes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        word = word[:-1]
    for ending in ("ing", "ed"):
        rest = word[: -len(ending)]
        if word.endswith(ending) and len(rest) >= 3 and re.search("[aeiouy]", rest):
            word = rest[:-1] if rest[-1] == rest[-2] and rest[-1] not in "ls" else rest
            break
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def stems(text: str | Iterable[str]) -> list[str]:
    """The stems of the words that carry meaning, in order."""
    return [stem(word) for word in (words(text) if isinstance(text, str) else text) if word not in STOP]


_OF_STEM: Final[dict[str, set[str]]] = {}
for _concept, _words in CONCEPTS.items():
    for _word in _words.split():
        _OF_STEM.setdefault(stem(_word), set()).add(_concept)


def concepts(found: Iterable[str]) -> set[str]:
    """What the stems are about, as far as it is known."""
    return {concept for item in found for concept in _OF_STEM.get(item, ())}
