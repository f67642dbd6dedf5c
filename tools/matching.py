"""What a person means by a query, and how well a file answers it.

The rule of the house: the words as they were said come first. Only when nobody wrote them so are little words dropped,
then spelling loosened (`timing policy`, `timing_policy`, `TimingPolicy`), then words allowed to stand apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

import msgspec

__all__ = ["APART", "CLOSE", "EXACT", "INSIDE", "LOOSE", "PARTLY", "SOME", "Hit", "Query", "parse_query", "search_text"]

SOME: Final = 0
"""Some of the words only."""
APART: Final = 1
"""All words, but far apart."""
CLOSE: Final = 2
"""All words within a few lines."""
PARTLY: Final = 3
"""As `LOOSE`, within longer words."""
LOOSE: Final = 4
"""The words that matter in order, whatever stands between them that is no letter."""
INSIDE: Final = 5
"""The phrase as it was said, within longer words."""
EXACT: Final = 6
"""The phrase as it was said."""

MAX_QUERY: Final = 300
MAX_WORDS: Final = 12
MAX_TEXT: Final = 200
"""Characters of a line that a hit repeats."""
WINDOW: Final = 3
"""Lines within which words are close."""
MAX_MARKS: Final = 5_000
"""Matches that are looked at in one file: whoever looks for an "e" learns no more from the next million."""

_LITTLE: Final = (
    "a about all an and any are as at be by can could did do does for from have how i in into is it its me mention "
    "mentioned mentions my of on or our said say says so some that the their them there these they this to us was we "
    "were what when where which who why will with word words would you your please find search look show tell "
    "defined definition declared described explained implemented documented written called talk talks"
)
STOP: Final = frozenset(_LITTLE.split())
"""Words that may be dropped when nobody wrote the phrase with them."""
_QUOTED: Final = re.compile(
    r'"([^"]+)"|“([^”]+)”|`([^`]+)`|\N{LEFT SINGLE QUOTATION MARK}([^\N{RIGHT SINGLE QUOTATION MARK}]+)'
    r"\N{RIGHT SINGLE QUOTATION MARK}|(?<!\w)'([^']+)'(?!\w)"
)
_ARTICLE: Final = re.compile(r"^(?:the|an?)\s+(?=\S)", re.IGNORECASE)
_HEADING: Final = re.compile(r"#{1,6}\s")
_TEST: Final = re.compile(r"(?:^|[/_.-])tests?(?:[/_.-]|$)")
_WORD: Final = re.compile(r"[^\W_]+(?:_[^\W_]+)*")
_GAP: Final = r"\s{1,80}(?:[#*/>|;-]{1,4}\s{1,8})?"
"""Between two words of a phrase; in a comment or a quotation a new line begins with a mark of its own."""
_DEFINES: Final = re.compile(
    r"\s*(?:(?:export\s+|pub\s+|public\s+|static\s+|abstract\s+|default\s+)*"
    r"(?:async\s+def|def|class|interface|struct|enum|trait|type|function|async\s+function|fn|func)\s)"
)


class Hit(msgspec.Struct, frozen=True):
    """A place that answers a query. `line` counts from 1; 0 means the file as such, by its name."""

    path: str
    line: int
    text: str
    tier: int = EXACT
    score: float = 0.0


class Query(msgspec.Struct, frozen=True):
    """A query, understood."""

    said: str
    """The phrase that is looked for, as it was said."""
    exact: re.Pattern[str]
    loose: re.Pattern[str] | None
    """`None` where it could find no more than `exact`."""
    words: tuple[str, ...]
    """The words that matter, folded."""
    meant: str = ""
    """The words that matter, as they were said."""
    hints: tuple[str, ...] = ()
    """What was said around a quotation: it may name the file, and only ranks."""


def parse_query(text: str) -> Query | None:
    """What `text` asks for; `None` when it asks for nothing. Quoted parts are what is looked for, the rest hints."""
    plain = " ".join(text.split())[:MAX_QUERY]
    inside = [next(part for part in match.groups() if part) for match in _QUOTED.finditer(plain)]
    if inside:
        said = " ".join(inside)
        hints = tuple(word for word in _words(_QUOTED.sub(" ", plain)) if word not in STOP)
    else:
        said = _ARTICLE.sub("", plain.strip(" .,;:?!"))
        hints = ()
    said = said.strip()
    if not said:
        return None
    all_words = _words(said)
    words = tuple(dict.fromkeys(word for word in all_words if word not in STOP)) or tuple(dict.fromkeys(all_words))
    words = words[:MAX_WORDS]
    kept = [word for word in _WORD.findall(said) if word.casefold() in words]
    meant = said if len(kept) == len(all_words) else " ".join(kept)
    exact = re.compile(_GAP.join(re.escape(part) for part in said.casefold().split()))
    # In order, with little words between, and a plural for a singular: "policies" is not asked for, "timers" is.
    between = rf"(?:[\W_]{{0,8}}(?:(?:{'|'.join(sorted(STOP))})[\W_]{{1,8}})?)"
    # A name from code is one word, which is how "to" in to_millisecond stays, and may still be spelled in another way.
    parts = tuple(dict.fromkeys(_singular(part) for word in words for part in word.split("_")))
    loose = re.compile(between.join(re.escape(part) + "s?" for part in parts)) if parts else None
    return Query(said, exact, loose, parts, meant, hints)


def search_text(query: Query, path: str, text: str) -> Iterator[Hit]:
    """The best places of one file, all of one tier, in the order of their lines."""
    folded = text.casefold()
    name = path.casefold()
    named = _named(query, path, text)
    hits = _phrases(query.exact, folded, EXACT, INSIDE)
    wanted = [word for word in query.words if word not in name]
    if not hits and query.loose is not None and all(word in folded for word in query.words):
        hits = _phrases(query.loose, folded, LOOSE, PARTLY)
    if not hits and not named and len(query.words) > 1:
        hits = list(_words_near(query, wanted, folded))
    if named and all(tier <= named.tier for _, tier, _ in hits):
        yield named
    lines = text.split("\n") if hits else []  # most files have none, and splitting is what costs
    for line, tier, bonus in hits:
        own = lines[line - 1] if line <= len(lines) else ""
        found = Hit(path, line, _cut(own, query), tier)
        yield msgspec.structs.replace(found, score=_score(found, own, query, bonus))


def _phrases(pattern: re.Pattern[str], folded: str, whole: int, within: int) -> list[tuple[int, int, float]]:
    """(line, tier, bonus) of every line with the phrase; those with it in longer words only where no other has it."""
    bare: dict[int, bool] = {}
    for start, end, line in _matches(pattern, folded):
        alone = (start == 0 or not _is_letter(folded[start - 1])) and (
            end >= len(folded) or not _is_letter(folded[end])
        )
        bare[line] = bare.get(line, False) or alone
    best = any(bare.values())
    return [(line, whole if alone else within, 0.0) for line, alone in bare.items() if alone or not best]


def _words_near(query: Query, wanted: list[str], folded: str) -> Iterator[tuple[int, int, float]]:
    """Lines where the words stand close together; else the one line that has the most of them."""
    present = [word for word in wanted if word in folded]
    if not present or (len(present) < len(wanted) and len(present) * 2 < len(query.words)):
        return
    at: dict[int, set[str]] = {}
    pattern = re.compile("|".join(re.escape(word) for word in sorted(present, key=len, reverse=True)))
    for start, end, line in _matches(pattern, folded):
        at.setdefault(line, set()).add(folded[start:end])
    if len(present) == len(wanted):
        used: set[int] = set()
        for span in range(WINDOW):
            for line in at:
                lines = range(line, line + span + 1)
                seen = set[str]().union(*(at.get(each, ()) for each in lines))
                if len(seen) == len(wanted) and used.isdisjoint(lines):
                    used.update(lines)
                    yield line, CLOSE, -5.0 * span
        if used:
            return
    line = max(at, key=lambda each: (len(at[each]), -each))
    here = len(at[line]) + len(query.words) - len(wanted)
    tier = APART if len(present) == len(wanted) else SOME
    yield line, tier, 60.0 * here / len(query.words)


def _named(query: Query, path: str, text: str) -> Hit | None:
    """The file as such, when its name is what was asked for."""
    last = path.rpartition("/")[2].casefold()
    stem = last.partition(".")[0] or last
    said = query.said.casefold()
    if said in (last, path.casefold()) or _words(said) == _words(stem):
        tier, bonus = EXACT, 30.0
    elif query.loose is not None and query.loose.search(path.casefold()):
        tier, bonus = LOOSE, 5.0
    else:
        return None
    first = text[: MAX_TEXT * 10].strip().partition("\n")[0]
    hit = Hit(path, 0, _cut(first, query), tier)
    return msgspec.structs.replace(hit, score=_score(hit, "", query, bonus))


def _score(hit: Hit, line: str, query: Query, bonus: float) -> float:
    name = hit.path.casefold()
    score = hit.tier * 100 + bonus - hit.path.count("/")
    # In code a # begins a comment.
    if _DEFINES.match(line) or (name.endswith((".md", ".markdown", ".txt")) and _HEADING.match(line)):
        score += 20
    if query.said in line:  # in the very case in which it was said
        score += 5
    if any(word in name for word in query.words):
        score += 10
    around = f"{name} {line.casefold()}"
    score += sum(15 for hint in query.hints if hint in around)
    if _TEST.search(name):
        score -= 10
    if len(line) > MAX_TEXT:
        score -= 5
    return score


def _matches(pattern: re.Pattern[str], folded: str) -> Iterator[tuple[int, int, int]]:
    """(start, end, line) of every match. Folding changes no line ends, so the numbers are those of the file."""
    line, counted = 1, 0
    for match in islice(pattern.finditer(folded), MAX_MARKS):
        line += folded.count("\n", counted, match.start())
        counted = match.start()
        yield match.start(), match.end(), line


def _cut(line: str, query: Query) -> str:
    """A line fit to be shown: without what cannot be printed, and around what was found where it is long."""
    plain = " ".join("".join(char if char.isprintable() else " " for char in line[: MAX_TEXT * 50]).split())
    if len(plain) <= MAX_TEXT:
        return plain
    folded = plain.casefold()
    match = query.exact.search(folded) or (query.loose.search(folded) if query.loose else None)
    places = [folded.find(word) for word in query.words]
    at = match.start() if match else min((place for place in places if place >= 0), default=0)
    start = max(0, min(at - MAX_TEXT // 3, len(plain) - MAX_TEXT))
    end = start + MAX_TEXT
    return f"{'...' if start else ''}{plain[start:end].strip()}{'...' if end < len(plain) else ''}"


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _is_letter(char: str) -> bool:
    return char.isalnum() or char == "_"
