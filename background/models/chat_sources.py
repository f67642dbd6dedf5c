"""Sources: numbered where the model reads them, taken out of what is said, and carried to the final finding."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from orchestrator.finding import Source

__all__ = ["Sources", "without_marks"]

MOST: Final = 10
"""Sources that go along with an answer."""

_MARK: Final = re.compile(r"[ \t]*(?:\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\](?:\([^)\s]*\))?|【(\d{1,3})[^】]*】)")
_LEAST_NAME: Final = 6
"""A shorter title is found in too many texts by chance."""


def without_marks(text: str) -> str:
    """`text` as it is said: without the numbers of its sources.

    >>> without_marks("It opens at nine [1]. On Mondays it does not [2, 3].")
    'It opens at nine. On Mondays it does not.'
    """
    return _MARK.sub("", text)


class Sources:
    """All the sources that the tools of one task have named, each once."""

    def __init__(self) -> None:
        self._numbers: dict[Source, int] = {}

    def listed(self, sources: Sequence[Source]) -> str:
        """These as the model reads them, a line each, with the numbers by which it cites them."""
        for source in sources:
            self._numbers.setdefault(source, len(self._numbers) + 1)
        lines = (
            f"[{self._numbers[source]}] {source.title} {source.place}".rstrip() for source in dict.fromkeys(sources)
        )
        return "\n".join(lines)

    def used_in(self, text: str) -> tuple[Source, ...]:
        """Those that an answer cites by number, title or place, in the order of their numbers' first mention; where it
        cites none, the first of all."""
        by_number = {number: source for source, number in self._numbers.items()}
        cited: dict[Source, None] = {}
        for match in _MARK.finditer(text):
            for number in re.findall(r"\d+", match.group(1) or match.group(2)):
                if int(number) in by_number:
                    cited[by_number[int(number)]] = None
        lowered = text.casefold()
        for source in self._numbers:
            names = (source.title.strip().casefold(), source.place.strip().casefold())
            if any(len(name) >= _LEAST_NAME and name in lowered for name in names):
                cited[source] = None
        return tuple(cited or self._numbers)[:MOST]
