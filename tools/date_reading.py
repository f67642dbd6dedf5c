"""Reading a date as people say it: "24 December", "next friday", "third Thursday of November", "Easter".

Today is an argument everywhere: nothing here asks what day it is.
"""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from typing import Final

from tools.feasts import FEAST, feast_in

__all__ = ["DAY", "MONTH", "DateProblem", "month_named", "read_date", "shifted"]

DAYS: Final = tuple(name.casefold() for name in calendar.day_name)
MONTHS: Final = tuple(name.casefold() for name in calendar.month_name)[1:]
MONTH: Final = "|".join(f"{name}|{name[:3]}\\.?" for name in MONTHS) + r"|sept\.?"
DAY: Final = "|".join(f"{name}|{name[:3]}" for name in DAYS) + "|tues|thurs|thur"
_NEAR: Final = {"tomorrow": 1, "yesterday": -1, "overmorrow": 2, "ereyesterday": -2}
_ISO: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[t ]\d{2}:\d{2}.*)?")
_DOTTED: Final = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})")
_SLASHED: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_DAY_FIRST: Final = re.compile(rf"(\d{{1,2}})(?:st|nd|rd|th|\.)?(?: of)? ({MONTH})(?:,? (\d{{4}}))?")
_MONTH_FIRST: Final = re.compile(rf"({MONTH}) (\d{{1,2}})(?:st|nd|rd|th)?(?:,? (\d{{4}}))?")
_NEXT: Final = re.compile(rf"(?:(next|last|this|coming|on) )?({DAY})")
_PLACES: Final = {
    "first": 1, "1st": 1, "1": 1, "second": 2, "2nd": 2, "2": 2, "third": 3, "3rd": 3, "3": 3, "fourth": 4, "4th": 4,
    "4": 4, "fifth": 5, "5th": 5, "5": 5, "last": -1, "second to last": -2, "second last": -2, "last but one": -2,
}  # fmt: skip
_PLACE: Final = "|".join(sorted(_PLACES, key=len, reverse=True))
_WHICH_MONTH: Final = (
    rf"(?:(next|this|last) month|(?:the month|({MONTH})(?:,? (\d{{4}}|next year|this year|last year))?))"
)
_NTH: Final = re.compile(rf"({_PLACE}) ({DAY}|day)s? (?:of|in)(?: the)? {_WHICH_MONTH}")
_OF_YEAR: Final = re.compile(r"(first|last) day of (?:the )?(?:(next|this|last) )?(?:year ?)?(\d{4})?")
_END_OF: Final = re.compile(rf"(?:the )?(beginning|start|end) of(?: the)? {_WHICH_MONTH}")
_FEAST_IN: Final = re.compile(rf"({FEAST})(?:,?(?: (?:in|of))? (\d{{4}}|next year|this year|last year))?")
_AROUND: Final = re.compile(
    r"^(?:please|tell me|what(?:'s| is| was| will be| are)?|which|how (?:many|long|much)|calculate|it is|is|was|"
    r"the(?! month)|when(?:'s| is| was)?|day of the week|weekday|date(?= )|day(?= )|falls?|does|do|will|be|it|"
    r"there are|are there|we have|of|for|on|left(?= ))\b[\s,:]*"
)
_BEHIND: Final = re.compile(
    r"[\s,]*(?:\b(?:please|fall on|falls on|fall|be|is it|is that|was that|will it be|on)|[?!.])$"
)


class DateProblem(ValueError):
    """What is no date, or no question about dates; the message says why, in words for a person."""


def read_date(text: str, today: date, *, past: bool = False) -> date:
    """The date that is meant. Without a year it is the next one of that name, or with `past` the last one.

    Raises `DateProblem` when it is none.
    """
    plain = stripped(text)
    try:
        if plain in ("today", "now", "", "date", "day", "today's date"):
            return today
        if plain in _NEAR:
            return today + timedelta(days=_NEAR[plain])
        if match := _ISO.fullmatch(plain):
            return date(int(match[1]), int(match[2]), int(match[3]))
        if match := _DOTTED.fullmatch(plain):
            return date(int(match[3]), int(match[2]), int(match[1]))
        if match := _SLASHED.fullmatch(plain):
            return _slashed(*(int(part) for part in match.groups()))
        if match := _DAY_FIRST.fullmatch(plain):
            return _in_year(month_named(match[2]), int(match[1]), match[3], today, past)
        if match := _MONTH_FIRST.fullmatch(plain):
            return _in_year(month_named(match[1]), int(match[2]), match[3], today, past)
        if match := _NEXT.fullmatch(plain):
            return _next_day(match[1] or "", match[2], today, past)
        if match := _NTH.fullmatch(plain):
            return _nth(_PLACES[match[1]], match[2], *_months(match[3], match[4], match[5], today, past), today, past)
        if match := _END_OF.fullmatch(plain):
            place = -1 if match[1] == "end" else 1
            return _nth(place, "day", *_months(match[2], match[3], match[4], today, past), today, past)
        if match := _OF_YEAR.fullmatch(plain):
            year = int(match[3]) if match[3] else _year(f"{match[2] or 'this'} year", today)
            return date(year, 1, 1) if match[1] == "first" else date(year, 12, 31)
        if match := _FEAST_IN.fullmatch(plain):
            return _feast(match[1], match[2], today, past)
    except ValueError as error:
        if isinstance(error, DateProblem):
            raise
        raise DateProblem(f"there is no such day as {text.strip()[:60]!r}") from error
    raise DateProblem(f"{text.strip()[:60]!r} is no date that is understood here")


def stripped(text: str) -> str:
    plain = text.strip(" ,.?!")
    while (shorter := _BEHIND.sub("", _AROUND.sub("", plain)).strip(" ,")) != plain and shorter:
        plain = shorter
    return re.sub(rf"^(?:{DAY}),? (?=\d|{MONTH})", "", plain)


def _months(relative: str | None, name: str | None, year: str | None, today: date, past: bool) -> tuple[int, int]:
    """Year and month; a year of 0 means the next month of that name, or the last one."""
    if name is None:
        step = {"next": 1, "last": -1}.get(relative or "", 0)
        moved = shifted(today.replace(day=1), step, "month")
        return moved.year, moved.month
    return (_year(year, today) if year else 0), month_named(name)


def _nth(place: int, what: str, year: int, month: int, today: date, past: bool) -> date:
    """The third thursday of a month, its last day."""
    for candidate in [year] if year else [today.year + step for step in ((0, -1) if past else (0, 1))]:
        length = calendar.monthrange(candidate, month)[1]
        days = [date(candidate, month, day) for day in range(1, length + 1)]
        if what != "day":
            wanted = [day[:3] for day in DAYS].index(what[:3])
            days = [day for day in days if day.weekday() == wanted]
        if not -len(days) <= place <= len(days):
            raise DateProblem(f"{calendar.month_name[month]} {candidate} has only {len(days)} of them")
        found = days[place - 1 if place > 0 else place]
        if year or ((found <= today) if past else (found >= today)):
            return found
    raise DateProblem("that is further away than the calendar goes")


def _feast(name: str, year: str | None, today: date, past: bool) -> date:
    if year:
        return feast_in(name, _year(year, today))
    for candidate in (today.year - past, today.year, today.year + (not past)):
        found = feast_in(name, candidate)
        if not past and found >= today:
            return found
        if past and candidate == today.year and found > today:
            return feast_in(name, candidate - 1)
    return found


def _year(said: str, today: date) -> int:
    return today.year + {"next year": 1, "last year": -1, "this year": 0}[said] if "year" in said else int(said)


def _slashed(first: int, second: int, year: int) -> date:
    if first <= 12 and second <= 12 and first != second:
        raise DateProblem(f"{first}/{second}/{year} may be read in two ways; write {year}-{first:02}-{second:02} or so")
    return date(year, second, first) if first > 12 else date(year, first, second)


def month_named(name: str) -> int:
    return 1 + [month[:3] for month in MONTHS].index(name[:3])


def _in_year(month: int, day: int, year: str | None, today: date, past: bool) -> date:
    if year is not None:
        return date(int(year), month, day)
    # Up to eight years on, since the 29th of February is not in each.
    for step in range(9):
        candidate_year = today.year - step if past else today.year + step
        if day > calendar.monthrange(candidate_year, month)[1]:
            continue
        found = date(candidate_year, month, day)
        if (found <= today) if past else (found >= today):
            return found
    return date(today.year, month, day)


def _next_day(which: str, name: str, today: date, past: bool) -> date:
    wanted = [day[:3] for day in DAYS].index(name[:3])
    if which == "last" or (past and not which):
        return today - timedelta(days=(today.weekday() - wanted) % 7 or 7)
    ahead = (wanted - today.weekday()) % 7
    return today + timedelta(days=ahead if which == "this" else ahead or 7)


def shifted(day: date, count: int, unit: str) -> date:
    match unit:
        case "day":
            return day + timedelta(days=count)
        case "week":
            return day + timedelta(weeks=count)
        case "fortnight":
            return day + timedelta(weeks=2 * count)
        case _:
            months = day.year * 12 + day.month - 1 + (count if unit == "month" else 12 * count)
            year, month = divmod(months, 12)
            if not 1 <= year <= 9999:
                raise DateProblem("that is further away than the calendar goes")
            # The 31st of a month that has none is its last day.
            return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
