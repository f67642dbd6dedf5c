"""What the tests of the core share: a session, and questions to ask of its journal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from orchestrator.clock import to_ms
from orchestrator.config import SessionConfig
from orchestrator.effects import Emit, LedgerChanged
from orchestrator.events import Event, UserText
from orchestrator.finding import Finding
from orchestrator.journal import Record
from orchestrator.session import Session
from orchestrator.timing import TimingPolicy, default_policy

T = TypeVar("T")


def a_session(timing: TimingPolicy | None = None, **config: Any) -> Session:
    """A session with the default policy and no pacing, unless the test is about either."""
    config.setdefault("pace", None)
    return Session(SessionConfig(**config), timing=timing or default_policy())


def types(text: str, at_ms: int, *, every_ms: int = 100, enter: bool = True) -> list[tuple[int, Event]]:
    """The person types `text` key by key from `at_ms` on, and then Enter."""
    keys: list[tuple[int, Event]] = [(at_ms + i * every_ms, UserText(key)) for i, key in enumerate(text)]
    if enter:
        keys.append((at_ms + len(text) * every_ms, UserText("", final=True)))
    return keys


def found(text: str, delegation: str = "s-1", seq: int = 1, **fields: Any) -> Finding:
    """A finding as it comes from the bus, based on all that was said."""
    values: dict[str, Any] = {"context_revision": 10_000, **fields}
    return Finding(text, delegation=delegation, seq=seq, **values)


def only(kind: type[T], records: Iterable[Record]) -> list[tuple[int, T]]:
    """(milliseconds, item) for each record of a kind."""
    return [(to_ms(record.at), record.item) for record in records if isinstance(record.item, kind)]


def said(records: Iterable[Record]) -> str:
    """All that was emitted as speech, joined."""
    return "".join(part.text for _, part in only(Emit, records) if part.style == "speech")


def states(records: Iterable[Record], finding: str) -> list[str]:
    """The states that a finding (or a delegation) went through."""
    return [
        change.state for _, change in only(LedgerChanged, records) if finding in (change.finding, change.delegation)
    ]
