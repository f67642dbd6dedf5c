"""Full-Duplex-Bench v1.5: somebody speaks while the assistant answers, and it is not always meant for it.

Each case is there twice: with the overlap, and clean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from orchestrator.bench.tasks.case import Case, finished
from orchestrator.bench.tasks.dice import Dice
from orchestrator.bench.tasks.forms.turns import LONG_ANSWERS
from orchestrator.bench.tasks.person import By, Script
from orchestrator.bench.tasks.record import Kind
from orchestrator.bench.tasks.scores.overlapping import Behaviour, Overlap

__all__ = ["ASIDES", "BACKCHANNELS", "background_speech", "talk_to_others", "user_backchannels", "user_interruptions"]

_WAIT_MS: Final = 8_000

BACKCHANNELS: Final = ("mm-hm", "okay", "right", "yeah", "uh-huh", "I see")
ASIDES: Final = (
    ("Anna, can you close the door?", ("door",)),
    ("Just a second, I am on the phone.", ("phone", "take your time")),
    ("No, the blue one, on the left.", ("blue", "left")),
    ("Could you pass me the salt?", ("salt",)),
    ("Ben, dinner is ready!", ("dinner", "enjoy")),
)
_INTERRUPTIONS: Final = (
    ("Stop, tell me a joke instead.", ("joke", "why", "because", "binary", "timing")),
    ("Wait, who are you?", ("i'm", "i am", "assistant", "reflex", "name")),
    ("Okay, but can you hear me?", ("yes", "i'm here", "i can hear", "listening")),
)
_BACKGROUND: Final = (
    ("and now the weather for the weekend", ("weather", "weekend", "rain")),
    ("the train on platform four is delayed", ("train", "platform", "delayed")),
    ("two coffees and a slice of cake please", ("coffee", "coffees", "cake")),
)


def user_interruptions(dice: Dice) -> Iterator[Case]:
    """A new question into the answer: respond."""
    return _overlaps(dice, _INTERRUPTIONS, "turn", "respond", ("keys", "speech"))


def user_backchannels(dice: Dice) -> Iterator[Case]:
    """A listener's word into the answer: go on."""
    return _overlaps(dice, [(text, ()) for text in BACKCHANNELS], "backchannel", "resume", ("keys", "speech"))


def talk_to_others(dice: Dice) -> Iterator[Case]:
    """The person speaks to somebody else: go on."""
    return _overlaps(dice, ASIDES, "aside", "resume", ("speech", "speech"))


def background_speech(dice: Dice) -> Iterator[Case]:
    """Somebody else is heard: go on."""
    return _overlaps(dice, _BACKGROUND, "aside", "resume", ("speech", "speech"))


def _overlaps(
    dice: Dice, said: Sequence[tuple[str, tuple[str, ...]]], kind: Kind, wants: Behaviour, modes: Sequence[By]
) -> Iterator[Case]:
    for by in modes:
        question, after = dice.one_of(LONG_ANSWERS), dice.between(2_000, 5_000)
        text, answers = dice.one_of(said)
        seed = dice.below(1_000_000)
        script = Script(Dice(seed), by)
        script.says(question)
        script.waits(after)
        stretch = script.says(text, kind=kind)
        script.waits(_WAIT_MS + 500)
        clean = Script(Dice(seed), by)
        clean.says(question)
        clean.waits(script.at_ms - clean.at_ms + 30_000)
        yield finished(script, by, Overlap(stretch.start_ms, stretch.end_ms, _WAIT_MS, wants, answers), clean)
