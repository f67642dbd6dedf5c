"""The simulated person: acts in order, says exactly its lines, waits for its cues and never for ever."""

from __future__ import annotations

import itertools
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.bench.person import Does, Person
from orchestrator.bench.scenario import Cue, Happening, Step, Stroke
from orchestrator.bench.tempo import BRISK, BURSTS, PLAIN, SLOW, SPEECH, Tempo, spoken, typed, varied

LINES = st.text("abc ,.?", min_size=1, max_size=40).filter(lambda line: line == " ".join(line.split()) != "")
TEMPOS = st.sampled_from([PLAIN, BRISK, SLOW, BURSTS])


def written(strokes: tuple[Stroke, ...]) -> str:
    text = ""
    for stroke in strokes:
        text = text[: len(text) - len(stroke.text)] if stroke.op == "delete" else text + stroke.text
    return text


@given(LINES, TEMPOS, st.integers(0, 2_000), st.integers(0, 3_000))
def test_a_typed_line_holds_its_text_and_its_keys_come_in_order(
    line: str, tempo: Tempo, seed: int, pause_ms: int
) -> None:
    strokes = typed(line, tempo, Random(seed), pause_ms=pause_ms, pause_at=1)
    times = [stroke.at_ms for stroke in strokes]
    assert written(strokes) == line
    assert times == sorted(times) and times[0] == 0
    assert strokes == typed(line, tempo, Random(seed), pause_ms=pause_ms, pause_at=1)
    if pause_ms and " " in line:
        assert max(later - sooner for sooner, later in itertools.pairwise(times)) >= pause_ms


@given(LINES, st.integers(0, 2_000), st.integers(0, 3_000))
def test_spoken_words_sound_one_after_the_other(line: str, seed: int, pause_ms: int) -> None:
    strokes = spoken(line, SPEECH, Random(seed), pause_ms=pause_ms, pause_at=1)
    assert written(strokes) == line
    assert all(one.at_ms + one.ms <= next_.at_ms for one, next_ in itertools.pairwise(strokes))
    assert all(stroke.ms > 0 for stroke in strokes)


@given(st.integers(1, 10_000), st.integers(0, 99), st.integers(0, 10_000))
def test_variation_stays_within_its_spread(middle: int, spread: int, seed: int) -> None:
    value = varied(middle, spread, Random(seed))
    assert abs(value - middle) <= middle * spread / 100 + 1 and value >= 1


def line_step(name: str, cue: Cue, *, yields_ms: int = 0) -> Step:
    return Step(name, cue, line="ab", strokes=(Stroke(0, "a"), Stroke(200, "b")), lasts_ms=400, yields_ms=yields_ms)


def played(person: Person, happenings: list[tuple[int, Happening]], until_ms: int = 60_000) -> list[tuple[int, Does]]:
    """All that the person does, with `happenings` coming in between."""
    done: list[tuple[int, Does]] = []
    coming = sorted(happenings, key=lambda item: item[0])
    while True:
        times = [at for at in (person.wakes_ms, coming[0][0] if coming else None) if at is not None]
        if not times or min(times) > until_ms:
            return done
        now = min(times)
        while coming and coming[0][0] <= now:
            person.notice(coming.pop(0)[1], now)
        for does in person.act(now):
            done.append((now, does))
            if does.what != "stroke":
                person.notice(Happening("step.begins" if does.what == "begins" else "step.ends", does.step.id), now)


CUES = st.builds(
    Cue,
    st.sampled_from(["start", "step.ends", "speech.begins", "fact.told", "never"]),
    st.sampled_from(["", "f1"]),
    after_ms=st.integers(0, 3_000),
    within_ms=st.integers(0, 5_000),
)
HAPPENINGS = st.lists(
    st.tuples(st.integers(0, 20_000), st.sampled_from([Happening("speech.begins"), Happening("fact.told", "f1")])),
    max_size=8,
)


@given(st.lists(CUES, min_size=1, max_size=5), HAPPENINGS, st.integers(0, 1) | st.just(700))
def test_whatever_happens_the_person_does_every_step_whole_and_in_order(
    cues: list[Cue], happenings: list[tuple[int, Happening]], yields_ms: int
) -> None:
    steps = [line_step(f"s{number}", cue, yields_ms=yields_ms) for number, cue in enumerate(cues)]
    person = Person(steps)
    done = played(person, happenings, until_ms=10**9)
    assert person.finished
    assert [at for at, _ in done] == sorted(at for at, _ in done)
    assert [(does.what, does.step.id) for _, does in done] == [
        (what, step.id) for step in steps for what in ("begins", "stroke", "stroke", "ends")
    ]


def begins(done: list[tuple[int, Does]]) -> list[int]:
    return [at for at, does in done if does.what == "begins"]


def test_a_step_begins_on_its_cue() -> None:
    steps = [line_step("s1", Cue("start", after_ms=300)), line_step("s2", Cue("fact.told", "f1", after_ms=500))]
    done = played(Person(steps), [(4_000, Happening("fact.told", "f2")), (5_000, Happening("fact.told", "f1"))])
    assert begins(done) == [300, 5_500]


def test_a_named_cue_that_has_come_already_counts() -> None:
    steps = [line_step("s1", Cue("start")), line_step("s2", Cue("fact.ready", "f1", after_ms=100))]
    assert begins(played(Person(steps), [(50, Happening("fact.ready", "f1"))])) == [0, 500]


def test_nobody_waits_for_ever() -> None:
    steps = [line_step("s1", Cue("start")), line_step("s2", Cue("fact.told", "f1", within_ms=2_000))]
    assert begins(played(Person(steps), [])) == [0, 2_400]


def test_a_person_who_yields_stops_when_the_assistant_begins_to_speak_over_them() -> None:
    over = [(100, Happening("speech.begins"))]
    yielding = played(Person([line_step("s1", Cue("start"), yields_ms=700)]), over)
    steady = played(Person([line_step("s1", Cue("start"))]), over)
    assert [at for at, _ in yielding] == [0, 0, 900, 1_100]
    assert [at for at, _ in steady] == [0, 0, 200, 400]
