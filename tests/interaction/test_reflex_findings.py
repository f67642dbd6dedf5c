"""Findings, as the embedded voice says them; and the answer to what the background asks."""

from __future__ import annotations

import pytest

from interaction.models.reflex import ReflexBrain
from orchestrator.effects import Heard, MicroTurn
from orchestrator.events import (
    ModelAmended,
    ModelRested,
    ModelSpoke,
)
from orchestrator.ports import Opening
from tests.interaction.reflexes import Talk, said


def finding(talk: Talk, text: str, **kind: str) -> list[str]:
    return said(talk.turn(offers=(talk.offer("s-1", text, **kind),)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "text", "source", "expected"),
    [
        ("final", "A ledger knows.", "", "A ledger knows."),
        ("final", "A ledger knows.", "docs/journal.md:12", "A ledger knows. It's in docs/journal.md, line 12."),
        ("final", "See docs/journal.md: it knows.", "docs/journal.md:12", "See docs/journal.md: it knows."),
        ("final", "It knows", "https://www.example.org/a", "It knows. That's from example.org."),
        ("final", "", "", "Done."),
        ("error", "no such folder", "", "I couldn't finish the search for the ledger: no such folder."),
        ("error", "I could not do that: it is locked", "", "I could not do that: it is locked."),
        ("partial", "two files", "", "So far: two files"),
        ("progress", "two files", "", "Still looking for the ledger: two files"),
        ("question", "Which ledger?", "", "Which ledger?"),
    ],
)
def test_a_finding_is_phrased(kind: str, text: str, source: str, expected: str) -> None:
    talk = Talk()
    talk.enter("find the ledger")
    assert finding(talk, text, kind=kind, source=source) == [expected]


def test_it_is_said_which_task_a_finding_is_about_where_that_is_not_plain() -> None:
    talk = Talk()
    talk.enter("find the ledger")
    talk.enter("how far are you?")
    assert finding(talk, "A ledger knows.") == ["A ledger knows."]
    talk.enter("tell me a joke")
    assert finding(talk, "A ledger knows.") == ["About the ledger: A ledger knows."]
    talk.enter("calculate 3 * 4")
    assert finding(talk, "A ledger knows.") == ["About the ledger: A ledger knows."]
    assert said(talk.turn(offers=(talk.offer("s-2", "12"),))) == ["12"]


def test_several_findings_are_one_utterance() -> None:
    talk = Talk()
    talk.enter("find the ledger and calculate 3 * 4")
    offers = (talk.offer("s-1", "A ledger knows."), talk.offer("s-2", "12"))
    assert talk.turn(offers=offers) == (
        ModelSpoke("Two things: first, about the ledger: A ledger knows. Second, about 3 * 4: 12.", ("s-1.1", "s-2.1")),
    )


def test_the_person_is_answered_first_and_told_the_result_then() -> None:
    talk = Talk()
    talk.enter("find the ledger")
    events = talk.enter("hello", offers=(talk.offer("s-1", "A ledger knows."),))
    assert said(events) == ["Hello. What can I do for you?", "About the ledger: A ledger knows."]


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ("It leaves at", "As I was saying, it leaves at 9:12, and it is direct. It arrives at noon."),
        ("It leaves at 9:12, and it", "As I was saying, and it is direct. It arrives at noon."),
        ("It leaves at 9:12, and it is direct. It", "As I was saying, it arrives at noon."),
        ("something else", "It leaves at 9:12, and it is direct. It arrives at noon."),
    ],
)
def test_what_was_cut_goes_on_from_the_clause_that_was_cut(heard: str, expected: str) -> None:
    talk = Talk()
    talk.enter("when is the next train to Lyon?")
    text = "It leaves at 9:12, and it is direct. It arrives at noon."
    assert finding(talk, text) == [text]
    assert finding(talk, text, said=heard) == [expected]


def test_a_second_cut_goes_on_from_there() -> None:
    talk = Talk()
    talk.enter("when is the next train to Lyon?")
    text = "It leaves at 9:12, and it is direct. It arrives at noon. Platform two."
    finding(talk, text)
    finding(talk, text, said="It leaves at 9:12, and it is direct. It arr")
    assert finding(talk, text, said="As I was saying, it arrives at noon. Pl") == ["As I was saying: Platform two."]


def test_what_was_heard_to_the_end_needs_no_words() -> None:
    talk = Talk()
    talk.enter("find the ledger")
    finding(talk, "A ledger knows.")
    events = talk.turn(offers=(talk.offer("s-1", "A ledger knows.", said="A ledger knows."),))
    assert events == (ModelRested(3, ("s-1.1",)),)


def test_several_that_were_cut_go_on_as_one() -> None:
    talk = Talk()
    talk.enter("find the ledger and calculate 3 * 4")
    talk.turn(offers=(talk.offer("s-1", "A ledger knows."), talk.offer("s-2", "12")))
    heard = "Two things: first, about the ledger: A ledger knows. Sec"
    offers = (talk.offer("s-1", "A ledger knows.", said=heard), talk.offer("s-2", "12", said=heard))
    assert talk.turn(offers=offers) == (ModelSpoke("As I was saying, second, about 3 * 4: 12.", ("s-1.1", "s-2.1")),)


def test_a_long_finding_is_cut_and_the_rest_comes_on_request() -> None:
    talk = Talk()
    talk.enter("find the ledger")
    text = " ".join(f"Sentence number {number} is here." for number in range(30))
    (head,) = finding(talk, text)
    assert len(head) < 430
    assert head.endswith("here. (more on request)")
    said_in_all = head.removesuffix(" (more on request)")
    for _ in range(3):
        (more,) = said(talk.enter("tell me more"))
        said_in_all += " " + more.removesuffix(" (more on request)")
        if not more.endswith("(more on request)"):
            break
    assert said_in_all == text
    assert said(talk.enter("more")) == ["That was all of it."]


def test_what_the_person_knows_is_not_said_again() -> None:
    talk = Talk()
    talk.enter("find the ledger")
    offers = (talk.offer("s-1", "A ledger knows."),)
    assert talk.enter("I know", offers=offers) == (ModelRested(2, ("s-1.1",)),)
    talk.turn(offers=offers)
    assert talk.enter("thanks, got it", unheard="knows.") == (ModelRested(4, ("s-1.1",)),)
    assert talk.enter("thanks, got it") == (ModelSpoke("You're welcome."),)


def test_stop_settles_what_is_offered_and_says_nothing() -> None:
    talk = Talk()
    talk.enter("find the ledger")
    assert talk.enter("stop", offers=(talk.offer("s-1", "A ledger knows."),)) == (ModelRested(2, ("s-1.1",)),)


def test_it_says_it_again() -> None:
    talk = Talk()
    assert said(talk.enter("say that again")) == ["I haven't said anything yet."]
    talk.enter("find the ledger")
    finding(talk, "A ledger knows.")
    assert talk.enter("what?") == (ModelSpoke("A ledger knows."),)
    talk.enter("hello")
    assert said(talk.enter("what was the answer again?")) == ["A ledger knows."]
    talk.turn(unheard="knows.")
    finding(talk, "A ledger knows.")
    # What was cut comes again by itself.
    assert said(talk.enter("what?", unheard="knows.")) == []


def test_what_the_person_says_next_is_the_answer() -> None:
    talk = Talk()
    talk.enter("when is the next train?")
    assert talk.enter("to Lyon, not Paris", expecting="s-1.2") == (
        ModelAmended("s-1", "to Lyon, not Paris", answers="s-1.2"),
        ModelSpoke("Thanks."),
    )
    assert not any(isinstance(event, ModelAmended) for event in talk.enter("it is raining", expecting="s-1.2"))


@pytest.mark.parametrize("text", ["what are you doing?", "cancel that", "calculate 3 * 4", "say that again", "hello"])
def test_a_command_is_no_answer(text: str) -> None:
    talk = Talk()
    talk.enter("when is the next train?")
    assert not any(isinstance(event, ModelAmended) for event in talk.enter(text, expecting="s-1.2"))


def test_the_delegation_of_a_question_is_found_also_where_names_have_dots() -> None:
    brain = ReflexBrain(Opening("a.b-1.2"))
    heard = (Heard("Lyon", final=True),)
    events = brain.turn(MicroTurn(1, 0, heard=heard, expecting="a.b-1.2-3.2.7"))
    assert events[0] == ModelAmended("a.b-1.2-3", "Lyon", answers="a.b-1.2-3.2.7")
