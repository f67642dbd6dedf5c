"""Time zones as people name them, and the times of day in them, those included that a clock shows twice or never."""

from __future__ import annotations

import difflib
import functools
import os
import re
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from orchestrator.errors import ToolRetry

__all__ = ["Local", "local_time", "shift_between", "system_zone", "time_of_day", "zone_named"]

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


def zone_named(said: str) -> tuple[str, tzinfo]:
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


def system_zone() -> tzinfo:
    """The zone of this machine with all its rules, past and to come; where it cannot be found, the offset of today."""
    try:
        if named := os.environ.get("TZ", "").removeprefix(":"):
            return ZoneInfo(named)
        with open("/etc/localtime", "rb") as rules:
            return ZoneInfo.from_file(rules, os.path.realpath("/etc/localtime").partition("zoneinfo/")[2] or "local")
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return datetime.now(UTC).astimezone().tzinfo or UTC


# --- times of day -----------------------------------------------------------------------------------------------------

_TIME: Final = re.compile(
    r"(?:at )?(?:(?P<hour>\d{1,2})(?:[:.h](?P<minute>[0-5]\d))?(?::(?P<second>[0-5]\d))?\s*"
    r"(?P<half>a\.?m\.?|p\.?m\.?|o'clock|h|hours|uhr)?|(?P<word>noon|midday|midnight))(?: sharp)?"
)


def time_of_day(said: str) -> time | None:
    """A time as it is said or written: 15:00, 3pm, 3:30 p.m., noon. `None` when it is none."""
    match = _TIME.fullmatch(" ".join(said.casefold().split()))
    if match is None:
        return None
    if match["word"]:
        return time(0 if match["word"] == "midnight" else 12)
    hour, half = int(match["hour"]), (match["half"] or "")[:1]
    if half in ("a", "p"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 23 or not (match["minute"] or match["half"]):
        return None
    return time(hour, int(match["minute"] or 0), int(match["second"] or 0))


class Local(tuple[datetime, datetime]):
    """The moment at which a clock shows a time, before and after where they differ.

    Where clocks are set back it shows some times twice: two moments. Where they are set forward it shows some never:
    then these are the two that it could mean, and `skipped` is true.
    """

    __slots__ = ()

    @property
    def skipped(self) -> bool:
        """Whether no clock there shows that time on that day."""
        return self[0] > self[1]

    @property
    def twice(self) -> bool:
        """Whether a clock there shows it twice on that day."""
        return self[0] < self[1]


def local_time(naive: datetime, zone: tzinfo) -> Local:
    """The moments (in UTC) at which clocks in `zone` show `naive`."""
    first, second = (naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return Local((first, second))


def shift_between(moment: datetime, here: tzinfo, there: tzinfo) -> timedelta:
    """How far the clocks of `there` are ahead of those of `here` at a moment."""
    ahead, own = moment.astimezone(there).utcoffset(), moment.astimezone(here).utcoffset()
    return (ahead or timedelta()) - (own or timedelta())
