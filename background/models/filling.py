"""The arguments of a call, read from a sentence. Each rule takes its words away, so that no word is used twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import msgspec

from background.models.clauses import PLACES, polite_free, quoted, searched_for
from background.models.moments import elsewhere
from background.models.quantities import in_one_unit
from background.models.slots import NOTHING, Slot, fitted
from background.models.spoken_sums import looks_like_math, spoken_math
from background.models.words import NUMBER, PATH, SMALL_NUMBERS, STOP, URL, VERBS, identifier_words, stem, words

__all__ = ["DATES", "END_OF_VALUE", "Filling", "fill", "fill_from_past"]

_DAYS: Final = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_MONTHS: Final = "january|february|march|april|may|june|july|august|september|october|november|december"
DATES: Final = (
    rf"\d{{4}}-\d{{2}}-\d{{2}}(?:[T ]\d{{2}}:\d{{2}}(?::\d{{2}})?)?|\d{{1,2}}[./]\d{{1,2}}[./]\d{{2,4}}|"
    rf"(?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{_MONTHS})(?: \d{{4}})?|(?:{_MONTHS}) \d{{1,2}}(?:st|nd|rd|th)?|"
    rf"(?:(?:next|this|last) )?(?:{_DAYS})|today|tomorrow|tonight|yesterday|(?:next|this|last) (?:week|month|year)|"
    rf"\d{{1,2}}(?::\d{{2}})?\s?(?:am|pm|o'clock)|\d{{1,2}}:\d{{2}}"
)
END_OF_VALUE: Final = (
    rf"(?=\s+(?:on|at|in|by|with|via|for|from|to|and|next|please|before|after|this|instead|leaving|until|using|"
    rf"{DATES})\b|[,;?!]|\.(?:\s|$)|\s*$)"
)
_NUMBERS: Final = rf"(?<![\w.])(?:{NUMBER}|{'|'.join(SMALL_NUMBERS)})(?![\w])"
_UNIT: Final = r"°?[A-Za-z°µ][A-Za-z/²³^0-9]*(?: (?!to\b|in\b|into\b|as\b)[a-z]+)?"
_NAME: Final = r"[A-ZÀ-Þ][\w'’.-]*(?:[ /_-][A-ZÀ-Þ][\w'’-]*)*"


class Filling(msgspec.Struct):
    """What a sentence gave: arguments, the slots still without a value, and what is left of the sentence."""

    arguments: dict[str, Any]
    missing: tuple[Slot, ...]
    rest: str


class _Sentence:
    """A sentence that is used up piece by piece."""

    def __init__(self, text: str, slots: Sequence[Slot]) -> None:
        self.text = text
        self.open = list(slots)
        self.arguments: dict[str, Any] = {}
        self.asks = any(slot.required for slot in slots)

    def having(self, *roles: str) -> list[Slot]:
        return [slot for slot in self.open if slot.role in roles]

    def give(self, slot: Slot, text: str, *spans: tuple[int, int]) -> bool:
        value = fitted(slot, text)
        if value is NOTHING:
            return False
        self.arguments[slot.name] = value
        self.open.remove(slot)
        for start, end in spans:
            self.text = self.text[:start] + "\0" * (end - start) + self.text[end:]
        return True

    def take(self, slot: Slot, pattern: str, group: int = 1, *, flags: re.RegexFlag = re.IGNORECASE) -> bool:
        match = re.search(pattern, self.text, flags)
        return match is not None and "\0" not in match[0] and self.give(slot, match[group], match.span())

    def take_if_open(self, slot: Slot, *patterns: str, flags: re.RegexFlag = re.IGNORECASE) -> None:
        """The first of the patterns that gives `slot` a value, if it has none yet."""
        for pattern in patterns:
            if slot in self.open:
                self.take(slot, pattern, flags=flags)

    @property
    def rest(self) -> str:
        return " ".join(re.sub("\0+", " ", self.text).split())


def fill(clause: str, slots: Sequence[Slot], known: Collection[str] = ()) -> Filling:
    """Fill `slots` from `clause`. `known` are stems that the tool itself stands for and that are no value."""
    sentence = _Sentence(polite_free(clause), slots)
    rules: tuple[Callable[[_Sentence], None], ...] = (
        _named, _addresses, _elsewhere, _choices, _expressions, _switches, _conversion, _globs, _paths, _route, _dates,
        _numbers, _places, _people, _names,
    )  # fmt: skip
    for rule in rules:
        rule(sentence)
    _texts(sentence, known)
    return Filling(sentence.arguments, tuple(slot for slot in sentence.open if slot.required), sentence.rest)


def fill_from_past(text: str, slots: Sequence[Slot]) -> dict[str, Any]:
    """What an earlier sentence says for slots still empty. Only what is unmistakable: names, files, choices."""
    sentence = _Sentence(text, [slot for slot in slots if slot.role not in ("query", "expression")])
    for rule in (_choices, _paths, _route, _dates, _places):
        rule(sentence)
    wanted = {slot.name: slot for slot in slots}
    return {
        name: value
        for name, value in sentence.arguments.items()
        if wanted[name].role not in ("start", "end", "place") or re.fullmatch(_NAME, str(value))
    }


# --- the rules, in the order in which they take their words ---


def _named(sentence: _Sentence) -> None:
    """`limit=5`, `limit: 5`."""
    for slot in list(sentence.open):
        names = rf"(?:{re.escape(slot.name)}|{re.escape(slot.label)})"
        sentence.take(slot, rf"\b{names}\s*[=:]\s*(\"[^\"]*\"|'[^']*'|[^\s,;]+)")


def _addresses(sentence: _Sentence) -> None:
    """`https://example.org/page`, before its parts are taken for a path or a sum."""
    bare = r"(?<![\w@.])((?:[a-z0-9-]+\.)+[a-z]{2,24}(?:/[^\s<>\"']*)?)(?![\w@])"
    for slot in [slot for slot in sentence.open if slot.is_address]:
        sentence.take_if_open(slot, rf"({URL})", bare)


def _choices(sentence: _Sentence) -> None:
    for slot in [slot for slot in sentence.open if slot.kind == "choice"]:
        for choice in slot.choices:
            spoken = r"[\s_-]+".join(re.escape(word) for word in identifier_words(str(choice))) or re.escape(
                str(choice)
            )
            if sentence.take(slot, rf"\b(?:(?:in|by|with|as|to)\s+)?({spoken})s?\b"):
                break


def _switches(sentence: _Sentence) -> None:
    """`recursive` is mentioned or it is not; "not recursive", "without the headers"."""
    for slot in [slot for slot in sentence.open if slot.kind == "boolean"]:
        spoken = r"[\s_-]+".join(re.escape(word) for word in identifier_words(slot.name))
        if not sentence.take(slot, rf"\b((?:no|not|without)\b)(?: (?:the|be|being))?\s+{spoken}(?:ly)?\b"):
            match = re.search(rf"\b{spoken}(?:ly)?\b", sentence.text, re.IGNORECASE)
            if match:
                sentence.give(slot, "yes", match.span())


def _globs(sentence: _Sentence) -> None:
    """`*.py`"""
    for slot in [slot for slot in sentence.open if slot.name in ("pattern", "glob", "glob_pattern", "name_pattern")]:
        sentence.take(slot, r"(?<!\S)([\w./-]*\*[\w.*/-]*)")


def _expressions(sentence: _Sentence) -> None:
    for slot in sentence.having("expression"):
        math = spoken_math(sentence.text)
        if slot.kind == "text" and math and (looks_like_math(sentence.text) or slot.required):
            sentence.give(slot, math, (0, len(sentence.text)))


def _conversion(sentence: _Sentence) -> None:
    """`12 km to miles`, `how many miles are in 12 km`."""
    amount = next((slot for slot in sentence.open if slot.kind in ("number", "integer") and slot.role == "other"), None)
    start = next((slot for slot in sentence.having("start") if slot.kind == "text"), None)
    end = next((slot for slot in sentence.having("end") if slot.kind == "text"), None)
    if amount is None or start is None or end is None:
        return
    sentence.text = in_one_unit(sentence.text)
    direct = re.search(rf"({NUMBER})\s*({_UNIT})\s+(?:to|in|into|as)\s+({_UNIT})", sentence.text)
    asked = re.search(
        rf"how (?:many|much) ({_UNIT}?) (?:is|are|does|do|make)\b(?: there)?(?: in)?\s*({NUMBER})\s*({_UNIT})|"
        rf"how (?:many|much) ({_UNIT}?) in ({NUMBER})\s*({_UNIT})",
        sentence.text,
        re.IGNORECASE,
    )
    if direct:
        number, first, second = direct.groups()
        span = direct.span()
    elif asked:
        second, number, first = [part for part in asked.groups() if part]
        span = asked.span()
    else:
        return
    sentence.give(amount, number)
    sentence.give(start, first)
    sentence.give(end, second, span)


def _elsewhere(sentence: _Sentence) -> None:
    """`15:00 in Tokyo as Paris time`, `what time is it in Tokyo when it is 9am here`."""
    at = next((slot for slot in sentence.having("date") if "time" in identifier_words(slot.name)), None)
    start = next(iter(sentence.having("start")), None)
    end = next(iter(sentence.having("end")), None)
    found = elsewhere(sentence.text) if at and start and end else None
    if at is None or start is None or end is None or found is None:
        return
    days = [slot for slot in sentence.having("date") if "day" in identifier_words(slot.name)]
    for slot, text in ((at, found.time), (start, found.start), (end, found.end), *((day, found.day) for day in days)):
        sentence.give(slot, text)
    sentence.text = ""


def _paths(sentence: _Sentence) -> None:
    for slot in sentence.having("path"):
        folder = {"folder", "directory", "dir"} & set(identifier_words(slot.name))
        found = [
            match
            for match in re.finditer(rf"(?<![\w/.])(?:(?:in|under|from|of|within)\s+)?({PATH}/?)", sentence.text)
            if "\0" not in match[0] and not re.fullmatch(NUMBER, match[1])
        ]
        if folder:
            found = [match for match in found if "." not in match[1].rpartition("/")[2]]
        spoken = [
            (r"\b(?:in|under|from|of)\s+(?:the\s+)?([\w.-]+)\s+(?:folder|directory)\b", re.IGNORECASE),
            (r"\b(?:folder|directory|file)\s+(?:called\s+|named\s+)?([\w.-]*[A-Z._-][\w.-]*)", re.RegexFlag(0)),
            (r"\b(?:read|open|show(?: me)?)\s+(?:the\s+)?([A-Z][A-Z_-]{2,})\b", re.RegexFlag(0)),
        ]
        if not sentence.asks:
            # "list what is in orchestrator": where nothing else is asked for, the place is what is meant.
            spoken.append((rf"\b(?:in|under|of|inside)\s+(?:the\s+)?(?!(?:the|{PLACES})\b)([\w.-]+)$", re.IGNORECASE))
            # "in the docs" is a way to say where things are written; "in docs" is a folder.
            spoken.append((r"\b(?:in|under|inside)\s+(?!(?:it|them|there|here|the)\b)([\w.-]+)$", re.IGNORECASE))
        if slot.required:
            # "read the readme": the tool knows how to find it, or asks.
            bare = r"(?!(?:it|that|this|them|file|files|page|document|result|first|second|last|one|more)\b)([\w-]{3,})$"
            spoken.append((rf"^(?:please\s+)?(?:read|open|show)\s+(?:me\s+)?(?:the\s+)?{bare}", re.IGNORECASE))
        if not any(sentence.give(slot, match[1], match.span()) for match in found[:1]):
            for pattern, flags in spoken:
                sentence.take_if_open(slot, pattern, flags=flags)


def _route(sentence: _Sentence) -> None:
    start = next(iter(sentence.having("start")), None)
    end = next(iter(sentence.having("end")), None)
    value = r"((?:(?!\b(?:from|to)\b)[^\0])+?)"
    both = (
        rf"\bfrom\s+{value}\s+(?:to|until|till|into|towards?)\s+{value}{END_OF_VALUE}",
        rf"\bbetween\s+{value}\s+and\s+{value}{END_OF_VALUE}",
    )
    turned = rf"\bto\s+{value}\s+from\s+{value}{END_OF_VALUE}"
    if start is not None and end is not None:
        for pattern, first, second in ((both[0], 1, 2), (turned, 2, 1), (both[1], 1, 2)):
            match = re.search(pattern, sentence.text, re.IGNORECASE)
            if match and sentence.give(start, match[first]):
                sentence.give(end, match[second], match.span())
                return
    if start is not None:
        sentence.take(start, rf"\bfrom\s+(?:the\s+)?{value}{END_OF_VALUE}")
    if end is not None:
        found = [
            match
            for match in re.finditer(
                rf"\b(?:to|until)\s+(?:the\s+)?{value}{END_OF_VALUE}", sentence.text, re.IGNORECASE
            )
            if words(match[1])[:1] and words(match[1])[0] not in VERBS | {"go", "be", "know", "see", "have", "travel"}
        ]
        # "I want to go to Lyon": the place stands last.
        if found:
            sentence.give(end, found[-1][1], found[-1].span())


def _dates(sentence: _Sentence) -> None:
    for slot in sentence.having("date"):
        sentence.take(slot, rf"\b(?:(?:on|at|for|by)\s+)?((?:{DATES})(?:\s+(?:at\s+)?(?:{DATES}))?)(?!\w)")


def _numbers(sentence: _Sentence) -> None:
    """By what they count ("3 people", "limit 5"), then in order; an optional number must be named."""
    slots = [slot for slot in sentence.open if slot.kind in ("number", "integer")]
    for slot in slots:
        nouns = [
            word for word in identifier_words(slot.name) if word not in ("number", "of", "max", "min", "count", "n")
        ]
        names = "|".join([*(rf"{re.escape(stem(word))}\w*" for word in nouns), re.escape(slot.label)])
        sentence.take_if_open(
            slot,
            rf"\b(?:for\s+)?(?:{names})\s+(?:of\s+|is\s+)?({_NUMBERS})",
            rf"(?:\bfor\s+)?({_NUMBERS})\s+(?:{names})\b",
        )
        if slot.role == "limit":
            sentence.take_if_open(
                slot,
                rf"\b(?:first|top|last|at most|up to|only)\s+({_NUMBERS})",
                rf"({_NUMBERS})\s+(?:results?|matches|mentions|hits|items|lines|places|entries)\b",
            )
    for slot in slots:
        if slot in sentence.open and slot.required:
            sentence.take(slot, rf"(?:\b(?:for|of|with)\s+)?({_NUMBERS})")


def _places(sentence: _Sentence) -> None:
    for slot in sentence.having("place"):
        sentence.take_if_open(slot, rf"\b(?:in|at|near|for|around)\s+(?:the\s+)?({_NAME})", flags=re.RegexFlag(0))
        if slot.required:
            sentence.take_if_open(slot, rf"\b(?:in|at|near|around|for)\s+(?:the\s+)?([^\W\d_][^\0\d]*?){END_OF_VALUE}")


def _people(sentence: _Sentence) -> None:
    for slot in sentence.having("person"):
        sentence.take(slot, rf"\b(?:to|for|with|named|called)\s+({_NAME})", flags=re.RegexFlag(0))


def _names(sentence: _Sentence) -> None:
    """`at Luigi`: a name for what has no part of its own in a sentence, where several things are asked for."""
    slots = [slot for slot in sentence.open if slot.required and slot.kind == "text" and slot.role == "other"]
    if slots and sentence.arguments:
        sentence.take(slots[0], rf"\b(?:at|in|called|named|of)\s+(?:the\s+)?({_NAME})", flags=re.RegexFlag(0))


def _texts(sentence: _Sentence, known: Collection[str]) -> None:
    """What is left over is what is asked for; text in quotation marks comes first, in order."""
    slots = [slot for slot in sentence.open if slot.kind in ("text", "list") and not slot.strict]
    slots = [slot for slot in slots if slot.required or slot.role == "query"]
    slots = [slot for slot in slots if slot.role not in ("path", "expression", "date") or slot.required]
    slots = [slot for slot in slots if slot.name not in ("pattern", "glob") or slot.required]
    if not slots:
        return
    slots.sort(key=lambda slot: (not slot.required, slot.role != "query"))
    inside = quoted(sentence.text)
    if len(inside) > 1 and len(slots) > 1:
        for slot, (text, span) in zip(list(slots), inside, strict=False):
            sentence.give(slot, text, span)
            slots.remove(slot)
    # A slot with a part of its own to play (a start, a path) is not filled with just anything that is left.
    single = len([slot for slot in slots if slot.required]) == 1 and len(sentence.arguments) == 0
    for slot in slots:
        if slot.role in ("start", "end", "path", "expression", "date") and not (single and quoted(sentence.text)):
            continue
        # A tool that wants the question gets the question, not what it is about.
        whole = {"question", "request", "prompt", "instruction"} & set(identifier_words(slot.name))
        asked = sentence.rest if whole else searched_for(sentence.rest, known)
        if slot.role in ("query", "other", "person", "place") and _says_something(asked, known, slot):
            sentence.give(slot, asked, (0, len(sentence.text)))
            return


def _says_something(text: str, known: Collection[str], slot: Slot) -> bool:
    found = [word for word in words(text) if word not in STOP]
    if slot.required and slot.role in ("query", "other"):
        return bool(found)
    return any(stem(word) not in known for word in found)
