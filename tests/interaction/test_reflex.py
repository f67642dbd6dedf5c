"""The embedded voice: what it says and asks for, turn by turn."""

from __future__ import annotations

import anyio
import pytest

from interaction.models.reflex import ReflexBrain, ReflexModel
from orchestrator.context import Found, Spoke
from orchestrator.effects import Heard, MicroTurn
from orchestrator.events import (
    ModelAmended,
    ModelCancelled,
    ModelDelegated,
    ModelRested,
    ModelSpoke,
)
from orchestrator.finding import Finding
from orchestrator.ports import InteractionModel, Opening
from tests.interaction.reflexes import TOOLS, Talk, said, tasks

OVERLAP = "acknowledges while the person still types"


# --- asked for -------------------------------------------------------------------------------------------------------


def test_work_is_handed_over_with_one_short_word() -> None:
    talk = Talk()
    assert talk.enter("can you find the ledger?") == (
        ModelDelegated("find the ledger", ("search_files",)),
        ModelSpoke("Looking for the ledger."),
    )


def test_what_cannot_wait_goes_out_as_urgent() -> None:
    talk = Talk()
    [delegated, _] = talk.enter("urgent: find the ledger")
    assert delegated == ModelDelegated("find the ledger", ("search_files",), urgency="high")


def test_a_sentence_in_the_middle_of_the_typing_is_acted_upon_at_once() -> None:
    talk = Talk()
    assert talk.type("find the ledger") == ()
    assert talk.type(". And th") == (
        ModelDelegated("find the ledger", ("search_files",)),
        ModelSpoke("Looking for the ledger.", overlap=OVERLAP),
    )
    assert talk.type("en I had an idea") == ()


def test_more_than_six_words_wait_for_the_floor() -> None:
    talk = Talk()
    spoke = [event for event in talk.type("who are you? By the") if isinstance(event, ModelSpoke)]
    assert [event.overlap for event in spoke] == [""]


def test_acknowledgements_vary_and_can_be_turned_off() -> None:
    talk, silent = Talk(), Talk(filler=False)
    lines = [f"find the ledger number {number}" for number in range(1, 7)]
    words = [said(talk.enter(line))[0] for line in lines]
    assert len(set(words)) > 3
    assert [said(silent.enter(line)) for line in lines] == [[]] * 6
    assert said(silent.enter("remind me in 10 seconds to stretch")) == ["I'll remind you in 10 seconds."]


def test_two_requests_are_two_tasks_and_one_word() -> None:
    events = Talk().enter("find the ledger and also calculate 3 * 4")
    assert tasks(events) == ["find the ledger", "calculate 3 * 4"]
    assert said(events) == ["On both."]


def test_the_same_is_not_asked_for_twice() -> None:
    talk = Talk()
    talk.enter("find the ledger")
    assert talk.enter("Find the ledger!") == (ModelSpoke("I'm on it already."),)


def test_a_pasted_page_does_not_become_hundreds_of_tasks() -> None:
    talk = Talk()
    events = talk.enter(" ".join(f"find the ledger number {number}." for number in range(100)))
    assert len(tasks(events)) == 16
    assert "16 tasks" in said(talk.enter("find the journal"))[0]


@pytest.mark.parametrize(
    "text",
    ["hello", "thanks", "how are you?", "bye", "what can you do?", "tell me a joke", "who are you?", "ok", "yes"],
)
def test_small_talk_is_answered_and_never_delegated(text: str) -> None:
    events = Talk().enter(text)
    assert tasks(events) == []
    assert len(said(events)) == 1


@pytest.mark.parametrize("text", ["who are you?", "help", "who was Napoleon?"])
def test_it_says_that_it_works_by_rules_and_what_it_has(text: str) -> None:
    (words,) = said(Talk().enter(text))
    assert "rule" in words
    assert "trains" in words


def test_without_tools_it_says_so() -> None:
    assert "no tools" in said(Talk(()).enter("who was Napoleon?"))[0]


def test_what_is_only_told_is_not_talked_over() -> None:
    talk = Talk()
    assert said(talk.type("I went to town. It was nice. And ")) == []
    talk.enter("so on")
    talk.enter("find the ledger")
    assert said(talk.enter("the weather was so nice")) == []


def test_it_stands_for_the_last_answer() -> None:
    talk = Talk()
    talk.enter("find the ledger")
    talk.turn(offers=(talk.offer("s-1", "A ledger knows.", source="docs/journal.md:12"),))
    assert tasks(talk.enter("read it")) == ["read docs/journal.md"]


def test_the_same_again_for_another_thing() -> None:
    talk = Talk()
    talk.enter("when is the next train from Paris to Geneva?")
    assert tasks(talk.enter("and to Nice?")) == ["when is the next train from Paris to Nice?"]


# --- corrected -------------------------------------------------------------------------------------------------------


def test_a_running_task_is_amended() -> None:
    talk = Talk()
    talk.enter("when is the next train from Paris to Geneva?")
    assert talk.enter("no, I meant Lyon") == (ModelAmended("s-1", "no, I meant Lyon"), ModelSpoke("Lyon, then."))
    assert said(talk.turn(offers=(talk.offer("s-1", "At 9:12."),))) == ["At 9:12."]


def test_a_correction_goes_to_the_task_that_shares_its_words() -> None:
    talk = Talk()
    talk.enter("when is the next train from Paris to Geneva?")
    talk.enter("find the ledger")
    assert talk.enter("not Geneva, Lyon")[0] == ModelAmended("s-1", "not Geneva, Lyon")
    assert talk.enter("actually, make that the journal")[0] == ModelAmended("s-2", "actually, make that the journal")


def test_a_task_that_is_done_is_done_anew_in_its_place() -> None:
    talk = Talk()
    talk.enter("when is the next train from Paris to Geneva?")
    talk.turn(offers=(talk.offer("s-1", "At 9:12."),))
    assert talk.enter("no, I meant Lyon")[0] == ModelDelegated(
        "when is the next train from Paris to Lyon?", ("trains",), supersedes="s-1"
    )


def test_right_after_an_answer_it_is_the_answer_that_is_corrected() -> None:
    talk = Talk()
    talk.enter("find the ledger")
    talk.enter("when is the next train from Paris to Geneva?")
    talk.turn(offers=(talk.offer("s-2", "At 9:12."),))
    assert tasks(talk.enter("make that Lyon")) == ["when is the next train from Paris to Lyon?"]


def test_what_was_offered_in_the_same_turn_is_out_of_date() -> None:
    talk = Talk()
    talk.enter("when is the next train from Paris to Geneva?")
    offer = talk.offer("s-1", "At 9:12.")
    events = talk.enter("no, I meant Lyon", offers=(offer,))
    assert events[-1] == ModelRested(2, ("s-1.1",))
    assert "9:12" not in " ".join(said(events))


def test_a_correction_in_the_same_breath_changes_the_task_before_it_leaves() -> None:
    events = Talk().enter("find the ledger. No, I meant the journal.")
    assert tasks(events) == ["find the journal"]


def test_a_correction_waits_for_a_task_that_has_no_id_yet() -> None:
    brain = ReflexBrain(Opening("s", TOOLS))
    brain.turn(MicroTurn(1, 0, heard=(Heard("find the ledger", final=True),)))
    assert brain.turn(MicroTurn(2, 200, heard=(Heard("no, I meant the journal", final=True),))) == (ModelRested(2),)
    talk = Talk()
    talk.enter("find the ledger")
    work = tuple(talk.work.values())
    assert ModelAmended("s-1", "no, I meant the journal") in brain.turn(MicroTurn(3, 400, work=work))


def test_sorry_does_not_make_a_question_a_correction() -> None:
    talk = Talk()
    talk.enter("find the ledger")
    assert tasks(talk.enter("sorry, what time is it?")) == ["what time is it"]
    assert said(talk.enter("actually, how far are you?"))[0].startswith("Two things are running")


def test_typing_over_what_was_acted_upon_is_a_correction() -> None:
    talk = Talk()
    talk.type("when is the next train to Geneva? ")
    talk.take_back("Geneva? ")
    assert talk.type("Lyon? ") == (
        ModelAmended("s-1", "when is the next train to Lyon?"),
        ModelSpoke("Okay, changed.", overlap=OVERLAP),
    )


def test_going_on_after_a_pause_adds_to_the_task() -> None:
    talk = Talk()
    talk.type("find the ledger")
    assert tasks(talk.quiet(1_400)) == ["find the ledger"]
    assert talk.enter(" in docs")[0] == ModelAmended("s-1", "find the ledger in docs")
    talk.type("find the journal")
    talk.quiet(1_400)
    assert tasks(talk.enter(" and calculate 3 * 4")) == ["calculate 3 * 4"]


def test_another_request_typed_over_the_first_replaces_it() -> None:
    talk = Talk()
    talk.type("find the ledger. ")
    talk.take_back("find the ledger. ")
    assert talk.type("calculate 3 * 4. ")[0] == ModelDelegated("calculate 3 * 4", ("calculate",), supersedes="s-1")


# --- asked after, called off -----------------------------------------------------------------------------------------


def test_how_the_work_stands() -> None:
    talk = Talk()
    assert said(talk.enter("what are you doing?")) == ["Nothing is running now."]
    talk.enter("find the ledger")
    talk.set("s-1", "running", "searched 40 of 100 files")
    assert said(talk.enter("how far are you?")) == [
        "I've been looking for the ledger for 1 second: searched 40 of 100 files."
    ]
    assert said(talk.enter("is it done yet?"))[0].startswith("Not yet. I've been looking for the ledger")
    assert said(talk.enter("are you still searching?"))[0].startswith("Yes. ")
    talk.enter("calculate 3 * 4")
    assert said(talk.enter("how's the search going?"))[0].startswith("Two things are running: ")
    assert said(talk.enter("any news on the ledger?"))[0].startswith("I've been looking for the ledger")
    talk.set("s-1", "done")
    talk.set("s-2", "done")
    assert said(talk.enter("what are you doing?")) == [
        "Nothing is running now. The last thing, the calculation of 3 * 4, is done."
    ]


def test_a_task_nobody_works_on_is_said_to_wait() -> None:
    talk = Talk()
    talk.enter("find the ledger")
    talk.set("s-1", "queued")
    assert said(talk.enter("what are you doing?")) == ["The search for the ledger is waiting for a worker."]


@pytest.mark.parametrize(
    ("text", "called_off"),
    [
        ("never mind the search", ["s-1"]),
        ("stop searching", ["s-1"]),
        ("forget the ledger", ["s-1"]),
        ("cancel the calculation", ["s-2"]),
        ("cancel that", ["s-2"]),
        ("never mind", ["s-2"]),
        ("cancel everything", ["s-2", "s-1"]),
        ("cancel the wedding", []),
        ("stop", []),
        ("shh", []),
        ("wait", []),
    ],
)
def test_the_right_task_is_called_off(text: str, called_off: list[str]) -> None:
    talk = Talk()
    talk.enter("find the ledger")
    talk.enter("calculate 3 * 4")
    events = talk.enter(text)
    assert [event.delegation for event in events if isinstance(event, ModelCancelled)] == called_off


def test_what_was_called_off_is_named() -> None:
    talk = Talk()
    talk.enter("find the ledger")
    assert said(talk.enter("never mind the search")) == ["I've stopped the search for the ledger."]
    assert said(talk.enter("cancel that")) == ["Nothing is running."]
    assert said(talk.enter("never mind")) == ["All right."]


def test_a_task_called_off_in_the_same_breath_never_leaves() -> None:
    events = Talk().enter("find the ledger. Cancel that.")
    assert tasks(events) == []
    assert said(events)[-1].endswith("I've stopped the search for the ledger.")


# --- as a voice ------------------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_the_model_is_a_stream_of_events() -> None:
    model: InteractionModel = ReflexModel(filler=False)
    turns = 3_000
    rested: list[int] = []

    async with model.open(Opening("s", TOOLS)) as stream:

        async def listen() -> None:
            async for event in stream.events():
                if isinstance(event, ModelRested):
                    rested.append(event.n)
                    if event.n == turns:
                        return

        async with anyio.create_task_group() as group:
            group.start_soon(listen)
            for n in range(1, turns + 1):
                # More than there is room for: it waits for the reader, and loses nothing.
                await stream.send(MicroTurn(n, n * 200, heard=(Heard("hello", final=True),)))
    assert rested == list(range(1, turns + 1))
    assert [event async for event in stream.events()] == []
    assert model.traits.name == "reflex"
    assert "rule" in model.traits.about


def test_a_conversation_that_was_broken_off_is_taken_up() -> None:
    context = (
        Found(finding=Finding("A ledger knows.", delegation="s-1")),
        Spoke(text="A ledger "),
        Spoke(text="It is."),
    )
    brain = ReflexBrain(Opening("s", context=context))
    assert brain.turn(MicroTurn(1, 0, heard=(Heard("what was the answer?", final=True),)))[0] == ModelSpoke(
        "A ledger knows."
    )
    assert ReflexBrain(Opening("s", context=context)).turn(MicroTurn(1, 0, heard=(Heard("what?", final=True),)))[
        0
    ] == ModelSpoke("It is.")


def test_what_was_called_off_before_it_left_can_be_asked_for_again() -> None:
    talk = Talk()
    talk.type("find the ledger. Cancel that. ")
    talk.take_back("find the ledger. Cancel that. ")
    assert tasks(talk.type("find the journal. ")) == ["find the journal"]


def test_what_is_said_in_one_turn_is_one_utterance() -> None:
    talk = Talk()
    assert said(talk.enter("hello. how are you?")) == ["Hello. What can I do for you? All rules in order, thank you."]
    assert said(talk.type("find the ledger. calculate 3 * 4. and")) == ["Looking for the ledger."]
