"""Sentences of a stream, and what can be known of one without understanding it: its words, and the facts it brings.

Sentences come out the same however the stream is cut. What is a fact goes by its shape (numbers, addresses, quotes) in
every language; names only in English, where a capital letter means one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import Final

import msgspec

from interaction.models.reflex_words import stem

__all__ = [
    "Knowledge",
    "content",
    "english",
    "facts",
    "names",
    "normal",
    "plain_sentences",
    "sentence_end",
    "sentences",
    "words",
]

_LONG: Final = 400
"""Characters after which a sentence without an end is cut at the next space, and (threefold) anywhere."""
_END: Final = re.compile(r"[.!?…。！？]++[\"')\]\u201d\u2019»*]*+(?=(\s)|(\S))")  # noqa: RUF001
_READ: Final = 8_000
"""Characters of one text that are looked at for what may be repeated."""
_SPACE: Final = re.compile(r"\s")
_WIDE_ENDS: Final = "。！？"  # noqa: RUF001
_WORD: Final = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_ABBREVIATION: Final = re.compile(
    r"(?:^|[\s(\"'])(?:[^\W\d_]|e\.g|i\.e|z\.b|mr|mrs|ms|dr|prof|st|vs|approx|fig|no|\d{1,2})\.$", re.IGNORECASE
)
_LISTED: Final = re.compile(r"^\s*(?:\d{1,2}[.)]|[-*])\s")
_WIDE: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def _all(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STOP: Final = _all(
    "a an the this that these those it its i me my mine you your we us our he she they him his her them their is are"
    " was were be been being am do does did has have had will would can could should may might must of to in on at"
    " by for from with about into and or but not no yes so as if then than there here what when where who whom whose"
    " which why how please just also now some any all more most very really okay ok i'm i'd i'll i've it's that's"
    " what's let's don't you're we're they're there's here's isn't aren't doesn't didn't won't can't up out get got"
    " let one"
    " ich du er sie es wir ihr der die das den dem ein eine einen und oder ist sind war nicht nach mit für von zu zum"
    " zur im am auf bei noch gerade mir dir wie wo wann le la les un une des du de et ou est sont je tu il elle nous"
    " vous pour dans sur avec que qui pas ne au aux el los las una del y es son para con por en no se lo mi tu su"
)
_ENGLISH: Final = _all(
    "the a an is are was were of to in on at for from with and it i i'm i'll i've you your that this there have has"
    " will not be do my we they"
)
_FOREIGN: Final = _all(
    "ich du wir ihr der das den dem ein eine einen und oder ist sind nicht nach mit für von zu zum zur auf bei noch le"
    " la les une des du et est sont je tu nous vous pour dans sur avec que qui pas el los las una del es son para con"
    " por il lo gli sono di het een ik niet"
)
_NUMBER_WORDS: Final = _all(
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen"
    " nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million"
)
_COUNTED: Final = _all("things tasks requests questions searches jobs")
"""How many of these there are is the voice's own knowledge."""
_NUMBER: Final = re.compile(r"\d+(?:[.,:/h\u202f\u00a0]\d+)*")
_ADDRESS: Final = re.compile(
    r"(?:https?://|www\.)[^\s)>\]]+|\b[\w.+-]{1,64}@[\w-]{1,64}\.[\w.]+|\b[\w-]{1,64}\.(?:com|org|net|io|eu)\b"
)
_QUOTE: Final = re.compile(r"\"([^\"]+)\"|\u201c([^\u201d]+)\u201d|«([^»]+)»")


def sentence_end(text: str, since: int = 0) -> int | None:
    """Where the first sentence of `text` ends, once that is certain; the space behind it begins the next one.

    `since`: it is known not to end before.
    """
    ends: list[int] = []
    for found in _END.finditer(text, since):
        wide = any(sign in found.group() for sign in _WIDE_ENDS)
        if wide or (found.group(1) and not _ABBREVIATION.search(text[max(0, found.end() - 12) : found.end()])):
            ends.append(found.end())
            break
    start = len(text) - len(text.lstrip())
    line = text.find("\n", max(start, since))
    if line > 0:
        ends.append(line)
    if len(text) > _LONG:
        space = _SPACE.search(text, max(_LONG, since))
        if space is not None:
            ends.append(space.start())
        if len(text) > 3 * _LONG:
            ends.append(3 * _LONG)
    return min(ends, default=None)


def sentences(text: str) -> list[str]:
    """The sentences of a whole text, without space round them."""
    found: list[str] = []
    while (end := sentence_end(text)) is not None:
        found.append(text[:end].strip())
        text = text[end:]
    return [sentence for sentence in (*found, text.strip()) if sentence]


def words(text: str) -> list[str]:
    """The words, folded; a run of signs that are written without spaces gives its pairs."""
    found: list[str] = []
    for word in _WORD.findall(text):
        if _WIDE.search(word):
            found.extend(word[at : at + 2] for at in range(max(len(word) - 1, 1)))
        else:
            found.append(word.replace("\u2019", "'").casefold())
    return found


def normal(text: str) -> str:
    """The same for two ways of writing one sentence: case, punctuation and spaces do not count."""
    return " ".join(word.replace("\u2019", "'").casefold() for word in _WORD.findall(text))


@lru_cache(maxsize=256)
def content(text: str) -> frozenset[str]:
    """The stems of the words that carry meaning, numbers apart."""
    return frozenset(stem(word) for word in words(text) if word not in _STOP and not word[0].isdigit())


def english(text: str) -> bool:
    """Whether `text` is English as far as its small words tell."""
    found = set(words(text))
    return bool(found & _ENGLISH) and not found & _FOREIGN


@lru_cache(maxsize=256)
def names(text: str) -> frozenset[str]:
    """What is written like a name: capitals, not at the beginning of a sentence. English only."""
    if not english(text):
        return frozenset()
    found: set[str] = set()
    for sentence in sentences(text):
        for word in list(_WORD.finditer(_LISTED.sub("", sentence)))[1:]:
            plain = word.group().replace("\u2019", "'")
            if plain[0].isupper() and plain.casefold() not in _STOP:
                found.add(stem(plain))
    return frozenset(found)


@lru_cache(maxsize=64)
def plain_sentences(text: str) -> tuple[str, ...]:
    """The sentences of a whole text as `normal` writes them. The last utterances are looked at for every answer."""
    return tuple(normal(sentence) for sentence in sentences(text))


class Facts(msgspec.Struct, frozen=True):
    """What a sentence brings that could be right or wrong."""

    numbers: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    quoted: frozenset[str] = frozenset()
    """Quotations and addresses, as `normal` writes them."""

    def __bool__(self) -> bool:
        return bool(self.numbers or self.names or self.quoted)


@lru_cache(maxsize=256)
def facts(text: str) -> Facts:
    """The facts in `text`."""
    bare = _LISTED.sub("", text)
    quoted = {normal(next(part for part in found if part)) for found in _QUOTE.findall(bare)}
    quoted.update(normal(found) for found in _ADDRESS.findall(bare))
    numbers = {"".join(sign for sign in found if sign.isdigit()) for found in _NUMBER.findall(_ADDRESS.sub(" ", bare))}
    if english(bare):
        counted = [*words(bare), ""]
        numbers.update(word for word, of in pairwise(counted) if word in _NUMBER_WORDS and of not in _COUNTED)
    return Facts(frozenset(numbers), names(bare), frozenset(quoted - {""}))


class Knowledge:
    """Everything that may be repeated: what the person said, what was found, what was told."""

    def __init__(self, *texts: str) -> None:
        known = [_known(text[:_READ]) for text in texts]
        self.text: str = "\n".join(text for text, _, _ in known)
        self.words: frozenset[str] = frozenset[str]().union(*(stems for _, stems, _ in known))
        self.numbers: frozenset[str] = frozenset[str]().union(*(numbers for _, _, numbers in known))

    def new(self, found: Facts) -> Facts:
        """The part of `found` that is not known."""
        return Facts(
            found.numbers - self.numbers,
            found.names - self.words,
            frozenset(quote for quote in found.quoted if quote not in self.text),
        )


@lru_cache(maxsize=512)
def _known(text: str) -> tuple[str, frozenset[str], frozenset[str]]:
    """What one text makes known. The same texts are looked at for every answer while a task is open."""
    return normal(text), frozenset(stem(word) for word in words(text)), facts(text).numbers
