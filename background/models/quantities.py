"""Amounts with a unit as they are spoken: "6 feet 2 inches", "how many cups in a liter"."""

from __future__ import annotations

import re
from typing import Final

from background.models.words import NUMBER

__all__ = ["COMPOUND", "MEASURE", "in_one_unit"]

MEASURE: Final = (
    r"(?:(?:kilo|centi|milli|mega|giga|tera)?(?:meters?|metres?|grams?|lit(?:er|re)s?|bytes?|watts?|joules?)|km|cm|mm|kg|ml|"
    r"inch(?:es)?|feet|foot|yards?|miles?|acres?|hectares?|cups?|pints?|quarts?|gallons?|(?:tea|table)spoons?|"
    r"(?:fluid )?ounces?|pounds?|stones?|tons?|tonnes?|seconds?|minutes?|hours?|days?|weeks?|years?|[kmgt]b)"
)
"""What is a unit beyond doubt, so that no digit is needed to know it for one."""

_PAIRS: Final = (
    (r"(?:feet|foot|ft|')", r"(?:inch(?:es)?|in|\"|'')?", "feet", 12),
    (r"(?:pounds?|lbs?)", r"(?:ounces?|oz)", "pounds", 16),
    (r"(?:stones?|st)", r"(?:pounds?|lbs?)?", "stone", 14),
    (r"(?:hours?|hrs?|h)", r"(?:minutes?|mins?|min|m)", "hours", 60),
    (r"(?:minutes?|mins?|min)", r"(?:seconds?|secs?|s)", "minutes", 60),
    (r"(?:met(?:er|re)s?|m)", r"(?:cm|centimet(?:er|re)s?)", "meters", 100),
)
COMPOUND: Final = "|".join(rf"(?<!\d)\d+ ?{first}(?: and)? ?{NUMBER} ?{second}" for first, second, _, _ in _PAIRS)
"""An amount in two units, one a part of the other."""


def in_one_unit(text: str) -> str:
    """The text with such amounts in the greater of the two units: "6 feet 2 inches" is "6.16666666666667 feet"."""
    for first, second, unit, parts in _PAIRS:
        while match := re.search(rf"\b(\d+) ?{first}(?: and)? ?({NUMBER}) ?{second}(?=\s|$)", text, re.IGNORECASE):
            amount = int(match[1]) + float(match[2].replace(",", "")) / parts
            text = f"{text[: match.start()]}{amount:.15g} {unit}{text[match.end() :]}"
    asked = rf"(how many {MEASURE} (?:(?:are|is) )?(?:there )?in) (?:an?|one) ({MEASURE})\b"
    return re.sub(asked, r"\1 1 \2", text, flags=re.IGNORECASE)
