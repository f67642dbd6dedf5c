"""Timers, cues and counts, as the embedded voice takes them."""

from __future__ import annotations

import pytest

from orchestrator.agenda_items import At, Every, OnCount
from orchestrator.events import (
    ModelScheduled,
    ModelSpoke,
    ModelUnscheduled,
)
from tests.interaction.reflexes import Talk, said


def test_several_at_a_time_have_ids_of_their_own() -> None:
    talk = Talk()
    events = talk.enter("remind me in 10 seconds to stretch and every 5 seconds say breathe")
    assert events == (
        ModelScheduled(At(id="timer-1", say="Reminder: stretch.", in_ms=10_000)),
        ModelScheduled(Every(id="every-1", say="breathe", period_ms=5_000)),
        ModelSpoke("I'll remind you in 10 seconds. Okay, every 5 seconds."),
    )
    talk.enter("whenever I say coffee, say tea")
    talk.enter("whenever I say left, say right")
    assert talk.agenda == ["timer-1", "every-1", "cue-1", "cue-2"]


def test_an_id_that_stands_on_the_agenda_is_not_used_again() -> None:
    talk = Talk()
    talk.agenda.append("cue-1")
    (scheduled, _) = talk.enter("whenever I say coffee, say tea")
    assert isinstance(scheduled, ModelScheduled)
    assert scheduled.item.id == "cue-2"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("stop the reminders", ["cue-1", "count-1"]),
        ("cancel the timer to stretch", ["every-1", "cue-1", "count-1"]),
        ("stop saying breathe", ["timer-1", "cue-1", "count-1"]),
        ("don't say tea any more", ["timer-1", "every-1", "count-1"]),
        ("stop counting um", ["timer-1", "every-1", "cue-1"]),
        ("stop", ["timer-1", "cue-1", "count-1"]),
        ("hold on", ["timer-1", "every-1", "cue-1", "count-1"]),
        ("cancel everything", []),
        ("forget the breathe thing", ["timer-1", "cue-1", "count-1"]),
    ],
)
def test_what_is_taken_off(text: str, left: list[str]) -> None:
    talk = Talk()
    talk.enter("remind me in 10 seconds to stretch and every 5 seconds say breathe")
    talk.enter("whenever I say coffee, say tea")
    talk.enter("count how often I say um")
    talk.enter(text)
    assert talk.agenda == left


def test_a_timer_is_corrected() -> None:
    talk = Talk()
    talk.enter("remind me in 10 seconds to stretch")
    assert talk.enter("no, I meant 20 minutes") == (
        ModelUnscheduled("timer-1"),
        ModelScheduled(At(id="timer-2", say="Reminder: stretch.", in_ms=1_200_000)),
        ModelSpoke("I'll remind you in 20 minutes."),
    )


def test_a_timer_typed_over_is_replaced() -> None:
    talk = Talk()
    talk.type("every 5 seconds say breathe")
    talk.quiet(1_600)
    events = talk.enter(" for a minute")
    assert events[:2] == (
        ModelUnscheduled("every-1"),
        ModelScheduled(Every(id="every-2", say="breathe", period_ms=5_000, for_ms=60_000)),
    )


def test_the_count_is_told() -> None:
    talk = Talk()
    assert "not counting" in said(talk.enter("how many times did I say um?"))[0]
    assert talk.enter("count how often I say um")[0] == ModelScheduled(
        OnCount(id="count-1", say="{count}", phrase="um", silent=True)
    )
    assert said(talk.enter("how often have I said um?", counts=(("um", 7),))) == ['You have said "um" 7 times.']
    assert said(talk.enter("what's the count?", counts=(("um", 8), ("uh", 1)))) == [
        'You have said "um" 8 times, "uh" 1 time.'
    ]


def test_the_word_in_the_question_is_not_counted() -> None:
    talk = Talk()
    talk.enter("count how often I say um")
    talk.enter("um well um um")
    assert said(talk.enter("how many times did I say um?", counts=(("um", 4),))) == ['You have said "um" 3 times.']
    assert said(talk.enter("how many times did I say um?", counts=(("um", 5),))) == ['You have said "um" 3 times.']
