"""Words: what the rules read. Tidying, stems, number words, durations, and the person's words turned round.

Every pattern here runs in linear time: the person may paste anything.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "DURATION",
    "all_of",
    "content",
    "duration_ms",
    "in_words",
    "number",
    "number_of",
    "phrase_key",
    "pick",
    "spoken_duration",
    "stem",
    "tidy",
    "turned",
    "unquoted",
]


def all_of(words: str) -> tuple[str, ...]:
    """The words of a list written as a sentence."""
    return tuple(words.split())


_CURLY: Final = str.maketrans(
    {"\u2018": "'", "\u2019": "'", "\u02bc": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-"}
)
_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)?")

_STOP: Final = frozenset(
    all_of(
        "a an the this that these those it its i me my mine you your we us our he she they them his her their"
        " is are was were be been am do does did have has had will would can could should may might must of to"
        " in on at by for from with about into and or but not no yes so as if then than there here what when"
        " where who whom whose which why how please just also now some any all more most very really okay ok"
        " make mean meant actually instead rather sorry wait i'm i'd i'll i've it's that's what's let's don't"
        " im ive whats thats dont"
    )
)

_ONES: Final = all_of(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen"
)
_TENS: Final = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_NUMBERS: Final[dict[str, float]] = {
    **{word: float(value) for value, word in enumerate(_ONES)},
    **{word: 10.0 * value for value, word in enumerate(_TENS, start=2)},
    **{
        f"{tens}{joint}{one}": 10.0 * value + unit
        for value, tens in enumerate(_TENS, start=2)
        for unit, one in enumerate(_ONES[1:10], start=1)
        for joint in (" ", "-")
    },
    "a": 1.0,
    "an": 1.0,
    "a hundred": 100.0,
    "one hundred": 100.0,
    "a couple of": 2.0,
    "a couple": 2.0,
    "a few": 3.0,
    "a dozen": 12.0,
    "half a": 0.5,
    "half an": 0.5,
    "a quarter of an": 0.25,
    "one and a half": 1.5,
    "two and a half": 2.5,
    "three and a half": 3.5,
}
_UNITS: Final = {"ms": 1, "millisecond": 1, "s": 1_000, "sec": 1_000, "second": 1_000}
_UNITS_LONG: Final = {"m": 60_000, "min": 60_000, "minute": 60_000, "h": 3_600_000, "hr": 3_600_000, "hour": 3_600_000}
_MS: Final = {**_UNITS, **_UNITS_LONG, "day": 86_400_000, "week": 604_800_000}

_UNIT: Final = r"(?:milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|weeks?)"
_ONE_TO_NINE: Final = "|".join(_ONES[1:10])
_PLAIN: Final = sorted(
    (word for word in _NUMBERS if word not in _TENS and not word.startswith(tuple(_TENS))), key=len, reverse=True
)
NUMBER: Final = (
    rf"(?:\d{{1,9}}(?:\.\d{{1,6}})?|(?:(?:{'|'.join(_TENS)})(?:[ -](?:{_ONE_TO_NINE}))?|{'|'.join(_PLAIN)})(?![\w-]))"
)
_ONE_DURATION: Final = rf"{NUMBER}\s?{_UNIT}(?: and a half)?\b"
DURATION: Final = rf"(?:{_ONE_DURATION}(?:(?:,? and |, | ){_ONE_DURATION}){{0,3}})"
"""A pattern (no groups) for "10 seconds", "a minute and a half", "1 hour 5 minutes"."""

_PART: Final = re.compile(rf"({NUMBER})\s?({_UNIT})( and a half)?\b", re.IGNORECASE)
_SECOND_PERSON: Final = {
    "i": "you",
    "me": "you",
    "my": "your",
    "mine": "yours",
    "myself": "yourself",
    "i'm": "you're",
    "im": "you're",
    "i've": "you've",
    "ive": "you've",
    "i'd": "you'd",
    "i'll": "you'll",
    "our": "your",
    "us": "you",
    "am": "are",
}


def tidy(text: str) -> str:
    """The same words with straight quotes and single spaces."""
    return " ".join(text.translate(_CURLY).split())


def stem(word: str) -> str:
    """A word without its commonest endings, so that "trains" meets "train" and "searching" meets "search"."""
    word = word.lower().removesuffix("'s")
    for ending, least, instead in (("ies", 5, "y"), ("ing", 6, ""), ("ed", 6, ""), ("es", 6, "e"), ("s", 4, "")):
        if word.endswith(ending) and len(word) >= least and not word.endswith("ss"):
            word = word[: -len(ending)] + instead
            break
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


def content(text: str) -> list[str]:
    """The stems of the words that carry meaning, in order."""
    return [stem(word) for word in _WORD.findall(text.lower()) if word not in _STOP]


def number(word: str) -> float | None:
    """What a number or a number word stands for."""
    key = word.lower().strip()
    if key in _NUMBERS:
        return _NUMBERS[key]
    try:
        return float(key) if key[:1].isdigit() and key.isascii() else None
    except ValueError:
        return None


def duration_ms(text: str) -> int | None:
    """Milliseconds in "a minute and 30 seconds"; `None` if there is no duration in it."""
    total = 0.0
    found = False
    for value, unit, half in _PART.findall(text):
        amount = number(value)
        name = unit.lower()
        scale = _MS.get(name) or _MS.get(name.removesuffix("s"))
        if amount is not None and scale is not None:
            total += (amount + (0.5 if half else 0.0)) * scale
            found = True
    return round(total) if found else None


def in_words(count: int) -> str:
    """A small number as a word, a large one in digits."""
    return _ONES[count] if 0 <= count <= 12 else str(count)


def number_of(count: int, thing: str) -> str:
    """ "1 second", "2 seconds"."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


def spoken_duration(ms: int) -> str:
    """Milliseconds as a person says them: at most two units, rounded down below the second."""
    seconds = ms // 1_000
    if seconds == 0:
        return "less than a second" if ms < 500 else f"{ms} milliseconds"
    if ms % 1_000 and seconds < 10:
        return f"{ms / 1_000:g} seconds"
    parts: list[str] = []
    for size, name in ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(number_of(count, name))
    return " and ".join(parts[:2])


def turned(text: str) -> str:
    """The person's words as the assistant says them back: "my notes" becomes "your notes"."""
    return _WORD.sub(lambda match: _SECOND_PERSON.get(match.group().lower(), match.group()), text)


def unquoted(text: str) -> str:
    """A phrase without the quotes or the full stop round it."""
    text = text.strip().rstrip(".,;: ").strip()
    if len(text) >= 2 and text[0] in "\"'" and text[-1] == text[0]:
        text = text[1:-1].strip()
    return text.strip('"').strip()


def phrase_key(phrase: str) -> str:
    """Two ways to write one phrase have one key."""
    return " ".join(_WORD.findall(unquoted(phrase).lower())) or unquoted(phrase).lower()


def pick(choices: tuple[str, ...], turn: int) -> str:
    """One of several ways to say a thing, by a counter: varied, and the same in each replay."""
    return choices[turn % len(choices)]
