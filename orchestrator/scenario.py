"""A scenario: a conversation as a file, with the tools and, if wanted, the voice that it is to be held with.

NDJSON, the journal's own format (docs/journal.md). Before the first event stand any number of `given.tool` lines, each
a tool with a fixed behaviour, and `given.model` lines, each a rule for the voice in place of the reflex rules. A
journal is a scenario too: the person's events in it count, everything else is made anew and passed over.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast, get_args

import msgspec

from orchestrator.clock import Instant, from_ms
from orchestrator.effects import Effect
from orchestrator.errors import ScenarioError
from orchestrator.events import (
    Event,
    UserActivity,
    UserAudio,
    UserEvent,
    UserFinished,
    UserFrame,
    UserHeard,
    UserLeft,
    UserText,
)
from orchestrator.journal import Opened

__all__ = ["GivenDelegation", "GivenModel", "GivenStep", "GivenTool", "Scenario", "read_scenario"]

_HELP: Final = "see docs/journal.md for the format; every line is one JSON object with at_ms and type"
_LONGEST_LINE: Final = 4_000_000


class GivenStep(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=False):
    """What a given tool does `after_ms` milliseconds after it was called: exactly one of the three."""

    after_ms: int = 0
    progress: str | None = None
    result: str | None = None
    error: str | None = None


class GivenTool(msgspec.Struct, frozen=True, tag_field="type", tag="given.tool"):
    """A tool with a fixed behaviour. The last step is a `result` or an `error`."""

    name: str
    description: str = ""
    steps: tuple[GivenStep, ...] = ()


class GivenDelegation(msgspec.Struct, frozen=True):
    """What a given voice hands over; without `task`, the person's own words."""

    tool: str = ""
    task: str = ""


class GivenModel(msgspec.Struct, frozen=True, tag_field="type", tag="given.model"):
    """A rule of the voice: `when` (a regular expression, case ignored) is found in what the person said."""

    when: str
    say: str = ""
    delegate: GivenDelegation | None = None


_UserLine = UserText | UserAudio | UserFrame | UserActivity | UserHeard | UserFinished | UserLeft
_KNOWN: Final[dict[str, type[msgspec.Struct]]] = {
    "given.tool": GivenTool,
    "given.model": GivenModel,
    "user.text": UserText,
    "user.audio": UserAudio,
    "user.frame": UserFrame,
    "user.activity": UserActivity,
    "user.heard": UserHeard,
    "user.finished": UserFinished,
    "user.left": UserLeft,
}


_MADE_ANEW: Final = frozenset(
    str(item.__struct_config__.tag)
    for item in cast("tuple[type[msgspec.Struct], ...]", (*get_args(Event), *get_args(Effect), Opened))
)
"""Lines of a journal that are no input; the session makes them again."""


class Scenario(msgspec.Struct, frozen=True):
    """What is given, and what the person does when (in the order of time)."""

    tools: tuple[GivenTool, ...] = ()
    rules: tuple[GivenModel, ...] = ()
    events: tuple[tuple[Instant, UserEvent], ...] = ()
    skipped: tuple[str, ...] = ()
    """The tags that were passed over because they are not known here, each once."""


class _Head(msgspec.Struct):
    type: str
    at_ms: int | None = None


def read_scenario(lines: Iterable[bytes], name: str) -> Scenario:
    """Read a scenario; `name` is what messages call it.

    Unknown tags are passed over and reported in `skipped`. Raises `ScenarioError`, with the line's number, for what is
    not JSON, lacks a field, goes back in time, or gives something after the first event.
    """
    tools, rules = list[GivenTool](), list[GivenModel]()
    events = list[tuple[Instant, UserEvent]]()
    skipped: dict[str, None] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        head = _head(line, where)
        kind = _KNOWN.get(head.type)
        if kind is None:
            if head.type not in _MADE_ANEW:
                skipped[head.type] = None
            continue
        try:
            item = msgspec.json.decode(line, type=kind)
        except msgspec.ValidationError as error:
            raise ScenarioError(f"{where} is not a good {head.type}", str(error), _HELP) from error
        if isinstance(item, GivenTool | GivenModel):
            if events:
                raise ScenarioError(f"{where} comes too late", "what is given stands before the first event", _HELP)
            tools.append(_checked(item, where, tools)) if isinstance(item, GivenTool) else rules.append(item)
        elif isinstance(item, _UserLine):
            events.append((_instant(head, events, where), item))
    return Scenario(tuple(tools), tuple(rules), tuple(events), tuple(skipped))


def _head(line: bytes, where: str) -> _Head:
    if len(line) > _LONGEST_LINE:
        raise ScenarioError(f"{where} is too long", f"it has {len(line)} bytes; {_LONGEST_LINE} are allowed", _HELP)
    try:
        return msgspec.json.decode(line, type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{where} cannot be read", str(error), _HELP) from error


def _instant(head: _Head, events: list[tuple[Instant, UserEvent]], where: str) -> Instant:
    if head.at_ms is None or head.at_ms < 0:
        raise ScenarioError(f"{where} has no time", "an event needs at_ms: whole milliseconds, 0 or more", _HELP)
    at = from_ms(head.at_ms)
    if events and at < events[-1][0]:
        raise ScenarioError(f"{where} goes back in time", "at_ms is less than in the line before", _HELP)
    return at


def _checked(tool: GivenTool, where: str, others: list[GivenTool]) -> GivenTool:
    if any(other.name == tool.name for other in others):
        raise ScenarioError(f"{where} gives a second tool {tool.name!r}", "a name stands for one tool", _HELP)
    for step in tool.steps:
        if sum(part is not None for part in (step.progress, step.result, step.error)) != 1:
            raise ScenarioError(f"{where} has a bad step", "a step has one of progress, result and error", _HELP)
    ends = [step.result is not None or step.error is not None for step in tool.steps]
    if not ends or not ends[-1] or any(ends[:-1]):
        raise ScenarioError(f"{where} does not end", "the last step, and only that, is a result or an error", _HELP)
    return tool
