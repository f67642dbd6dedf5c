"""The chat voice's brain, as tables: findings that are to be told, and troubles."""

from __future__ import annotations

import pytest

from interaction.models.chat_actions import (
    Broke,
    Came,
    Due,
    Tell,
)
from orchestrator.completions.asking import CallDone, Piece, Text, Thought
from orchestrator.context import Assigned, Entry, Settled, Spoke
from orchestrator.effects import NOT_CURRENT, Heard
from orchestrator.events import ModelDelegated, ModelEvent, ModelFailed, ModelRested, ModelSpoke
from tests.interaction.chat_rig import DONE, Rig, an_offer, closed, events, requests, timers, trouble
from tests.interaction.chatting import call

# --- findings --------------------------------------------------------------------------------------------------------


def test_an_offer_is_told_and_its_turn_rested_then() -> None:
    rig = Rig()
    actions = rig.turn(offers=(an_offer(),))
    assert requests(actions) == [1] and events(actions) == []
    assert "Tell the person this now" in str(rig.requests[1].messages[-1]["content"])
    assert rig.turn(Heard(activity="pause")) == (), "not rested while it is being phrased"
    told = rig.came(1, "It leaves", " at 9:12.", DONE)
    about = ("s-1.1",)
    assert told == [ModelSpoke("It leaves", about), ModelSpoke(" at 9:12.", about), ModelRested(2)]


def test_the_person_is_answered_first_and_then_told() -> None:
    rig = Rig()
    assert requests(rig.line("Hello.", offers=(an_offer(),))) == [1]
    rig.came(1, "Hi.")
    actions = rig.take(Came(1, DONE))
    # The turn of the offer is not dealt with yet.
    assert events(actions) == [ModelRested(0)]
    assert requests(actions) == [2]
    assert rig.came(2, "At 9:12.", DONE) == [ModelSpoke("At 9:12.", ("s-1.1",)), ModelRested(1)]


def test_what_is_being_phrased_when_the_person_begins_is_left_to_the_session() -> None:
    """It takes such a finding back, and offers it again when there is a moment for it: told unasked it is refused."""
    rig = Rig()
    rig.turn(offers=(an_offer(),))
    assert closed(rig.turn(Heard("and"), floor="person")) == [1]
    assert requests(rig.line(" who are you?")) == [2]
    # Answered, and nothing is told that was not offered since.
    assert rig.came(2, "Me.", DONE) == [ModelSpoke("Me."), ModelRested(3)]
    actions = rig.turn(offers=(an_offer(),))
    assert requests(actions) == [3]
    assert rig.came(3, "At 9:12.", DONE)[0] == ModelSpoke("At 9:12.", ("s-1.1",))


def test_what_is_offered_once_more_as_the_person_ends_goes_on_being_phrased() -> None:
    rig = Rig()
    rig.turn(offers=(an_offer(),))
    assert rig.turn(Heard(activity="pause"), offers=(an_offer(),)) == ()
    assert rig.came(1, "At 9:12.", DONE) == [ModelSpoke("At 9:12.", ("s-1.1",)), ModelRested(2)]


def test_what_needs_no_words_is_acknowledged() -> None:
    rig = Rig()
    rig.turn(offers=(an_offer(),))
    silent = CallDone(call("stay_silent", findings=["s-1.1"]))
    assert rig.came(1, silent, DONE) == [ModelRested(1, ("s-1.1",))]


def test_of_two_findings_one_can_be_told_and_the_other_kept_quiet() -> None:
    rig = Rig()
    rig.turn(offers=(an_offer("At 9:12."), an_offer("It is direct.", 2)))
    silent = CallDone(call("stay_silent", findings=["s-1.2"]))
    assert rig.came(1, silent, "At 9:12.", DONE) == [ModelSpoke("At 9:12.", ("s-1.1",)), ModelRested(1, ("s-1.2",))]


@pytest.mark.parametrize("say", ["I'll look that up too.", ""])
def test_a_word_about_another_hand_off_does_not_count_as_the_finding_told(say: str) -> None:
    rig = Rig()
    rig.turn(offers=(an_offer(),))
    told = rig.came(1, CallDone(call("delegate", task="the way back", say=say)), DONE)
    assert told == [ModelDelegated("the way back"), ModelSpoke(say or "On it."), ModelRested(1)]


def test_a_word_about_a_hand_off_is_taken_back_when_the_person_goes_on() -> None:
    rig = Rig()
    rig.turn(offers=(an_offer(),))
    rig.came(1, CallDone(call("delegate", task="the way back", say="I'll look.")))
    actions = rig.turn(Heard("And"), floor="person")
    assert closed(actions) == [1]
    assert ModelRested(0, takes_back=True) in events(actions)


def test_what_is_told_already_is_not_acknowledged_away() -> None:
    rig = Rig()
    rig.turn(offers=(an_offer(),))
    silent = CallDone(call("stay_silent", findings=["s-1.1"]))
    assert rig.came(1, "At 9:12.", silent, DONE) == [ModelSpoke("At 9:12.", ("s-1.1",)), ModelRested(1)]


@pytest.mark.parametrize(
    "entry",
    [
        Settled(finding="s-1.1", state="superseded"),
        Assigned(delegation="s-1", task="the bus", action="amended"),
        Assigned(delegation="s-1", action="cancelled"),
    ],
)
def test_what_is_withdrawn_while_it_is_phrased_is_closed(entry: Entry) -> None:
    rig = Rig()
    rig.turn(offers=(an_offer(),))
    actions = rig.turn(entries=(entry,))
    assert closed(actions) == [1]
    assert events(actions) == [ModelRested(2)]


def test_what_the_session_refuses_is_not_told_on() -> None:
    rig = Rig()
    rig.turn(offers=(an_offer(),))
    rig.came(1, "At")
    actions = rig.turn(notices=(NOT_CURRENT,))
    assert closed(actions) == [1]
    assert events(actions) == [ModelRested(0), ModelRested(2)]


def test_one_that_is_offered_once_more_is_told_once() -> None:
    rig = Rig()
    rig.turn(offers=(an_offer(),))
    assert rig.turn(offers=(an_offer(),)) == ()
    actions = rig.take(Came(1, Text("At 9:12.")))
    assert requests(actions) == []
    assert rig.came(1, DONE) == [ModelRested(2)]


def test_what_cannot_be_told_while_the_person_holds_the_floor_goes_back() -> None:
    rig = Rig()
    actions = rig.turn(Heard("So"), floor="person", offers=(an_offer(),))
    assert actions == (Tell(ModelRested(1)),)


def test_the_model_knows_what_is_still_being_said() -> None:
    rig = Rig()
    rig.line("Hello.")
    rig.came(1, "Hi, nice to see you.", DONE)
    rig.turn(offers=(an_offer(),))
    assert any('it now: "Hi, nice to see you."' in str(each["content"]) for each in rig.requests[2].messages)
    # Once it is heard, it stands in the conversation, and nothing more is said of it.
    rig.came(2, DONE)
    rig.turn(entries=(Spoke(text="Hi, nice to see you."),), offers=(an_offer("At ten.", 2),))
    assert str(rig.requests[3].messages).count("it now:") == 1


# --- troubles --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [(), (Thought("Hm."),)], ids=["silent", "dies while it thinks"])
def test_pauses_between_tries_grow_and_the_person_is_told_once(before: tuple[Piece, ...]) -> None:
    rig = Rig()
    rig.line("Hello.")
    waits: list[int] = []
    told: list[ModelEvent] = []
    for number in range(1, 10):
        rig.came(number, *before)
        actions = rig.take(Broke(number, trouble("network")))
        again = timers(actions)["retry"]
        assert again is not None
        waits.append(again - rig.at_ms)
        told += events(actions)
        assert requests(rig.take(Due("retry"), again)) == [number + 1]
    assert waits == [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000]
    assert len(told) == 1 and isinstance(told[0], ModelFailed)
    # While it is down nothing is rested: that would say that it is well.
    assert rig.turn(Heard(activity="pause")) == ()
    assert rig.came(10, "Hi.", DONE) == [ModelSpoke("Hi."), ModelRested(2)]


def until_given_up(rig: Rig, number: int) -> tuple[int, list[ModelEvent]]:
    """Request `number` and those that follow break. Returns the number of the last one, and what was told."""
    told: list[ModelEvent] = []
    while True:
        actions = rig.take(Broke(number, trouble("network")))
        told += events(actions)
        again = timers(actions).get("retry")
        if again is None:
            return number, told
        assert requests(rig.take(Due("retry"), again)) == [number + 1]
        number += 1


def test_an_outage_without_an_end_is_given_up_in_one_line_and_the_next_line_is_tried_anew() -> None:
    rig = Rig()
    rig.line("Hello.")
    number, told = until_given_up(rig, 1)
    assert (number, rig.at_ms // 60_000) == (18, 10)
    first, rested, last = told
    assert isinstance(first, ModelFailed) and first.say.endswith("answer as soon as it works again.")
    assert isinstance(last, ModelFailed) and last.say.endswith("Ask again when it is back.")
    assert isinstance(rested, ModelRested), "else the session would take the second for the first"
    assert rig.turn(Heard(activity="pause")) == ()
    assert requests(rig.line("Are you back?")) == [number + 1]
    assert rig.came(number + 1, "I am.", DONE)[0] == ModelSpoke("I am.")


def test_who_asks_again_during_an_outage_is_kept_as_long_as_who_asks_first() -> None:
    rig = Rig()
    rig.line("Hello.")
    rig.take(Broke(1, trouble("network")))
    rig.at_ms = 500_000
    assert requests(rig.line("Are you there?")) == [2]
    until_given_up(rig, 2)
    assert rig.at_ms > 500_000 + 600_000


def test_the_servers_own_hint_is_kept_to_within_bounds() -> None:
    for hint, wait in ((3.0, 3_000), (0.0, 250), (9_999.0, 120_000)):
        rig = Rig()
        rig.line("Hello.")
        again = timers(rig.take(Broke(1, trouble("rate limit", hint))))["retry"]
        assert again == rig.at_ms + wait


def test_a_new_line_is_tried_at_once_unless_the_server_wants_to_be_left_alone() -> None:
    for hint, tried in ((None, [2]), (60.0, [])):
        rig = Rig()
        rig.line("Hello.")
        rig.take(Broke(1, trouble("busy", hint)))
        assert requests(rig.line("Are you there?")) == tried


def test_what_will_not_pass_is_told_and_not_tried_again() -> None:
    rig = Rig()
    rig.line("Hello.")
    actions = rig.take(Broke(1, trouble("model name")))
    assert [type(event) for event in events(actions)] == [ModelFailed]
    assert "retry" not in timers(actions)
    # Who asks once more hears it once more: the session forgets first that it is down.
    assert requests(rig.line("Hello?")) == [2]
    assert [type(event) for event in events(rig.take(Broke(2, trouble("model name"))))] == [ModelRested, ModelFailed]


def test_offers_of_a_voice_that_is_down_go_back_to_the_session() -> None:
    rig = Rig()
    rig.turn(offers=(an_offer(),))
    actions = rig.take(Broke(1, trouble("quota")))
    assert [type(event) for event in events(actions)] == [ModelFailed]
    assert requests(rig.turn(offers=(an_offer(),))) == []


def test_a_telling_that_is_under_way_when_the_outage_is_told_is_closed() -> None:
    rig = Rig()
    rig.turn(offers=(an_offer(),))
    rig.take(Broke(1, trouble("network")))
    assert requests(rig.take(Due("retry"))) == [2]
    actions = rig.take(Due("patience"))
    # From now on the session reads it out itself; told here as well, it would be told twice.
    assert closed(actions) == [2]
    assert [type(event) for event in events(actions)] == [ModelFailed]


def test_an_answer_that_broke_off_goes_on_once() -> None:
    rig = Rig()
    rig.line("Count.")
    rig.came(1, "One two")
    actions = rig.take(Broke(1, trouble("cut off")))
    assert requests(actions) == [2] and events(actions) == []
    assert rig.came(2, "One two", " three.", DONE) == [ModelSpoke(" three."), ModelRested(1)]


def test_what_was_done_before_it_broke_off_is_not_done_again() -> None:
    rig = Rig()
    rig.line("When is the train?")
    rig.came(1, CallDone(call("delegate", task="the train")))
    actions = rig.take(Broke(1, trouble("cut off")))
    assert requests(actions) == []
    assert events(actions) == [ModelSpoke("On it."), ModelRested(1)]


def test_a_prompt_that_is_too_long_is_shortened_and_asked_once_more() -> None:
    rig = Rig()
    for number in range(1, 9):
        rig.line(f"Line {number}. " + "word " * 200)
        rig.came(number, "Yes.", DONE)
        rig.turn(entries=(Spoke(text="Yes."),))
    rig.line("And now?")
    actions = rig.take(Broke(9, trouble("too long")))
    assert requests(actions) == [10]
    assert len(str(rig.requests[10].messages)) < len(str(rig.requests[9].messages))
    assert rig.requests[10].messages[-1]["content"] == "And now?"


def test_a_slow_server_is_told_of_and_waited_for() -> None:
    rig = Rig()
    rig.line("Hello.")
    actions = rig.take(Due("slow"))
    assert [type(event) for event in events(actions)] == [ModelFailed]
    assert closed(actions) == []
    assert rig.came(1, "Hi.", DONE) == [ModelSpoke("Hi."), ModelRested(1)]
