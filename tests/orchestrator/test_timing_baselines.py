"""The rules of others behave as they are documented to, their faults included."""

from __future__ import annotations

import pytest

from orchestrator.decisions import Hold
from orchestrator.effects import Emit
from orchestrator.events import (
    DelegationUpdate,
    Event,
    ModelCancelled,
    ModelDelegated,
    ModelRested,
    ModelSpoke,
    UserText,
)
from orchestrator.finding import Urgency
from orchestrator.journal import Record
from orchestrator.testing import check_timing_policy, plain_voice, play
from orchestrator.timing import BASELINES, NAMED, default_policy
from orchestrator.timing.baselines import QwenAudioAgent
from tests.orchestrator.driving import a_session, found, only, states, types

LONG = "Here is something to read out. " * 8
"""248 characters: four seconds of speech."""


def played(name: str, *events: tuple[int, Event], tasks: int = 2, until_ms: int = 120_000) -> list[Record]:
    """`tasks` tasks run from the beginning, nobody says anything by itself, and `events` happen."""
    begun: list[tuple[int, Event]] = []
    for number in range(1, tasks + 1):
        begun += [(0, ModelDelegated(f"task {number}")), (0, DelegationUpdate(f"s-{number}", "running"))]
    rests: list[tuple[int, Event]] = [(at, ModelRested(0)) for at, event in events if isinstance(event, ModelSpoke)]
    session = a_session(NAMED[name](), pace=60, lawful=name not in BASELINES, reassure_ms=None)
    return play(session, [*begun, *events, *rests], until_ms=until_ms, voice=plain_voice)


def told_at(records: list[Record], finding: str = "s-1.1") -> list[int]:
    """When each utterance that tells `finding` begins."""
    begun: dict[int, int] = {}
    for at, part in only(Emit, records):
        if finding in part.about and part.style == "speech":
            begun.setdefault(part.utterance, at)
    return list(begun.values())


def speech(at_ms: int, text: str = LONG) -> tuple[int, Event]:
    return at_ms, ModelSpoke(text)


def result(
    at_ms: int, task: int = 1, text: str = "The train leaves at nine.", urgency: Urgency = "normal"
) -> tuple[int, Event]:
    return at_ms, found(text, f"s-{task}", urgency=urgency)


PERSON = types("when does it go and where from", 1_000)
"""Holds the floor from 1.0 s to 4.0 s, then Enter."""


@pytest.mark.parametrize("name", ["eager", "duplexomni", "openinteraction"])
def test_some_of_them_break_our_laws(name: str) -> None:
    with pytest.raises(AssertionError, match=r"speaks over the person|loses"):
        check_timing_policy(BASELINES[name]())


@pytest.mark.parametrize("name", list(BASELINES))
def test_each_tells_a_result_that_comes_into_silence(name: str) -> None:
    assert [at <= 1_300 for at in told_at(played(name, result(1_000)))] == [True]


# --- eager -----------------------------------------------------------------------------------------------------------


def test_eager_speaks_over_the_person_at_once() -> None:
    assert told_at(played("eager", *PERSON, result(2_000))) == [2_020]


def test_eager_does_not_wait_for_its_own_speech_and_does_not_tell_again_what_was_cut() -> None:
    assert told_at(played("eager", speech(1_000), result(2_000)))[0] < 3_000
    cut = played("eager", result(1_000, text=LONG), *types("stop", 2_000))
    assert len(told_at(cut)) == 1
    assert states(cut, "s-1.1")[-1] == "dropped"


# --- Pipecat ---------------------------------------------------------------------------------------------------------


def test_pipecat_defers_while_the_bot_speaks_and_tells_all_in_one_run() -> None:
    records = played("pipecat", speech(1_000), result(2_000), result(2_500, 2))
    assert told_at(records, "s-1.1") == told_at(records, "s-2.1")
    assert 5_000 <= told_at(records)[0] <= 5_600


def test_pipecat_schedules_nothing_while_the_person_speaks_and_the_result_rides_on_their_turn() -> None:
    assert told_at(played("pipecat", *PERSON, result(2_000)))[0] - 4_000 in range(100)


def test_pipecat_leaves_it_lying_when_that_turn_runs_no_model() -> None:
    """The person begins a line and deletes it: no turn comes of it, nothing is run, and nothing retries."""
    taken_back: list[tuple[int, Event]] = [*types("wh", 1_000, enter=False), (1_400, UserText("wh", op="delete"))]
    asked_later = types("hello?", 60_000)
    records = played("pipecat", *taken_back, result(1_300), *asked_later)
    assert [at - 60_600 in range(100) for at in told_at(records)] == [True]


def test_pipecat_does_not_tell_again_what_was_interrupted() -> None:
    records = played("pipecat", result(1_000, text=LONG), *types("and", 2_000))
    assert len(told_at(records)) == 1
    assert states(records, "s-1.1")[-1] == "dropped"


# --- LiveKit ---------------------------------------------------------------------------------------------------------


def test_livekit_coalesces_when_both_are_idle_and_knows_no_urgency() -> None:
    records = played("livekit", *PERSON, result(2_000), result(3_000, 2, urgency="critical"))
    assert told_at(records, "s-1.1") == told_at(records, "s-2.1")
    assert told_at(records)[0] - 4_000 in range(300)


def test_livekit_waits_for_the_end_of_its_own_speech_without_a_deadline() -> None:
    assert told_at(played("livekit", speech(1_000, LONG * 4), result(2_000)))[0] > 17_000


def test_livekit_does_not_retry_an_interrupted_reply() -> None:
    records = played("livekit", result(1_000, text=LONG), *types("and", 2_000))
    assert len(told_at(records)) == 1
    assert states(records, "s-1.1")[-1] == "dropped"


# --- Qwen Audio Agent ------------------------------------------------------------------------------------------------


def test_qwen_batches_for_120_ms() -> None:
    records = played("qwen", result(1_000), result(1_100, 2))
    assert told_at(records, "s-1.1") == told_at(records, "s-2.1") == [1_140]
    apart = played("qwen", result(1_000), result(1_300, 2))
    assert told_at(apart, "s-1.1") != told_at(apart, "s-2.1")


def test_qwen_tries_a_blocked_batch_again_ever_more_rarely() -> None:
    assert QwenAudioAgent().tries_ms() == (120, 1_120, 3_120, 7_120, 15_120, 25_120, 35_120, 45_120, 55_120)
    # Blocked at 2.12, 3.12 and 5.12 s; free since 5.3 s; tried again at 9.12 s.
    records = played("qwen", *types("a" * 40, 1_300), result(2_000))
    assert told_at(records) == [9_140]


def test_qwen_gives_up_after_eight_retries() -> None:
    records = played("qwen", *types("a" * 600, 1_000), result(2_000))
    assert told_at(records) == []
    assert states(records, "s-1.1") == ["owed", "dropped"]


# --- DuplexOmni ------------------------------------------------------------------------------------------------------


def test_duplexomni_tells_one_line_at_a_time_with_a_cooldown() -> None:
    records = played("duplexomni", result(1_000), result(1_000, 2))
    assert only(Hold, records)[0][1].reason == "cooling down"
    assert told_at(records, "s-1.1") != told_at(records, "s-2.1")


def test_duplexomni_tells_the_old_result_after_the_request_has_changed() -> None:
    changed: tuple[int, Event] = (1_900, ModelDelegated("task 1, but to Lyon", supersedes="s-1"))
    old = played("duplexomni", changed, result(2_000))
    assert len(told_at(old)) == 1
    assert told_at(played("default", changed, result(2_000))) == []


# --- OpenInteraction -------------------------------------------------------------------------------------------------


def test_openinteraction_does_not_ask_whether_the_person_speaks() -> None:
    assert told_at(played("openinteraction", *PERSON, result(2_000))) == [2_020]


def test_openinteraction_waits_for_the_model_and_drops_finals_older_than_five_seconds() -> None:
    assert told_at(played("openinteraction", speech(1_000), result(2_000)))[0] > 5_000
    records = played("openinteraction", speech(1_000, LONG * 2), result(2_000))
    assert told_at(records) == []
    assert states(records, "s-1.1") == ["owed", "dropped"]


# --- the laws --------------------------------------------------------------------------------------------------------


def test_with_the_laws_on_a_policy_cannot_lose_a_finished_result() -> None:
    session = a_session(BASELINES["openinteraction"](), pace=60)
    records = play(
        session,
        [(0, ModelDelegated("it")), speech(1_000, LONG * 2), (1_000, ModelRested(0)), result(2_000)],
        until_ms=30_000,
    )
    assert "dropped" not in states(records, "s-1.1")


def test_what_is_called_off_is_called_off_for_them_too() -> None:
    cancelled: tuple[int, Event] = (1_500, ModelCancelled("s-1", "never mind"))
    for name in BASELINES:
        assert told_at(played(name, cancelled, result(2_000))) == [], name


def test_ours_tells_what_each_of_them_loses() -> None:
    for records in (
        played("default", *types("wh", 1_000, enter=False), (1_400, UserText("wh", op="delete")), result(1_300)),
        played("default", result(1_000, text=LONG), *types("and", 2_000)),
        played("default", speech(1_000, LONG * 2), result(2_000)),
    ):
        assert states(records, "s-1.1")[-1] == "heard"
    assert default_policy() == NAMED["default"]()
