"""Who holds the floor, and what may yet become a backchannel."""

from __future__ import annotations

import pytest

from orchestrator.clock import from_ms
from orchestrator.config import SessionConfig
from orchestrator.errors import ConfigError
from orchestrator.floor import FLOOR_TRANSITIONS, FloorState, Person, could_be_backchannel, is_backchannel

CONFIG = SessionConfig()


@pytest.mark.parametrize("text", ["mm-hm", "Mm-hm.", "ok", " OK ", "got  it", "I see!", "yeah,"])
def test_backchannels(text: str) -> None:
    assert is_backchannel(text)
    assert all(could_be_backchannel(text[:end]) for end in range(1, len(text) + 1))


@pytest.mark.parametrize("text", ["ok but wait", "no", "stop", "okra", "what", "yes please do it now", ""])
def test_other_words(text: str) -> None:
    assert not is_backchannel(text)


@pytest.mark.parametrize(
    ("text", "could"), [("o", True), ("okr", False), ("rea", True), ("remind", False), ("w", True)]
)
def test_a_beginning_is_doubtful_until_it_cannot_be_one(text: str, could: bool) -> None:
    assert could_be_backchannel(text) is could


def test_every_change_of_the_floor_is_in_the_table_and_keeps_its_time() -> None:
    states = [(person, assistant) for person in (False, True) for assistant in (False, True)]
    names = {(False, False): "nobody", (True, False): "person", (False, True): "assistant", (True, True): "both"}
    for before in states:
        for after in states:
            floor = FloorState()
            floor.settle(person=before[0], assistant=before[1], now=from_ms(100))
            changed = floor.settle(person=after[0], assistant=after[1], now=from_ms(200))
            assert floor.floor == names[after]
            assert changed == (before != after)
            if changed:
                assert floor.since == from_ms(200)
    assert {floor for floor, _ in FLOOR_TRANSITIONS} == set(names.values())


@pytest.mark.parametrize(
    ("typed", "lapses_ms"),
    [("find the", 1_000 + CONFIG.draft_hold_ms), ("find it.", 1_000 + CONFIG.sentence_hold_ms), ("", None)],
)
def test_how_long_a_pause_keeps_the_floor(typed: str, lapses_ms: int | None) -> None:
    person = Person()
    if typed:
        person.typed(typed, delete=False, now=from_ms(1_000))
        person.take_floor(from_ms(1_000))
    assert person.lapses_at(CONFIG) == (None if lapses_ms is None else from_ms(lapses_ms))


def test_an_activity_keeps_it_until_it_ends() -> None:
    person = Person()
    person.did("speaking", now=from_ms(1_000))
    person.take_floor(from_ms(1_000))
    assert person.lapses_at(CONFIG) == from_ms(1_000 + CONFIG.activity_hold_ms)
    person.did("pause", now=from_ms(2_000))
    assert person.lapses_at(CONFIG) == from_ms(2_000 + CONFIG.sentence_hold_ms)


def test_a_deletion_reaches_into_what_was_heard_already() -> None:
    person = Person(draft="nama", committed="Pa")
    assert person.typed("xxxxxx", delete=True, now=from_ms(0)) == "Pa"
    assert (person.draft, person.committed) == ("", "")
    assert person.typed("x", delete=True, now=from_ms(0)) == ""


def test_the_tempo_follows_the_typing_and_not_the_pauses() -> None:
    person = Person()
    person.take_floor(from_ms(0))
    for key in range(20):
        person.typed("x", delete=False, now=from_ms(100 * key))
    assert 95 <= person.tempo_ms <= 130
    person.release()
    person.typed("x", delete=False, now=from_ms(60_000))
    assert person.tempo_ms <= 130


@pytest.mark.parametrize("wrong", [{"id": ""}, {"id": "a b"}, {"tick_ms": 5}, {"early_ms": 500}, {"pace": 0}])
def test_a_setting_that_cannot_work_is_refused_with_a_way_out(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as caught:
        SessionConfig(**wrong)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert caught.value.todo
