"""Charades: say when something starts, and when it stops."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from orchestrator.bench.tasks.case import Case, finished
from orchestrator.bench.tasks.dice import Dice
from orchestrator.bench.tasks.person import Script
from orchestrator.bench.tasks.record import Span
from orchestrator.bench.tasks.scores.localisation import Action

__all__ = ["actions"]

_FRAME_MS: Final = 500
_SEEN: Final = (
    ("pour tea", "the man pours tea into a cup", "the man stands at the table"),
    ("sweep the floor", "the woman sweeps the floor with a broom", "the woman looks out of the window"),
    ("read the paper", "the boy reads the paper", "the boy sits on the sofa"),
)
_SAID: Final = (("open", "closed"), ("red", "blue"), ("inside", "outside"))


def actions(dice: Dice) -> Iterator[Case]:
    """One case heard, one seen, of 3 to 9 s."""
    yield _heard(dice)
    yield _seen(dice)


def _heard(dice: Dice) -> Case:
    first, last = dice.one_of(_SAID)
    script = Script(dice, "speech")
    script.says(f"When I say {first}, say start.")
    script.waits(2_500)
    script.says(f"When I say {last}, say stop.")
    script.waits(3_500)
    begin = script.at_ms
    start = script.says(f"now it is {first}", enter=False).end_ms
    script.waits(3_000, 9_000)
    stop = script.says(f"now it is {last}", enter=False).end_ms
    script.waits(4_000)
    return finished(script, "heard", Action(begin, Span(start, stop)))


def _seen(dice: Dice) -> Case:
    action, during, around = dice.one_of(_SEEN)
    script = Script(dice, "speech")
    script.says(f"Say start when they begin to {action}, and say stop when they end.")
    script.waits(3_500)
    begin = script.at_ms
    _film(script, around, dice.between(2, 6))
    start = script.at_ms
    _film(script, during, dice.between(6, 18))
    stop = script.at_ms
    _film(script, around, 8)
    return finished(script, "seen", Action(begin, Span(start, stop)))


def _film(script: Script, caption: str, frames: int) -> None:
    for _ in range(frames):
        script.shows(caption)
        script.waits(_FRAME_MS)
