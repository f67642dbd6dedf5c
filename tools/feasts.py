"""Feasts, by their names: those that keep their date, and those that move with Easter or with the weekdays."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

__all__ = ["FEAST", "easter", "feast_in"]

_FIXED: Final[Mapping[str, tuple[int, int]]] = {
    "christmas eve": (12, 24), "christmas day": (12, 25), "christmas": (12, 25), "boxing day": (12, 26),
    "new year's eve": (12, 31), "new years eve": (12, 31), "new year's day": (1, 1), "new years day": (1, 1),
    "new year's": (1, 1), "new year": (1, 1), "epiphany": (1, 6), "valentine's day": (2, 14),
    "st patrick's day": (3, 17), "april fools' day": (4, 1), "may day": (5, 1), "halloween": (10, 31),
    "all saints' day": (11, 1), "all saints": (11, 1), "st nicholas day": (12, 6),
}  # fmt: skip
_WITH_EASTER: Final[Mapping[str, int]] = {
    "shrove tuesday": -47, "mardi gras": -47, "ash wednesday": -46, "palm sunday": -7, "maundy thursday": -3,
    "good friday": -2, "holy saturday": -1, "easter sunday": 0, "easter monday": 1, "easter": 0, "ascension day": 39,
    "ascension": 39, "whit sunday": 49, "pentecost": 49, "whitsun": 49, "whit monday": 50, "pentecost monday": 50,
    "corpus christi": 60,
}  # fmt: skip
_OTHERS: Final = ("thanksgiving", "black friday", "first sunday of advent", "first advent", "advent")

FEAST: Final = "|".join(sorted((*_FIXED, *_WITH_EASTER, *_OTHERS), key=len, reverse=True))
"""Their names, for a regular expression."""


def easter(year: int) -> date:
    """Easter Sunday of the western churches, by the Gregorian rule. Raises `ValueError` before 1583."""
    if year < 1583:
        raise ValueError("Easter is known here from 1583 on")
    century, golden = year // 100, year % 19
    moon = (century - century // 4 - (8 * century + 13) // 25 + 19 * golden + 15) % 30
    moon -= (moon // 28) * (1 - (moon // 28) * (29 // (moon + 1)) * ((21 - golden) // 11))
    weekday = (year + year // 4 + moon + 2 - century + century // 4) % 7
    offset = moon - weekday
    month = 3 + (offset + 40) // 44
    return date(year, month, offset + 28 - 31 * (month // 4))


def feast_in(name: str, year: int) -> date:
    """The day of a feast (one of `FEAST`) in a year. Thanksgiving is that of the United States."""
    if name in _FIXED:
        return date(year, *_FIXED[name])
    if name in _WITH_EASTER:
        return easter(year) + timedelta(days=_WITH_EASTER[name])
    if "advent" in name:
        christmas = date(year, 12, 25)
        return christmas - timedelta(days=christmas.weekday() + 1, weeks=3)
    first = date(year, 11, 1)
    thanksgiving = first + timedelta(days=(3 - first.weekday()) % 7, weeks=3)
    return thanksgiving + timedelta(days=1) if name == "black friday" else thanksgiving
