"""Questions about dates: "days until 24 December", "in 3 weeks", "what week is it", "the next leap year".

Today is an argument everywhere: nothing here asks what day it is.
"""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from typing import Final

import msgspec

from tools.date_reading import MONTH, DateProblem, month_named, read_date, shifted, stripped

__all__ = ["Answer", "DateProblem", "answer", "in_words", "plainly", "spoken"]

_COUNT: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty"
)
_COUNTS: Final = {word: str(number) for number, word in enumerate(_COUNT.split())} | {"thirty": "30"}
_SPAN: Final = re.compile(r"(\d{1,6})\s*(day|week|fortnight|month|year|(?:working|business|week)[ -]?day)s?\b")
_WORKDAYS: Final = re.compile(r"\b(?:work(?:ing)?|business|week)[ -]?days?\b")


class Answer(msgspec.Struct, frozen=True):
    """What came out: a sentence, and the date or the number of days it is about."""

    text: str
    date: str = ""
    days: int | None = None


def answer(question: str, today: date) -> Answer:
    """Answer a question about dates. Raises `DateProblem`."""
    plain = plainly(question)
    try:
        for asked in (_week, _leap, _born, _length, _working, _difference, _moved):
            if found := asked(plain, today):
                return found
        return _weekday(plain, today)
    except (OverflowError, calendar.IllegalMonthError) as error:
        raise DateProblem("that is further away than the calendar goes") from error


def spoken(day: date) -> str:
    """A date as it is said: Thursday, 24 December 2026."""
    return f"{calendar.day_name[day.weekday()]}, {day.day} {calendar.month_name[day.month]} {day.year}"


def plainly(question: str) -> str:
    plain = " ".join(question.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split())[:200]
    for word, number in _COUNTS.items():
        plain = re.sub(rf"\b{word}\b", number, plain)
    plain = plain.replace("day after tomorrow", "overmorrow").replace("day before yesterday", "ereyesterday")
    plain = re.sub(r"\b(?:an|1) hour and (?:a|1) half\b", "90 minutes", plain)
    plain = re.sub(r"\b(\d+) and (?:a|1) half hours\b", r"\1.5 hours", plain).replace("half an hour", "30 minutes")
    plain = plain.replace("a quarter of an hour", "15 minutes").replace("a couple of", "2")
    return re.sub(r"\b(?:a|an)(?= (?:day|week|fortnight|month|year|minute|hour)\b)", "1", plain)


def _week(plain: str, today: date) -> Answer | None:
    """Which week of the year a day is in, by ISO 8601; or when such a week begins."""
    numbered = re.search(r"\bweek(?: (?:number|no\.?))? (\d{1,2})(?: (?:of|in))?(?: (\d{4}))?[ ?]*$", plain)
    if numbered:
        year = int(numbered[2]) if numbered[2] else today.isocalendar().year
        try:
            monday = date.fromisocalendar(year, int(numbered[1]), 1)
        except ValueError:
            raise DateProblem(f"{year} has no week {numbered[1]}") from None
        text = f"Week {numbered[1]} of {year} goes from {spoken(monday)} to {spoken(monday + timedelta(days=6))}."
        return Answer(text, monday.isoformat(), (monday - today).days)
    if not re.search(r"\b(?:what|which|calendar|iso) (?:calendar |iso )?week\b|\bweek (?:number|of the year)\b", plain):
        return None
    rest = re.sub(
        r"\b(?:what|which|is|it|are|we|do|have|does|calendar|iso|week|number|of the year|now|falls?)\b", " ", plain
    )
    rest = re.sub(r"^(?:the|of|in|on|for|\s)+\b|\b(?:in|on|\s)+$", "", " ".join(re.sub("[?,]", " ", rest).split()))
    day = read_date(rest, today)
    year, week, _ = day.isocalendar()
    verb = "is" if day >= today else "was"
    return Answer(f"{spoken(day)} {verb} in week {week} of {year}.", day.isoformat(), (day - today).days)


def _leap(plain: str, today: date) -> Answer | None:
    """Leap years: the next, the last, and whether one is one."""
    if "leap year" not in plain and "leap day" not in plain:
        return None
    if named := re.search(r"\b(\d{4})\b", plain):
        year = int(named[1])
        if not re.search(r"\b(?:after|since|following|before)\b", plain):
            leap = calendar.isleap(year)
            return Answer(f"{year} is {'a' if leap else 'no'} leap year: February has {29 if leap else 28} days.")
    else:
        year = today.year
        if re.search(r"\bthis\b", plain):
            return _leap(f"leap year {year}", today)
    step = -1 if re.search(r"\b(?:last|previous|before)\b", plain) else 1
    year += step
    while 1 <= year <= 9999 and not calendar.isleap(year):
        year += step
    day = date(year, 2, 29)
    return Answer(
        f"The {'next' if step > 0 else 'last'} leap year {'is' if step > 0 else 'was'} {year}; "
        f"29 February {'falls' if step > 0 else 'fell'} on a {calendar.day_name[day.weekday()]}.",
        day.isoformat(),
        (day - today).days,
    )


def _born(plain: str, today: date) -> Answer | None:
    """How old somebody is who was born on a day."""
    match = re.search(r"\bborn (?:on |in )?(.+?)(?: (?:(?:be|is|was) )?(?:on|by|in|at) (.+?))?[ ?]*$", plain)
    if match is None or not re.search(r"\b(?:old|age)\b", plain):
        return None
    ahead = re.search(r"\bold (?:will|would|was) .*?\bbe (?:on|by|in|at) (.+?) (?:if|when)\b", plain)
    then = read_date((ahead or match)[1 if ahead else 2], today) if ahead or match[2] else today
    said = match[1]
    if re.fullmatch(r"\d{4}", said):
        years = then.year - int(said)
        if years < 0:
            raise DateProblem("that is before the birth")
        return Answer(f"Somebody born in {said} is {max(0, years - 1)} or {years}, before or after the birthday.")
    born = read_date(said, today, past=True)
    if born > then:
        raise DateProblem("that is before the birth")
    years = then.year - born.year - ((then.month, then.day) < (born.month, born.day))
    when = "" if then == today else f" on {spoken(then)}"
    is_ = "is" if then <= today else "will be"
    return Answer(f"Somebody born on {spoken(born)} {is_} {years}{when}.", born.isoformat(), (then - born).days)


def _length(plain: str, today: date) -> Answer | None:
    """How long a month or a year is, and how much of it is left."""
    left = re.search(r"\bdays\b.*\b(?:left|remain\w*)\b|\b(?:left|remain\w*)\b.*\bdays\b", plain)
    if left and (unit := re.search(r"\b(?:year|month)\b", plain)):
        last = date(today.year, 12, 31) if unit[0] == "year" else read_date("last day of this month", today)
        days = (last - today).days
        return Answer(f"There are {in_words(days, 'days')} left of this {unit[0]} after today.", last.isoformat(), days)
    asked = re.search(
        r"\bdays (?:are (?:there )?|does |has |there are )?(?:in )?"
        rf"(?:(?:the year )?(\d{{4}})|({MONTH})(?: (\d{{4}}))?|(this|next|last) (month|year))(?: has| have)?[ ?]*$",
        plain,
    )
    if asked is None:
        return None
    year, month = int(asked[1] or asked[3] or today.year), month_named(asked[2]) if asked[2] else 0
    if asked[4]:
        moved = shifted(today.replace(day=1), {"this": 0, "next": 1, "last": -1}[asked[4]], asked[5])
        year, month = moved.year, moved.month if asked[5] == "month" else 0
    if not month:
        return Answer(f"{year} has {365 + calendar.isleap(year)} days.", days=365 + calendar.isleap(year))
    days = calendar.monthrange(year, month)[1]
    also = ", 29 in a leap year" if month == 2 and days == 28 and not asked[3] else ""
    return Answer(f"{calendar.month_name[month]} {year} has {days} days{also}.", days=days)


def _working(plain: str, today: date) -> Answer | None:
    """The days from monday to friday until a day, or such a number of them from now."""
    if not _WORKDAYS.search(plain):
        return None
    if moved := re.search(
        r"\bin (\d{1,4}) (?:work|business|week)|(\d{1,4}) \S+[ -]?days? (?:from now|from today|after (.+))$", plain
    ):
        day = read_date(moved[3], today) if moved[3] else today
        for _ in range(int(moved[1] or moved[2])):
            day += timedelta(days=3 if day.weekday() == 4 else 2 if day.weekday() == 5 else 1)
        return Answer(f"That is {spoken(day)}, public holidays included.", day.isoformat(), (day - today).days)
    between = re.search(r"\b(?:between|from) (.+?) (?:and|to|until|till) (.+)$", plain)
    until = re.search(r"\b(?:until|till|before|to) (.+)$", plain)
    if not between and not until:
        return None
    first = read_date(between[1], today) if between else today
    last = read_date((between or until)[2 if between else 1], today)  # type: ignore[index]
    if (last - first).days > 366_000:
        raise DateProblem("that is too far away")
    days = sum((first + timedelta(days=step)).weekday() < 5 for step in range((last - first).days))
    return Answer(
        f"There are {days:,} days from Monday to Friday until {spoken(last)}, public holidays included.",
        last.isoformat(),
        days,
    )


def _difference(plain: str, today: date) -> Answer | None:
    """Days (weeks, ...) between two dates, until one or since one."""
    between = re.search(r"\b(?:between|from) (.+?) (?:and|to|until|till) (.+)$", plain)
    until = re.search(r"\b(?:until|till|before|to) (.+)$", plain)
    since = re.search(r"\bsince (.+)$", plain)
    asks = re.search(r"\b(days?|weeks?|months?|years?|long|far|between|until|till|since|from)\b", plain)
    if asks is None:
        return None
    if between and not _SPAN.search(plain[: between.start()]):
        one, other = read_date(between[1], today), read_date(between[2], today)
        first, last = sorted((one, other))
        text = f"There are {_apart(first, last, asks[1])} between {spoken(one)} and {spoken(other)}."
        return Answer(text, days=(last - first).days)
    # "3 weeks after 1 May" moves a date; "days since 1 May" counts.
    if until and not _SPAN.search(plain[: until.start()]):
        day = read_date(until[1], today)
        days = (day - today).days
        if days < 0:
            return Answer(f"{spoken(day)} was {_apart(day, today, asks[1])} ago.", day.isoformat(), days)
        return Answer(f"It is {_apart(today, day, asks[1])} until {spoken(day)}.", day.isoformat(), days)
    if since and not _SPAN.search(plain[: since.start()]):
        day = read_date(since[1], today, past=True)
        days = (today - day).days
        if days < 0:
            return Answer(f"{spoken(day)} is still {_apart(today, day, asks[1])} away.", day.isoformat(), days)
        return Answer(f"{spoken(day)} was {_apart(day, today, asks[1])} ago.", day.isoformat(), days)
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
        start = read_date(anchor[1], today)
    elif based and stripped(based[1]):
        start = read_date(based[1], today)
        sign = -1 if re.search(r"(?:minus|-)\s*$", ahead) else sign
    day = start
    for span in spans:
        day = shifted(day, sign * int(span[1]), span[2])
    return Answer(f"That is {spoken(day)}.", day.isoformat(), (day - today).days)


def _weekday(plain: str, today: date) -> Answer:
    day = read_date(plain, today)
    if day == today:
        return Answer(f"Today is {spoken(day)}.", day.isoformat(), 0)
    return Answer(f"That {'is' if day > today else 'was'} {spoken(day)}.", day.isoformat(), (day - today).days)


def _apart(first: date, last: date, asked: str) -> str:
    """How far two days are apart, in the unit that was asked for."""
    if asked.startswith(("month", "year")):
        months = (last.year - first.year) * 12 + last.month - first.month
        months -= shifted(first, months, "month") > last
        years, months = divmod(months, 12) if asked.startswith("year") else (0, months)
        rest = (last - shifted(first, 12 * years + months, "month")).days
        parts = [_many(years, "year"), _many(months, "month"), _many(rest, "day")]
        said = [part for part in parts if not part.startswith("0 ")] or ["0 days"]
        joined = " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)
        plain = _many((last - first).days, "day")
        return joined if joined == plain else f"{joined} ({plain})"
    return in_words((last - first).days, asked)


def _many(number: int, one: str) -> str:
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def in_words(days: int, asked: str) -> str:
    """A number of days, and how many weeks that is."""
    plain = _many(days, "day")
    if days < 14 and not asked.startswith("week"):
        return plain
    weeks, rest = divmod(days, 7)
    in_weeks = f"{_many(weeks, 'week')}{' and ' + _many(rest, 'day') if rest else ''}"
    return f"{in_weeks} ({plain})" if asked.startswith("week") else f"{plain} ({in_weeks})"
