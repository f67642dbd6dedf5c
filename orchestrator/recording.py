"""A recording read back whole: how the session began, then each event with the effects it had.

Newer recordings begin with a `session` line (`Opened`): settings, policy, and, where the session went on after a
break, how it stood. Older ones have none; then the defaults are assumed, and what the effects give away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast, get_args

import msgspec

from orchestrator import timing
from orchestrator.clock import START, Instant, from_ms
from orchestrator.config import SessionConfig
from orchestrator.effects import Delegate, Effect, StepModel
from orchestrator.errors import ConfigError, ScenarioError
from orchestrator.events import Event
from orchestrator.journal import Opened, Record
from orchestrator.timing import TimingPolicy

__all__ = ["Recording", "Step", "described", "read_recording", "rebuilt"]

_HELP: Final = "see docs/journal.md for the format, and docs/replay.md for what can be replayed"
_LISTENING_MS: Final = 5_000
_TURN: Final = re.compile(rb'\{"at_ms":\d+,"n":(\d+),')
"""The micro-turn of a line. A `model.rested` has a second `n`, of its own, which a JSON reader takes for this one."""


def _tags(union: object) -> frozenset[str]:
    return frozenset(cast(str, kind.__struct_config__.tag) for kind in get_args(union))


_EVENTS: Final = _tags(Event)
_EFFECTS: Final = _tags(Effect)
_OPENED: Final = cast(str, Opened.__struct_config__.tag)


class Step(msgspec.Struct, frozen=True):
    """One event and what it made the session do."""

    at: Instant
    n: int
    """The micro-turn after it."""
    event: Event
    effects: tuple[Effect, ...] = ()


class Recording(msgspec.Struct, frozen=True):
    """All of a recording."""

    name: str
    steps: tuple[Step, ...]
    opened: Opened | None = None
    opened_at: Instant = START
    taken_up: tuple[Record, ...] = ()
    """The hand-offs that were open when the session was taken up again."""
    unknown: tuple[str, ...] = ()
    """Types of lines that are not known here, each once; the lines are passed over."""
    torn: bool = False
    """The last line is not whole: whoever wrote it was stopped."""

    @property
    def end(self) -> Instant:
        """The instant of the last line."""
        return self.steps[-1].at

    @property
    def records(self) -> tuple[Record, ...]:
        """Its events and effects, as a journal holds them."""
        lines = [Record(step.at, step.n, item) for step in self.steps for item in (step.event, *step.effects)]
        return (*self.taken_up, *lines)

    def config(self, changed: Mapping[str, Any] | None = None) -> SessionConfig:
        """The session's settings, with `changed` in place of what was recorded. Raises `ConfigError`."""
        known = dict(self.opened.config) if self.opened is not None else self._guessed()
        unknown = sorted(set(changed or ()) - set(SessionConfig.__struct_fields__))
        if unknown:
            names = ", ".join(SessionConfig.__struct_fields__)
            raise ConfigError(f"there is no setting {unknown[0]!r}", f"there are {names}", "name one of these")
        try:
            return msgspec.convert({**known, **(changed or {})}, SessionConfig)
        except msgspec.ValidationError as problem:
            raise ConfigError("a session cannot be set so", str(problem), "correct the value") from problem

    def _guessed(self) -> dict[str, Any]:
        """What the effects give away of settings that were not written down."""
        guessed: dict[str, Any] = {}
        for step in self.steps:
            for effect in step.effects:
                if isinstance(effect, Delegate) and "id" not in guessed:
                    guessed["id"] = effect.id.rpartition("-")[0]
                if isinstance(effect, StepModel):
                    turn = effect.turn
                    idle = not (turn.heard or turn.offers or turn.notices) and turn.floor in ("nobody", "assistant")
                    if idle and turn.quiet_ms > _LISTENING_MS:
                        guessed["wants_silence"] = True
        return guessed


class _Head(msgspec.Struct):
    type: str
    at_ms: int = -1
    n: int = 0


def read_recording(lines: Iterable[bytes], name: str) -> Recording:
    """Read a recording; `name` is what messages call it.

    Lines of an unknown type are passed over and named in `unknown`; a last line that is torn is left out. Raises
    `ScenarioError`, with the line's number, for anything else that cannot be understood.
    """
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    reader = _Reader(name)
    for number, line in numbered:
        reader.take(number, line, last=number == numbered[-1][0])
    if not reader.steps:
        raise ScenarioError(f"{name} holds no event", "there is nothing to replay", _HELP)
    if not any(effects for _, _, _, effects in reader.steps):
        raise ScenarioError(
            f"{name} is no recording",
            "it holds events but nothing that a session did about them",
            f"hold the conversation with: duologue simulate {name} --json",
        )
    steps = tuple(Step(at, n, event, tuple(effects)) for at, n, event, effects in reader.steps)
    return Recording(
        name,
        steps,
        reader.opened,
        reader.opened_at,
        tuple(reader.taken_up),
        tuple(reader.unknown),
        reader.torn,
    )


class _Reader:
    """What of a recording has been read so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.steps: list[tuple[Instant, int, Event, list[Effect]]] = []
        self.opened: Opened | None = None
        self.opened_at: Instant = START
        self.taken_up: list[Record] = []
        self.unknown: dict[str, None] = {}
        self.torn: bool = False
        self._events: msgspec.json.Decoder[Event] = msgspec.json.Decoder(cast(Any, Event))
        self._effects: msgspec.json.Decoder[Effect] = msgspec.json.Decoder(cast(Any, Effect))
        self._at = Instant(0)

    def take(self, number: int, line: bytes, *, last: bool) -> None:
        where = f"{self.name}, line {number}"
        try:
            head = msgspec.json.decode(line, type=_Head)
        except msgspec.ValidationError as problem:
            raise ScenarioError(f"{where} cannot be read", str(problem), _HELP) from problem
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            if last and self.steps:
                self.torn = True
                return
            raise ScenarioError(f"{where} cannot be read", str(problem), _HELP) from problem
        if head.type not in (_EVENTS | _EFFECTS) and head.type != _OPENED:
            if not head.type.startswith("given."):
                self.unknown[head.type] = None
            return
        if head.at_ms < 0:
            raise ScenarioError(f"{where} has no time", "it needs at_ms: whole milliseconds, 0 or more", _HELP)
        at = from_ms(head.at_ms)
        turn = _TURN.match(line)
        n = int(turn.group(1)) if turn is not None else head.n
        if at < self._at:
            raise ScenarioError(f"{where} goes back in time", "at_ms is less than in the line before", _HELP)
        self._at = at
        try:
            self._keep(head.type, at, n, line)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            raise ScenarioError(f"{where} is not a good {head.type}", str(problem), _HELP) from problem

    def _keep(self, kind: str, at: Instant, n: int, line: bytes) -> None:
        if kind == _OPENED:
            if self.steps or self.opened is not None:
                raise ScenarioError(
                    f"{self.name} holds more than one session", "a recording is one conversation", "cut it in two"
                )
            self.opened, self.opened_at = msgspec.json.decode(line, type=Opened), at
        elif kind in _EVENTS:
            self.steps.append((at, n, self._events.decode(line), []))
        elif self.steps:
            self.steps[-1][3].append(self._effects.decode(line))
        else:
            self.taken_up.append(Record(at, n, self._effects.decode(line)))


def described(policy: TimingPolicy) -> Any:
    """A policy as it stands in a recording: all of it where it is one of Duologue's own, else what it is called."""
    if _ours(policy):
        return msgspec.to_builtins(policy)
    return f"{type(policy).__module__}:{type(policy).__qualname__}"


def _ours(value: object) -> bool:
    if isinstance(value, tuple | list):
        return all(_ours(item) for item in cast("tuple[object, ...]", value))
    if isinstance(value, msgspec.Struct):
        known = getattr(timing, type(value).__name__, None) is type(value)
        return known and all(_ours(getattr(value, field)) for field in value.__struct_fields__)
    return value is None or isinstance(value, str | int | float | bool)


def rebuilt(described: Any) -> TimingPolicy | None:
    """The policy that a recording describes; `None` where it is not one of Duologue's own, or of another version."""
    try:
        policy = _rebuilt(described)
    except (TypeError, AttributeError, KeyError):
        return None
    return cast("TimingPolicy | None", policy) if hasattr(policy, "decide") else None


def _rebuilt(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_rebuilt(item) for item in cast("Sequence[Any]", value))
    if isinstance(value, dict):
        fields = dict(cast("dict[str, Any]", value))
        name = fields.pop("type")
        if name not in timing.__all__:
            raise KeyError(name)
        return getattr(timing, name)(**{field: _rebuilt(item) for field, item in fields.items()})
    return value
