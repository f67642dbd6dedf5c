"""What a correction makes of a task: "no, I meant Lyon", "make that 5", "search for the agenda instead". Pure."""

from __future__ import annotations

import difflib
import re
from typing import Final

from background.models.clauses import candidates, is_order, lead_concepts, opens_clause, quoted, searched_for
from background.models.filling import DATES, END_OF_VALUE
from background.models.words import NUMBER, PATH, VERBS, concepts, stems, words

__all__ = ["corrected", "meant"]

_LEAD: Final = re.compile(
    r"^(?:no|nope|nah|wait|stop|sorry|actually|oh|ah|hang on|hold on|hm+|well|um|uh|but|please|ok|okay|rather|instead|"
    r"correction|excuse me|my mistake|not that|i (?:actually )?(?:meant|mean|said)(?: to say| to)?|"
    r"i(?:'d| would) (?:rather|like)(?: have)?|i wanted?|make (?:that|it)|change (?:that|it)(?: to)?|let(?:'s| us) say|"
    r"(?:it|that|this)(?:'s| is| was| should be| has to be)|should be|try|take|use|go with|"
    r"(?:go|travel|leave|fly)(?= (?:to|from)\b))\b[\s,.:;!-]*",
    re.IGNORECASE,
)
_TAIL: Final = re.compile(
    r"[\s,]*(?:\b(?:instead|rather|please|actually|sorry|thanks|thank you)|[.!?\s])$", re.IGNORECASE
)
_SWAP: Final = (
    (re.compile(r"^not\s+(.+?),?\s+(?:but|rather)\s+(.+)$", re.IGNORECASE), 1, 2),
    (re.compile(r"^(?:replace|change)\s+(.+?)\s+(?:with|to|by)\s+(.+)$", re.IGNORECASE), 1, 2),
    (re.compile(r"^(.+?),?\s+(?:instead of|rather than)\s+(.+)$", re.IGNORECASE), 2, 1),
    (re.compile(r"^(.+?),?\s+(?:and\s+)?not\s+(.+)$", re.IGNORECASE), 2, 1),
    (re.compile(r"^(.+?)\s+should be\s+(.+)$", re.IGNORECASE), 1, 2),
)
_PREPOSITION: Final = re.compile(r"\b(from|to|in|at|on|near|until|by|via|between|with)\s+", re.IGNORECASE)
_EMPTY: Final = re.compile(
    r"(?:hurry(?: up)?|quick(?:ly)?|quicker|faster|be quick|go on|continue|carry on|yes|right|exactly|fine|good|"
    r"never mind)",
    re.IGNORECASE,
)
_SLOTS: Final = ("to", "in", "at", "near", "via", "from")
_UNITED: Final = re.compile(rf"({NUMBER})(?:\s*([A-Za-z°%]+))?", re.IGNORECASE)


def meant(correction: str) -> str:
    """What is left of a correction without its "no, I meant ... instead"; empty when nothing is.

    >>> meant("no wait, I meant Lyon, not Nice")
    'Lyon'
    """
    text = _core(correction)
    for pattern, _, new in _SWAP:
        match = pattern.match(text)
        if match:
            return _core(match[new])
    return text


def corrected(task: str, correction: str) -> str:
    """`task` as it is after `correction`. The same `task` when the correction says nothing ("no, wait").

    A value takes the place of one of its own kind (a number, a date, a file, the end of a journey); else the query is
    replaced; a correction that is a sentence of its own replaces the part of the task that is of its kind, or all.
    """
    core = _core(correction)
    if not core or _EMPTY.fullmatch(core):
        return task
    for pattern, old, new in _SWAP:
        match = pattern.match(core)
        if match:
            swapped = _swapped(task, _core(match[old]), _core(match[new]))
            if swapped != task:
                return swapped
    core = meant(correction)
    if is_order(core) or (opens_clause(core) and len(words(core)) > 2):
        return _resaid(task, core)
    parts = _prepositional(core)
    if parts:
        for preposition, value in parts:
            task = _put(task, preposition, value)
        return task
    return _valued(task, core)


def _core(text: str) -> str:
    return _without(_TAIL, _without(_LEAD, text.strip()))


def _without(pattern: re.Pattern[str], text: str) -> str:
    while text:
        shorter = pattern.sub("", text, count=1).strip(" ,;")
        if shorter == text:
            break
        text = shorter
    return text


def _swapped(task: str, old: str, new: str) -> str:
    if not old or not new:
        return task
    return re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", lambda _: new, task, flags=re.IGNORECASE)


def _resaid(task: str, order: str) -> str:
    """A sentence of its own: for the part of the task that does the same thing, or for the whole of it."""
    begun, parts = 0, list[tuple[int, int]]()
    for start, end in candidates(task):
        if opens_clause(task[end:]):
            parts.append((begun, start))
            begun = end
    parts.append((begun, len(task)))
    for start, end in parts:
        part = task[start:end]
        if not (lead_concepts(part) & lead_concepts(order)):
            continue
        old, new = searched_for(part), searched_for(order)
        # "search for the agenda instead" goes on searching where the task searches, unless it names another place.
        if "search" in lead_concepts(part) and old and new and old in part and not _names_place(order):
            return task[:start] + _asked_anew(part, old, new) + task[end:]
        if len(parts) > 1:
            return task[:start] + order + task[end:]
    return order


def _names_place(order: str) -> bool:
    return bool({"file", "web"} & concepts(stems(order))) or re.search(PATH, order) is not None


def _prepositional(core: str) -> list[tuple[str, str]]:
    """ "from Paris to Lyon" in pairs; nothing when the correction does not begin with a preposition."""
    marks = list(_PREPOSITION.finditer(core))
    if not marks or marks[0].start() != 0:
        return []
    ends = [mark.start() for mark in marks[1:]] + [len(core)]
    pairs = [(mark[1].lower(), core[mark.end() : end].strip(" ,")) for mark, end in zip(marks, ends, strict=True)]
    return [(preposition, value) for preposition, value in pairs if value]


def _put(task: str, preposition: str, value: str) -> str:
    found = _slot(task, preposition)
    if found is not None:
        return task[: found[0]] + value + task[found[1] :]
    stripped = task.rstrip(" .?!")
    return f"{stripped} {preposition} {value}{task[len(stripped) :].rstrip()}"


def _slot(task: str, preposition: str) -> tuple[int, int] | None:
    """Where the value of the last "to ..." stands."""
    found = [
        match.span(1)
        for match in re.finditer(rf"\b{preposition}\s+(?:the\s+)?(\S.*?){END_OF_VALUE}", task, re.IGNORECASE)
        if words(match[1])[:1] and words(match[1])[0] not in VERBS | {"go", "be", "know", "see", "have", "travel"}
    ]
    return found[-1] if found else None


def _valued(task: str, value: str) -> str:
    """A value by itself: it takes the place of what is most like it."""
    if re.fullmatch(DATES, value, re.IGNORECASE):
        found = list(re.finditer(rf"(?<!\w)(?:{DATES})(?!\w)", task, re.IGNORECASE))
        return _over(task, found[-1].span(), value) if found else f"{task.rstrip(' .?!')} {value}"
    united = _UNITED.fullmatch(value)
    if united:
        pattern = rf"(?<![\w.])({NUMBER})(\s*[A-Za-z°%]+)?"
        found = list(re.finditer(pattern, task))
        if found:
            return _over(task, found[-1].span() if united[2] else found[-1].span(1), value)
    if re.fullmatch(PATH, value):
        found = [match for match in re.finditer(rf"(?<![\w/.]){PATH}", task) if not re.fullmatch(NUMBER, match[0])]
        if found:
            return _over(task, found[-1].span(), value)
    inside = quoted(task)
    if inside:
        given = quoted(value)
        start, end = inside[-1][1]
        return _over(task, (start + 1, end - 1), given[0][0] if given else value)
    return _named(task, value)


def _named(task: str, value: str) -> str:
    bare = re.sub(r"^(?:the|a|an)\s+", "", value, flags=re.IGNORECASE)
    capital = bare[:1].isupper()
    # Something spelled nearly the same is what was misheard or mistyped.
    near = difflib.get_close_matches(
        value.lower(), [word.lower() for word in re.findall(r"[\w'-]+", task)], n=1, cutoff=0.75
    )
    if near and len(words(value)) == 1:
        return _swapped(task, near[0], value)
    for preposition in _SLOTS:
        span = _slot(task, preposition)
        if span is None or (preposition in ("in", "at") and {"file", "web"} & concepts(stems(task[span[0] : span[1]]))):
            continue
        old = task[span[0] : span[1]]
        if old[:1].isupper() == capital and (bare == value or not old[:1].isupper()):
            return _over(task, span, bare)
    names = list(re.finditer(r"(?<=\s)[A-ZÀ-Þ][\w'-]*(?:\s+[A-ZÀ-Þ][\w'-]*)*", task))
    if capital and names:
        return _over(task, names[-1].span(), bare)
    query = searched_for(task)
    return _asked_anew(task, query, bare) if query and query in task else value


def _asked_anew(text: str, old: str, new: str) -> str:
    """`new` for `old`, and for the question it stood in: "where the ledger says superseded" becomes "the agenda"."""
    start = text.rindex(old)
    asking = re.search(
        r"\b(?:where|what|whether|if|who|how|which)(?:\s+(?:is|are|does|do|did))?\s+(?:(?:the|a|an)\s+)?$",
        text[:start],
        re.IGNORECASE,
    )
    return _over(text, (asking.start() if asking else start, start + len(old)), new)


def _over(task: str, span: tuple[int, int], value: str) -> str:
    return task[: span[0]] + value + task[span[1] :]
