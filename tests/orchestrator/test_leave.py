"""Leave in the session: it comes from the person's own words; and taint, which never ends."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.clock import from_ms
from orchestrator.consent import consent
from orchestrator.effects import Amend, Delegate, MicroTurn
from orchestrator.events import Event, ModelAmended, ModelDelegated, ModelEvent, ModelRested, UserText
from orchestrator.finding import Finding
from orchestrator.session import Session
from orchestrator.testing import play
from orchestrator.timing import default_policy
from tests.orchestrator.driving import a_session, found, only

QUESTION = "Shall I send a card to Anna?"


def asking(**fields: Any) -> Finding:
    return found(QUESTION, kind="question", urgency="high", approves="send_card", **fields)


def working() -> Session:
    session = a_session()
    session.receive(UserText("send a card", final=True), now=from_ms(100))
    session.receive(ModelDelegated("send a card"), now=from_ms(200))
    session.receive(ModelRested(session.n), now=from_ms(210))
    return session


class Voice:
    """Says what it is offered, and at the first chance passes `claims` on as the answer to the question."""

    def __init__(self, claims: str = "yes, always", *, waits: bool = False) -> None:
        self.claims = claims
        self.waits = waits
        self.notices: list[str] = []

    def __call__(self, turn: MicroTurn) -> list[ModelEvent]:
        self.notices.extend(turn.notices)
        out: list[ModelEvent] = []
        if not self.waits or any(piece.final for piece in turn.heard):
            out.append(ModelAmended("s-1", self.claims, answers="s-1.1"))
        return [*out, ModelRested(turn.n)]


def answers(records: Any) -> list[tuple[str, str]]:
    return [(amend.text, amend.question) for _, amend in only(Amend, records) if amend.answers]


@pytest.mark.parametrize("said", ["no", "yes", "yes, and don't ask again", "well, it depends"])
def test_what_is_passed_on_is_what_the_person_said(said: str) -> None:
    session = working()
    events: list[tuple[int, Event]] = [(1_000, asking()), (3_000, UserText(said, final=True))]
    records = play(session, events, until_ms=5_000, voice=Voice(waits=True))
    assert answers(records) == [(said, QUESTION)]


def test_where_the_person_has_said_nothing_there_is_no_answer() -> None:
    session, voice = working(), Voice()
    records = play(session, [(1_000, asking())], until_ms=6_000, voice=voice)
    assert answers(records) == []
    assert any("words of their own" in notice for notice in voice.notices)
    # And it still waits for one.
    records = play(session, [(7_000, UserText("no, thanks", final=True))], until_ms=9_000, voice=Voice(waits=True))
    assert answers(records) == [("no, thanks", QUESTION)]


def test_words_from_before_the_question_are_no_answer_to_it() -> None:
    session = working()
    events: list[tuple[int, Event]] = [(900, UserText("yes yes", final=True)), (3_000, asking())]
    # A claim that comes before the question is none for leave: no worker takes it for that.
    assert [claim for claim in answers(play(session, events, until_ms=6_000, voice=Voice())) if claim[1]] == []


def test_an_answer_counts_once() -> None:
    session = working()
    events: list[tuple[int, Event]] = [(1_000, asking()), (3_000, UserText("yes", final=True))]
    events.append((4_000, UserText("and the weather?", final=True)))
    assert answers(play(session, events, until_ms=6_000, voice=Voice(waits=True))) == [("yes", QUESTION)]


def test_a_question_of_another_kind_is_answered_by_the_voice() -> None:
    session = working()
    events: list[tuple[int, Event]] = [(1_000, found("Where to?", kind="question"))]
    events.append((3_000, UserText("the usual place", final=True)))
    records = play(session, events, until_ms=5_000, voice=Voice("Lyon", waits=True))
    assert answers(records) == [("Lyon", "")]


# --- always ----------------------------------------------------------------------------------------------------------


def later_bundle(session: Session, at_ms: int) -> Any:
    effects = session.receive(ModelDelegated("another"), now=from_ms(at_ms))
    (handed,) = [effect for effect in effects if isinstance(effect, Delegate)]
    return session.bundle(handed)


def answered(said: str, question: Finding) -> Session:
    session = working()
    events: list[tuple[int, Event]] = [(1_000, question), (3_000, UserText(said, final=True))]
    play(session, events, until_ms=5_000, voice=Voice(waits=True))
    return session


@pytest.mark.parametrize(
    ("said", "approved"), [("always", ("send_card",)), ("yes", ()), ("no, never", ()), ("no, always ask me", ())]
)
def test_always_goes_with_every_later_task(said: str, approved: tuple[str, ...]) -> None:
    session = answered(said, asking())
    assert later_bundle(session, 6_000).approved == approved
    back = Session.restore(session.snapshot(now=from_ms(7_000)), timing=default_policy(), now=from_ms(60_000))
    assert later_bundle(back, 61_000).approved == approved


def test_always_that_is_said_where_text_from_outside_is_in_holds_for_that_task_only() -> None:
    assert later_bundle(answered("always", asking(tainted=True)), 6_000).approved == ()


def test_a_later_no_takes_it_back() -> None:
    session = answered("always", asking())
    again: list[tuple[int, Event]] = [
        (6_000, asking(seq=2)),
        (8_000, UserText("no", final=True)),
    ]

    def voice(turn: MicroTurn) -> list[ModelEvent]:
        passed: list[ModelEvent] = []
        if any(piece.final for piece in turn.heard):
            passed.append(ModelAmended("s-1", "yes", answers="s-1.2"))
        return [*passed, ModelRested(turn.n)]

    play(session, again, until_ms=10_000, voice=voice)
    assert later_bundle(session, 11_000).approved == ()


# --- taint -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["progress", "partial", "final", "error", "question"])
def test_a_finding_from_a_tainted_task_taints_every_later_one(kind: str) -> None:
    session = working()
    assert not later_bundle(session, 500).tainted
    play(session, [(1_000, found("a page says", kind=kind, tainted=True))], until_ms=3_000)
    assert later_bundle(session, 4_000).tainted
    back = Session.restore(session.snapshot(now=from_ms(5_000)), timing=default_policy(), now=from_ms(6_000))
    assert later_bundle(back, 7_000).tainted


# --- whatever a voice makes of it ------------------------------------------------------------------------------------


@given(
    st.lists(
        st.tuples(st.integers(1, 40), st.sampled_from(["ask", "yes", "no", "always", "hm", "claim", "claim other"])),
        max_size=12,
    )
)
def test_no_leave_without_the_persons_own_words(steps: list[tuple[int, str]]) -> None:
    """Whatever is asked, said and claimed, in whatever order: what reaches a task as leave, the person has said since
    they heard that very question."""
    session = working()
    at, seq = 500, 0
    said_at: list[tuple[int, str]] = []
    for wait, step in steps:
        at += wait * 100
        event: Event
        match step:
            case "ask":
                seq += 1
                event = asking(seq=seq)
            case "claim":
                event = ModelAmended("s-1", "yes, always", answers=f"s-1.{max(seq, 1)}")
            case "claim other":
                event = ModelAmended("s-1", "yes", answers="s-1.1")
            case _:
                event = UserText(step, final=True)
                said_at.append((at, step))
        records = play(session, [(at, event)], until_ms=at + 50)
        for when, amend in only(Amend, records):
            if amend.question:
                words = " ".join(text for _, text in said_at)
                assert amend.text and words.endswith(amend.text), (when, amend)
    approved = later_bundle(session, at + 1_000).approved
    if approved:
        assert any(consent(text) == "always" for _, text in said_at)
