"""ProactiveVideoQA: a question now, and its answers when something is seen or heard later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Literal

from orchestrator.bench.tasks.case import Case, finished
from orchestrator.bench.tasks.dice import Dice
from orchestrator.bench.tasks.person import Script
from orchestrator.bench.tasks.record import Span
from orchestrator.bench.tasks.scores.proactive import Due, Moments

__all__ = ["moments"]

_LASTS_MS: Final = 4_000
_AFTER_MS: Final = 2_000
_ACKNOWLEDGED_MS: Final = 2_500

_Answer = tuple[str, tuple[tuple[str, ...], ...]]
_SEEN: Final[tuple[tuple[str, tuple[_Answer, ...]], ...]] = (
    (
        "What does the cook put into the pot?",
        (
            ("the cook drops chopped carrots into the pot", (("carrot", "carrots"),)),
            ("the cook pours red wine into the pot", (("wine",), ("red",))),
            ("the cook throws a handful of salt into the pot", (("salt",),)),
        ),
    ),
    (
        "Who comes into the room?",
        (
            ("a boy with a yellow hat comes into the room", (("boy",), ("yellow", "hat"))),
            ("an old woman comes into the room", (("woman",), ("old",))),
            ("a brown dog runs into the room", (("dog",),)),
        ),
    ),
)
_STILL: Final = ("the kitchen, nobody moves", "a table with a lamp", "the window, it is raining outside")
_HEARD: Final[tuple[tuple[str, tuple[_Answer, ...]], ...]] = (
    (
        "From which platform do the trains to Lyon leave?",
        (
            ("The train to Lyon leaves from platform nine.", (("nine", "9"),)),
            ("The night train to Lyon leaves from platform two.", (("two", "2"),)),
        ),
    ),
    (
        "Which numbers are called?",
        (
            ("Number forty, please come to desk three.", (("forty", "40"),)),
            ("Number fifty, please come to desk one.", (("fifty", "50"),)),
        ),
    ),
)
_NOISE: Final = ("Please mind the gap.", "The cafeteria is open until eight.", "Lost umbrellas are kept downstairs.")


def moments(dice: Dice) -> Iterator[Case]:
    """One case seen, one heard, of two answers each."""
    question, answers = dice.one_of(_SEEN)
    yield _case(dice, "seen", f"Watch and stay quiet until a new moment answers the question. {question}", answers)
    question, answers = dice.one_of(_HEARD)
    yield _case(dice, "heard", f"Listen and stay quiet until you hear an answer to the question. {question}", answers)


def _case(dice: Dice, form: Literal["seen", "heard"], asked: str, answers: Sequence[_Answer]) -> Case:
    script = Script(dice, "speech")
    script.says(asked)
    script.waits(_ACKNOWLEDGED_MS)
    begin = script.at_ms
    due: list[Due] = []
    for telling, holds in dice.some_of(answers, 2):
        for _ in range(dice.between(1, 2)):
            _happens(script, form, dice.one_of(_STILL if form == "seen" else _NOISE))
        script.waits(0, 1_000)
        known = _happens(script, form, telling)
        due.append(Due(Span(known, known + _LASTS_MS + _AFTER_MS), known + _LASTS_MS, holds))
        script.waits(_LASTS_MS + _AFTER_MS)
    script.waits(1_500)
    return finished(script, form, Moments(begin, tuple(due)))


def _happens(script: Script, form: Literal["seen", "heard"], what: str) -> int:
    """Show it for two seconds, or let it be heard. Returns when it can be known."""
    if form == "seen":
        known = script.shows(what)
        script.waits(2_000)
        return known
    known = script.says(what, kind="aside", enter=False).end_ms
    script.waits(2_000)
    return known
