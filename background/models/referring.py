"""What "it", "that file" and "the second one" stand for: the result before, or what the conversation has brought."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from background.models.clauses import number_in, searched_for
from background.models.slots import NOTHING, Slot, fitted
from background.models.words import words
from orchestrator.context import Assigned, Entry, Found, Said
from orchestrator.finding import Source

__all__ = ["earlier_places", "earlier_words", "from_result", "last_topic", "place_of", "refers_back", "which_one"]

_ORDINALS: Final = {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "last": -1}
_REFERENCE: Final = re.compile(
    r"\b(?:it|them|that|this|those|these|the (?:(?:first|second|third|fourth|fifth|last|same) )?"
    r"(?:one|file|document|page|result|match|hit|answer)|the (?:first|second|third|fourth|fifth|last))\b",
    re.IGNORECASE,
)


def refers_back(clause: str) -> bool:
    """Whether a clause points at something that was there before."""
    return _REFERENCE.search(clause) is not None


def which_one(clause: str) -> int:
    """The place in a list that a clause means: "the second one" is 1, "it" is 0, "the last" is -1."""
    return next((_ORDINALS[word] for word in words(clause) if word in _ORDINALS), 0)


def place_of(source: Source) -> str:
    """The file or address of a source, without the line."""
    return re.sub(r":\d+(?:-\d+)?$", "", source.place or source.title)


def from_result(slot: Slot, clause: str, text: str, sources: Sequence[Source]) -> Any:
    """The value for `slot` that the result before holds, or `NOTHING`."""
    if slot.kind in ("number", "integer"):
        numbers = re.findall(r"[-+]?\d[\d,]*(?:\.\d+)?", text)
        # "2 + 2 = 4": what comes out stands last.
        return fitted(slot, numbers[-1]) if numbers else NOTHING
    places = list(dict.fromkeys(place_of(source) for source in sources))
    if places and slot.role in ("path", "query", "other"):
        return _picked(places, which_one(clause))
    if slot.role == "path":
        return NOTHING
    return fitted(slot, text.strip().splitlines()[0]) if text.strip() else NOTHING


def earlier_places(context: Sequence[Entry]) -> list[str]:
    """The files and addresses of the newest answer that had any, in its order."""
    for entry in reversed(context):
        if isinstance(entry, Found) and entry.finding is not None and entry.finding.sources:
            return list(dict.fromkeys(place_of(source) for source in entry.finding.sources))
    return []


def earlier_words(context: Sequence[Entry]) -> list[str]:
    """What the person said and what was handed over, newest first."""
    lines: list[str] = []
    for entry in context:
        match entry:
            case Said(text=text, continues=True) if lines:
                lines[-1] += text
            case Said(text=text) | Assigned(task=text):
                lines.append(text)
            case _:
                pass
    return lines[::-1]


def last_topic(context: Sequence[Entry], clause: str) -> str:
    """What the task before this one asked for."""
    for entry in reversed(context):
        if isinstance(entry, Assigned) and entry.action == "delegated" and entry.task not in ("", clause):
            topic = searched_for(entry.task)
            if topic and not refers_back(topic):
                return topic
    return ""


def earlier_number(slot: Slot, context: Sequence[Entry]) -> Any:
    """The number that the newest answer came to, or `NOTHING`."""
    for entry in reversed(context):
        if isinstance(entry, Found) and entry.finding is not None and entry.finding.kind == "final":
            return (
                from_result(slot, "", entry.finding.text, ()) if number_in(entry.finding.text) is not None else NOTHING
            )
    return NOTHING


def picked_place(context: Sequence[Entry], clause: str) -> Any:
    """The file that a clause points at, or `NOTHING`."""
    places = earlier_places(context)
    return _picked(places, which_one(clause)) if places else NOTHING


def _picked(places: list[str], place: int) -> Any:
    return places[place] if -len(places) <= place < len(places) else NOTHING
