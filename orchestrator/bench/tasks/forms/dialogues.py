"""tau-voice: whole conversations in which the person also murmurs, coughs and speaks to others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from orchestrator.bench.tasks.case import Case, finished
from orchestrator.bench.tasks.dice import Dice
from orchestrator.bench.tasks.forms.overlaps import ASIDES, BACKCHANNELS
from orchestrator.bench.tasks.forms.turns import LONG_ANSWERS
from orchestrator.bench.tasks.person import Script
from orchestrator.bench.tasks.scores.windows import Dialogue

__all__ = ["dialogues"]

_SHORT: Final = ("Tell me a joke.", "How are you?", "Can you hear me?", "Who are you?")
_CUTS: Final = ("Wait, tell me a joke.", "Okay stop, how are you?", "Actually, who are you?")
_TICS: Final = ("um", "uh", "hmm")


def dialogues(dice: Dice) -> Iterator[Case]:
    """Long answers with something happening in them, in any order, and sounds into the silence at the end."""
    script = Script(dice, "speech")
    for happening in dice.some_of(("backchannel", "interruption", "tic", "aside"), 4):
        script.says(dice.one_of(LONG_ANSWERS))
        script.waits(2_500, 4_500)
        match happening:
            case "backchannel":
                script.says(dice.one_of(BACKCHANNELS), kind="backchannel")
            case "interruption":
                script.says(dice.one_of(_CUTS))
            case "tic":
                _tic(script, dice)
            case _:
                script.says(dice.one_of(ASIDES)[0], kind="aside")
        script.waits(4_000, 6_000)
    script.says(dice.one_of(_SHORT))
    script.waits(12_000)
    _tic(script, dice)
    script.waits(5_000)
    script.says(dice.one_of(ASIDES)[0], kind="aside")
    script.waits(5_000)
    yield finished(script, "dialogue", Dialogue())


def _tic(script: Script, dice: Dice) -> None:
    if dice.below(2):
        script.coughs()
    else:
        script.says(dice.one_of(_TICS), kind="tic")
