"""What is kept of a person's tempo, and what the session makes of it."""

from __future__ import annotations

import pytest

from orchestrator.clock import from_ms
from orchestrator.config import SessionConfig
from orchestrator.effects import Emit
from orchestrator.events import DelegationUpdate, Event, ModelDelegated, UserActivity, UserText
from orchestrator.finding import Finding
from orchestrator.floor import Person
from orchestrator.session import Session
from orchestrator.tempo import Tempo
from orchestrator.testing import plain_voice, play
from orchestrator.timing import FirstOf, Speak, WaitForGap
from tests.orchestrator.driving import only


def paused(*gaps: int, ended: bool = False) -> Tempo:
    tempo = Tempo()
    for gap in gaps:
        tempo.went_on(gap, ended=ended)
    return tempo


@pytest.mark.parametrize(
    ("gaps", "usual"),
    [
        ((), 0),
        ((120, 150, 299), 0),
        ((1_400,), 1_400),
        ((1_400, 900), 1_400),
        ((1_400, 900, 1_100, 4_800), 1_400),
        ((4_800, 900, 1_000, 1_100), 1_100),
        ((6_000,), 0),
        ((3_000, 3_000, *(400,) * 8), 400),
    ],
)
def test_one_of_the_longest_pauses_of_late_counts(gaps: tuple[int, ...], usual: int) -> None:
    assert paused(*gaps).pause_ms(ended=False) == usual
    assert paused(*gaps).pause_ms(ended=True) == 0


def test_between_two_lines_only_a_breath_is_a_pause() -> None:
    assert paused(700, ended=True).pause_ms(ended=True) == 700
    assert paused(2_500, ended=True).pause_ms(ended=True) == 0


def keys(text: str, *at_ms: int) -> list[tuple[int, Event]]:
    return [(at, UserText(letter)) for at, letter in zip(at_ms, text, strict=True)]


def test_speaking_is_no_pause_and_being_told_something_is_none() -> None:
    person = Person()
    person.did("speaking", now=from_ms(1_000))
    person.did("silent", now=from_ms(3_000))
    assert person.tempo == Tempo()
    person.release(ended=True)
    person.did("speaking", now=from_ms(3_800))
    assert person.tempo == Tempo(between=[800])
    person.did("silent", now=from_ms(4_000))
    person.did("speaking", now=from_ms(4_900), answered=True)
    assert person.tempo == Tempo(between=[800])


GAP = FirstOf((WaitForGap(silence_ms=0), Speak()))  # nobody answers here, and only the pauses count


def told_at(events: list[tuple[int, Event]], *, ready_ms: int, until_ms: int = 30_000) -> list[int]:
    """When a result that is there at `ready_ms` is told to somebody who does `events`."""
    session = Session(SessionConfig(), timing=GAP)
    asked: list[tuple[int, Event]] = [(0, ModelDelegated("look it up")), (0, DelegationUpdate("s-1", "running"))]
    found = Finding("It leaves at nine.").stamped(delegation="s-1", attempt=1, seq=1, context_revision=9_999)
    records = play(session, [*asked, *events, (ready_ms, found)], until_ms=until_ms, voice=plain_voice)
    begun: dict[int, int] = {}
    for at, part in only(Emit, records):
        if part.about:
            begun.setdefault(part.utterance, at)
    return list(begun.values())


def test_who_pauses_long_between_words_is_not_spoken_over() -> None:
    """The floor lapses after 1.5 s without a key, and each pause has 1.9 s."""
    words = [at for start in range(1_000, 20_000, 2_300) for at in (start, start + 200, start + 400)]
    told = told_at(keys("a" * len(words), *words), ready_ms=6_500)
    last = words[-1]
    assert [at for at in told if at < last] == []
    assert told[-1] - last <= 4_000


def test_only_the_first_very_long_pause_is_taken_for_an_end() -> None:
    words = [1_000, 1_200, 4_400, 4_600, 7_800, 8_000]
    told = told_at(keys("a" * len(words), *words), ready_ms=1_500)
    assert [at for at in told if at < words[-1]] == [4_020]


def test_who_types_in_bursts_is_told_in_the_first_gap_that_is_longer_than_a_breath() -> None:
    events: list[tuple[int, Event]] = []
    for start in range(1_000, 6_000, 1_000):
        events += [(start + 100 * n, UserText("a")) for n in range(3)] + [(start + 300, UserText("", final=True))]
    told = told_at(events, ready_ms=2_100)
    assert [at - 5_300 for at in told] == [895]


def test_an_activity_that_ends_and_begins_again_is_a_breath_too() -> None:
    events: list[tuple[int, Event]] = []
    for start in (1_000, 3_000, 5_000, 7_000):
        events += [(start, UserActivity("speaking")), (start + 1_300, UserActivity("silent"))]
    assert [at - 8_300 for at in told_at(events, ready_ms=3_100)] == [895]
