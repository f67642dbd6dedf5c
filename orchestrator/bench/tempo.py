"""How people type and speak: a line becomes strokes with times, by a tempo and a generator of chance.

Only whole numbers and `Random.random()` are used, so that a seed gives the same strokes on every machine.
"""

from __future__ import annotations

from random import Random

import msgspec

from orchestrator.bench.scenario import Stroke

__all__ = ["BRISK", "BURSTS", "PLAIN", "SLOW", "SPEECH", "Tempo", "spoken", "typed", "varied"]


class Tempo(msgspec.Struct, frozen=True):
    """Milliseconds, each as the middle of a spread of `spread` percent to both sides."""

    key_ms: int = 160
    """From one key to the next."""
    word_ms: int = 60
    """What a new word costs in addition."""
    burst: int = 0
    """After so many words comes a pause of `burst_ms`; 0: never."""
    burst_ms: int = 0
    spread: int = 60
    slips: int = 0
    """Percent of the words in which a key is hit wrongly and taken back."""


PLAIN = Tempo(slips=6)
BRISK = Tempo(key_ms=95, word_ms=30)
SLOW = Tempo(key_ms=230, word_ms=1_100, spread=40)
"""Somebody who pauses long between the words."""
BURSTS = Tempo(key_ms=80, word_ms=20, burst=3, burst_ms=1_300)
"""Somebody who types a few words at a time, and thinks in between."""
SPEECH = Tempo(key_ms=65, word_ms=40, spread=40)


def varied(middle: int, spread: int, chance: Random) -> int:
    """A number near `middle`, at most `spread` percent away; near ones come more often."""
    lean = chance.random() + chance.random() - 1
    return max(1, round(middle * (1 + lean * spread / 100)))


def typed(line: str, tempo: Tempo, chance: Random, *, pause_ms: int = 0, pause_at: int = 0) -> tuple[Stroke, ...]:
    """The keys of a line. After `pause_at` words the person stops for `pause_ms`, in mid-sentence."""
    strokes: list[Stroke] = []
    at_ms, words = 0, 0
    for place, letter in enumerate(line):
        if letter == " ":
            words += 1
            at_ms += varied(tempo.word_ms, tempo.spread, chance)
            if tempo.burst and words % tempo.burst == 0:
                at_ms += varied(tempo.burst_ms, tempo.spread, chance)
            if pause_ms and words == pause_at:
                at_ms += pause_ms
            if place and chance.random() * 100 < tempo.slips:
                strokes.extend((Stroke(at_ms, "q"), Stroke(at_ms + 2 * tempo.key_ms, "q", op="delete")))
                at_ms += 3 * tempo.key_ms
        strokes.append(Stroke(at_ms, letter))
        at_ms += varied(tempo.key_ms, tempo.spread, chance)
    return tuple(strokes)


def spoken(line: str, tempo: Tempo, chance: Random, *, pause_ms: int = 0, pause_at: int = 0) -> tuple[Stroke, ...]:
    """The words of a spoken line, each with how long it sounds."""
    strokes: list[Stroke] = []
    at_ms = 0
    for number, word in enumerate(line.split(" ")):
        if number:
            at_ms += varied(tempo.word_ms, tempo.spread, chance)
        if pause_ms and number == pause_at:
            at_ms += pause_ms
        lasts = varied(tempo.key_ms * max(len(word), 2), tempo.spread, chance)
        strokes.append(Stroke(at_ms, word if not number else f" {word}", lasts))
        at_ms += lasts
    return tuple(strokes)
