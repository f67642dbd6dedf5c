"""The tasks: where each form comes from, who makes its cases, how it is scored, and what is shown of it together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Literal, assert_never

import msgspec

from orchestrator.bench.tasks.case import Case, Truth
from orchestrator.bench.tasks.dice import Dice
from orchestrator.bench.tasks.forms import actions, cues, dialogues, moments, overlaps, repetitions, times, turns
from orchestrator.bench.tasks.record import Record
from orchestrator.bench.tasks.scores.answers import Expected, score_answer
from orchestrator.bench.tasks.scores.counting import Repetitions, score_counting
from orchestrator.bench.tasks.scores.listening import ToldStory, score_listening
from orchestrator.bench.tasks.scores.localisation import Action, score_localisation
from orchestrator.bench.tasks.scores.marks import Marks
from orchestrator.bench.tasks.scores.overlapping import Overlap, score_overlap
from orchestrator.bench.tasks.scores.proactive import Moments, score_moments
from orchestrator.bench.tasks.scores.takeover import (
    InterruptedTurn,
    PausedTurn,
    TakenTurn,
    score_interruption,
    score_pauses,
    score_turn,
)
from orchestrator.bench.tasks.scores.windows import Dialogue, score_windows

__all__ = ["TASKS", "Measure", "Task", "score"]


class Measure(msgspec.Struct, frozen=True):
    """One column. `name` is that of the scorer."""

    name: str
    title: str
    better: Literal["more", "less", ""] = ""


class Task(msgspec.Struct, frozen=True):
    """One table. Measures that pull against each other stand in the same one."""

    name: str
    title: str
    form_of: str
    cases: Callable[[Dice], Iterator[Case]]
    measures: tuple[Measure, ...]


def score(truth: Truth, record: Record, clean: Record) -> Marks:
    """The marks of one case. `clean` is read only where the task has a version without disturbance."""
    match truth:
        case PausedTurn():
            return score_pauses(truth, record)
        case TakenTurn():
            return score_turn(truth, record)
        case InterruptedTurn():
            return score_interruption(truth, record)
        case ToldStory():
            return score_listening(truth, record)
        case Overlap():
            return score_overlap(truth, record, clean)
        case Dialogue():
            return score_windows(record)
        case Expected():
            return score_answer(truth, record)
        case Repetitions():
            return score_counting(truth, record)
        case Moments():
            return score_moments(truth, record)
        case Action():
            return score_localisation(truth, record)
        case _:
            assert_never(truth)


_AGAIN: Final = Measure("duplicates", "said again", "less")
_LATENCY: Final = Measure("latency_s", "latency s", "less")
_OVERLAPPED: Final = (
    Measure("tried", "was speaking"),
    Measure("respond", "responds"),
    Measure("resume", "resumes"),
    Measure("stop_s", "stops after s"),
    Measure("response_s", "speaks after s"),
    _AGAIN,
)
_ANSWERED: Final = (
    Measure("right", "right", "more"),
    Measure("content", "content"),
    Measure("time", "time"),
    Measure("off_s", "off s"),
    _AGAIN,
)
_FDB: Final = "Full-Duplex-Bench v1"
_FDB_15: Final = "Full-Duplex-Bench v1.5"

TASKS: Final[tuple[Task, ...]] = (
    Task(
        "pause-handling",
        "Pauses within a turn",
        _FDB,
        turns.pauses,
        (Measure("takeover", "takes over", "less"), Measure("answered", "answers after", "more"), _LATENCY, _AGAIN),
    ),
    Task(
        "turn-taking",
        "Ends of turns",
        _FDB,
        turns.turn_ends,
        (Measure("takeover", "takes over", "more"), Measure("early", "too early", "less"), _LATENCY, _AGAIN),
    ),
    Task(
        "backchannel",
        "Listening to a story",
        _FDB,
        turns.backchannels,
        (
            Measure("takeover", "takes over", "less"),
            Measure("per_minute", "per minute", "more"),
            Measure("jsd", "JSD", "less"),
            _AGAIN,
        ),
    ),
    Task(
        "interruption",
        "Being interrupted",
        _FDB,
        turns.interruptions,
        (Measure("takeover", "takes over", "more"), Measure("answers", "answers it", "more"), _LATENCY, _AGAIN),
    ),
    Task(
        "overlap-interruption",
        "The person interrupts: respond",
        _FDB_15,
        overlaps.user_interruptions,
        (Measure("right", "right", "more"), *_OVERLAPPED),
    ),
    Task(
        "overlap-backchannel",
        "The person backchannels: go on",
        _FDB_15,
        overlaps.user_backchannels,
        (Measure("right", "right", "more"), *_OVERLAPPED),
    ),
    Task(
        "overlap-others",
        "The person talks to others: go on",
        _FDB_15,
        overlaps.talk_to_others,
        (Measure("right", "right", "more"), *_OVERLAPPED),
    ),
    Task(
        "overlap-background",
        "Somebody else is heard: go on",
        _FDB_15,
        overlaps.background_speech,
        (Measure("right", "right", "more"), *_OVERLAPPED),
    ),
    Task(
        "windows",
        "Yielding and not yielding",
        "tau-voice",
        dialogues.dialogues,
        (
            Measure("response_rate", "responds", "more"),
            Measure("response_s", "after s", "less"),
            Measure("yield_rate", "yields", "more"),
            Measure("yield_s", "within s", "less"),
            Measure("backchannel", "not to mm-hm", "more"),
            Measure("tic", "not to um", "more"),
            Measure("aside", "not to others", "more"),
            Measure("interrupts", "interrupts", "less"),
            _AGAIN,
        ),
    ),
    Task("time-speak", "Speaking at a time", "TimeSpeak", times.times, _ANSWERED),
    Task("cue-speak", "Speaking at a cue, while the person talks", "CueSpeak", cues.cues, _ANSWERED),
    Task(
        "repetitions",
        "Counting aloud",
        "RepCount-A, as an online task",
        repetitions.repetitions,
        (
            Measure("off_by_one", "within one", "more"),
            Measure("exact", "exact", "more"),
            Measure("spoken", "numbers said", "more"),
            _AGAIN,
        ),
    ),
    Task(
        "proactive",
        "Answers that become due later",
        "ProactiveVideoQA, PAUC@0.5",
        moments.moments,
        (
            Measure("pauc", "PAUC (silence 0.25)", "more"),
            Measure("answered", "answered", "more"),
            Measure("duplicate_rate", "duplicates", "less"),
            Measure("out_of_span_rate", "out of span", "less"),
        ),
    ),
    Task(
        "start-stop",
        "Saying when something starts and stops",
        "Charades, as an online task",
        actions.actions,
        (Measure("iou", "mIoU", "more"), Measure("above_half", "IoU >= 0.5", "more"), _AGAIN),
    ),
)
