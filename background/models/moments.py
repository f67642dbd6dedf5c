"""Times and days as a task speaks of them: what is a question about the calendar, and what about clocks elsewhere."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["CLOCK", "Elsewhere", "asks_for_moment", "asks_the_calendar", "elsewhere"]

CLOCK: Final = r"(?:\d{1,2}(?::\d{2})?\s?(?:[ap]\.?m\b\.?|o'clock)|\d{1,2}:\d{2}|\bnoon\b|\bmidday\b|\bmidnight\b)"
"""A time of day that cannot be anything else."""

_WEEKDAY: Final = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|day)"
_NTH: Final = (
    rf"(?:first|second|third|fourth|fifth|last|\d(?:st|nd|rd|th)) {_WEEKDAY} (?:of|in)(?: the)? "
    r"(?:(?:next|this|last) )?(?:month|year|\d{4}|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))"
)
_FEAST: Final = (
    r"easter|good friday|pentecost|whit ?sun|ascension day|ash wednesday|palm sunday|mardi gras|corpus christi|"
    r"advent\b|christmas|boxing day|new year|epiphany|thanksgiving|black friday|halloween|valentine|all saints"
)
_CALENDAR: Final = re.compile(
    rf"leap year|{_NTH}|\b(?:what|which|calendar|iso) week\b|\bweek number\b|\b(?:old|age)\b.{{0,80}}\bborn\b|"
    rf"\b(?:when|what day|what date|which day|how many \w+|how long)\b[^,;]{{0,80}}\b(?:{_FEAST})|"
    r"\bhow many (?:work(?:ing)?|business|week)[ -]?days\b|\bdays (?:are |are there )?(?:left|in) (?:this|the|next) |"
    r"\bdays (?:are |are there )?in (?:\d{4}|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)\b|"
    r"\bhow many days\b.{0,80}\b(?:left|remain\w*)\b",
    re.IGNORECASE,
)
_SPAN: Final = r"(?:\d+(?:\.\d+)?|an?|half an|\w+) (?:and a half )?(?:minute|hour|min|hr)s?(?: and a half)?"
_MOMENT: Final = re.compile(
    rf"\bwhat time\b.{{0,80}}\bin {_SPAN}$|"
    rf"\bwhat time\b.{{0,80}}\b{_SPAN} (?:ago|from now|before|after|earlier|later)\b|"
    rf"^(?:in )?{_SPAN} (?:ago|from now|before {CLOCK}|after {CLOCK})|^in {_SPAN}$|{CLOCK} (?:plus|minus) {_SPAN}",
    re.IGNORECASE,
)

_PLACE: Final = r"(?:the )?[^\W\d][\w/+: .'-]*?"
_TIME: Final = r"(?:'s)?(?: (?:local )?time(?: ?zone)?)?"
_DAY: Final = (
    r"(?: (?:on )?(?P<day>today|tomorrow|\d{4}-\d{2}-\d{2}|"
    r"(?:the )?\d{1,2}(?:st|nd|rd|th)? (?:of )?[a-z]{3,9}(?: \d{4})?|"
    r"(?:next )?(?:mon|tues|wednes|thurs|fri|satur|sun)day))?"
)
_WHAT: Final = r"(?:what(?:'s| is)?(?: the)? time(?: is it| will it be| would it be)?|what is it|what would it be)"
_ASKED: Final = (
    r"^(?:(?:what(?:'s| is| was| will be| would be)?|how late is|convert|translate|change|tell me)(?: the)? )?"
)
_END: Final = r"[ ?.!]*$"
_ROUTES: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # when it is 3pm in Tokyo, what time is it in London
        (
            rf"\b(?:when|if) it(?:'s| is) (?P<time>{CLOCK}){_DAY} (?:in |at )?(?P<start>{_PLACE}){_TIME},? {_WHAT} "
            rf"(?:in |at )?(?P<end>{_PLACE}){_TIME}{_END}"
        ),
        # what time is it in Tokyo when it is 9am (in Paris, here)
        (
            rf"{_WHAT} (?:in |at )(?P<end>{_PLACE}){_TIME},? (?:when|if) it(?:'s| is) (?P<time>{CLOCK}){_DAY}"
            rf"(?: (?:in |at )?(?P<start>{_PLACE}){_TIME})?{_END}"
        ),
        # 15:00 in Tokyo as Paris time; 3pm EST in Berlin; 15:00 Tokyo to Paris
        (
            rf"{_ASKED}(?P<time>{CLOCK}){_DAY} (?:in |at )?(?P<start>{_PLACE}){_TIME},? (?:in|to|into|as) "
            rf"(?P<end>{_PLACE}){_TIME}{_END}"
        ),
        # 9am Tokyo time (for me)
        (
            rf"{_ASKED}(?P<time>{CLOCK}){_DAY} (?:in |at )?(?P<start>{_PLACE}) (?:local )?time"
            rf"(?:,? (?:for|to|in) (?P<end>me|here|us|my time))?{_END}"
        ),
        # the time difference between Tokyo and Paris
        rf"\btime difference (?:between|from) (?P<start>{_PLACE}) (?:and|to) (?P<end>{_PLACE}){_END}",
    )
)
_HERE: Final = frozenset({"me", "here", "us", "my", "my place", "our", "local"})


class Elsewhere(NamedTuple):
    """A time of day in one place, and the place where it is wanted; an empty place is here."""

    time: str
    start: str
    end: str
    day: str


def asks_the_calendar(text: str) -> bool:
    """Whether it asks for what stands in a calendar: a feast, a week, a leap year, the third thursday of a month."""
    return _CALENDAR.search(text) is not None


def asks_for_moment(text: str) -> bool:
    """Whether it asks for the time some minutes or hours away from another one."""
    return _MOMENT.search(text.strip(" ?.!")) is not None


def elsewhere(text: str) -> Elsewhere | None:
    """What time of day it is in another place when it is so late here, or there; `None` if that is not asked."""
    for pattern in _ROUTES:
        if match := pattern.search(text):
            found = match.groupdict(default="")
            start, end = (_named(found.get(name, "")) for name in ("start", "end"))
            return Elsewhere(found.get("time", "") or "now", start, end, found.get("day", ""))
    return None


def _named(place: str) -> str:
    plain = re.sub(r"(?:'s)? (?:local )?time$", "", place.strip(), flags=re.IGNORECASE)
    return "" if plain.casefold() in _HERE else plain
