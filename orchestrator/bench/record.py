"""The benchmark's journal: what could be seen and heard from outside, one JSON object a line.

Any system can write it; nothing in it is Duologue's. `at_ms` is whole milliseconds since the run began, and the lines
stand in the order of time. Who plays the person and the background writes the `person.*`, `fact.*` and `request.*`
lines (they are the ground truth); the system under test, or whoever listens to it, writes what was said.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, cast, get_args

import msgspec

from orchestrator.errors import ScenarioError

__all__ = [
    "Card",
    "End",
    "FactReady",
    "FactStale",
    "Line",
    "PersonAway",
    "PersonBack",
    "PersonBackchannel",
    "PersonBegins",
    "PersonEnds",
    "PersonKey",
    "RequestAsked",
    "RequestWithdrawn",
    "Run",
    "SpeechBegins",
    "SpeechCut",
    "SpeechEnds",
    "SpeechPiece",
    "encode_line",
    "read_journal",
]


class _Line(msgspec.Struct, frozen=True, tag_field="type"):
    at_ms: int


class Run(_Line, frozen=True, tag="run"):
    """The first line: which scenario this is, and which system was under test."""

    scenario: str
    family: str
    seed: int
    system: str


class PersonBegins(_Line, frozen=True, tag="person.begins"):
    """The person begins a turn: from here to its `person.ends` it is theirs, pauses in mid-sentence included."""

    turn: str
    how: Literal["types", "speaks", "aside"] = "types"
    """`aside`: they speak to somebody else."""


class PersonKey(_Line, frozen=True, tag="person.key"):
    """A key, or a piece of speech that sounds for `ms` from `at_ms` on."""

    turn: str
    text: str = ""
    ms: int = 0


class PersonEnds(_Line, frozen=True, tag="person.ends"):
    """The person has finished. `expects`: they now wait for an answer."""

    turn: str
    expects: bool = False


class PersonBackchannel(_Line, frozen=True, tag="person.backchannel"):
    """A listener's "mm-hm", which wants nothing and must not stop anybody."""

    ms: int = 300


class PersonAway(_Line, frozen=True, tag="person.away"):
    """The person goes away."""


class PersonBack(_Line, frozen=True, tag="person.back"):
    """The person is back."""


class SpeechBegins(_Line, frozen=True, tag="speech.begins"):
    """The assistant begins an utterance."""

    utterance: str


class SpeechPiece(_Line, frozen=True, tag="speech.piece"):
    """A piece of an utterance, heard from `at_ms` for `ms`. Pieces of one utterance join without anything between."""

    utterance: str
    text: str
    ms: int
    about: tuple[str, ...] = ()
    """The facts that this piece is a part of telling."""
    tells: tuple[str, ...] = ()
    """The facts that are told whole with the end of this piece."""
    closes: tuple[str, ...] = ()
    """The requests that have their result, or an honest failure, with the end of this piece."""
    replies: tuple[str, ...] = ()
    """The turns of the person that this piece begins to answer."""


class SpeechEnds(_Line, frozen=True, tag="speech.ends"):
    """The utterance is whole."""

    utterance: str


class SpeechCut(_Line, frozen=True, tag="speech.cut"):
    """The utterance is broken off: nothing of it is heard any more."""

    utterance: str


class Card(_Line, frozen=True, tag="card"):
    """Something is shown and not spoken."""

    text: str
    tells: tuple[str, ...] = ()
    closes: tuple[str, ...] = ()


class FactReady(_Line, frozen=True, tag="fact.ready"):
    """A fact has reached the system and could be told. `must`: a run that never tells it has lost it."""

    fact: str
    request: str = ""
    must: bool = True
    urgency: Literal["low", "normal", "high", "critical"] = "normal"
    """`critical`: may be spoken over the person."""


class FactStale(_Line, frozen=True, tag="fact.stale"):
    """From here on the fact is not true any more, or not wanted: to tell it is wrong."""

    fact: str
    why: Literal["superseded", "expired"] = "superseded"


class RequestAsked(_Line, frozen=True, tag="request.asked"):
    """The person has asked for something that has to be worked on."""

    request: str


class RequestWithdrawn(_Line, frozen=True, tag="request.withdrawn"):
    """The person does not want it any more."""

    request: str


class End(_Line, frozen=True, tag="end"):
    """The last line: nothing was watched after it."""


Line = (
    Run
    | PersonBegins
    | PersonKey
    | PersonEnds
    | PersonBackchannel
    | PersonAway
    | PersonBack
    | SpeechBegins
    | SpeechPiece
    | SpeechEnds
    | SpeechCut
    | Card
    | FactReady
    | FactStale
    | RequestAsked
    | RequestWithdrawn
    | End
)

_TAGS: Final = frozenset(str(kind.__struct_config__.tag) for kind in cast("tuple[type[_Line], ...]", get_args(Line)))
_DECODER: Final[msgspec.json.Decoder[Line]] = msgspec.json.Decoder(Line)
_ENCODER: Final = msgspec.json.Encoder()
_HELP: Final = "see docs/benchmark.md for the format"


class _Head(msgspec.Struct):
    type: str


def encode_line(line: Line) -> bytes:
    """One line of a journal, without the line end."""
    return _ENCODER.encode(line)


def read_journal(lines: Iterable[bytes], name: str) -> tuple[Line, ...]:
    """Read one journal; `name` is what messages call it. Blank lines and unknown types are passed over.

    Raises `ScenarioError`, with the line's number, for what is not JSON, lacks a field or goes back in time, and where
    the first line is no `run` or the last no `end`.
    """
    found: list[Line] = []
    for number, raw in enumerate(lines, 1):
        if not raw.strip():
            continue
        where = f"{name}, line {number}"
        try:
            if msgspec.json.decode(raw, type=_Head).type not in _TAGS:
                continue
            line = _DECODER.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ScenarioError(f"{where} cannot be read", str(error), _HELP) from error
        if found and line.at_ms < found[-1].at_ms:
            raise ScenarioError(f"{where} goes back in time", "at_ms is less than in the line before", _HELP)
        found.append(line)
    if not found or not isinstance(found[0], Run) or not isinstance(found[-1], End):
        raise ScenarioError(f"{name} is not whole", "it begins with a run line and ends with an end line", _HELP)
    return tuple(found)
