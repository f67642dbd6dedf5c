"""The chat voice's own words on their way: what of them is still to be heard."""

from __future__ import annotations

from interaction.models.chat_actions import Came
from interaction.models.chat_flight import Flight
from orchestrator.context import Interrupted, Spoke
from orchestrator.effects import NOT_CURRENT, Heard
from tests.interaction.chat_rig import DONE, Rig, an_offer, requests


def test_what_is_heard_or_cut_is_on_its_way_no_more() -> None:
    flight = Flight()
    flight.say("It rains. It is cold.")
    assert flight.learn([Spoke(text="It rains.")])
    assert flight.words == "It is cold."
    flight.learn([Interrupted(by="the person")])
    assert flight.said_before == ()


def test_of_what_is_taken_back_only_the_answers_are_still_said() -> None:
    flight = Flight()
    flight.say("Yes. ")
    flight.say("It rains.", telling=True)
    flight.end()
    flight.say("And you?")
    assert flight.learn([Spoke(text="Yes.")])
    flight.take_back()
    assert flight.words == "And you?"


def test_words_that_were_taken_back_are_not_said_to_be_on_their_way() -> None:
    """Phrased ahead, and then the person began: the model must not be told that they hear it just now."""
    for floor, notices in (("person", ()), ("nobody", (NOT_CURRENT,))):
        rig = Rig()
        rig.turn(offers=(an_offer(),))
        rig.came(1, "It leaves at 9:12.", DONE)
        rig.turn(*([] if notices else [Heard("and")]), floor=floor, notices=notices)
        assert requests(rig.line(" who are you?")) == [2]
        rig.take(Came(2, DONE))
        rig.turn(offers=(an_offer(),))
        request = rig.requests[max(rig.requests)]
        assert "hears it now" not in str(request.messages)
        assert "Tell the person this now" in str(request.messages[-1]["content"])
