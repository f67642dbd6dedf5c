"""The journal: everything that happened, one JSON object a line, and the same format as scenarios and the wire.

A line is `{"at_ms": ..., "n": ..., "type": ..., ...}`: whole milliseconds since the session began, the micro-turn, the
tag, then the fields of the event or effect. Ticks that changed nothing are not written: they follow from the grid. A
recording can be replayed: `JournalReader` gives the events back, and a session fed with them makes the same effects
again. A recording begins with how the session began (`Opened`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Final, cast

import msgspec

from orchestrator.clock import Instant, from_ms, to_ms
from orchestrator.effects import Effect
from orchestrator.errors import ScenarioError
from orchestrator.events import Event, TickDue
from orchestrator.state import Snapshot

__all__ = ["JournalReader", "Opened", "Record", "Recorder", "encode_opened", "encode_record", "worth_writing"]

_EVENT_TAGS: Final = frozenset(
    cast(str, kind.__struct_config__.tag) for kind in cast("tuple[type[msgspec.Struct], ...]", Event.__args__)
)
_ENCODER: Final = msgspec.json.Encoder()


class Record(msgspec.Struct, frozen=True):
    """One thing that happened: the instant, the micro-turn, the event or effect."""

    at: Instant
    n: int
    item: Event | Effect


class Opened(msgspec.Struct, frozen=True, tag_field="type", tag="session", omit_defaults=True):
    """How a session began: the first line of a recording. Neither event nor effect; readers may pass it over."""

    config: dict[str, Any]
    """Every setting, also where it is the default: another version may have another."""
    version: str = ""
    """Of Duologue."""
    policy: Any = None
    """The timing policy: its fields, or its name where it is not one of Duologue's own."""
    snapshot: Snapshot | None = None
    """How the session stood when it was left, where this is one that was taken up again at this instant."""


def encode_opened(at: Instant, n: int, opened: Opened) -> bytes:
    """The first line of a recording, without the line end."""
    return f'{{"at_ms":{to_ms(at)},"n":{n},'.encode() + _ENCODER.encode(opened)[1:]


def encode_record(at: Instant, n: int, item: Event | Effect) -> bytes:
    """One journal line, without the line end."""
    head = f'{{"at_ms":{to_ms(at)},"n":{n},'.encode()
    return head + _ENCODER.encode(item)[1:]


class Recorder:
    """Keeps the last `limit` records in memory (0: all). A `Journal` for tests, and for whoever looks back."""

    def __init__(self, *, limit: int = 0) -> None:
        self.records: deque[Record] = deque(maxlen=limit or None)

    def record(self, at: Instant, n: int, item: Event | Effect) -> None:
        """Keep one record."""
        self.records.append(Record(at, n, item))

    def lines(self) -> Iterator[bytes]:
        """The records as journal lines."""
        for record in self.records:
            yield encode_record(record.at, record.n, record.item)


class JournalReader:
    """Reads events from journal or scenario lines. What it does not know is skipped and counted (`skipped`)."""

    def __init__(self) -> None:
        self._decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(cast(Any, Event))
        self.skipped: int = 0
        self.problems: list[str] = []

    def events(self, lines: Iterable[bytes]) -> Iterator[tuple[Instant, Event]]:
        """The events with their instants, in the order of the file. Effects are passed over; they are made again."""
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            found = self._event(number, line)
            if found is not None:
                yield found

    def _event(self, number: int, line: bytes) -> tuple[Instant, Event] | None:
        try:
            head = msgspec.json.decode(line, type=_Head)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._skip(number, f"not a line with at_ms and type ({error})")
            return None
        if head.type not in _EVENT_TAGS:
            return None
        try:
            return from_ms(head.at_ms), self._decoder.decode(line)
        except msgspec.DecodeError as error:
            self._skip(number, f"{head.type}: {error}")
            return None

    def _skip(self, number: int, why: str) -> None:
        self.skipped += 1
        if len(self.problems) < 20:
            self.problems.append(f"line {number}: {why}")

    def strictly(self, lines: Iterable[bytes], name: str) -> list[tuple[Instant, Event]]:
        """All events; raises `ScenarioError` if any line could not be understood."""
        found = list(self.events(lines))
        if self.problems:
            raise ScenarioError(f"{name} cannot be read", self.problems[0], "see docs/journal.md for the format")
        return found


class _Head(msgspec.Struct):
    at_ms: int
    type: str


def worth_writing(item: Event | Effect, effects: int, *, late: bool = False) -> bool:
    """Whether an event belongs in the journal: every one but a tick that changed nothing and came when it was due."""
    return effects > 0 or late or not isinstance(item, TickDue)
