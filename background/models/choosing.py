"""Which tool fits a part of a task: by its words, and by what the part looks like (a sum, a path, a journey)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from background.models.clauses import lead_concepts, polite_free, quoted
from background.models.moments import asks_for_moment, asks_the_calendar, elsewhere
from background.models.quantities import COMPOUND, MEASURE
from background.models.slots import Slot, slots_of
from background.models.spoken_sums import looks_like_math
from background.models.words import (
    NUMBER,
    PATH,
    STOP,
    URL,
    concepts,
    identifier_words,
    stem,
    stems,
    words,
)
from orchestrator.ports import ToolInfo

__all__ = ["Choice", "Kit", "looks_like_conversion"]

ENOUGH: Final = 1.2
"""Below this score a tool does not fit: nothing is done rather than something else."""

_CONVERSION: Final = re.compile(
    rf"{NUMBER}\s*°?[a-z/²³]+(?: [a-z]+)?\s+(?:in|to|into|as)\s+°?[a-z]|how (?:many|much) \w+ (?:is|are|in)\b.*\d|"
    rf"how many {MEASURE} (?:(?:are|is) )?(?:there )?in (?:an?|one) {MEASURE}\b|"
    rf"(?:{COMPOUND})\s+(?:in|to|into|as)\s+[a-z]",
    re.IGNORECASE,
)
_ROUTE: Final = re.compile(r"\bfrom\s+\S.*\bto\s+\S|\bto\s+\S.*\bfrom\s+\S|\bbetween\s+\S.*\band\s+\S", re.IGNORECASE)
_WHEN: Final = re.compile(r"\bwhat(?:'s|’s| is)? (?:the )?(?:\w+ )?(?:time|date|day)\b|\btoday's date\b", re.IGNORECASE)
_IS_THERE: Final = re.compile(r"\b(?:is|are) there\b|\banything (?:about|on)\b|\bdo (?:we|i) have\b", re.IGNORECASE)
_REFERS: Final = re.compile(r"\b(?:it|that|this|them|the (?:\w+ )?(?:one|file|document|page|result))\b", re.IGNORECASE)
_PATH: Final = re.compile(rf"(?<![\w/.]){PATH}")
_ADDRESS: Final = re.compile(URL, re.IGNORECASE)


def looks_like_conversion(text: str) -> bool:
    """Whether it asks for an amount in another unit."""
    return _CONVERSION.search(text) is not None


class Choice(msgspec.Struct, frozen=True):
    """A tool and how well it fits."""

    info: ToolInfo
    score: float


class _Known(msgspec.Struct):
    info: ToolInfo
    slots: tuple[Slot, ...]
    stems: dict[str, float]
    concepts: dict[str, float]


class Kit:
    """The tools there are, read once."""

    def __init__(self, tools: Sequence[ToolInfo]) -> None:
        self._known = [_read(info) for info in tools]
        self._stems = _commonness([known.stems for known in self._known])
        self._concepts = _commonness([known.concepts for known in self._known])

    def choose(self, clause: str) -> Choice | None:
        """The tool that fits best; `None` when none fits well enough. The first of equals, so that it never wavers."""
        scores = [Choice(known.info, self._score(clause, known)) for known in self._known]
        best = max(scores, key=lambda choice: choice.score, default=None)
        return best if best is not None and best.score >= ENOUGH else None

    def vocabulary(self, name: str) -> frozenset[str]:
        """The stems a tool is described with."""
        return frozenset(word for known in self._known if known.info.name == name for word in known.stems)

    def _score(self, clause: str, known: _Known) -> float:
        text = polite_free(clause)
        for inside, (start, end) in reversed(quoted(text)):
            # What is looked for says nothing of what is to be done.
            text = f"{text[:start]}{text[end:]}" if len(inside) + 2 < len(text) else text
        said = [stem(word) for word in words(text)]
        # A word of a tool's own name counts also where it is too common to mean anything elsewhere.
        named = {stem(word) for word in identifier_words(known.info.name)}
        telling = set(stems(text)) | (named & set(said[:1]))
        leading = next((word for word in said if word in telling), "")
        score = 0.0
        counted: set[str] = set()
        for word in sorted(telling, key=lambda word: (word != leading, word)):
            exact = known.stems.get(word, 0.0) / math.sqrt(self._stems.get(word, 1.0))
            about = {concept: self._about(concept, known) for concept in concepts([word]) - counted}
            nearest = max(about.values(), default=0.0)
            if nearest > 0.0:
                counted |= about.keys()
            score += max(exact, nearest) * (1.5 if word == leading else 1.0)
        return score + _evidence(text, known)

    def _about(self, concept: str, known: _Known) -> float:
        return 0.7 * known.concepts.get(concept, 0.0) / math.sqrt(self._concepts.get(concept, 1.0))


def _evidence(text: str, known: _Known) -> float:
    """What the shape of the text says, beyond its words."""
    roles = {slot.role for slot in known.slots}
    needed = {slot.role for slot in known.slots if slot.required}
    score = 0.0
    dated = _is_about(known, "time") or _is_about(known, "date")
    converts = _is_about(known, "convert") or ({"start", "end"} <= roles and _numeric(known.slots))
    zoned = dated and {"start", "end"} <= roles
    if elsewhere(text) is not None:
        # "15:00 in Tokyo as Paris time" is no amount in another unit, and not the time that it is now.
        return 6.0 if zoned else -3.0 if dated or converts else 0.0
    if zoned:
        score -= 3.0
    if dated and (asks_the_calendar(text) or asks_for_moment(text)):
        score += 6.0 if needed else -3.0
    elif looks_like_conversion(text):
        score += -3.0 if dated else 4.0 if converts else 0.0
    elif looks_like_math(text) and ("expression" in roles or (_is_about(known, "calculate") and not dated)):
        score += 4.0
    if _WHEN.search(text) and dated and not zoned:
        # "What day is it?" is about now; a day that must be reckoned is told with figures.
        score += 1.0 if needed and not re.search(r"\d", text) else 4.0
    if _IS_THERE.search(text) and _is_about(known, "search"):
        score += 1.0
    if "expression" in needed and not re.search(r"\d|\bpi\b", text) and not looks_like_math(text):
        score -= 3.0
    elif converts and not re.search(r"\d", text):
        score -= 2.0
    if {"start", "end"} <= roles and not converts and _ROUTE.search(text):
        score += 2.0
    addressed = _ADDRESS.search(text) is not None
    if addressed and any(slot.is_address for slot in known.slots):
        score += 4.0
    if "path" in needed and not addressed:
        wanted = lead_concepts(text)
        if _PATH.search(text):
            # "find leases in docs/" is a search, whatever it searches.
            strange = wanted and not any(_is_about(known, concept) for concept in wanted)
            score += 0.5 if strange else 2.5
        elif not _REFERS.search(text):
            score -= 1.0
    return score


def _commonness(weights: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """For each word how many tools have it, those that only touch upon it counted in part."""
    most: dict[str, float] = {}
    total: dict[str, float] = {}
    for known in weights:
        for word, weight in known.items():
            most[word] = max(most.get(word, 0.0), weight)
            total[word] = total.get(word, 0.0) + weight
    return {word: total[word] / most[word] for word in total}


def _is_about(known: _Known, concept: str) -> bool:
    """Whether a tool is for that, and does not just mention it."""
    return known.concepts.get(concept, 0.0) >= 1.0


def _numeric(slots: tuple[Slot, ...]) -> bool:
    return any(slot.required and slot.kind in ("number", "integer") for slot in slots)


def _read(info: ToolInfo) -> _Known:
    weights: dict[str, float] = {}
    about: dict[str, float] = {}

    def add(found: Sequence[str], weight: float, concept_weight: float | None = None) -> None:
        for word in found:
            weights[word] = max(weights.get(word, 0.0), weight)
            for concept in concepts([word]):
                about[concept] = max(about.get(concept, 0.0), weight if concept_weight is None else concept_weight)

    first, _, rest = info.description.strip().partition("\n\n")
    head, _, tail = first.partition(". ")
    add([stem(word) for word in identifier_words(info.name) if word not in STOP or len(info.name) < 6], 3.0)
    add(stems(head), 1.5)
    # What stands further back in a description is often about something else ("does not convert units").
    add(stems(f"{tail} {rest}"), 0.75, 0.3)
    for slot, schema in zip(slots_of(info), _properties(info).values(), strict=True):
        add(stems(identifier_words(slot.name)), 1.0, 0.3)
        add([word for choice in slot.choices for word in stems(identifier_words(str(choice)))], 1.5, 0.3)
        add(stems(str(schema.get("description", ""))), 0.5, 0.2)
    return _Known(info, slots_of(info), weights, about)


def _properties(info: ToolInfo) -> Mapping[str, Mapping[str, object]]:
    properties: Mapping[str, Mapping[str, object]] = info.schema.get("properties", {})
    return properties
