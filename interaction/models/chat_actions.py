"""The language between the chat voice's brain and its shell: what has come, and what is to be done. Closed unions."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from orchestrator.completions.asking import Piece, Request
from orchestrator.completions.troubles import ModelTrouble
from orchestrator.effects import MicroTurn
from orchestrator.events import ModelEvent

__all__ = [
    "Action",
    "Ask",
    "Broke",
    "Came",
    "ClearTimer",
    "Close",
    "Due",
    "Happening",
    "SetTimer",
    "Tell",
    "Timer",
    "Turned",
]

Timer: TypeAlias = Literal["retry", "patience", "speculation", "slow"]
"""`retry`: a request is made again. `patience`: an outage has lasted long enough to be told. `speculation`: the
answer that was begun early is given up. `slow`: the server has not begun to answer."""


class Turned(msgspec.Struct, frozen=True):
    """The session hands over a micro-turn."""

    turn: MicroTurn


class Came(msgspec.Struct, frozen=True):
    """A piece of the answer to request `number`."""

    number: int
    piece: Piece


class Broke(msgspec.Struct, frozen=True):
    """Request `number` came to nothing, or broke off."""

    number: int
    trouble: ModelTrouble


class Due(msgspec.Struct, frozen=True):
    """A timer has run out."""

    timer: Timer


Happening: TypeAlias = Turned | Came | Broke | Due


class Tell(msgspec.Struct, frozen=True):
    """Tell the session something."""

    event: ModelEvent


class Ask(msgspec.Struct, frozen=True):
    """Make request `number`; what comes of it comes back under that number."""

    number: int
    request: Request


class Close(msgspec.Struct, frozen=True):
    """End request `number` and its connection now. Nothing that still comes of it counts."""

    number: int


class SetTimer(msgspec.Struct, frozen=True):
    """Say `Due(timer)` at `at_ms` of the stream's own time; it takes the place of the one before."""

    timer: Timer
    at_ms: int


class ClearTimer(msgspec.Struct, frozen=True):
    """The timer is not wanted any more."""

    timer: Timer


Action: TypeAlias = Tell | Ask | Close | SetTimer | ClearTimer
