"""Phrasing: how findings, and how the work stands, are said. Pure functions of what is handed in."""

from __future__ import annotations

import re
from typing import Final, assert_never

import msgspec

from interaction.models.reflex_tasks import Told, told
from interaction.models.reflex_words import all_of, in_words, spoken_duration
from orchestrator.effects import Offer, Work
from orchestrator.finding import Source

__all__ = ["Piece", "body", "ended", "resumed", "shortened", "standing", "together", "where"]

LONGEST: Final = 400
"""Characters of one finding that are said unasked: about seven seconds."""
_BRIEF: Final = 120
"""The same where it is to be told in short: about two seconds."""
_ON_REQUEST: Final = " (more on request)"
_SENTENCE_END: Final = re.compile(r"[.!?][\"')\]]?\s|\n")
_CLAUSE_END: Final = re.compile(r"[.!?;:,][\"')\]]?\s+|\n+")
_TOO_SHORT: Final = 12
"""Characters that may be the same by chance."""
_LINE: Final = re.compile(r"(?P<path>.+?):(?P<line>\d+)(?::\d+)?(?:-\d+)?$")
_ADDRESS: Final = re.compile(r"[a-z]+://(?:www\.)?(?P<host>[^/\s]+)", re.IGNORECASE)
_MAY_BE_SMALL: Final = frozenset(
    all_of(
        "the it it's there this that these those a an in on at so about two three second first and but no"
        " nothing not your you they he she we what when where which is are was were as also then for from with"
    )
)
_ORDINALS: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


class Piece(msgspec.Struct, frozen=True):
    """One finding, ready to be said: its `text`, what was cut off (`rest`), and how its task is named."""

    text: str
    rest: str = ""
    topic: str = ""


def where(source: Source) -> str:
    """A place as it is said: "docs/journal.md, line 12"."""
    place = source.place.strip()
    if not place or _ADDRESS.match(place):
        host = _ADDRESS.match(place)
        return source.title.strip() or (host.group("host") if host is not None else "")
    line = _LINE.fullmatch(place)
    return f"{line.group('path')}, line {line.group('line')}" if line is not None else place


def _sourced(text: str, sources: tuple[Source, ...]) -> str:
    """At most one source is named, and none that the text names already."""
    if not sources or not where(sources[0]):
        return text
    source = sources[0]
    spoken = text.casefold()
    line = _LINE.fullmatch(source.place.strip())
    path = line.group("path") if line is not None else source.place.strip()
    for name in (source.title, path, path.rsplit("/", 1)[-1]):
        if name.strip() and name.strip().casefold() in spoken:
            return text
    lead = "That's from" if not source.place or _ADDRESS.match(source.place) else "It's in"
    return f"{_closed(text)} {lead} {where(source)}."


def _closed(text: str) -> str:
    text = text.rstrip()
    return text if text.endswith((".", "!", "?", ":", ";", ")", '"')) else text + "."


def shortened(text: str, longest: int = LONGEST) -> tuple[str, str]:
    """The beginning of a long text, cut at a sentence where there is one, and the rest."""
    if len(text) <= longest + len(_ON_REQUEST):
        return text, ""
    head = text[:longest]
    ends = [match.end() for match in _SENTENCE_END.finditer(head)]
    cut = ends[-1] if ends and ends[-1] > longest // 3 else head.rfind(" ") + 1 or longest
    return head[:cut].rstrip() + _ON_REQUEST, text[cut:].lstrip()


def body(offer: Offer, name: Told, *, lead: bool) -> Piece:
    """What is said of one finding. `lead` says which task it belongs to, where that is not plain."""
    finding = offer.finding
    text = finding.text.strip()
    if offer.style == "say":
        return Piece(text or "Done.", topic=name.topic)
    about = f"About {name.topic}: " if lead and name.topic else ""
    longest = _BRIEF if offer.brief else LONGEST
    match finding.kind:
        case "final":
            head, rest = shortened(text, longest)
            said = head if rest else _sourced(text, finding.sources)
            return Piece(about + (said or "Done."), rest, name.topic)
        case "partial":
            head, rest = shortened(text, longest)
            if offer.continues:
                return Piece(about + head, rest, name.topic)
            return Piece(f"About {name.topic}, so far: {head}" if about else f"So far: {head}", rest, name.topic)
        case "progress":
            return Piece(
                f"Still {name.doing}: {text}" if name.topic else f"Still working on it: {text}", topic=name.topic
            )
        case "error":
            head, rest = shortened(text, longest)
            if head.startswith("I "):
                # The background says itself that it could not, and what.
                return Piece(about + _closed(head), rest, name.topic)
            what = name.noun if name.topic else "that"
            return Piece(_closed(f"I couldn't finish {what}" + (f": {head}" if head else "")), rest, name.topic)
        case "question":
            return Piece(about + text, topic=name.topic)
        case _:
            assert_never(finding.kind)


def together(pieces: list[str]) -> str:
    """Several findings as one utterance."""
    if len(pieces) == 1:
        return pieces[0]
    named = [
        f"{_ORDINALS[index].capitalize() if index else 'first'}, {_small(piece)}" if index < len(_ORDINALS) else piece
        for index, piece in enumerate(map(_closed, pieces))
    ]
    return f"{in_words(len(pieces)).capitalize()} things: {' '.join(named)}"


def _small(text: str) -> str:
    first = text.split(" ", 1)[0]
    plain = first.rstrip(",:.").casefold()
    return text[0].lower() + text[1:] if plain in _MAY_BE_SMALL else text


def resumed(full: str, said: str) -> str | None:
    """What is still to be said of `full`, from the clause in which it was cut; `None` if it was heard to the end."""
    said = said.strip()
    text = full.strip()
    reached = len(said) if text.startswith(said) else _overlap(said, text)
    if reached < 0 and said:
        # What was heard may begin with words of an earlier attempt; its end tells how far it came.
        tail = said[-40:]
        found = text.find(tail)
        reached = found + len(tail) if found >= 0 else 0
    if reached >= len(text):
        return None
    if reached <= 0:
        return text
    starts = [
        match.end()
        for match in _CLAUSE_END.finditer(text, 0, min(len(text), reached + 2))
        if match.end() <= reached + 1
    ]
    rest = text[starts[-1] if starts else 0 :].lstrip()
    if not rest:
        return None
    # A second cut must not stack the words that introduce the rest.
    rest = _small(rest.removeprefix("As I was saying, ").removeprefix("As I was saying: "))
    return f"As I was saying: {rest}" if rest[:1].isupper() else f"As I was saying, {rest}"


def _overlap(said: str, text: str) -> int:
    """How much of the beginning of `text` is the end of `said`: what went before it was told in an earlier part."""
    longest = min(len(said), len(text))
    return next((size for size in range(longest, _TOO_SHORT, -1) if said.endswith(text[:size])), -1)


def standing(work: list[Work], tasks: dict[str, str], at_ms: int) -> str:
    """How open work stands, newest first where there is more than one."""
    told_work = [_stands(item, told(tasks.get(item.delegation, item.task)), at_ms) for item in work]
    if len(told_work) == 1:
        return f"{told_work[0][0].upper()}{told_work[0][1:]}."
    listed = "; ".join(told_work[:4])
    more = f"; and {in_words(len(told_work) - 4)} more" if len(told_work) > 4 else ""
    return f"{in_words(len(told_work)).capitalize()} things are running: {listed}{more}."


def _stands(item: Work, name: Told, at_ms: int) -> str:
    age = at_ms - item.since_ms
    since = f" for {spoken_duration(age - age % 1_000)}" if age >= 1_000 else ""
    match item.state:
        case "offered" | "queued":
            return f"{name.noun} is waiting for a worker"
        case "running" | "done" | "failed" | "cancelled" | "superseded":
            progress = item.progress.strip().rstrip(".")
            doing = f"I've been {name.doing}{since}" if since else f"I'm {name.doing}"
            return f"{doing}: {progress}" if progress else doing
        case _:
            assert_never(item.state)


def ended(item: Work, tasks: dict[str, str]) -> str:
    """How the last piece of work came out, for when nothing runs."""
    name = told(tasks.get(item.delegation, item.task))
    match item.state:
        case "done":
            return f"Nothing is running now. The last thing, {name.noun}, is done."
        case "failed":
            return f"Nothing is running now. The last thing, {name.noun}, could not be finished."
        case "cancelled" | "superseded":
            return f"Nothing is running now. The last thing, {name.noun}, was called off."
        case "offered" | "queued" | "running":
            return f"I'm {name.doing}."
        case _:
            assert_never(item.state)
