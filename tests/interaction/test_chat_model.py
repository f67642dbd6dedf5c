"""The chat voice in whole conversations: the real session, loop, bus and worker in virtual time, a scripted model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

import anyio
import pytest

from background.models.scripted import AwaitCorrection
from interaction.models.chat import ChatModel
from interaction.models.chat_prompt import PromptSettings
from interaction.models.chat_settings import ChatSettings
from orchestrator.completions.asking import Piece, Request
from orchestrator.completions.troubles import Cause, ModelTrouble
from orchestrator.effects import Close, Emit, StopSpeaking
from orchestrator.errors import ConfigError
from orchestrator.events import (
    ModelAmended,
    ModelCancelled,
    ModelDelegated,
    ModelFailed,
    ModelRested,
    ModelScheduled,
    ModelSpoke,
    UserEvent,
    UserLeft,
    UserText,
)
from orchestrator.finding import Finding
from orchestrator.testing import ScriptedCompletions
from orchestrator.testing.scripted_completions import Step
from tests.interaction.chatting import Talk, call, hold, last_words, typed
from tests.orchestrator.driving import states

STORY: Sequence[Step] = (
    "This is a rather long answer ",
    0.2,
    "that goes on for quite a while, ",
    0.2,
    "and it has a second clause, ",
    30.0,
    "and a third one.",
)
FOUND = Finding.final("The first train leaves at 9:12.")
LEAVES: tuple[int, UserEvent] = (20_000, UserLeft("bye"))


def spoken(talk: Talk) -> str:
    return "".join(event.text for event in talk.events(ModelSpoke))


def grows(requests: Sequence[Request]) -> bool:
    """Whether the prompt of each request begins with that of the one before."""
    return all(after.messages[: len(before.messages)] == before.messages for before, after in pairwise(requests))


def trouble(cause: Cause, *, retry_after_s: float | None = None) -> ModelTrouble:
    return ModelTrouble(cause, "it did not work", retry_after_s=retry_after_s)


# --- talking ---------------------------------------------------------------------------------------------------------


def test_a_finished_line_is_answered_as_the_words_come() -> None:
    talk = hold([*typed("Hello there.", 1_000), LEAVES], [0.3, "Hi", 0.1, " there, how", 0.1, " are you?"])
    assert talk.said == "Hi there, how are you?"
    first = next(at for at, _ in talk.at(ModelSpoke))
    assert first == 1_620 + 300
    # From the model's first token to the first word that the person gets: at most one micro-turn.
    assert 0 <= next(at for at, _ in talk.at(Emit)) - first <= 200
    assert not talk.unrested()


def test_each_prompt_extends_the_one_before() -> None:
    talk = hold(
        [*typed("Hello there.", 1_000), *typed("When is the train?", 4_000), *typed("Thank you.", 14_000), LEAVES],
        ["Hi."],
        [call("delegate", task="the next train", say="I'll look.")],
        ["It leaves at 9:12."],
        ["You are welcome."],
        answers=[[FOUND]],
    )
    assert len(talk.requests) == 4
    assert grows(talk.requests)
    assert talk.said == "Hi. | I'll look. | It leaves at 9:12. | You are welcome."


def test_typing_on_while_it_speaks_cuts_it_and_closes_the_request_at_once() -> None:
    talk = hold([*typed("Tell me all.", 1_000), *typed("Stop. What else?", 2_500), LEAVES], STORY, ["Sure."])
    assert talk.model.closed == [0]
    stopped = talk.at(StopSpeaking)[0][0]
    assert stopped <= 2_500 + 200
    assert [at for at, event in talk.at(ModelRested) if event.takes_back] == [stopped]
    assert [at for at, _ in talk.at(ModelSpoke) if 2_500 <= at < 3_300] == []
    # The model knows what was heard, not what it wrote.
    heard = str(talk.requests[1].messages[2]["content"])
    assert heard.startswith("This is a rather") and "third" not in str(talk.requests[1].messages)
    assert grows(talk.requests)


def test_who_goes_on_before_a_word_was_out_gets_one_answer_to_both_lines() -> None:
    talk = hold([*typed("Tell me all.", 1_000), *typed("But in short.", 2_000), LEAVES], [3.0, "x"], ["In short."])
    assert talk.model.closed == [0]
    assert [message["content"] for message in talk.requests[1].messages[1:]] == ["Tell me all.", "But in short."]
    assert talk.said == "In short."


def test_who_begins_and_takes_it_all_back_still_gets_the_answer() -> None:
    events = [*typed("Tell me all.", 1_000), (2_300, UserText("x")), (2_400, UserText("x", op="delete")), LEAVES]
    talk = hold(events, [3.0, "x"], ["All of it."])
    assert talk.model.closed == [0]
    assert talk.said == "All of it."


def test_words_that_were_on_their_way_when_the_person_began_are_not_said_later_as_a_stump() -> None:
    # The first token and the next key come within one early micro-turn.
    events = [*typed("Tell me all.", 1_000), (1_925, UserText("B")), *typed("ut in short.", 2_000), LEAVES]
    talk = hold(events, [0.306, "Well, the", 5.0, " rest"], ["In short."])
    assert talk.model.closed == [0]
    assert talk.said == "In short."


def test_a_listeners_word_interrupts_nothing() -> None:
    talk = hold([*typed("Tell me all.", 1_000), *typed("ok", 2_200), LEAVES], [*STORY[:3], 0.4, "and that is all."])
    assert talk.said == "This is a rather long answer that goes on for quite a while, and that is all."
    assert talk.model.closed == []


def test_a_listeners_word_before_the_first_one_is_waited_out() -> None:
    talk = hold([*typed("Tell me all.", 1_000), *typed("ok", 1_800), LEAVES], [0.25, "This is", 0.1, " it."])
    assert talk.said == "This is it."
    assert len(talk.requests) == 1


# --- answers begun early ---------------------------------------------------------------------------------------------


def test_an_answer_begun_in_the_pause_is_there_when_the_person_has_finished() -> None:
    line = typed("What is the capital of France?", 1_000, enter=False)
    talk = hold([*line, LEAVES], ["Paris ", 0.3, "is."])
    slow = hold([*line, LEAVES], ["Paris ", 0.3, "is."], settings=ChatSettings(preempt=False))
    assert talk.said == slow.said == "Paris is."
    assert len(talk.requests) == 1
    assert [event.text for event in talk.events(ModelSpoke)] == ["Paris ", "is."]
    assert talk.at(ModelSpoke)[-1][0] < slow.at(ModelSpoke)[-1][0]


def test_one_that_is_only_partly_there_streams_on() -> None:
    talk = hold([*typed("What is the capital of France?", 1_000, enter=False), LEAVES], ["Paris ", 2.0, "is."])
    assert talk.said == "Paris is."
    assert len(talk.requests) == 1 and talk.model.closed == []


def test_who_goes_on_is_answered_about_all_of_it_and_the_early_answer_is_closed_unsaid() -> None:
    talk = hold(
        [*typed("Tell me all.", 1_000, enter=False), *typed(" About Rome.", 2_000), LEAVES],
        ["Sure, ", 3.0, "all of it."],
        ["Rome is old."],
    )
    assert talk.model.closed == [0]
    assert talk.said == "Rome is old."
    assert last_words(talk.requests[1]) == "Tell me all. About Rome."


def test_a_call_of_an_early_answer_that_is_thrown_away_does_nothing() -> None:
    talk = hold(
        [*typed("Find trains to Paris.", 1_000, enter=False), *typed(" No, to Lyon.", 2_450), LEAVES],
        [call("delegate", task="trains to Paris", say="On it.")],
        [call("delegate", task="trains to Lyon", say="On it.")],
        ["At 9:12."],
        answers=[[FOUND]],
    )
    assert [event.task for event in talk.events(ModelDelegated)] == ["trains to Lyon"]
    assert talk.said == "On it. | At 9:12."


def test_a_long_answer_is_not_paid_for_before_it_is_wanted() -> None:
    talk = hold(
        [*typed("Tell me all", 1_000, enter=False), LEAVES],
        [*(f"word {number} " for number in range(200)), 9.0],
        ["Here it is."],
        settings=ChatSettings(preempt_chars=100),
    )
    assert talk.model.closed == [0]
    assert talk.said == "Here it is."


# --- work ------------------------------------------------------------------------------------------------------------


def test_work_is_handed_over_and_its_result_told_in_a_pause() -> None:
    talk = hold(
        [*typed("When is the train?", 1_000), LEAVES],
        [call("delegate", task="the next train", say="I'll look that up.")],
        ["The first one ", 0.1, "is at 9:12."],
        answers=[[FOUND]],
    )
    assert talk.said.split(" | ") == ["I'll look that up.", "The first one is at 9:12."]
    assert states(talk.records, "s-1.1") == ["owed", "offered", "speaking", "heard"]
    assert len(talk.requests) == 2, "a hand-off with words needs no second request"


@pytest.mark.parametrize(("filler", "said"), [("On it.", "On it."), ("", "")])
def test_a_hand_off_without_a_word_gets_the_filler(filler: str, said: str) -> None:
    talk = hold(
        [*typed("When is the train?", 1_000), LEAVES],
        [call("delegate", task="the next train")],
        settings=ChatSettings(filler=filler),
        answers=[[anyio.Event()]],
    )
    assert spoken(talk) == said
    assert not talk.unrested()


def test_a_correction_reaches_the_running_task_and_a_wrong_id_is_mended() -> None:
    talk = hold(
        [*typed("Trains to Paris?", 1_000), *typed("Make that Lyon.", 5_000), *typed("Forget it.", 9_000), LEAVES],
        [call("delegate", task="trains to Paris", say="Looking.")],
        [call("amend", task_id="s-1", text="Lyon, not Paris")],
        [call("cancel", task_id="s-7")],
        [call("cancel", task_id="s-1", say="Okay, forgotten.")],
        answers=[[AwaitCorrection(), anyio.Event()]],
    )
    assert talk.events(ModelAmended) == [ModelAmended("s-1", "Lyon, not Paris")]
    assert [event.delegation for event in talk.events(ModelCancelled)] == ["s-1"]
    assert last_words(talk.requests[3]).startswith("There is no task 's-7'. Did you mean s-1?")
    assert talk.said == "Looking. | On it. | Okay, forgotten."
    assert grows(talk.requests)


def test_calls_that_cannot_be_mended_are_given_up_with_a_word() -> None:
    wrong = [call("cancel", task_id="s-7")]
    talk = hold([*typed("Forget it.", 1_000), LEAVES], wrong, wrong, wrong, wrong)
    assert len(talk.requests) == 1 + ChatSettings().rounds
    assert talk.said == "I couldn't do that."
    assert not talk.unrested()


def test_what_is_put_on_the_agenda_is_said_by_itself() -> None:
    talk = hold([*typed("Say boo in a while.", 1_000), LEAVES], [call("schedule", when="in", seconds=3, say="Boo!")])
    assert len(talk.events(ModelScheduled)) == 1
    assert talk.said == "Okay. | Boo!"


def test_a_finding_that_needs_no_words_is_acknowledged() -> None:
    talk = hold(
        [*typed("When is the train?", 1_000), LEAVES],
        [call("delegate", task="the next train", say="Looking.")],
        [call("stay_silent", findings=["s-1.1"])],
        answers=[[FOUND]],
    )
    assert states(talk.records, "s-1.1")[-1] == "acknowledged"
    assert talk.said == "Looking."


def test_an_interrupted_telling_goes_on_after_the_answer() -> None:
    talk = hold(
        [*typed("When is the train?", 1_000), *typed("Sorry, what?", 3_400), LEAVES],
        [call("delegate", task="the next train")],
        ["The train leaves at nine in the morning from platform two, ", 3.0, "and it is direct."],
        ["I am telling you of the train."],
        ["It goes at nine, and it is direct."],
        answers=[[FOUND]],
    )
    assert talk.model.closed == [1]
    # It may be phrased while the answer is still being said; then a note of that stands behind it.
    told = [str(message["content"]) for message in talk.requests[3].messages[-2:]]
    assert any("They have heard already" in words for words in told)
    assert states(talk.records, "s-1.1")[-1] == "heard"
    assert talk.said.endswith("I am telling you of the train. | It goes at nine, and it is direct.")
    assert grows(talk.requests)


def test_a_finding_that_is_corrected_while_it_is_phrased_is_not_told() -> None:
    talk = hold(
        [*typed("When is the train?", 1_000), *typed("No, the bus.", 3_400), LEAVES],
        [call("delegate", task="the next train")],
        [6.0, "The train leaves at nine."],
        [call("delegate", task="the next bus", replaces="s-1", say="The bus, then.")],
        ["The bus goes at ten."],
        answers=[[FOUND], [Finding.final("The bus goes at ten.")]],
    )
    assert "train leaves" not in talk.said
    assert talk.said.endswith("The bus, then. | The bus goes at ten.")


def test_it_does_not_answer_itself_what_it_has_handed_over() -> None:
    talk = hold(
        [*typed("When is the train to Lyon?", 1_000), *typed("So when does it leave?", 5_000), LEAVES],
        [call("delegate", task="when the next train to Lyon leaves", say="I'll look.")],
        ["It leaves ", "at 7:45."],
        answers=[[anyio.Event()]],
    )
    assert talk.said.split(" | ")[:2] == ["I'll look.", "I'm still on that."]
    assert "7:45" not in talk.said


def test_a_long_talk_rolls_over_into_a_summary_while_it_goes_on() -> None:
    class Minded(ScriptedCompletions):
        """Sums up when it is asked to, and says one word else."""

        async def stream(self, request: Request) -> AsyncIterator[Piece]:
            self._scripts.append(("KEEP: call me Ann.\nThey talked.",) if not request.tools else ("Yes.",))
            async for piece in super().stream(request):
                yield piece

    line = "Tell me more of all that, and do not leave anything out of it, please. " * 6
    events = [(1_000 + 3_000 * number, UserText(line, final=True)) for number in range(40)]
    talk = hold(
        [*events, (125_000, UserLeft())], model=Minded(), settings=ChatSettings(prompt=PromptSettings(window=6_000))
    )
    talks = [request for request in talk.requests if request.tools]
    summaries = [request for request in talk.requests if not request.tools]
    assert len(talks) == 40 and summaries
    assert talk.said == " | ".join(["Yes."] * 40)
    assert "call me Ann" in str(talks[-1].messages[1]) and "They talked" in str(talks[-1].messages[1])
    # But for the roll-overs, each prompt extends the one before.
    breaks = [not grows(pair) for pair in pairwise(talks)].count(True)
    assert breaks == len(summaries)
    assert not talk.unrested()


# --- troubles --------------------------------------------------------------------------------------------------------


def test_a_short_trouble_is_not_heard_of() -> None:
    talk = hold([*typed("Hello there.", 1_000), LEAVES], [trouble("busy")], [trouble("network")], ["Hi."])
    assert talk.said == "Hi."
    assert talk.events(ModelFailed) == []
    assert not talk.unrested()


def test_an_outage_is_told_once_and_the_question_is_answered_when_it_is_over() -> None:
    talk = hold([*typed("Hello there.", 1_000), LEAVES], *[[trouble("network")]] * 5, ["Hi, I am back."])
    assert len(talk.events(ModelFailed)) == 1
    assert talk.said == (
        "I cannot reach the model server. I keep what you asked, and answer as soon as it works again. | Hi, I am back."
    )
    assert not talk.unrested()


def test_the_server_says_itself_when_to_come_again() -> None:
    talk = hold([*typed("Hello there.", 1_000), LEAVES], [trouble("rate limit", retry_after_s=7.0)], ["Hi."])
    failed = talk.at(ModelFailed)
    assert [at for at, _ in failed] == [1_620], "seven seconds are known to be too long to keep quiet about"
    assert [at for at, _ in talk.at(ModelSpoke)] == [8_620]


def test_what_will_not_pass_is_told_each_time_the_person_asks_and_not_tried_in_between() -> None:
    talk = hold(
        [*typed("Hello there.", 1_000), *typed("Hello again.", 8_000), *typed("And now?", 15_000), LEAVES],
        [trouble("key")],
        [trouble("key")],
        ["Now it works."],
    )
    assert len(talk.requests) == 3
    assert talk.said.count("key is missing or wrong") == 2
    assert talk.said.endswith("Now it works.")


def test_while_the_voice_is_down_results_are_read_out() -> None:
    talk = hold(
        [*typed("When is the train?", 1_000), *typed("Hello?", 3_000), LEAVES],
        [call("delegate", task="the next train", say="Looking.")],
        [trouble("quota")],
        answers=[[AwaitCorrection()]],
    )
    assert "nothing left to spend" in talk.said
    late = hold(
        [*typed("When is the train?", 1_000), LEAVES],
        [call("delegate", task="the next train", say="Looking.")],
        [trouble("quota")],
        answers=[[FOUND]],
    )
    assert late.said.endswith("The first train leaves at 9:12.")
    assert states(late.records, "s-1.1")[-1] == "heard"


def test_an_answer_that_breaks_off_is_gone_on_with_and_nothing_is_said_twice() -> None:
    talk = hold(
        [*typed("Count to six.", 1_000), LEAVES],
        ["One two ", 0.1, "three", trouble("cut off")],
        ["One two", " three four", " five six."],
    )
    assert talk.said == "One two three four five six."
    assert "broke off" in last_words(talk.requests[1])


def test_one_that_breaks_off_at_what_might_begin_the_nonce_loses_no_letter() -> None:
    """The nonce of this session begins with "a": at the end of "sea" that was held back, and "se a is" was said."""
    talk = hold([*typed("Tell me.", 1_000), LEAVES], ["The sea", trouble("cut off")], ["The sea", " is wide."])
    assert talk.said == "The sea is wide."


def test_an_answer_that_falls_silent_is_gone_on_with() -> None:
    talk = hold([*typed("Count to six.", 1_000), LEAVES], ["One two ", 60.0], ["three."])
    assert talk.said == "One two three."
    assert talk.model.closed == [0]


def test_what_breaks_off_again_and_again_is_told() -> None:
    broken: list[Step] = ["One two ", trouble("cut off")]
    talk = hold([*typed("Count to six.", 1_000), LEAVES], broken, ["three ", trouble("cut off")])
    assert talk.said == "One two three | The answer broke off on its way; ask again."


def test_a_finding_whose_telling_breaks_off_is_said_to_its_end() -> None:
    talk = hold(
        [*typed("When is the train?", 1_000), LEAVES],
        [call("delegate", task="the next train", say="Looking.")],
        ["The first ", trouble("cut off")],
        [trouble("bad request")],
        answers=[[FOUND]],
    )
    assert talk.said == "Looking. | The first The first train leaves at 9:12."
    assert states(talk.records, "s-1.1")[-1] == "heard"


def test_who_has_no_more_to_say_still_gets_the_answer_of_a_slow_model() -> None:
    talk = hold(typed("Hello there.", 1_000), [8.0, "Hi, at last."])
    assert talk.said == "Hi, at last."
    assert talk.events(Close)


def test_a_slow_server_is_waited_for_and_that_is_said() -> None:
    talk = hold([*typed("Hello there.", 1_000), LEAVES], [12.0, "Hi, at last."])
    assert talk.said == f"{ChatSettings().slow} | Hi, at last."


def test_a_refusal_is_an_answer() -> None:
    talk = hold([*typed("Hello there.", 1_000), LEAVES], [trouble("refused")])
    assert talk.said == "The model server will not answer that; say it otherwise."
    assert talk.events(ModelFailed) == []
    assert not talk.unrested()


# --- the model -------------------------------------------------------------------------------------------------------


def test_two_runs_are_the_same() -> None:
    def once() -> Talk:
        return hold([*typed("Tell me all.", 1_000), *typed("Stop it.", 2_500), LEAVES], STORY, ["Sure."])

    assert once().records == once().records


def test_it_says_what_it_is() -> None:
    traits = ChatModel("qwen3", endpoint=ScriptedCompletions()).traits
    assert traits.name == "chat"
    assert "qwen3" in traits.about and "in turns" in traits.about
    assert not traits.duplex


def test_a_model_without_a_name_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="has no model"):
        ChatModel(" ")


def test_the_model_may_be_named_by_its_address() -> None:
    voice = ChatModel("qwen3@http://localhost:8000/v1")
    assert voice.model == "qwen3"
    with pytest.raises(ConfigError, match="names no model"):
        ChatModel("http://localhost:8000/v1")
