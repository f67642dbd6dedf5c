"""What time it is, here and elsewhere, and what day is when."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from orchestrator.errors import ToolRetry
from orchestrator.function_tool import tool
from orchestrator.ports import Result, Tool
from tools.date_reading import read_date
from tools.dates import DateProblem, answer, plainly, spoken
from tools.zones import Local, local_time, shift_between, system_zone, time_of_day, zone_named

__all__ = ["clock"]

_HERE: Final = ("", "here", "local", "now", "home", "local time", "my time", "me", "my zone", "my time zone", "us")
_HOURS: Final = re.compile(r"(?<![\d.])(\d{1,12}(?:\.\d{1,3})?)\s*(second|sec|minute|min|hour|hr|h)s?\b")
_LENGTHS: Final = {"s": 1, "m": 60, "h": 3600}


def _system_now() -> datetime:
    return datetime.now(system_zone())


def clock(now: Callable[[], datetime] = _system_now) -> list[Tool]:
    """The tools `current_time`, `convert_time` and `date_math`.

    `now` gives the present moment, with its zone; tests give their own.
    """

    @tool
    def current_time(zone: str = "") -> Result:
        """Tell what time and what date it is now, here or in another place.

        Args:
            zone: A city ("Tokyo"), a time zone ("Europe/Berlin", "CET") or an offset ("UTC+2"). Empty means here.
        """
        moment = now()
        where, found = _place(zone, moment)
        return _told(moment.astimezone(found), where)

    @tool
    def convert_time(time: str, zone_from: str = "", zone_to: str = "", day: str = "") -> Result:
        """Convert a time of day from one time zone to another: what time it is there when it is 15:00 here.

        Args:
            time: The time in the first place, as in "15:00", "3pm", "noon" or "now".
            zone_from: The place or zone whose time that is, as in "Tokyo", "Europe/Paris", "EST" or "UTC+2". Empty
                means here.
            zone_to: The place or zone whose time is wanted. Empty means here.
            day: The day in the first place, as in "24 December", "tomorrow" or "2026-12-24". Empty means today.
        """
        try:
            return _elsewhere(time, zone_from, zone_to, day, now())
        except OverflowError as error:
            raise ToolRetry("That is further away than the calendar goes.", "", "Give a day nearer to us.") from error

    @tool
    def date_math(question: str) -> Result:
        """Reckon with dates: how long until or since a day, between two days, what day is in some weeks, which weekday.

        Knows feasts that move with Easter, weeks of the year, leap years, working days, and ages.

        Args:
            question: What is asked, as in "days until 24 December", "in 3 weeks", "2 months before 2026-05-31", "days
                between 2026-01-01 and 2026-03-01", "weekday of 1 May 2027", "next friday", "third thursday of
                november 2027", "when is easter", "what week is it", "how old is someone born 3 May 1990" or "in 90
                minutes".
        """
        try:
            if later := _hours_away(question, now()):
                return later
            found = answer(question, now().date())
        except DateProblem as error:
            raise ToolRetry(
                f"That cannot be reckoned: {error}.", "", "Write a date as 2026-12-24, or say it as in 24 December."
            ) from error
        return Result(found.text, data={"date": found.date, "days": found.days})

    return [current_time, convert_time, date_math]


def _told(moment: datetime, where: str) -> Result:
    place = f" in {where}" if where else ""
    return Result(
        f"It is {moment:%H:%M} on {spoken(moment.date())}{place}.",
        data={"iso": moment.isoformat(timespec="seconds"), "zone": str(moment.tzinfo), "weekday": f"{moment:%A}"},
    )


def _place(said: str, moment: datetime) -> tuple[str, tzinfo]:
    """What a place is called (nothing: it is here), and its zone. Raises `ToolRetry` when it is not known."""
    wanted = " ".join(said.split()).strip(" .?!")
    if wanted.casefold() in _HERE:
        return "", moment.tzinfo or UTC
    return zone_named(wanted)


def _elsewhere(said: str, zone_from: str, zone_to: str, day: str, now: datetime) -> Result:
    (here, start), (there, end) = _place(zone_from, now), _place(zone_to, now)
    wanted = " ".join(said.split()).strip(" .?!")
    if wanted.casefold() in ("", "now", "right now") and not day.strip():
        moments = Local((now.astimezone(UTC), now.astimezone(UTC)))
    else:
        moments = local_time(datetime.combine(*_said(wanted, day, now.astimezone(start))), start)
    if moments.skipped:
        asked = datetime.combine(*_said(wanted, day, now.astimezone(start)))
        late, early = (moment.astimezone(start) for moment in moments)
        raise ToolRetry(
            f"No clock{_at(here)} shows {asked:%H:%M} on {spoken(asked.date())}.",
            "The clocks are set forward over it.",
            f"Ask for {early:%H:%M} or {late:%H:%M}.",
        )
    first, *rest = [_pair(moment, start, end, here, there) for moment in moments[: 1 + moments.twice]]
    text = f"{first}{_apart(moments[0], start, end)}."
    if rest:
        text = f"Clocks{_at(here)} show that twice on that day, since they are set back: first {first}; then {rest[0]}."
    shown = [moment.astimezone(end).isoformat(timespec="minutes") for moment in moments]
    data = {"from": moments[0].astimezone(start).isoformat(timespec="minutes"), "to": shown[0]}
    return Result(text, data=data | ({"or": shown[1]} if rest else {}))


def _said(wanted: str, day: str, today: datetime) -> tuple[date, time]:
    """The day and the time that are meant. Raises `ToolRetry`."""
    both = re.fullmatch(r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2})?)", wanted)
    at = time_of_day(both[2] if both else wanted)
    if at is None:
        raise ToolRetry(f"{wanted[:60]!r} is no time of day.", "", "Write it as 15:00 or 3pm.")
    try:
        return read_date(plainly(both[1] if both else day), today.date()), at
    except (DateProblem, OverflowError) as error:
        raise ToolRetry(f"That is no day: {error}.", "", "Write it as 2026-12-24.") from error


def _pair(moment: datetime, start: tzinfo, end: tzinfo, here: str, there: str) -> str:
    one, other = moment.astimezone(start), moment.astimezone(end)
    same = "the same day" if one.date() == other.date() else spoken(other.date())
    return f"{one:%H:%M} on {spoken(one.date())}{_at(here)} is {other:%H:%M} on {same}{_at(there)}"


def _apart(moment: datetime, start: tzinfo, end: tzinfo) -> str:
    minutes = int(shift_between(moment, start, end).total_seconds() // 60)
    if not minutes:
        return ", as the clocks are the same then"
    hours, rest = divmod(abs(minutes), 60)
    parts = [f"{hours} hour{'' if hours == 1 else 's'}"] if hours else []
    parts += [f"{rest} minutes"] if rest else []
    return f", which is {' and '.join(parts)} {'ahead' if minutes > 0 else 'behind'}"


def _at(place: str) -> str:
    return f" in {place}" if place else " here"


def _hours_away(question: str, now: datetime) -> Result | None:
    """The time some hours and minutes from now, or from a time of day; `None` where that is not what is asked."""
    plain = plainly(question)
    spans = list(_HOURS.finditer(plain))
    if not spans or re.search(r"\b\d+ (?:day|week|month|year)s?\b", plain):
        return None
    seconds = sum(float(span[1]) * _LENGTHS[span[2][0]] for span in spans)
    ahead, behind = plain[: spans[0].start()], plain[spans[-1].end() :]
    back = re.match(r"\s*(?:ago|before|earlier|back)\b", behind) or re.search(r"\bminus\s*$|-\s*$", ahead)
    anchor = re.match(r"\s*(?:before|after|from|past)\s+(.+?)[ ?]*$", behind)
    based = re.search(r"(\S+(?: ?[ap]\.?m\.?)?)\s*(?:plus|minus|[+-])\s*$", ahead)
    start, said = now, anchor[1] if anchor else based[1] if based else "now"
    if said not in ("now", "right now", "here"):
        at = time_of_day(said)
        if at is None:
            raise DateProblem(f"{said[:60]!r} is no time of day that is understood here")
        start = local_time(datetime.combine(now.date(), at), now.tzinfo or UTC)[0]
    try:
        # In UTC, so that hours are hours also where the clocks are changed in between.
        moment = (start.astimezone(UTC) + timedelta(seconds=-seconds if back else seconds)).astimezone(now.tzinfo)
    except OverflowError as error:
        raise DateProblem("that is further away than the calendar goes") from error
    same = "" if moment.date() == now.date() else f" on {spoken(moment.date())}"
    text = f"That {'is' if moment >= now else 'was'} {moment:%H:%M}{same}."
    return Result(text, data={"iso": moment.isoformat(timespec="seconds")})
