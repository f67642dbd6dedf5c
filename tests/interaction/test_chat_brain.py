"""The chat voice's brain, as tables: what has happened in, what is to be done out. No loop, no clock, no server."""

from __future__ import annotations

import pytest

from interaction.models.chat_actions import (
    Action,
    Broke,
    Came,
    ClearTimer,
    Due,
    Tell,
)
from interaction.models.chat_prompt import PromptSettings
from interaction.models.chat_settings import ChatSettings
from orchestrator.completions.asking import CallDone, Completion, Done, FunctionCall, Text, Thought
from orchestrator.context import Found, Interrupted, Said, Spoke
from orchestrator.effects import Heard
from orchestrator.errors import ConfigError
from orchestrator.events import ModelDelegated, ModelEvent, ModelRested, ModelSpoke
from orchestrator.finding import Finding
from tests.interaction.chat_rig import DONE, ENTER, Rig, closed, events, requests, timers, trouble
from tests.interaction.chatting import NONCE, call

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


def test_who_thinks_until_nothing_is_left_for_words_says_so() -> None:
    rig = Rig()
    rig.line("Hello.")
    told = rig.came(1, Thought("well, well"), Done(Completion(thoughts="well, well", finish="length")))
    assert told == [ModelSpoke("I couldn't do that."), ModelRested(1)]


def test_the_same_answer_to_another_question_is_an_answer() -> None:
    rig = Rig()
    rig.line("How tall is it?")
    rig.came(1, "I cannot know that.", DONE)
    rig.turn(entries=(Spoke(text="I cannot know that."),))
    rig.line("And who built it?")
    assert rig.came(2, "I cannot know that.", DONE) == [ModelSpoke("I cannot know that."), ModelRested(3)]


def test_an_answer_without_a_word_is_silence() -> None:
    rig = Rig()
    rig.line("Just listen.")
    assert rig.came(1, DONE) == [ModelRested(1)]


def test_marks_of_writing_are_not_said_nor_kept() -> None:
    rig = Rig()
    rig.line("How do I make tea?")
    told = rig.came(1, "## Tea\n- **St", "eep** it [well](https://x.org/", "tea)", DONE)
    words = "".join(event.text for event in told if isinstance(event, ModelSpoke))
    assert words == "Tea.\nSteep it well"
    rig.line("And now?")
    said = rig.came(2, CallDone(call("delegate", task="the *tea*", say="I'll **look**.")), DONE)
    assert said[:2] == [ModelDelegated("the *tea*"), ModelSpoke("I'll look.")]


def test_what_goes_on_after_it_broke_off_may_begin_with_marks() -> None:
    rig = Rig()
    rig.line("How do I make tea?")
    rig.came(1, "**Steep** it for")
    rig.take(Broke(1, trouble("cut off")))
    told = rig.came(2, "**Steep** it for **three** minutes.", DONE)
    assert "".join(event.text for event in told if isinstance(event, ModelSpoke)) == " three minutes."


@pytest.mark.parametrize(("line", "again"), [("And Anna?", True), ("Hello", True), ("Okay", False)])
def test_who_wants_an_answer_hears_one_though_it_was_said_before(line: str, again: bool) -> None:
    rig = Rig()
    rig.line("Where is Tom?")
    assert rig.came(1, "I am not sure at all.", DONE) == [ModelSpoke("I am not sure at all."), ModelRested(1)]
    rig.line(line, entries=(Spoke(text="I am not sure at all."), Said(text=line)))
    spoke = [event for event in rig.came(2, "I am not sure ", "at all.", DONE) if isinstance(event, ModelSpoke)]
    assert spoke == ([ModelSpoke("I am not sure at all.")] if again else [])


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
    rig.turn(floor="person", quiet_ms=100)
    return rig.turn(floor="person", quiet_ms=300)


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


def test_no_more_is_asked_for_than_the_window_has_left() -> None:
    rig = Rig(ChatSettings(prompt=PromptSettings(window=6_000)))
    asked = requests(rig.line("Hello."))[0]
    first = rig.requests[asked].max_tokens
    rig.came(asked, "Yes.", DONE)
    second = rig.requests[requests(rig.line("Tell me more. " + "word " * 200))[0]].max_tokens
    assert first is not None and second is not None
    assert 256 <= second < first - 200 < 6_000 - 1_000
    few = Rig(ChatSettings(max_tokens=300))
    assert few.requests[requests(few.line("Hello."))[0]].max_tokens == 300


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
