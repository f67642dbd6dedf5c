"""Conversations held with voices, read into records, put into figures: the real driver in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from interaction.models.reflex import ReflexModel
from interaction.models.reflex_stream import BrainStream
from orchestrator.bench.tasks.case import finished
from orchestrator.bench.tasks.catalogue import TASKS, Task
from orchestrator.bench.tasks.dice import Dice
from orchestrator.bench.tasks.figures import Figure, Marked, figures
from orchestrator.bench.tasks.holding import Held, hold, hold_all
from orchestrator.bench.tasks.person import Script
from orchestrator.bench.tasks.record import Record
from orchestrator.bench.tasks.report import encode, report
from orchestrator.bench.tasks.scores.takeover import TakenTurn
from orchestrator.bench.tasks.silent import SilentModel
from orchestrator.bench.tasks.transcript import breaks, transcribe
from orchestrator.clock import from_ms
from orchestrator.effects import Effect, Emit, MicroTurn, StopSpeaking
from orchestrator.events import Event, ModelEvent, ModelFailed, ModelRested, ModelSpoke
from orchestrator.journal import Record as Line
from orchestrator.ports import InteractionModel, Opening, VoiceTraits
from orchestrator.testing.virtual import run_virtual


def task_named(name: str) -> Task:
    return next(task for task in TASKS if task.name == name)


# --- from the journal to the record -----------------------------------------------------------------------------------


def lines(*items: tuple[int, Event | Effect]) -> list[Line]:
    return [Line(from_ms(at_ms), 0, item) for at_ms, item in items]


def words(record: Record) -> list[tuple[int, int, str]]:
    return [(word.start_ms, word.end_ms, word.text) for word in record.words]


def test_words_are_heard_at_the_sessions_pace() -> None:
    journal = lines((1_000, Emit(1, "Good mor", 1)), (1_200, Emit(2, "ning.", 1, ends=True)))
    record = transcribe(journal, (), until_ms=9_000, pace=10)
    assert words(record) == [(1_000, 1_400, "Good"), (1_500, 2_300, "morning.")]
    assert [saying.text for saying in record.assistant] == ["Good morning."]


def test_what_is_stopped_is_not_heard_and_the_next_words_begin_anew() -> None:
    journal = lines((1_000, Emit(1, "one two three", 1)), (1_450, StopSpeaking("")), (2_000, Emit(2, "four", 2)))
    assert words(transcribe(journal, (), until_ms=9_000, pace=10)) == [
        (1_000, 1_300, "one"),
        (1_400, 1_500, "t"),
        (2_000, 2_400, "four"),
    ]


def test_a_card_is_not_speech_and_a_break_is_counted() -> None:
    journal = lines((1_000, Emit(1, "see here", 1, style="card")), (1_100, ModelFailed("gone")))
    assert transcribe(journal, (), until_ms=9_000, pace=10).assistant == ()
    assert breaks(journal) == 1


# --- figures ----------------------------------------------------------------------------------------------------------


def test_a_figure_is_a_macro_average_over_forms_and_a_mean_over_seeds() -> None:
    marked = [
        Marked(1, "easy", {"right": 1.0}),
        Marked(1, "easy", {"right": 1.0}),
        Marked(1, "hard", {"right": 0.0}),
        Marked(2, "easy", {"right": 0.0}),
        Marked(2, "hard", {"right": None}),
    ]
    figure = figures(marked)["right"]
    assert (figure.cases, figure.mean) == (4, 0.25)
    assert figure.forms == {"easy": 0.6667, "hard": 0.0}
    assert figure.low == 0.0 and figure.high == 0.5


def test_one_seed_has_no_interval_and_no_case_no_mean() -> None:
    assert figures([Marked(1, "x", {"right": 1.0})]) == {"right": Figure(1, 1.0)}
    assert figures([Marked(1, "x", {"right": None})]) == {"right": Figure(0)}


# --- whole conversations ----------------------------------------------------------------------------------------------


def outcome(
    names: Sequence[str], voice: Callable[[], InteractionModel], seeds: int = 1
) -> dict[str, dict[str, Figure]]:
    held = hold_all([task_named(name) for name in names], range(1, seeds + 1), voice, clock="virtual")
    return {name: figures(held[name].marked) for name in names}


FLOOR: dict[str, dict[str, float | None]] = {
    "pause-handling": {"takeover": 0.0, "answered": 0.0, "latency_s": None},
    "turn-taking": {"takeover": 0.0, "early": 0.0, "latency_s": None},
    "backchannel": {"takeover": 0.0, "per_minute": 0.0, "jsd": 1.0},
    "interruption": {"takeover": 0.0, "answers": 0.0, "latency_s": None},
    "overlap-interruption": {"right": 0.0, "tried": 0.0, "stop_s": None, "response_s": None},
    "overlap-backchannel": {"right": 0.0, "tried": 0.0, "stop_s": None, "response_s": None},
    "overlap-others": {"right": 0.0, "tried": 0.0, "stop_s": None, "response_s": None},
    "overlap-background": {"right": 0.0, "tried": 0.0, "stop_s": None, "response_s": None},
    "windows": {"response_rate": 0.0, "yield_rate": None, "backchannel": None, "tic": 1.0, "aside": 1.0},
    "time-speak": {"right": 0.0, "content": 0.0, "time": 0.0, "off_s": None},
    "cue-speak": {"right": 0.0, "content": 0.0, "time": 0.0, "off_s": None},
    "repetitions": {"off_by_one": 0.0, "exact": 0.0, "spoken": 0.0},
    "proactive": {"pauc": 0.25, "duplicate_rate": None, "out_of_span_rate": None},
    "start-stop": {"iou": 0.0, "above_half": 0.0},
}


def test_each_task_has_a_floor() -> None:
    assert list(FLOOR) == [task.name for task in TASKS]


@pytest.mark.parametrize("name", list(FLOOR))
def test_the_silent_voice_gets_the_floor_of_each_table(name: str) -> None:
    found = outcome([name], SilentModel)[name]
    assert {measure: found[measure].mean for measure in FLOOR[name]} == FLOOR[name]


REFLEX_CAN = (
    ("turn-taking", "takeover", 1.0),
    ("pause-handling", "takeover", 0.0),
    ("pause-handling", "answered", 1.0),
    ("windows", "yield_rate", 1.0),
)


@pytest.mark.parametrize(("name", "measure", "mean"), REFLEX_CAN)
def test_the_embedded_voice_takes_turns_and_waits_out_pauses(name: str, measure: str, mean: float) -> None:
    assert outcome([name], ReflexModel)[name][measure].mean == mean


def test_the_embedded_voice_keeps_its_times_cues_and_counts() -> None:
    found = outcome(["time-speak", "cue-speak", "repetitions"], ReflexModel)
    assert found["time-speak"]["right"].forms["once"] == 1.0
    assert found["cue-speak"]["right"].forms["word"] == 1.0
    assert found["repetitions"]["exact"].forms["heard"] == 1.0


class Chatterbox:
    """Says the same over everybody, at every micro-turn: each measure that falls for it is no measure."""

    @property
    def traits(self) -> VoiceTraits:
        return VoiceTraits(name="chatterbox", wants_silence=True)

    def open(self, opening: Opening) -> BrainStream:
        return BrainStream(self)

    def turn(self, turn: MicroTurn) -> tuple[ModelEvent, ...]:
        said = (ModelSpoke("And so on, and so forth. ", overlap="cannot stop"),) if turn.n % 10 == 0 else ()
        return (*said, ModelRested(turn.n))


def test_a_voice_that_never_stops_talking_is_found_out() -> None:
    found = outcome(["pause-handling", "turn-taking", "backchannel", "windows", "proactive", "time-speak"], Chatterbox)
    means = {name: {measure: figure.mean for measure, figure in each.items()} for name, each in found.items()}
    assert means["pause-handling"]["takeover"] == 1.0
    assert means["turn-taking"]["early"] == 1.0
    assert means["backchannel"]["takeover"] == 1.0
    assert means["time-speak"]["right"] == 0.0
    assert (means["windows"]["tic"] or 0) <= 0.5 and (means["windows"]["aside"] or 0) <= 0.5
    assert (means["windows"]["interrupts"] or 0) >= 0.5
    assert (means["proactive"]["pauc"] or 0) < 0.05
    assert (means["proactive"]["duplicate_rate"] or 0) > 0.7


def test_the_same_seeds_give_the_same_bytes() -> None:
    tasks = [task_named("windows"), task_named("cue-speak")]

    def run() -> bytes:
        held: dict[str, Held] = hold_all(tasks, (1, 2), ReflexModel, clock="virtual")
        return encode(report(tasks, (1, 2), {"reflex": held}))

    assert run() == run()


class Broken:
    """Cannot be opened."""

    @property
    def traits(self) -> VoiceTraits:
        return VoiceTraits(name="broken")

    def open(self, opening: Opening) -> BrainStream:
        raise RuntimeError("no server here")


def test_a_voice_that_breaks_is_told_apart_from_one_that_is_bad() -> None:
    case = next(task_named("turn-taking").cases(Dice("x")))
    _, _, broke = run_virtual(lambda: hold(case, Broken))
    assert broke > 0


def test_cases_are_held_side_by_side_in_real_time() -> None:
    """Short ones, made for this: what is measured is the same as in virtual time."""
    script = Script(Dice("short"), "keys", begin_ms=100)
    stretch = script.says("Hi!")
    script.waits(1_200)
    case = finished(script, "keys", TakenTurn(stretch.start_ms, stretch.end_ms, 6_000))
    task = Task("short", "Short", "nothing", lambda dice: iter((case, case)), ())
    real = hold_all([task], (1,), ReflexModel, clock="real")["short"]
    virtual = hold_all([task], (1,), ReflexModel, clock="virtual")["short"]
    assert [each.marks["takeover"] for each in real.marked] == [each.marks["takeover"] for each in virtual.marked]
