"""Counting aloud, as it goes on: what the person says, and what the camera sees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from orchestrator.bench.tasks.case import Case, finished
from orchestrator.bench.tasks.dice import Dice
from orchestrator.bench.tasks.person import Script
from orchestrator.bench.tasks.scores.counting import Repetitions

__all__ = ["repetitions"]

_SAID: Final = ("up", "push", "jump", "lift")
_SEEN: Final = (
    ("push-ups", "the person is up, arms stretched", "the person is down, chest near the floor"),
    ("squats", "the person stands upright", "the person is down in a squat"),
    ("jumping jacks", "the person stands, arms down", "the person jumps, arms up"),
)


def repetitions(dice: Dice) -> Iterator[Case]:
    """One case heard, one seen, of 5 to 12 repetitions."""
    yield _heard(dice)
    yield _seen(dice)


def _heard(dice: Dice) -> Case:
    word, count = dice.one_of(_SAID), dice.between(5, 12)
    script = Script(dice, "speech")
    script.says(f"Each time I say {word}, count out loud.")
    script.waits(3_500)
    done: list[int] = []
    for _ in range(count):
        done.append(script.says(f"and {word}", enter=False).end_ms)
        script.waits(500, 1_400)
    script.waits(3_000)
    return finished(script, "heard", Repetitions(tuple(done)))


def _seen(dice: Dice) -> Case:
    (what, rest, effort), count = dice.one_of(_SEEN), dice.between(5, 12)
    script = Script(dice, "speech")
    script.says(f"Count out loud the {what} that you see.")
    script.waits(3_500)
    done: list[int] = []
    script.shows(rest)
    for _ in range(count):
        script.waits(400, 900)
        script.shows(effort)
        script.waits(400, 900)
        done.append(script.shows(rest))
    script.waits(3_000)
    return finished(script, "seen", Repetitions(tuple(done)))
