"""CueSpeak: say the right thing at a cue, while the person still talks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from orchestrator.bench.tasks.case import Case, finished
from orchestrator.bench.tasks.dice import Dice
from orchestrator.bench.tasks.person import By, Script
from orchestrator.bench.tasks.record import Span
from orchestrator.bench.tasks.scores.answers import Expected

__all__ = ["cues"]

_DUE_MS: Final = 2_000
_WORDS: Final = (("coffee", "tea"), ("Monday", "weekend"), ("budget", "careful"), ("basically", "filler"))
_ANIMALS: Final = (
    ("spider", ("eight", "8")),
    ("horse", ("four", "4")),
    ("beetle", ("six", "6")),
    ("hen", ("two", "2")),
)
_FOREIGN: Final = (("Brot", ("bread",)), ("Schnee", ("snow",)), ("Fenster", ("window",)), ("Milch", ("milk",)))
_BEFORE: Final = (
    "so this morning I went out early and on the way I saw",
    "what I wanted to tell you is that we talked about the",
    "my neighbour came over yesterday and brought along a",
)
_AFTER: Final = (
    "and then we all sat in the kitchen for an hour and talked about the summer",
    "which I had not expected at all because the street was empty and the shops were closed",
    "and after that I walked home along the river and thought about it for a long time",
)


def cues(dice: Dice) -> Iterator[Case]:
    """One case of each form."""
    word, answer = dice.one_of(_WORDS)
    for by in _both():
        yield _talk(dice, by, "word", f"Whenever I say {word}, say {answer}.", word, (answer,))
    word, answer = dice.one_of(_WORDS)
    yield _third(dice, word, answer)
    animal, legs = dice.one_of(_ANIMALS)
    yield _talk(dice, "speech", "kind", "Each time I name an animal, say how many legs it has.", animal, legs)
    foreign, english = dice.one_of(_FOREIGN)
    yield _talk(dice, "speech", "language", "Every time I use a German word, say it in English.", foreign, english)


def _both() -> tuple[By, By]:
    return "keys", "speech"


def _talk(dice: Dice, by: By, form: str, asked: str, cue: str, answers: tuple[str, ...]) -> Case:
    script = Script(dice, by)
    script.says(asked)
    script.waits(3_500)
    before = dice.one_of(_BEFORE)
    stretch = script.says(f"{before} {cue} {dice.one_of(_AFTER)}")
    script.waits(4_000)
    due = script.word_end(stretch, len(before.split()))
    window = Span(due, min(due + _DUE_MS, stretch.end_ms))
    return finished(script, form, Expected(answers, window, due, stretch.start_ms))


def _third(dice: Dice, cue: str, answer: str) -> Case:
    script = Script(dice, "speech")
    script.says(f"When I have said {cue} three times, say {answer}.")
    script.waits(3_500)
    before, between = dice.one_of(_BEFORE), "and again"
    stretch = script.says(f"{before} {cue} {between} {cue} {between} {cue} {dice.one_of(_AFTER)}")
    script.waits(4_000)
    due = script.word_end(stretch, len(before.split()) + 2 * (1 + len(between.split())))
    window = Span(due, min(due + _DUE_MS, stretch.end_ms))
    return finished(script, "third", Expected((answer,), window, due, stretch.start_ms))
