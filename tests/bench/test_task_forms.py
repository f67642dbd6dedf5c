"""The cases that seeds make: the same each time, in order, with a truth that can be met."""

from __future__ import annotations

from itertools import pairwise

import pytest

from orchestrator.bench.tasks.case import Case
from orchestrator.bench.tasks.catalogue import TASKS, Task, score
from orchestrator.bench.tasks.dice import Dice
from orchestrator.bench.tasks.person import Script
from orchestrator.bench.tasks.record import Record, Saying, Span, Word
from orchestrator.bench.tasks.scores.answers import Expected
from orchestrator.bench.tasks.scores.counting import Repetitions
from orchestrator.bench.tasks.scores.localisation import Action
from orchestrator.bench.tasks.scores.proactive import Moments
from orchestrator.clock import to_ms
from orchestrator.events import UserActivity, UserAudio, UserLeft, UserText

SEEDS = range(1, 21)


def cases(task: Task, seed: int) -> list[Case]:
    return list(task.cases(Dice("interaction", task.name, seed)))


def test_chance_follows_from_the_key_alone() -> None:
    assert [Dice("a", 1).below(1_000_000) for _ in range(2)] == [Dice("a/1").below(1_000_000)] * 2
    # Written down, so that another Python that draws otherwise is noticed.
    dice = Dice("interaction", "x", 7)
    assert [dice.between(1, 6) for _ in range(8)] == [5, 6, 6, 6, 4, 4, 4, 5]
    assert sorted(Dice("b").some_of(range(5), 5)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_seed_makes_the_same_cases_and_another_seed_others(task: Task) -> None:
    assert cases(task, 1) == cases(task, 1)
    assert len({tuple(cases(task, seed)) for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_the_person_does_one_thing_after_the_other_and_leaves(task: Task) -> None:
    for seed in SEEDS:
        for case in cases(task, seed):
            for events in (case.events, case.clean):
                times = [to_ms(at) for at, _ in events]
                assert times == sorted(times)
                assert not events or isinstance(events[-1][1], UserLeft)
            assert to_ms(case.events[-1][0]) == case.until_ms
            assert all(before.end_ms <= after.start_ms for before, after in pairwise(case.person))


def test_typing_is_keys_and_speech_is_what_a_recogniser_tells() -> None:
    typed, spoken = Script(Dice("t"), "keys"), Script(Dice("s"), "speech")
    for script in (typed, spoken):
        script.says("Tell me more.")
        script.waits(1_000)
    keys = [event for _, event in typed.leaves()]
    assert "".join(event.text for event in keys if isinstance(event, UserText)) == "Tell me more."
    assert [event.final for event in keys if isinstance(event, UserText)][-1]
    heard = [event for _, event in spoken.leaves()]
    assert [event.transcript for event in heard if isinstance(event, UserAudio)] == ["Tell", " me", " more."]
    assert [event.kind for event in heard if isinstance(event, UserActivity)] == ["speaking", "silent"]
    assert not any(event.final for event in heard if isinstance(event, UserAudio))


def test_a_pause_and_an_end_look_alike_to_a_recogniser() -> None:
    script = Script(Dice("p"), "speech")
    stretch = script.says_with_pauses(["Could you", "help me?"], [1_000])
    script.waits(1_000)
    kinds = [event.kind for _, event in script.leaves() if isinstance(event, UserActivity)]
    assert kinds == ["speaking", "silent", "speaking", "silent"]
    assert script.word_end(stretch, 3) == stretch.end_ms


# --- one who knows what is wanted gets all of it ----------------------------------------------------------------------


def perfect(case: Case) -> Record:
    """What somebody says who knows the truth."""
    match case.truth:
        case Expected(answers=answers, due_ms=due_ms):
            said = [(due_ms, answers[0])]
        case Repetitions(at_ms=done):
            said = [(at_ms, str(number)) for number, at_ms in enumerate(done, 1)]
        case Moments(due=due):
            said = [(one.span.start_ms, " ".join(part[0] for part in one.holds)) for one in due]
        case Action(span=Span(start, stop)):
            said = [(start, "start"), (stop, "stop")]
        case _:
            said = []
    return Record(case.person, tuple(Saying((Word(at, at + 200, text),)) for at, text in said), case.until_ms)


@pytest.mark.parametrize(
    ("name", "measure"),
    [
        ("time-speak", "right"),
        ("cue-speak", "right"),
        ("repetitions", "exact"),
        ("proactive", "pauc"),
        ("start-stop", "iou"),
    ],
)
def test_the_truth_itself_scores_full_marks(name: str, measure: str) -> None:
    task = next(task for task in TASKS if task.name == name)
    for seed in SEEDS:
        for case in cases(task, seed):
            assert score(case.truth, perfect(case), perfect(case))[measure] == 1.0, (seed, case.form)


def test_a_cue_is_due_while_the_person_talks() -> None:
    task = next(task for task in TASKS if task.name == "cue-speak")
    for seed in SEEDS:
        for case in cases(task, seed):
            assert isinstance(case.truth, Expected)
            talk = case.person[-1]
            window = case.truth.window
            assert talk.start_ms < window.start_ms < window.end_ms <= talk.end_ms
            assert window.end_ms - window.start_ms >= 1_000


def test_every_measure_that_is_shown_is_one_that_is_scored() -> None:
    for task in TASKS:
        for case in cases(task, 1):
            marks = score(case.truth, Record(case.person, (), case.until_ms), Record((), (), 0))
            assert {measure.name for measure in task.measures} <= set(marks)
