"""A task in words: without its politeness, cut into its parts, and stripped to what is looked for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final

from background.models.words import CONCEPTS, SMALL_NUMBERS, VERBS, concepts, stem, stems, words

__all__ = [
    "PLACES",
    "candidates",
    "is_order",
    "lead_concepts",
    "number_in",
    "opens_clause",
    "polite_free",
    "quoted",
    "searched_for",
]

_POLITE: Final = re.compile(
    r"^(?:please|can you|could you|would you|will you|(?:i want|i'd like|i would like|i need) (?:you )?to|"
    r"(?:i want|i'd like|i would like|i need)(?= to\b)|help me(?: to)?|let's|let us|hey|hi|hello|ok|okay|so|well|now|"
    r"and|then|also|just|quickly|try to|go and|after that|while you're at it|first|finally)\b[\s,:]*",
    re.IGNORECASE,
)
_THANKS: Final = re.compile(
    r"[\s,]*(?:\b(?:please|for me|right now|again|instead|thanks|thank you|if you can|would you|will you|too|as well)"
    r"|[.?!\s])$",
    re.IGNORECASE,
)
_BREAK: Final = re.compile(
    r"(?:[.;?!]\s+|,?\s+(?:and\s+)?(?:then|also|afterwards)\s+|,?\s+(?:and|as well as)\s+|,\s+)", re.IGNORECASE
)
_QUESTION: Final = re.compile(r"(?:what|how|when|where|which|who|is|are|does|do)\b", re.IGNORECASE)
_QUOTED: Final = re.compile(r'"([^"]+)"|“([^”]+)”|`([^`]+)`|(?<!\w)\'([^\']+)\'(?!\w)')

_WHERE: Final = " ".join((CONCEPTS["file"], CONCEPTS["web"], "tree workspace docs repositories directories")).split()
PLACES: Final = "|".join(rf"{word}s?" for word in _WHERE)
_IN_PLACE: Final = rf"(?:the|my|our|this|these|your|all|all the)?\s*(?:(?:{PLACES})(?:'s|’s|s')?\b\s*)+"
_AHEAD: Final = re.compile(
    rf"^(?:search|look|check|grep|scan|go)\s+(?:in|through|across|on|at|over|into)?\s*{_IN_PLACE}(?:for|to find)\s+|"
    r"^(?:do|make|run)\s+an?\s+(?:web|online|internet|google)\s+search\s+(?:for|on|about)\s+",
    re.IGNORECASE,
)
_BEHIND: Final = re.compile(
    rf"\s+(?:in|on|from|of|within|inside|across|through|throughout|among)\s+{_IN_PLACE}$|\s+online$", re.IGNORECASE
)
_ORDER: Final = re.compile(
    rf"^(?:{'|'.join(sorted(VERBS, key=len, reverse=True))})\b(?:\s+(?:up|out|for|me|us|through|at|into|about)\b)*\s*",
    re.IGNORECASE,
)
_ASKS: Final = re.compile(
    r"^(?:(?:is|are) there|do (?:we|i) have|where|what|whether|if|how much|how many times|"
    r"how many|how often|how|who|which|when)(?:'s|’s)?\b"
    r"(?:\s+(?:is|are|does|do|did|was|were|can i find|it says|we say)\b)*\s*",
    re.IGNORECASE,
)
_ABOUT: Final = re.compile(
    r"^(?:(?:all|any|every|some|each|the|more|\d+)\s+)*"
    r"(?:places?|lines?|mentions?|occurrences?|instances?|passages?|information|info|anything|something|everything|"
    r"details?|notes?|files?|documents?)\s+"
    r"(?:where|with|that (?:say|mention|contain|has|have)s?|which (?:say|mention|contain)s?|containing|mentioning|"
    r"saying|mentions?|contains?|says?|have|of|about|on)\s+|^(?:of|about)\s+",
    re.IGNORECASE,
)
_ARTICLE: Final = re.compile(
    r"^(?:(?:the|a|an|my|our)\s+)?(?:(?:word|phrase|string|term)s?\s+)|^(?:the|a|an|my|our|any|all|every)\s+",
    re.IGNORECASE,
)


def polite_free(text: str) -> str:
    """The text without "could you please ... for me, thanks."."""
    return _strip(_THANKS, _strip(_POLITE, text.strip()))


def quoted(text: str) -> list[tuple[str, tuple[int, int]]]:
    """What stands in quotation marks, and where."""
    return [(next(part for part in match.groups() if part), match.span()) for match in _QUOTED.finditer(text)]


def opens_clause(text: str) -> bool:
    """Whether a text begins as an order or a question does."""
    first = words(polite_free(text))[:1]
    return bool(first) and (first[0] in VERBS or _QUESTION.match(polite_free(text)) is not None)


def is_order(text: str) -> bool:
    """Whether a text begins with a verb that tells to do something."""
    return words(polite_free(text))[:1] != [] and words(polite_free(text))[0] in VERBS


def lead_concepts(text: str) -> set[str]:
    """What the first word that means something is about ("look up" and "find" are both a search)."""
    return concepts(stems(words(polite_free(text)))[:1] or [stem(word) for word in words(polite_free(text))[:1]])


def candidates(text: str) -> Iterator[tuple[int, int]]:
    """Where a text may be cut into clauses: the span of each joint. Never inside quotation marks."""
    guarded = [span for _, span in quoted(text)]
    for match in _BREAK.finditer(text):
        start, end = match.span()
        if not any(first < end and start < last for first, last in guarded):
            yield start, end


def searched_for(clause: str, known: Collection[str] = ()) -> str:
    """What a clause asks for, without the framing: "find where the ledger says superseded in the files" asks for
    "ledger says superseded". `known` are stems a tool itself stands for, as the timetable in "in the timetable".
    """
    inside = quoted(clause)
    if inside:
        return " ".join(text for text, _ in inside)
    text = polite_free(clause)
    text, ahead = _AHEAD.subn("", text)
    if not ahead:
        text, ahead = _known_place_ahead(text, known)
    if not ahead:
        text = _ORDER.sub("", text)
    if re.match("where|how often|how many times", text, re.IGNORECASE):
        text = re.sub(r"\s+(?:defined|mentioned|used|described|explained|written|documented)\b", "", text)
    text = _ASKS.sub("", text)
    text = _BEHIND.sub("", _strip(_THANKS, text))
    text = _known_place(text, known)
    text = _ARTICLE.sub("", _ABOUT.sub("", text))
    return text.strip(" ,.;:?!")


def _known_place_ahead(text: str, known: Collection[str]) -> tuple[str, bool]:
    """ "search the library for Moby", where the tool stands for the library."""
    match = re.match(
        r"(?:search|look|check|scan|go)\s+(?:(?:in|through|at|into)\s+)?(?:the|my|our|this)\s+"
        r"((?:[\w'’-]+\s+){1,3}?)for\s+(?=\S)",
        text,
        re.IGNORECASE,
    )
    if match and all(stem(word) in known for word in words(match[1])):
        return text[match.end() :], True
    return text, False


def _known_place(text: str, known: Collection[str]) -> str:
    match = re.search(r"\s+(?:in|on|from)\s+(?:the|my|our|this)\s+((?:[\w'’-]+\s*){1,3})$", text, re.IGNORECASE)
    if match and all(stem(word) in known for word in words(match[1])):
        return text[: match.start()]
    return text


def _strip(pattern: re.Pattern[str], text: str) -> str:
    while True:
        shorter = pattern.sub("", text).strip(" ,")
        if shorter == text or not shorter:
            return text
        text = shorter


def number_in(text: str) -> float | int | None:
    """The first number of a text, in figures or as a small word."""
    match = re.search(r"[-+]?\d+(?:,\d{3})*(?:\.\d+)?", text)
    if match:
        plain = match[0].replace(",", "")
        return float(plain) if "." in plain else int(plain)
    return next((SMALL_NUMBERS[word] for word in words(text) if word in SMALL_NUMBERS), None)
