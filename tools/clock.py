"""What time it is, here and elsewhere, and what day is when."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from orchestrator.errors import ToolRetry
from orchestrator.function_tool import tool
from orchestrator.ports import Result, Tool
from tools.dates import DateProblem, answer, spoken

__all__ = ["clock"]

# What people say that the names of the zones do not hold.
_ALSO: Final = {
    "pst": "America/Los_Angeles", "pdt": "America/Los_Angeles", "pacific": "America/Los_Angeles",
    "pacific time": "America/Los_Angeles", "san francisco": "America/Los_Angeles", "seattle": "America/Los_Angeles",
    "california": "America/Los_Angeles", "las vegas": "America/Los_Angeles", "silicon valley": "America/Los_Angeles",
    "mdt": "America/Denver", "mountain time": "America/Denver", "cst": "America/Chicago", "cdt": "America/Chicago",
    "central time": "America/Chicago", "texas": "America/Chicago", "dallas": "America/Chicago",
    "houston": "America/Chicago", "est": "America/New_York", "edt": "America/New_York", "eastern": "America/New_York",
    "eastern time": "America/New_York", "nyc": "America/New_York", "washington": "America/New_York",
    "boston": "America/New_York", "miami": "America/New_York", "montreal": "America/Toronto", "bst": "Europe/London",
    "uk": "Europe/London", "england": "Europe/London", "britain": "Europe/London", "scotland": "Europe/London",
    "cest": "Europe/Berlin", "germany": "Europe/Berlin", "munich": "Europe/Berlin", "hamburg": "Europe/Berlin",
    "frankfurt": "Europe/Berlin", "cologne": "Europe/Berlin", "france": "Europe/Paris", "italy": "Europe/Rome",
    "milan": "Europe/Rome", "spain": "Europe/Madrid", "barcelona": "Europe/Madrid", "geneva": "Europe/Zurich",
    "switzerland": "Europe/Zurich", "austria": "Europe/Vienna", "netherlands": "Europe/Amsterdam",
    "india": "Asia/Kolkata", "ist": "Asia/Kolkata", "mumbai": "Asia/Kolkata", "delhi": "Asia/Kolkata",
    "new delhi": "Asia/Kolkata", "bangalore": "Asia/Kolkata", "china": "Asia/Shanghai", "beijing": "Asia/Shanghai",
    "shenzhen": "Asia/Shanghai", "jst": "Asia/Tokyo", "osaka": "Asia/Tokyo", "korea": "Asia/Seoul",
    "south korea": "Asia/Seoul", "abu dhabi": "Asia/Dubai", "uae": "Asia/Dubai", "rio": "America/Sao_Paulo",
    "rio de janeiro": "America/Sao_Paulo", "canberra": "Australia/Sydney", "new zealand": "Pacific/Auckland",
    "wellington": "Pacific/Auckland", "cape town": "Africa/Johannesburg", "nigeria": "Africa/Lagos",
    "kenya": "Africa/Nairobi", "z": "UTC", "zulu": "UTC", "gmt": "UTC",
}  # fmt: skip
_OFFSET: Final = re.compile(r"(?:utc|gmt)?\s*([+-])\s*(\d{1,2})(?::?([0-5]\d))?")
MAX_ZONE: Final = 60


def _system_now() -> datetime:
    return datetime.now(UTC).astimezone()


def clock(now: Callable[[], datetime] = _system_now) -> list[Tool]:
    """The tools `current_time` and `date_math`. `now` gives the present moment, with its zone; tests give their own."""

    @tool
    def current_time(zone: str = "") -> Result:
        """Tell what time and what date it is now, here or in another place.

        Args:
            zone: A city ("Tokyo"), a time zone ("Europe/Berlin", "CET") or an offset ("UTC+2"). Empty means here.
        """
        moment = now()
        wanted = " ".join(zone.split()).strip(" .?!")
        if wanted.casefold() in ("", "here", "local", "now"):
            return _told(moment, "")
        where, found = _zone(wanted)
        return _told(moment.astimezone(found), where)

    @tool
    def date_math(question: str) -> Result:
        """Reckon with dates: how long until or since a day, between two days, what day is in some weeks, which weekday.

        Args:
            question: What is asked, as in "days until 24 December", "in 3 weeks", "2 months before 2026-05-31", "days
                between 2026-01-01 and 2026-03-01", "weekday of 1 May 2027" or "next friday".
        """
        try:
            found = answer(question, now().date())
        except DateProblem as error:
            raise ToolRetry(
                f"That cannot be reckoned: {error}.", "", "Write a date as 2026-12-24, or say it as in 24 December."
            ) from error
        return Result(found.text, data={"date": found.date, "days": found.days})

    return [current_time, date_math]


def _told(moment: datetime, where: str) -> Result:
    place = f" in {where}" if where else ""
    return Result(
        f"It is {moment:%H:%M} on {spoken(moment.date())}{place}.",
        data={"iso": moment.isoformat(timespec="seconds"), "zone": str(moment.tzinfo), "weekday": f"{moment:%A}"},
    )


def _zone(said: str) -> tuple[str, tzinfo]:
    """What a place is called, and its zone. Raises `ToolRetry` when it is not known."""
    plain = re.sub(r"^(?:in|at|the)\s+", "", said, flags=re.IGNORECASE)
    folded = plain.casefold()
    if match := _OFFSET.fullmatch(folded):
        minutes = int(match[2]) * 60 + int(match[3] or 0)
        if minutes < 24 * 60:
            shift = timedelta(minutes=minutes if match[1] == "+" else -minutes)
            return f"UTC{match[1]}{int(match[2])}{f':{match[3]}' if match[3] else ''}", timezone(shift)
    # "Paris, France" is named by its city, and "Tokyo time" by what stands before.
    city = re.sub(r"\s+time(?:\s?zone)?$", "", folded.partition(",")[0].strip())
    for name in dict.fromkeys((folded, city)):
        zone = _names().get(name.replace(" ", "_"))
        if zone is not None:
            return _called(zone), ZoneInfo(zone)
        if name in _ALSO:
            return plain, ZoneInfo(_ALSO[name])
    near = difflib.get_close_matches(city.replace(" ", "_"), [*_names(), *_ALSO], n=3, cutoff=0.75)
    hint = f"Did you mean {' or '.join(_called(_names().get(name, name)) for name in near)}?" if near else ""
    short = said if len(said) <= MAX_ZONE else f"{said[:MAX_ZONE]}..."
    raise ToolRetry(f"The time zone of {short!r} is not known here.", hint, "Give a large city, or UTC+2 and the like.")


def _called(key: str) -> str:
    return key.rpartition("/")[2].replace("_", " ")


@functools.lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Every zone by its whole name and by its city, both folded."""
    zones = sorted(zone for zone in available_timezones() if not zone.startswith(("posix/", "right/", "SystemV/")))
    cities = {zone.rpartition("/")[2].casefold(): zone for zone in zones if "/" in zone and not zone.startswith("Etc/")}
    return cities | {zone.casefold(): zone for zone in zones}
