"""How long a server asks to be left alone: from its headers, its error body, or its words. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Final

from orchestrator.completions.json_reading import fields, items, text

__all__ = ["seconds_of", "waiting_hint"]

_UNIT: Final = r"(?:milliseconds?|seconds?|secs?|minutes?|mins?|hours?|ms|s|m|h)(?![a-z])"
_SPAN: Final = re.compile(rf"(\d+(?:\.\d+)?)\s*({_UNIT}|(?:ms|s|m|h)(?=\d))")
_IN_WORDS: Final = re.compile(
    r"(?:try again|retry|wait|available again)\D{0,20}?"
    rf"((?:\d+(?:\.\d+)?\s*(?:{_UNIT}|(?:ms|s|m|h)(?=\d))[\s,]*(?:and\s+)?)+)",
    re.IGNORECASE,
)
_UNITS: Final = {"ms": 0.001, "mi": 60.0, "s": 1.0, "se": 1.0, "m": 60.0, "h": 3600.0, "ho": 3600.0}
_EPOCH: Final = 1_000_000_000
"""A number from here on is a date, not a span: in seconds, or a thousandfold in milliseconds."""


def waiting_hint(headers: Mapping[str, str], said: str, error: object, *, now: datetime) -> float | None:
    """Seconds until the next try, where the server says so. `headers` are keyed in lower letters; `now` has a zone."""
    if (exact := _number(headers.get("retry-after-ms", ""))) is not None:
        return exact / 1_000
    if (after := headers.get("retry-after", "").strip()) and (seconds := _moment(after, now)) is not None:
        return seconds
    if (delay := _google_delay(error)) is not None:
        return delay
    if words := _IN_WORDS.search(said):
        return seconds_of(words[1])
    return _reset(headers, now)


def seconds_of(span: str) -> float | None:
    """The seconds of a span as in `6m0s`, `120ms`, `1.2s`, `2 minutes`; of a bare number, seconds. `None`: it is
    none."""
    if (number := _number(span)) is not None:
        return number
    found = _SPAN.findall(span.lower())
    if not found:
        return None
    return sum(float(count) * _unit(unit) for count, unit in found)


def _unit(name: str) -> float:
    if name.startswith("mil"):
        return 0.001
    return _UNITS[name[:2] if name[:2] in _UNITS else name[:1]]


def _reset(headers: Mapping[str, str], now: datetime) -> float | None:
    """The latest reset of a limit that is used up; where nothing says which is, the soonest of all."""
    used_up: list[float] = []
    others: list[float] = []
    for name, value in headers.items():
        if "ratelimit" not in name or "-reset" not in name:
            continue
        if (seconds := _moment(value.strip(), now)) is None:
            continue
        left = headers.get(name.replace("-reset", "-remaining"), "")
        (used_up if _number(left) == 0 else others).append(seconds)
    if used_up:
        return max(used_up)
    return min(others, default=None)


def _moment(value: str, now: datetime) -> float | None:
    """A span, or a moment as HTTP or RFC 3339 writes it or as a count from 1970."""
    if (seconds := seconds_of(value) if not re.search(r"[A-Z]|\d-\d", value) else None) is not None:
        if seconds >= _EPOCH * 1_000:
            seconds /= 1_000
        return max(0.0, seconds - now.timestamp()) if seconds >= _EPOCH else seconds
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            then = parse(value)
        except ValueError:
            continue
        return max(0.0, (then if then.tzinfo else then.replace(tzinfo=now.tzinfo)).timestamp() - now.timestamp())
    return None


def _google_delay(error: object) -> float | None:
    """`retryDelay` of a `RetryInfo` among the details of a Google error."""
    for detail in items(fields(error).get("details")):
        if delay := text(fields(detail).get("retryDelay")):
            return seconds_of(delay)
    return None


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
