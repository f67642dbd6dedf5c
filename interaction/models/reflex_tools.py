"""Which of the tools at hand a request is for: by the words in its name, its description and its parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from interaction.models.reflex_words import all_of, content, stem
from orchestrator.ports import ToolInfo

__all__ = ["Fit", "Toolset", "pool_for", "shared_groups"]

_GROUPS: Final[dict[str, str]] = {
    "search": "find search research searching look lookup locate grep seek google",
    "file": "file files folder folders directory document documents doc docs path readme notes ledger journal",
    "calc": "calculate compute calculator calculation math maths arithmetic sum plus minus divide divided multiply"
    " multiplied percent add subtract evaluate expression",
    "convert": "convert conversion converter unit units km kilometer kilometre kilometers kilometres mile miles meters"
    " metres feet foot inch inches pound pounds kg kilogram kilograms gram grams celsius fahrenheit kelvin liter liters"
    " litre litres gallon gallons ounce ounces",
    "time": "time clock date day today tomorrow yesterday oclock weekday timezone",
    "weather": "weather forecast rain raining temperature sunny snow",
    "read": "read open show display print contents",
    "list": "list ls enumerate",
    "web": "web internet online website wikipedia encyclopedia news",
    "book": "book booking reserve reservation order buy ticket tickets",
}
_CONCEPTS: Final = {stem(word): group for group, words in _GROUPS.items() for word in words.split()}
_DULL: Final = frozenset(
    stem(word)
    for word in all_of(
        "tool get give return returns value result results given use used using run do data information info"
        " text string number name user thing things every each one two first next last new way kind line lines"
        " find"
    )
)
"""Words of a description that tell nothing of what the tool is for."""
_SUM: Final = re.compile(
    r"\d\s*(?:[-+*/^x\u00d7\u00f7]|%|plus|minus|times|divided by|percent of)\s*\(?-?\d|square root|\d\s?% of|"
    r"\d\s?(?:%|percent) (?:tip|off|discount|tax|vat)\b|\b(?:half|third|quarter|average|remainder|log|factorial) of \d|"
    r"\d (?:mod|factorial)\b"
)
_CALENDAR: Final = re.compile(
    r"leap year|\b(?:what|which|calendar) week\b|\bweek number\b|\bold\b.{0,80}\bborn\b|\btime difference\b|"
    r"\b(?:first|second|third|fourth|last) (?:\w+day|day) (?:of|in) \w|^in \d+ (?:minute|hour)s?$|"
    r"\b\d+ (?:minute|hour)s? (?:ago|from now|(?:after|before) \d)|"
    r"\b(?:when|what|which|how)\b.{0,80}\b(?:easter|good friday|pentecost|christmas|thanksgiving|advent|new year)|"
    r"(?:\d ?[ap]m|\d:\d\d)(?: in)? [a-z].{0,80}\b(?:in|as|to) [a-z]|"
    r"\btime\b.{0,80}\bwhen it(?:'s| is) \d|\bwhen it(?:'s| is) \d.{0,80}\btime\b"
)
"""Questions for a clock or a calendar whose words alone do not tell."""
_PATH: Final = re.compile(
    r"\b[\w-]{1,60}\.(?:md|py|txt|toml|json|yaml|yml|csv|rst|cfg|ini|js|ts|html|log)\b|\b\w{1,60}/\w"
)
_ADDRESS: Final = re.compile(r"\bhttps?://\S|\bwww\.\w", re.IGNORECASE)
_NAME_PART: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_FITS: Final = 3


class Fit(msgspec.Struct, frozen=True):
    """How well a request fits the tools: the best score, and the tool where it is clearly one."""

    score: int = 0
    tool: str = ""

    @property
    def fits(self) -> bool:
        """Whether there is a tool for it at all."""
        return self.score >= _FITS


class _Profile(msgspec.Struct, frozen=True):
    name: str
    named: frozenset[str]
    groups: frozenset[str]
    told: frozenset[str]
    told_groups: frozenset[str]


class Toolset:
    """The tools that the background has, as far as the voice can tell them apart."""

    def __init__(self, tools: Iterable[ToolInfo]) -> None:
        self.tools: tuple[ToolInfo, ...] = tuple(tools)
        self._profiles = tuple(_profile(tool) for tool in self.tools)
        everything = [profile.groups | profile.told_groups for profile in self._profiles]
        # "Find the next trains" is no search for just anything; "search the files" is.
        self.searches: bool = any("search" in profile.groups for profile in self._profiles) or any(
            "search" in groups and ("file" in groups or "web" in groups) for groups in everything
        )
        self.knows_the_world: bool = any("web" in groups for groups in everything)

    def fit(self, request: str) -> Fit:
        """How well `request` fits, and which tool is meant."""
        if _ADDRESS.search(request):
            openers = [tool.name for tool in self.tools if _takes_address(tool)]
            if len(openers) == 1:
                return Fit(2 * _FITS, openers[0])
        words = frozenset(content(request))
        groups = _groups(request)
        if _PATH.search(request):
            groups.add("file")
        scores = sorted(
            ((_score(profile, words, groups, request), profile.name) for profile in self._profiles), reverse=True
        )
        if not scores:
            return Fit()
        best, name = scores[0]
        second = scores[1][0] if len(scores) > 1 else 0
        return Fit(best, name if best >= _FITS and best >= second + 2 else "")

    def told(self) -> str:
        """The tools in a few words, for the person: their names, said as words."""
        names = [tool.name.replace("_", " ").replace("-", " ") for tool in self.tools]
        if len(names) > 8:
            names = [*names[:7], f"{len(names) - 7} more"]
        return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def pool_for(request: str, pools: tuple[str, ...], tool: str = "") -> str:
    """The worker pool whose name the request is about; else none: the session knows which pool has which tool."""
    if not pools:
        return ""
    profiles = [_profile(ToolInfo(pool, "")) for pool in pools]
    words = frozenset(content(f"{request} {tool.replace('_', ' ')}"))
    groups = _groups(request)
    scores = [_score(profile, words, groups, request) for profile in profiles]
    if max(scores) > 0:
        return pools[scores.index(max(scores))]
    return ""


def _takes_address(tool: ToolInfo) -> bool:
    """Whether the tool wants the address of a page."""
    return any(name in ("url", "uri", "link") for name in tool.schema.get("properties", ()))


def _profile(tool: ToolInfo) -> _Profile:
    named = [part.lower() for part in _NAME_PART.findall(tool.name)]
    properties: Any = tool.schema.get("properties")
    parameters: list[str] = list(properties) if hasattr(properties, "keys") else []
    told = [
        *content(tool.description[:600]),
        *(stem(part.lower()) for name in parameters for part in _NAME_PART.findall(name)),
    ]
    stems = frozenset(stem(part) for part in named)
    telling = frozenset(told) - _DULL
    return _Profile(
        tool.name,
        stems,
        frozenset(_CONCEPTS[word] for word in stems if word in _CONCEPTS),
        telling,
        frozenset(_CONCEPTS[word] for word in told if word in _CONCEPTS),
    )


def _score(profile: _Profile, words: frozenset[str], groups: set[str], request: str) -> int:
    score = 3 * len(words & profile.named) + len(words & profile.told)
    score += 2 * len(groups & profile.groups) + len(groups & (profile.told_groups - profile.groups))
    # A sum is told by its signs, whatever the tool that does sums is called.
    if "calc" in groups and _SUM.search(request.lower()) and "calc" in profile.groups | profile.told_groups:
        score += 2
    if "time" in groups and _CALENDAR.search(request.lower().strip(" ?.!")) and "time" in profile.groups:
        score += 2
    return score


def shared_groups(one: str, other: str) -> int:
    """How many kinds of work ("search", "calc", ...) two texts have in common."""
    return len(_groups(one) & _groups(other))


def _groups(text: str) -> set[str]:
    found = {_CONCEPTS[word] for word in content(text) if word in _CONCEPTS}
    if _SUM.search(text.lower()):
        found.add("calc")
    if _CALENDAR.search(text.lower().strip(" ?.!")):
        found.add("time")
    return found
