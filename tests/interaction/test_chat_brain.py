"""The chat voice's brain, as tables: what has happened in, what is to be done out. No loop, no clock, no server."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from interaction.models.chat_actions import (
    Action,
    Ask,
    Broke,
    Came,
    ClearTimer,
    Close,
    Due,
    Happening,
    SetTimer,
    Tell,
    Turned,
)
from interaction.models.chat_asking import Asking
from interaction.models.chat_brain import ChatBrain
from interaction.models.chat_prompt import PromptSettings
from interaction.models.chat_settings import ChatSettings
from orchestrator.completions.asking import CallDone, Completion, Done, FunctionCall, Piece, Request, Text, Thought
from orchestrator.completions.profile import Profile
from orchestrator.completions.troubles import Cause, ModelTrouble
from orchestrator.context import Assigned, Entry, Found, Interrupted, Said, Settled, Spoke
from orchestrator.effects import NOT_CURRENT, Heard, MicroTurn, Offer, Work
from orchestrator.errors import ConfigError
from orchestrator.events import ModelDelegated, ModelEvent, ModelFailed, ModelRested, ModelSpoke
from orchestrator.finding import Finding
from orchestrator.ports import Opening
from tests.interaction.chatting import NONCE, call

DONE = Done(Completion())
ENTER = Heard("", final=True)
RUNNING = (Work("s-1", "the train", "running"),)


class Rig:
    """A brain, and a session of as many words as it needs."""

    def __init__(self, settings: ChatSettings | None = None, **opening: Any) -> None:
        settings = settings or ChatSettings()
        asking = Asking(Opening("s", **opening), model="m", profile=Profile(), nonce=NONCE, settings=settings)
        self.brain: ChatBrain = ChatBrain(asking, settings=settings)
        self.at_ms: int = 0
        self.n: int = 0
        self.revision: int = 0
        self.requests: dict[int, Request] = {}

    def take(self, happening: Happening, at_ms: int | None = None) -> tuple[Action, ...]:
        """What the brain does; requests are kept and shown by their number alone."""
        self.at_ms = self.at_ms + 10 if at_ms is None else at_ms
        actions = self.brain.take(happening, self.at_ms)
        for action in actions:
            if isinstance(action, Ask):
                self.requests[action.number] = action.request
        return actions

    def turn(self, *heard: Heard, entries: tuple[Entry, ...] = (), **fields: Any) -> tuple[Action, ...]:
        """One micro-turn, 200 ms after the last one."""
        self.at_ms += 200
        self.n += 1
        stamped: list[Entry] = []
        for entry in entries:
            self.revision += 1
            stamped.append(msgspec.structs.replace(entry, revision=self.revision))
        values: dict[str, Any] = {"quiet_ms": 0 if heard else 200, **fields}
        turn = MicroTurn(self.n, self.at_ms, self.revision, heard=heard, entries=tuple(stamped), **values)
        return self.take(Turned(turn), self.at_ms)

    def line(self, text: str, **fields: Any) -> tuple[Action, ...]:
        """The person says a whole line at once."""
        return self.turn(Heard(text), ENTER, entries=(Said(text=text),), **fields)

    def came(self, number: int, *pieces: Piece | str) -> list[ModelEvent]:
        """Pieces of an answer, and what the session is told because of them."""
        told: list[ModelEvent] = []
        for piece in pieces:
            told += events(self.take(Came(number, Text(piece) if isinstance(piece, str) else piece)))
        return told


def events(actions: tuple[Action, ...]) -> list[ModelEvent]:
    return [action.event for action in actions if isinstance(action, Tell)]


def requests(actions: tuple[Action, ...]) -> list[int]:
    return [action.number for action in actions if isinstance(action, Ask)]


def closed(actions: tuple[Action, ...]) -> list[int]:
    return [action.number for action in actions if isinstance(action, Close)]


def timers(actions: tuple[Action, ...]) -> dict[str, int | None]:
    return {
        action.timer: action.at_ms if isinstance(action, SetTimer) else None
        for action in actions
        if isinstance(action, SetTimer | ClearTimer)
    }


def an_offer(text: str = "At 9:12.", seq: int = 1, **fields: Any) -> Offer:
    return Offer(Finding(text, delegation="s-1", seq=seq), "the train", **fields)


def trouble(cause: Cause, retry_after_s: float | None = None) -> ModelTrouble:
    return ModelTrouble(cause, "no", retry_after_s=retry_after_s)


# --- answering -------------------------------------------------------------------------------------------------------


def test_a_turn_that_needs_nothing_is_rested_at_once() -> None:
    rig = Rig()
    assert rig.turn(Heard("He"), floor="person") == (Tell(ModelRested(1)),)
    assert rig.turn(Heard("llo"), floor="person") == (Tell(ModelRested(2)),)


def test_a_line_is_asked_about_and_its_turn_rested_when_all_is_said() -> None:
    rig = Rig()
    actions = rig.line("Hello.")
    assert requests(actions) == [1]
    assert timers(actions) == {"slow": 200 + 10_000}
    assert events(actions) == []
    assert rig.requests[1].messages[-1] == {"role": "user", "content": "Hello."}
    first = rig.take(Came(1, Text("Hi")))
    assert first == (ClearTimer("slow"), Tell(ModelSpoke("Hi")))
    assert rig.came(1, " there.", DONE) == [ModelSpoke(" there."), ModelRested(1)]


def test_what_it_thinks_is_not_said() -> None:
    rig = Rig()
    rig.line("Hello.")
    assert rig.came(1, Thought("they greet"), "Hi.", DONE) == [ModelSpoke("Hi."), ModelRested(1)]


def test_a_frame_that_the_model_writes_itself_is_not_said() -> None:
    rig = Rig()
    rig.line("Hello.")
    told = rig.came(1, "Hi. <duo", f'logue-{NONCE} kind="note">', "\nsecret\n", f"</duologue-{NONCE}>", " Bye.", DONE)
    assert "".join(event.text for event in told if isinstance(event, ModelSpoke)) == "Hi.  Bye."


def test_what_still_comes_of_a_closed_request_counts_for_nothing() -> None:
    rig = Rig()
    rig.line("Hello.")
    actions = rig.turn(Heard("B"), floor="person")
    assert closed(actions) == [1]
    assert rig.came(1, "Hi", CallDone(call("delegate", task="x")), DONE) == []


def test_typing_over_it_closes_the_request_and_takes_back_what_was_on_its_way() -> None:
    rig = Rig()
    rig.line("Hello.")
    rig.came(1, "Hi, how", " are")
    actions = rig.turn(Heard("Wait"), floor="person", entries=(Spoke(text="Hi,", cut=" how are"), Interrupted()))
    assert closed(actions) == [1]
    assert events(actions) == [ModelRested(0, takes_back=True), ModelRested(2)]
    rig.turn(Heard(", what?"), floor="person")
    actions = rig.turn(ENTER, entries=(Said(text="Wait, what?"),))
    assert requests(actions) == [2]
    told = [str(message["content"]) for message in rig.requests[2].messages[1:]]
    assert told[0] == "Hello." and told[1] == "Hi," and told[-1] == "Wait, what?"


def test_a_line_that_is_finished_in_one_go_takes_the_place_of_what_is_being_said() -> None:
    rig = Rig()
    rig.line("Hello.")
    rig.came(1, "Hi")
    actions = rig.line("And now?")
    assert (closed(actions), requests(actions)) == ([1], [2])


def test_a_word_put_in_is_waited_out_and_nothing_is_lost() -> None:
    rig = Rig()
    rig.line("Tell me.")
    assert rig.turn(Heard("o"), floor="person") == ()
    assert rig.came(1, "It is", " so.", DONE) == []
    actions = rig.turn(Heard("k"), ENTER, entries=(Said(text="ok"),))
    assert events(actions) == [ModelSpoke("It is"), ModelSpoke(" so."), ModelRested(3)]
    assert requests(actions) == []


# --- begun early -----------------------------------------------------------------------------------------------------


def pausing(rig: Rig, text: str = "What is the capital of France?") -> tuple[Action, ...]:
    rig.turn(Heard(text), floor="person")
    rig.turn(floor="person", quiet_ms=200)
    return rig.turn(floor="person", quiet_ms=400)


def test_an_answer_is_begun_in_the_pause_and_released_when_the_line_stands() -> None:
    rig = Rig()
    actions = pausing(rig)
    assert requests(actions) == [1]
    assert timers(actions) == {"speculation": 600 + 6_000}
    assert rig.came(1, "Paris", ".") == []
    actions = rig.turn(ENTER, entries=(Said(text="What is the capital of France?"),))
    assert requests(actions) == [] and closed(actions) == []
    assert events(actions) == [ModelSpoke("Paris"), ModelSpoke(".")]
    assert rig.came(1, DONE) == [ModelRested(4)]


def test_if_the_person_goes_on_it_is_closed_and_none_of_it_is_done() -> None:
    rig = Rig()
    pausing(rig)
    rig.came(1, CallDone(call("delegate", task="the capital of France", say="On it.")))
    actions = rig.turn(Heard(" And of Spain?"), floor="person")
    assert closed(actions) == [1]
    assert events(actions) == [ModelRested(4)]
    actions = rig.turn(ENTER, entries=(Said(text="What is the capital of France? And of Spain?"),))
    assert requests(actions) == [2]


def test_what_was_learned_meanwhile_makes_it_worthless() -> None:
    rig = Rig()
    pausing(rig)
    found = Found(finding=Finding("At 9:12.", delegation="s-1", seq=1))
    actions = rig.turn(ENTER, entries=(found, Said(text="What is the capital of France?")))
    assert (closed(actions), requests(actions)) == ([1], [2])


@pytest.mark.parametrize(
    ("settings", "begun"),
    [
        (ChatSettings(), [1]),
        (ChatSettings(preempt=False), []),
        (ChatSettings(preempts_a_minute=0), []),
    ],
)
def test_it_can_be_turned_off_and_is_bounded(settings: ChatSettings, begun: list[int]) -> None:
    assert requests(pausing(Rig(settings))) == begun


def test_what_it_holds_is_bounded_in_size_and_time() -> None:
    rig = Rig(ChatSettings(preempt_chars=10))
    pausing(rig)
    assert closed(rig.take(Came(1, Text("a long answer")))) == [1]
    rig = Rig()
    pausing(rig)
    assert closed(rig.take(Due("speculation"))) == [1]


def test_one_that_breaks_is_forgotten() -> None:
    rig = Rig()
    pausing(rig)
    assert events(rig.take(Broke(1, trouble("network")))) == []
    actions = rig.turn(ENTER, entries=(Said(text="What is the capital of France?"),))
    assert requests(actions) == [2]


# --- calls -----------------------------------------------------------------------------------------------------------


def test_a_hand_off_with_words_is_all() -> None:
    rig = Rig()
    rig.line("When is the train?")
    told = rig.came(1, CallDone(call("delegate", task="the train", say="I'll look.")), DONE)
    assert told == [ModelDelegated("the train"), ModelSpoke("I'll look."), ModelRested(1)]


def test_the_same_words_are_not_said_twice() -> None:
    rig = Rig()
    rig.line("When is the train?")
    told = rig.came(1, "I'll look.", CallDone(call("delegate", task="the train", say="I'll look.")), DONE)
    assert "".join(event.text for event in told if isinstance(event, ModelSpoke)) == "I'll look."


@pytest.mark.parametrize(("filler", "words"), [("On it.", [ModelSpoke("On it.")]), ("", [])])
def test_a_hand_off_without_words(filler: str, words: list[ModelEvent]) -> None:
    rig = Rig(ChatSettings(filler=filler))
    rig.line("When is the train?")
    told = rig.came(1, CallDone(call("delegate", task="the train")), DONE)
    assert told == [ModelDelegated("the train"), *words, ModelRested(1)]


def test_a_call_that_cannot_be_carried_out_is_mended_in_one_more_request() -> None:
    rig = Rig()
    rig.line("Stop that.")
    broken = FunctionCall("c", "delegate", None, "{", "it is cut off")
    assert rig.came(1, CallDone(broken)) == []
    actions = rig.take(Came(1, DONE))
    assert requests(actions) == [2] and events(actions) == []
    assert rig.requests[2].messages[-1]["role"] == "tool"
    assert rig.came(2, "Then not.", DONE) == [ModelSpoke("Then not."), ModelRested(1)]


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


def test_pauses_between_tries_grow_and_the_person_is_told_once() -> None:
    rig = Rig()
    rig.line("Hello.")
    waits: list[int] = []
    told: list[ModelEvent] = []
    for number in range(1, 9):
        actions = rig.take(Broke(number, trouble("network")))
        again = timers(actions)["retry"]
        assert again is not None
        waits.append(again - rig.at_ms)
        told += events(actions)
        assert requests(rig.take(Due("retry"), again)) == [number + 1]
    assert waits == [250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]
    assert len(told) == 1 and isinstance(told[0], ModelFailed)
    # While it is down nothing is rested: that would say that it is well.
    assert rig.turn(Heard(activity="pause")) == ()
    assert rig.came(9, "Hi.", DONE) == [ModelSpoke("Hi."), ModelRested(2)]


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


# --- the window ------------------------------------------------------------------------------------------------------


def long_talk(rig: Rig) -> int:
    """A conversation until a summary is asked for. Returns its number."""
    for _ in range(60):
        rig.came(requests(rig.line("Tell me more of that. " + "word " * 60))[-1], "Yes.", DONE)
        rig.turn(entries=(Spoke(text="Yes."),))
        for number, request in rig.requests.items():
            if not request.tools:
                return number
    raise AssertionError("it never became too long")


def test_a_long_talk_is_summed_up_in_the_background_and_rolls_over_between_requests() -> None:
    rig = Rig(ChatSettings(prompt=PromptSettings(window=4_000), summary_model="small"))
    number = long_talk(rig)
    assert rig.requests[number].model == "small" and not rig.requests[number].tools
    # The talk goes on meanwhile.
    actions = rig.line("Go on.")
    going = requests(actions)
    assert len(going) == 1
    summary = Done(Completion("KEEP: call me Ann.\nThey talked of words."))
    assert rig.came(number, summary) == []
    rig.came(going[0], "On.", DONE)
    after = requests(rig.line("And?"))
    prompt = str(rig.requests[after[-1]].messages)
    assert "call me Ann" in prompt and "They talked of words" in prompt
    assert len(prompt) < len(str(rig.requests[going[0]].messages))


def test_a_summary_that_fails_is_tried_again_later_and_disturbs_nobody() -> None:
    rig = Rig(ChatSettings(prompt=PromptSettings(window=4_000)))
    number = long_talk(rig)
    assert events(rig.take(Broke(number, trouble("network")))) == []
    rig.at_ms += 31_000
    last = max(rig.requests)
    assert requests(rig.turn(Heard(activity="pause"))) == [last + 1]
    assert rig.requests[last + 1] == rig.requests[number]


def test_settings_that_cannot_be_kept_are_refused() -> None:
    with pytest.raises(ConfigError):
        ChatSettings(retry_first_ms=0)
