"""TimeSpeak: say the right thing at a time the person named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from orchestrator.bench.tasks.case import Case, finished
from orchestrator.bench.tasks.dice import Dice
from orchestrator.bench.tasks.person import By, Script
from orchestrator.bench.tasks.record import Span
from orchestrator.bench.tasks.scores.answers import Expected
from orchestrator.bench.tasks.scores.counting import NUMBER_WORDS

__all__ = ["times"]

_EARLY_MS: Final = 500
_LATE_MS: Final = 1_500
_THINGS: Final = ("stretch", "breathe", "drink", "look up", "sit straight")
_TALK: Final = (
    "By the way I was at the market this morning and the tomatoes were already sold out by nine, so I took some"
    " peppers and a bag of onions and went home again because it began to rain"
)


def times(dice: Dice) -> Iterator[Case]:
    """One case of each form."""
    yield _once(dice, "keys")
    yield _once(dice, "speech")
    yield _again(dice)
    yield _while_talking(dice)
    yield _elapsed(dice)


def _window(due_ms: int) -> Span:
    return Span(due_ms - _EARLY_MS, due_ms + _LATE_MS)


def _once(dice: Dice, by: By) -> Case:
    thing, seconds = dice.one_of(_THINGS), dice.between(3, 12)
    script = Script(dice, by)
    asked = dice.one_of((f"Remind me in {seconds} seconds to {thing}.", f"In {seconds} seconds, tell me to {thing}."))
    end = script.says(asked).end_ms
    script.waits(seconds * 1_000 + 4_000)
    due = end + seconds * 1_000
    return finished(script, "once", Expected((thing,), _window(due), due, end))


def _again(dice: Dice) -> Case:
    """Every few seconds until told to stop; the one that counts is the third or the fourth."""
    thing, seconds, which = dice.one_of(_THINGS), dice.between(3, 6), dice.between(3, 4)
    script = Script(dice, "speech")
    end = script.says(f"Every {seconds} seconds, tell me to {thing}.").end_ms
    script.waits(which * seconds * 1_000 + 3_500)
    due = end + which * seconds * 1_000
    return finished(script, "every", Expected((thing,), _window(due), due, end, requested=which))


def _while_talking(dice: Dice) -> Case:
    """The time comes while the person talks about something else."""
    thing, seconds = dice.one_of(_THINGS), dice.between(5, 8)
    script = Script(dice, "speech")
    end = script.says(f"Remind me in {seconds} seconds to {thing}.").end_ms
    script.waits(1_800)
    script.says(_TALK)
    script.waits(4_000)
    due = end + seconds * 1_000
    return finished(script, "while talking", Expected((thing,), _window(due), due, end))


def _elapsed(dice: Dice) -> Case:
    """How long did it take?"""
    script = Script(dice, "speech")
    begun = script.says("I start running now, please take the time.").end_ms
    script.waits(5_000, 14_000)
    stretch = script.says("Done. How many seconds did it take me?")
    script.waits(5_000)
    seconds = round((script.word_end(stretch, 0) - begun) / 1_000)
    answers = tuple(str(number) for number in range(seconds - 1, seconds + 2))
    window = Span(stretch.end_ms, stretch.end_ms + 3_000)
    truth = Expected((*answers, *_in_words(seconds)), window, stretch.end_ms, stretch.start_ms)
    return finished(script, "elapsed", truth)


def _in_words(seconds: int) -> tuple[str, ...]:
    return tuple(NUMBER_WORDS[number] for number in range(seconds - 1, seconds + 2))
