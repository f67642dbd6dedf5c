"""Full-Duplex-Bench v1: pauses within a turn, ends of turns, a story that wants a listener, interruptions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from orchestrator.bench.tasks.case import Case, finished
from orchestrator.bench.tasks.dice import Dice
from orchestrator.bench.tasks.person import By, Script
from orchestrator.bench.tasks.record import Span
from orchestrator.bench.tasks.scores.listening import ToldStory
from orchestrator.bench.tasks.scores.takeover import InterruptedTurn, PausedTurn, TakenTurn

__all__ = ["LONG_ANSWERS", "backchannels", "interruptions", "pauses", "turn_ends"]

_WAIT_MS: Final = 6_000
_BOTH: Final[tuple[By, By]] = ("keys", "speech")

_PAUSED: Final = (
    ("I was wondering if you could", "tell me what you can do."),
    ("Could you please", "tell me a joke?"),
    ("Well, what I wanted to ask is", "who are you?"),
    ("Can you tell me how", "a heat pump works?"),
    ("Do you know which", "river flows through Lyon", "and into the sea?"),
    ("My question would be whether", "you can help me with", "my homework."),
    ("How long does it", "take to fly to Lisbon?"),
    ("Tell me, when I am in Rome,", "what should I see", "on the first day?"),
)
_TURNS: Final = (
    "What can you do for me?",
    "Hello, how are you?",
    "Tell me a joke.",
    "Who are you?",
    "How does a heat pump work?",
    "What is the capital of Portugal?",
    "Can you hear me?",
    "Good morning, I need some help.",
    "Why is the sky blue in the morning and red in the evening?",
)
_STORY: Final = (
    "Yesterday I took the early train to my sister.",
    "It was still dark when I left the house.",
    "The platform was full of people with skis.",
    "Then they said that the train was late again.",
    "So I bought a coffee and a paper.",
    "And just when I sat down the train came in.",
    "I ran and I spilled all of it over my coat.",
    "My sister laughed for about ten minutes.",
    "We had lunch at the place by the river.",
    "They still make that soup with the dumplings.",
)
LONG_ANSWERS: Final = ("What can you do for me?", "What can you help me with?", "What can you do?")
"""Questions after which an assistant has much to say."""

_INTERRUPTIONS: Final = (
    ("Stop, tell me a joke instead.", ("joke", "why", "because", "binary", "timing")),
    ("Wait, who are you?", ("i'm", "i am", "assistant", "reflex", "name")),
    ("Hold on, can you hear me?", ("yes", "i'm here", "i can hear", "listening")),
    ("Actually, how are you today?", ("fine", "well", "good", "great", "in order")),
)


def pauses(dice: Dice) -> Iterator[Case]:
    """A turn with silences of 0.4 to 2.2 s in mid-sentence."""
    for by in (*_BOTH, *_BOTH):
        script = Script(dice, by)
        parts = dice.one_of(_PAUSED)
        stretch = script.says_with_pauses(list(parts), [dice.between(400, 2_200) for _ in parts[1:]])
        script.waits(_WAIT_MS + 1_000)
        yield finished(script, by, PausedTurn(stretch.start_ms, stretch.end_ms, _WAIT_MS))


def turn_ends(dice: Dice) -> Iterator[Case]:
    """A turn without pauses."""
    for by in (*_BOTH, *_BOTH):
        script = Script(dice, by)
        stretch = script.says(dice.one_of(_TURNS))
        script.waits(_WAIT_MS + 1_000)
        yield finished(script, by, TakenTurn(stretch.start_ms, stretch.end_ms, _WAIT_MS))


def backchannels(dice: Dice) -> Iterator[Case]:
    """A story of eight sentences; a listener's word is at home in the silence after each."""
    for by in _BOTH:
        script = Script(dice, by)
        sentences = dice.some_of(_STORY, 8)
        places: list[Span] = []
        start = script.at_ms
        for number, sentence in enumerate(sentences):
            last = number == len(sentences) - 1
            end = script.says(sentence, enter=last).end_ms
            if not last:
                places.append(Span(end, end + script.waits(500, 1_100)))
        until = script.at_ms
        script.waits(1_000)
        yield finished(script, by, ToldStory(start, until, tuple(places)))


def interruptions(dice: Dice) -> Iterator[Case]:
    """A question with a long answer, and another question into that answer."""
    for by in (*_BOTH, *_BOTH):
        script = Script(dice, by)
        script.says(dice.one_of(LONG_ANSWERS))
        script.waits(2_000, 5_000)
        text, answers = dice.one_of(_INTERRUPTIONS)
        stretch = script.says(text)
        script.waits(_WAIT_MS + 1_000)
        yield finished(script, by, InterruptedTurn(stretch.start_ms, stretch.end_ms, _WAIT_MS, answers))
