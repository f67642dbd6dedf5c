"""Tasks in words: cleaned of politeness, split where two are asked for, corrected, and told back to the person."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from interaction.models.reflex_words import content, turned, unquoted

__all__ = ["Told", "cleaned", "corrected", "decorated", "hurried", "parts", "same_matter", "told"]

LONGEST_TASK: Final = 4_000
"""A task longer than this is cut: the conversation that goes with it holds every word."""

_LEAD: Final = re.compile(
    r"(?:(?:hey|hi|hello|ok|okay|so|well|right|alright|great|cool|um+|uh+|hm+|oh|then|please|now|just|yes"
    r"|yeah|quick question"
    r"|thanks|thank you|good morning|good evening)(?: there| duologue| reflex)?[,!.:]*\s+"
    r"|(?:(?:and|also),?|next,)\s+(?=\S+\s+\S)"
    r"|(?:can|could|would|will) you(?: please| just| also| quickly| maybe| kindly)*\s+(?=\S+\s+\S)"
    r"|do you think you could\s+"
    r"|(?:i want|i need|i would like|i'd like|i'd love) you to\s+(?=\S+\s+\S)"
    r"|(?:i want|i need|i would like|i'd like|i'd love) to know\s+"
    r"|(?:help me|let's|let us|go and|go ahead and|try to|i want to|i need to|i'd like to)\s+"
    r"(?=(?:find|search|look|read|open|list|show|calculate|compute|convert|check|see|figure)\b))",
    re.IGNORECASE,
)
_TRAIL: Final = re.compile(
    r"(?:,?\s+(?:please|pls|thanks|thank you|for me|will you|would you|can you|could you))+\s*(?=[?.!]*$)",
    re.IGNORECASE,
)

_POLITE: Final = re.compile(
    r"\bplease\b|\b(?:can|could|would|will) you\b|\bi(?:'d| would) (?:like|love)\b|\bi (?:want|need)\b", re.IGNORECASE
)

_HASTE: Final = r"(?:it(?:'s| is) |this is )?(?:very |really )?(?:urgent(?:ly)?|an emergency|asap)"
_URGENT_FIRST: Final = re.compile(rf"^\W*{_HASTE}\s*[:,.;!-]+\s*(?=\w+\s+\w)", re.IGNORECASE)
_URGENT_LAST: Final = re.compile(
    rf"(?:[,.;!-]\s*(?:{_HASTE}|immediately|right away|at once)|,?\s+(?:asap|as soon as possible))(?=[?.!]*$)",
    re.IGNORECASE,
)

_VERBS: Final[tuple[tuple[re.Pattern[str], str, str], ...]] = tuple(
    (re.compile(pattern, re.IGNORECASE), noun, doing)
    for pattern, noun, doing in (
        (r"search\s+(?!for\b)(?=.{1,80} for )", "the search of", "searching"),
        (
            (
                r"(?:find|locate|grep(?: for)?|google|look(?:ing)? (?:up|for)|lookup|search(?: for)?|hunt"
                r" for)(?: me)?(?: out)?\s+"
            ),
            "the search for",
            "looking for",
        ),
        (r"(?:calculate|compute|work out|evaluate|solve|figure out)\s+", "the calculation of", "working out"),
        (r"convert\s+", "the conversion of", "converting"),
        (r"(?:read|open)(?: me)?\s+", "reading", "reading"),
        (r"list(?: me)?\s+", "the list of", "listing"),
        (r"(?:show|give|get|fetch|display)(?: me)?\s+", "getting", "getting"),
        (r"(?:check|look (?:at|in|into|through)|inspect)\s+", "the check of", "checking"),
        (r"count\s+", "the count of", "counting"),
        (r"summari[sz]e\s+", "the summary of", "summarising"),
        (r"compare\s+", "the comparison of", "comparing"),
        (r"translate\s+", "the translation of", "translating"),
        (r"book\s+", "the booking of", "booking"),
        (r"research\s+", "the research on", "researching"),
    )
)
_ASKED: Final = re.compile(
    r"(?:what time|what day|what date)(?: is it| it is)?(?P<now>)|(?:tell me |do you know |find out"
    r" )?(?:what|when|where|who|how much)"
    r"(?:'?s| is| are| was| were| does| do| did| will)?\s+",
    re.IGNORECASE,
)
_QUESTION: Final = re.compile(
    r"(?:what|when|where|who|whom|whose|which|why|how|is|are|was|were|am|do|does|did|can|could|will|would"
    r"|should|has|have|had|tell|do)\b"
    r"|(?:what|when|where|who|how)s\b|\d",
    re.IGNORECASE,
)
_WORDS_TOLD: Final = 8
_PREPOSITIONS: Final = "from to in at on for of by with before after about near under into until since between via as"
_PREPOSITION: Final = rf"(?:{_PREPOSITIONS.replace(' ', '|')})"
_SLOT: Final = re.compile(rf"\b({_PREPOSITION})\s+", re.IGNORECASE)
_AMOUNT: Final = re.compile(r"\d[\d.,]*%?")


class Told(msgspec.Struct, frozen=True):
    """A task as the assistant names it. `topic` ("the ledger"), `noun` ("the search for the ledger"), `doing`."""

    topic: str
    noun: str
    doing: str


def cleaned(text: str) -> str:
    """The person's words without "hey, can you please"; never empty where `text` was not."""
    for _ in range(6):
        match = _LEAD.match(text)
        if match is None or match.end() >= len(text.rstrip(" .?!")):
            break
        text = text[match.end() :]
    text = (
        _TRAIL.sub("", text, count=1) if len(text) <= LONGEST_TASK else text[:LONGEST_TASK].rsplit(" ", 1)[0] + " ..."
    )
    text = text.strip().rstrip(".!;, ") or text.strip()
    # "Can you find it?" asked; "find it" is the task.
    return text if _QUESTION.match(text) else text.rstrip("?! .") or text


def hurried(text: str) -> tuple[str, bool]:
    """The task without "urgent:" and "asap", and whether the person said so.

    >>> hurried("urgent: find the key"), hurried("find the word urgent")
    (('find the key', True), ('find the word urgent', False))
    """
    calm = _URGENT_FIRST.sub("", _URGENT_LAST.sub("", text, count=1), count=1).strip()
    return (calm, True) if calm and calm != text.strip() else (text, False)


def decorated(text: str) -> bool:
    """Whether it is asked for politely, as one asks for something to be done."""
    return _POLITE.search(text[:200]) is not None or _TRAIL.search(text[-200:]) is not None


def told(task: str) -> Told:
    """How to name a task to the person who gave it."""
    words = task.rstrip(" ?.!")
    for pattern, noun, doing in _VERBS:
        match = pattern.match(words)
        if match is not None and match.end() < len(words):
            topic = turned(_short(words[match.end() :]))
            return Told(topic, f"{noun} {topic}", f"{doing} {topic}")
    match = _ASKED.match(words)
    if match is not None and match.group("now") is not None:
        topic = "the " + words.split()[1].lower()
        return Told(topic, f"the question about {topic}", f"finding out {topic}")
    rest = words[match.end() :] if match is not None else ""
    topic = turned(_short(rest or words))
    quoted = f'"{_short(words, 14)}"'
    return Told(topic, quoted, f"working on {quoted}")


def _short(words: str, most: int = _WORDS_TOLD) -> str:
    """At most `most` words, cut before a preposition where there is one, so that no loose end is left."""
    split = words[:400].split()
    if len(split) <= most:
        return " ".join(split)
    ends = [index for index in range(2, most + 1) if split[index].lower() in _PREPOSITIONS.split()]
    return " ".join(split[: ends[-1] if ends else most])


# --- two tasks in one breath -----------------------------------------------------------------------------------------

_JOINT: Final = re.compile(
    r"(?:,? and(?: also| then)?|;|,? then|,? also|,? plus|,? but|,) (?:please |can you |could you |also )*(?=(?P<next>"
    r"(?:find|search|look (?:up|for|at|in)|lookup|locate|read|open|list|show|calculate|compute|work out"
    r"|convert|check|count|translate"
    r"|summari[sz]e|compare|research|tell me|give me|book|fetch)\b"
    r"|(?:what|where|who|when|how|which)(?:'?s| is| are| does| do| did| was| much| many| long| far| often) "
    r"|(?:remind me|set (?:a|an|another) timer|(?:whenever|each time|every time|when|if) i|every \w+ \w+"
    r"|in \w+ \w+ (?:say|tell|remind)|say \S+ (?:in|every))\b"
    r"|(?:cancel|stop|forget|never ?mind) \w))",
    re.IGNORECASE,
)
_DEPENDS: Final = re.compile(r"\S+(?: \S+)? (?:it|them|that|those|this|these)(?![\w'])", re.IGNORECASE)
_AGENDA: Final = re.compile(
    r"(?:remind me|set (?:a|an|another) timer|count (?:how|every|each|my|the word)|(?:whenever|each time"
    r"|every time|when|if) i"
    r"|every \w+ \w+|in \w+ \w+|after \w+|say \S+ (?:in|every|when))\b",
    re.IGNORECASE,
)


def parts(text: str) -> list[str]:
    """The requests in one sentence. "Find the ledger and read it" is one: its second half needs the first."""
    found: list[str] = []
    start = 0
    for match in _JOINT.finditer(text[:1_000]):
        left = text[start : match.start()]
        if left.count('"') % 2 or _DEPENDS.match(
            match.group("next") + text[match.end("next") : match.end("next") + 40]
        ):
            continue
        if _AGENDA.match(cleaned(left)) and not _AGENDA.match(text[match.end() :]):
            continue  # "remind me to stretch and find my keys" is one reminder
        if len(left.split()) < 2:
            continue
        found.append(left)
        start = match.end()
    return [*found, text[start:]]


# --- corrections -----------------------------------------------------------------------------------------------------


def corrected(task: str, new: str, old: str = "") -> str:
    """`task` with `new` in place of `old`, or of what in it is of the same kind; else with `new` behind it."""
    new = unquoted(new.rstrip("?! ."))
    ending = "?" if task.endswith("?") else ""
    plain = task.rstrip("?! .")
    if old:
        at = plain.lower().find(old.lower())
        if at >= 0 and len(plain) == len(plain.lower()):
            return plain[:at] + new + plain[at + len(old) :] + ending
    slots = list(_SLOT.finditer(plain))
    lead = _SLOT.match(new)
    if lead is not None:
        for slot in slots:
            if slot.group(1).lower() == lead.group(1).lower():
                return plain[: slot.start()] + new + _behind(plain, slot, slots) + ending
        return f"{plain} {new}{ending}"
    if _AMOUNT.match(new):
        amounts = list(_AMOUNT.finditer(plain))
        if amounts:
            last = amounts[-1] if len(amounts) == 1 or len(new.split()) == 1 else amounts[0]
            tail = plain[last.end() :]
            followed = new.split(maxsplit=1)
            if len(followed) == 2 and tail.lower().startswith(f" {followed[1].lower()}"):
                tail = tail[len(followed[1]) + 1 :]
            return plain[: last.start()] + new + tail + ending
    for pattern, _, _ in _VERBS:
        match = pattern.match(plain)
        if match is not None:
            # "Find the ledger in docs" and "the journal": the object changes, where to look stays.
            first = next((slot for slot in slots if slot.start() > match.end()), None)
            return plain[: match.end()] + new + (f" {plain[first.start() :]}" if first is not None else "") + ending
    if slots:
        return plain[: slots[-1].end()] + new + ending
    return f"{plain}, {new}{ending}" if plain else new


def _behind(plain: str, slot: re.Match[str], slots: list[re.Match[str]]) -> str:
    after = [other.start() for other in slots if other.start() > slot.start()]
    return f" {plain[after[0] :]}" if after else ""


def same_matter(one: str, other: str) -> int:
    """How many words of meaning two texts share."""
    return len(set(content(one)) & set(content(other)))
