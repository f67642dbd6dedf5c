"""Dates as people say them: "24 December", "next friday", "in 3 weeks", "days until 2026-12-24".

Today is an argument everywhere: nothing here asks what day it is.
"""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from typing import Final

import msgspec

__all__ = ["Answer", "DateProblem", "answer", "spoken"]

DAYS: Final = tuple(name.casefold() for name in calendar.day_name)
MONTHS: Final = tuple(name.casefold() for name in calendar.month_name)[1:]
_MONTH: Final = "|".join(f"{name}|{name[:3]}\\.?" for name in MONTHS) + r"|sept\.?"
_DAY: Final = "|".join(f"{name}|{name[:3]}" for name in DAYS) + "|tues|thurs|thur"
_COUNT: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
_COUNTS: Final = {word: str(number) for number, word in enumerate(_COUNT.split())}
_FEASTS: Final = {
    "christmas eve": (12, 24), "christmas day": (12, 25), "christmas": (12, 25), "boxing day": (12, 26),
    "new year's eve": (12, 31), "new years eve": (12, 31), "new year's day": (1, 1), "new year's": (1, 1),
    "new year": (1, 1), "halloween": (10, 31), "valentine's day": (2, 14),
}  # fmt: skip
_NEAR: Final = {"tomorrow": 1, "yesterday": -1, "overmorrow": 2, "ereyesterday": -2}
_SPAN: Final = re.compile(r"(\d{1,6})\s*(day|week|fortnight|month|year)s?\b")
_ISO: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[t ]\d{2}:\d{2}.*)?")
_DOTTED: Final = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})")
_SLASHED: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_DAY_FIRST: Final = re.compile(rf"(\d{{1,2}})(?:st|nd|rd|th|\.)?(?: of)? ({_MONTH})(?:,? (\d{{4}}))?")
_MONTH_FIRST: Final = re.compile(rf"({_MONTH}) (\d{{1,2}})(?:st|nd|rd|th)?(?:,? (\d{{4}}))?")
_NEXT: Final = re.compile(rf"(?:(next|last|this|coming|on) )?({_DAY})")
_AROUND: Final = re.compile(
    r"^(?:please|tell me|what(?:'s| is| was| will be| are)?|which|how (?:many|long|much)|calculate|it is|is it|is|was|"
    r"the|when(?: is| was)?|day of the week|weekday|date(?= )|day(?= )|falls?|does|do|will|be|it|there are|are there|"
    r"we have|of|for|on|left(?= ))\b[\s,:]*"
)
_BEHIND: Final = re.compile(
    r"[\s,]*(?:\b(?:please|fall on|falls on|fall|be|is it|is that|was that|will it be|on)|[?!.])$"
)


class DateProblem(ValueError):
    """What is no date, or no question about dates; the message says why, in words for a person."""


class Answer(msgspec.Struct, frozen=True):
    """What came out: a sentence, and the date or the number of days it is about."""

    text: str
    date: str = ""
    days: int | None = None


def answer(question: str, today: date) -> Answer:
    """Answer a question about dates. Raises `DateProblem`."""
    plain = _plain(question)
    try:
        return _difference(plain, today) or _moved(plain, today) or _weekday(plain, today)
    except (OverflowError, calendar.IllegalMonthError) as error:
        raise DateProblem("that is further away than the calendar goes") from error


def spoken(day: date) -> str:
    """A date as it is said: Thursday, 24 December 2026."""
    return f"{calendar.day_name[day.weekday()]}, {day.day} {calendar.month_name[day.month]} {day.year}"


def _plain(question: str) -> str:
    plain = " ".join(question.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())[:200]
    for word, number in _COUNTS.items():
        plain = re.sub(rf"\b{word}\b", number, plain)
    plain = plain.replace("day after tomorrow", "overmorrow").replace("day before yesterday", "ereyesterday")
    return re.sub(r"\b(?:a|an)(?= (?:day|week|fortnight|month|year)\b)", "1", plain)


def _difference(plain: str, today: date) -> Answer | None:
    """Days (weeks, ...) between two dates, until one or since one."""
    between = re.search(r"\b(?:between|from) (.+?) (?:and|to|until|till) (.+)$", plain)
    until = re.search(r"\b(?:until|till|before|to) (.+)$", plain)
    since = re.search(r"\bsince (.+)$", plain)
    asks = re.search(r"\b(days?|weeks?|months?|years?|long|far|between|until|till|since|from)\b", plain)
    if asks is None:
        return None
    if between and not _SPAN.search(plain[: between.start()]):
        first, last = _date(between[1], today), _date(between[2], today)
        days = abs((last - first).days)
        return Answer(f"There are {_in_words(days, asks[1])} between {spoken(first)} and {spoken(last)}.", days=days)
    # "3 weeks after 1 May" moves a date; "days since 1 May" counts.
    if until and not _SPAN.search(plain[: until.start()]):
        day = _date(until[1], today)
        days = (day - today).days
        if days < 0:
            return Answer(f"{spoken(day)} was {_in_words(-days, asks[1])} ago.", day.isoformat(), days)
        return Answer(f"It is {_in_words(days, asks[1])} until {spoken(day)}.", day.isoformat(), days)
    if since and not _SPAN.search(plain[: since.start()]):
        day = _date(since[1], today, past=True)
        days = (today - day).days
        if days < 0:
            return Answer(f"{spoken(day)} is still {_in_words(-days, asks[1])} away.", day.isoformat(), days)
        return Answer(f"{spoken(day)} was {_in_words(days, asks[1])} ago.", day.isoformat(), days)
    return None


def _moved(plain: str, today: date) -> Answer | None:
    """A date some spans before or after another: "in 3 weeks", "2 months before 24 December", "1 May plus 10 days"."""
    spans = list(_SPAN.finditer(plain))
    if not spans:
        return None
    behind = plain[spans[-1].end() :]
    ahead = plain[: spans[0].start()]
    sign = -1 if re.match(r"\s*(?:ago|before|earlier|back|previously)\b", behind) or "minus" in ahead else 1
    start = today
    anchor = re.match(r"\s*(?:before|after|from|since|later than|earlier than)\s+(.+)$", behind)
    based = re.match(r"(.+?)\s*(?:\bplus\b|\bminus\b|[+-])\s*$", ahead)
    if anchor and not re.match(r"(?:now|today)\b", anchor[1]):
        start = _date(anchor[1], today)
    elif based and _stripped(based[1]):
        start = _date(based[1], today)
        sign = -1 if re.search(r"(?:minus|-)\s*$", ahead) else sign
    day = start
    for span in spans:
        day = _shift(day, sign * int(span[1]), span[2])
    return Answer(f"That is {spoken(day)}.", day.isoformat(), (day - today).days)


def _weekday(plain: str, today: date) -> Answer:
    day = _date(plain, today)
    if day == today:
        return Answer(f"Today is {spoken(day)}.", day.isoformat(), 0)
    return Answer(f"That {'is' if day > today else 'was'} {spoken(day)}.", day.isoformat(), (day - today).days)


def _date(text: str, today: date, *, past: bool = False) -> date:
    """The date that is meant. Without a year it is the next one of that name, or with `past` the last one."""
    plain = _stripped(text)
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
            return _in_year(_month(match[2]), int(match[1]), match[3], today, past)
        if match := _MONTH_FIRST.fullmatch(plain):
            return _in_year(_month(match[1]), int(match[2]), match[3], today, past)
        if match := _NEXT.fullmatch(plain):
            return _next_day(match[1] or "", match[2], today, past)
        feast, _, year = plain.rpartition(" ")
        if plain in _FEASTS:
            return _in_year(*_FEASTS[plain], None, today, past)
        if feast in _FEASTS and re.fullmatch(r"\d{4}", year):
            return _in_year(*_FEASTS[feast], year, today, past)
    except ValueError as error:
        if isinstance(error, DateProblem):
            raise
        raise DateProblem(f"there is no such day as {text.strip()[:60]!r}") from error
    raise DateProblem(f"{text.strip()[:60]!r} is no date that is understood here")


def _stripped(text: str) -> str:
    plain = text.strip(" ,.?!")
    while (shorter := _BEHIND.sub("", _AROUND.sub("", plain)).strip(" ,")) != plain and shorter:
        plain = shorter
    return re.sub(rf"^(?:{_DAY}),? (?=\d|{_MONTH})", "", plain)


def _slashed(first: int, second: int, year: int) -> date:
    if first <= 12 and second <= 12 and first != second:
        raise DateProblem(f"{first}/{second}/{year} may be read in two ways; write {year}-{first:02}-{second:02} or so")
    return date(year, second, first) if first > 12 else date(year, first, second)


def _month(name: str) -> int:
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


def _shift(day: date, count: int, unit: str) -> date:
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


def _in_words(days: int, asked: str) -> str:
    plain = f"{days:,} day{'' if days == 1 else 's'}"
    if days < 14 and not asked.startswith("week"):
        return plain
    weeks, rest = divmod(days, 7)
    in_weeks = (
        f"{weeks:,} week{'' if weeks == 1 else 's'}{f' and {rest} day' + ('' if rest == 1 else 's') if rest else ''}"
    )
    return f"{in_weeks} ({plain})" if asked.startswith("week") else f"{plain} ({in_weeks})"
