"""A delivery that is cut more than once, and what waits beside what is being said."""

from __future__ import annotations

from orchestrator.clock import from_ms
from orchestrator.effects import MicroTurn, StepModel
from orchestrator.events import (
    DelegationUpdate,
    Event,
    ModelDelegated,
    ModelEvent,
    ModelFailed,
    ModelRested,
    ModelSpoke,
    UserText,
)
from orchestrator.growing import reached
from orchestrator.session import Session
from orchestrator.speech import Speech
from orchestrator.testing.playing import play
from tests.orchestrator.driving import a_session, found, only, said

ANSWER = (
    "The first train leaves at nine. The second train leaves at ten. The third train leaves at noon, from platform two."
)


def working() -> Session:
    session = a_session(pace=60)
    session.receive(ModelDelegated("the trains"), now=from_ms(0))
    session.receive(DelegationUpdate("s-1", "running"), now=from_ms(0))
    return session


def going_on(turn: MicroTurn) -> list[ModelEvent]:
    """A voice that goes on where it was cut."""
    events: list[ModelEvent] = []
    for offer in turn.offers:
        rest = offer.finding.text[len(reached(offer.finding.text, offer.said)) :].lstrip()
        events.append(ModelSpoke(rest, (offer.finding.id,)))
    return [*events, ModelRested(turn.n)]


def test_what_was_heard_before_each_cut_counts() -> None:
    """Also before the first: a voice that knew only of the last piece would tell the beginning again."""
    cuts: list[tuple[int, Event]] = [(at, UserText("wait a second", final=True)) for at in (1_800, 3_800)]
    records = play(working(), [(1_000, found(ANSWER)), *cuts], until_ms=12_000, voice=going_on)
    offers = [offer for _, step in only(StepModel, records) for offer in step.turn.offers]
    assert len(offers) == 3
    assert offers[2].said.startswith(offers[1].said) and len(offers[2].said) > len(offers[1].said)
    assert said(records).count("leaves at nine.") == said(records).count("from platform two.") == 1


def test_read_out_it_goes_on_each_time_from_the_clause_that_was_cut() -> None:
    session = working()
    session.receive(ModelFailed("gone", final=True), now=from_ms(0))

    def mute(turn: MicroTurn) -> list[ModelEvent]:
        return []

    cuts: list[tuple[int, Event]] = [(at, UserText("what?", final=True)) for at in (5_900, 6_700)]
    records = play(session, [(5_000, found(ANSWER)), *cuts], until_ms=20_000, voice=mute)
    words = said(records)
    assert words.count("As I was saying: ") == 2
    assert words.count("leaves at nine.") == words.count("leaves at ten.") == words.count("from platform two.") == 1


def test_what_has_waited_for_quiet_does_not_go_into_the_middle_of_what_began_meanwhile() -> None:
    speech = Speech()
    speech.say("The result is here.", about=("s-1.1",), quiet_ms=500)
    speech.seal()
    speech.say("That is an answer.")
    speech.seal()
    words = ""
    for tick in range(20):
        for part in speech.emit(from_ms(200 * tick), pace=60, tick_ms=200, quiet_ms=200 * tick, reported=False):
            words += part.text + ("|" if part.ends else "")
    assert words == "That is an answer.|The result is here.|"
