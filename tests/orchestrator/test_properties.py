"""Whatever happens in whatever order: every final is heard once or accounted for, and nobody is spoken over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.clock import from_ms
from orchestrator.context import Settled
from orchestrator.effects import Emit, LedgerChanged, MicroTurn, StopSpeaking
from orchestrator.events import (
    BusDown,
    BusUp,
    DelegationUpdate,
    Event,
    ModelAmended,
    ModelCancelled,
    ModelDelegated,
    ModelEvent,
    ModelFailed,
    ModelRested,
    ModelSpoke,
    SinkStalled,
    UserActivity,
    UserText,
)
from orchestrator.finding import Finding
from orchestrator.journal import Record
from orchestrator.ledger import FINDING_TRANSITIONS
from orchestrator.session import Session
from orchestrator.testing.playing import play
from orchestrator.timing import default_policy
from tests.orchestrator.driving import a_session, only

ENDS = {state for state, following in FINDING_TRANSITIONS.items() if not following}
TASKS = 3
LONGEST_MS = 20_000


@st.composite
def happenings(draw: st.DrawFn) -> list[tuple[int, Event]]:
    """A conversation with three tasks: findings with duplicates and in any order, and a person who does as they
    please."""
    events: list[tuple[int, Event]] = []
    at = st.integers(0, LONGEST_MS)
    for task in range(1, TASKS + 1):
        arrived = draw(at)
        partials = draw(st.integers(0, 3))
        order = draw(st.permutations(range(1, partials + 2)))
        for place, seq in enumerate(order):
            kind = "final" if seq == partials + 1 else draw(st.sampled_from(["partial", "progress", "question"]))
            finding = Finding(
                f"Finding {seq} of task {task}, which takes a while to say, and has two clauses.",
                kind,  # type: ignore[arg-type]
                delegation=f"s-{task}",
                seq=seq,
                context_revision=draw(st.sampled_from([0, 10_000])),
                urgency=draw(st.sampled_from(["low", "normal", "high", "critical"])),
                expires_at_ms=draw(st.sampled_from([None, 5_000])),
            )
            copies = draw(st.integers(1, 2))
            events.extend((arrived + 300 * place + 50 * copy, finding) for copy in range(copies))
    words = st.sampled_from(["ok", "mm-hm", "what", " and", "?", "no wait", "o"])
    person = st.one_of(
        st.builds(UserText, words, st.booleans()),
        st.builds(UserText, words, op=st.just("delete")),
        st.builds(UserActivity, st.sampled_from(["typing", "pause", "speaking", "silent"])),
    )
    ids = st.sampled_from([f"s-{number}" for number in range(1, 6)])
    others = st.one_of(
        st.builds(ModelCancelled, ids),
        st.builds(ModelAmended, ids, words),
        st.builds(ModelDelegated, st.just("instead"), supersedes=ids),
        st.builds(DelegationUpdate, ids, st.sampled_from(["queued", "running", "cancelled"]), again=st.booleans()),
        st.sampled_from([BusDown("away"), BusUp(), ModelFailed("broken")]),
        st.sampled_from([SinkStalled("link"), SinkStalled("link", over=True)]),
        st.builds(ModelSpoke, st.just("A remark of some length, on the side.")),
    )
    events += draw(st.lists(st.tuples(at, person), max_size=12))
    events += draw(st.lists(st.tuples(at, others), max_size=6))
    # What holds things up is over in the end; else waiting for ever would be the right thing to do.
    events += [(LONGEST_MS + 2_500, SinkStalled("link", over=True)), (LONGEST_MS + 2_500, UserText("", final=True))]
    return events


def moody(turn: MicroTurn) -> Sequence[ModelEvent]:
    """A voice that sometimes phrases what it is given, sometimes says nothing, sometimes finds that no words are
    needed."""
    ids = tuple(offer.finding.id for offer in turn.offers)
    if not ids or turn.n % 5 == 0:
        return (ModelRested(turn.n),)
    if turn.n % 7 == 0:
        return (ModelRested(turn.n, ids),)
    if turn.n % 3 == 0:
        half = len(ids) // 2
        return (*tuple(ModelSpoke("So: ", group) for group in (ids[:half], ids[half:]) if group), ModelRested(turn.n))
    return ModelSpoke("I found this, as you wanted: ", ids), ModelSpoke("it is done.", ids), ModelRested(turn.n)


def begun() -> Session:
    session = a_session(pace=60, deadline_ms=10_000_000, reassure_ms=None)
    for task in range(1, TASKS + 1):
        session.receive(ModelDelegated(f"task {task}"), now=from_ms(0))
    return session


@given(happenings(), st.integers(0, 900))
@settings(max_examples=250)
def test_every_finished_result_is_heard_once_or_accounted_for(events: list[tuple[int, Event]], latency: int) -> None:
    records = play(begun(), events, until_ms=LONGEST_MS + 200_000, voice=moody, latency_ms=latency)
    finals = {item.id for _, item in only(Finding, records) if item.terminal}
    ends: Counter[str] = Counter()
    for _, change in only(LedgerChanged, records):
        if change.finding and change.state in ENDS:
            ends[change.finding] += 1
            assert change.finding not in finals or change.state not in ("expired", "dropped")
            assert change.state == "heard" or change.reason
    assert {finding: ends[finding] for finding in finals} == dict.fromkeys(finals, 1)
    assert max(ends.values(), default=1) == 1


@given(happenings(), st.integers(0, 900))
@settings(max_examples=250)
def test_nothing_is_said_while_the_person_holds_the_floor_unless_it_says_why(
    events: list[tuple[int, Event]], latency: int
) -> None:
    holds = False
    for record in play(begun(), events, until_ms=LONGEST_MS + 30_000, voice=moody, latency_ms=latency):
        match record.item:
            case UserActivity(kind=kind):
                holds = kind in ("typing", "speaking")
            case UserText():
                # Whether what is typed takes the floor is for the session to say; here only what is certain counts.
                holds = False
            case Emit(style="speech", reason=reason):
                assert reason or not holds, record
            case _:
                pass


@given(happenings(), st.integers(0, 900))
@settings(max_examples=100)
def test_a_finding_that_left_the_ledger_is_never_spoken_again(events: list[tuple[int, Event]], latency: int) -> None:
    over: set[str] = set()
    for record in play(begun(), events, until_ms=LONGEST_MS + 60_000, voice=moody, latency_ms=latency):
        match record.item:
            case LedgerChanged(state=state, finding=finding) if state in ENDS:
                over.add(finding)
            case Emit(style="speech", about=about):
                assert not over & set(about)
            case _:
                pass


class Break(NamedTuple):
    """The front end is killed, and some time later there is another."""

    at_ms: int
    away_ms: int
    lag_ms: int
    """How old the state was that had been saved."""


breaks = st.lists(
    st.builds(Break, st.integers(1, LONGEST_MS), st.sampled_from([0, 150, 3_000, 40_000]), st.just(0)), max_size=3
)
lagging = st.lists(
    st.builds(Break, st.integers(1, LONGEST_MS), st.sampled_from([0, 3_000]), st.integers(0, 400)),
    min_size=1,
    max_size=2,
)


def lived_through(
    events: list[tuple[int, Event]], killed: list[Break], latency: int
) -> tuple[list[Record], Session, set[str]]:
    """The whole conversation, over all breaks; every finding there ever was, whoever was there to hear it.

    What a person does in an absence, nobody hears. What the bus has to tell it tells again on return, all of it.
    """
    session, records, begins = begun(), list[Record](), -1
    ordered = sorted(events, key=lambda pair: pair[0])
    from_bus = [(at, event) for at, event in ordered if isinstance(event, Finding | DelegationUpdate)]
    for at_ms, away_ms, lag_ms in [*sorted(killed), Break(LONGEST_MS + 200_000, 0, 0)]:
        if at_ms <= begins:
            continue
        again = [(begins + 1, event) for at, event in from_bus if at <= begins]
        heard = [*again, *(pair for pair in ordered if begins < pair[0] <= at_ms)]
        saved_at = max(begins + 1, at_ms - lag_ms)
        records += play(
            session, [pair for pair in heard if pair[0] <= saved_at], until_ms=saved_at, voice=moody, latency_ms=latency
        )
        snapshot = session.snapshot(now=from_ms(saved_at))
        late = [pair for pair in heard if saved_at < pair[0]]
        records += play(session, late, until_ms=at_ms, voice=moody, latency_ms=latency)
        begins = at_ms + away_ms
        session = Session.restore(snapshot, timing=default_policy(), now=from_ms(begins))
    return records, session, {event.id for _, event in from_bus if isinstance(event, Finding) and event.terminal}


@given(happenings(), breaks, st.integers(0, 900))
@settings(max_examples=120)
def test_over_any_breaks_every_final_is_heard_once_or_accounted_for(
    events: list[tuple[int, Event]], killed: list[Break], latency: int
) -> None:
    records, session, finals = lived_through(events, killed, latency)
    told = Counter(change.finding for _, change in only(LedgerChanged, records) if change.state in ENDS)
    # What a break itself settles, no effect tells of; the conversation does.
    settled = Counter(entry.finding for entry in session.entries() if isinstance(entry, Settled))
    assert max(settled.values(), default=1) == 1
    heard = Counter(change.finding for _, change in only(LedgerChanged, records) if change.state == "heard")
    assert max(heard.values(), default=1) == 1
    unknown = {finding for finding in finals if not (told[finding] or settled[finding])}
    assert not unknown
    over: set[str] = set()
    for record in records:
        match record.item:
            case LedgerChanged(state="heard", finding=finding):
                over.add(finding)
            case Emit(style="speech", about=about):
                assert not over & set(about)
            case _:
                pass


@given(happenings(), lagging, st.integers(0, 900))
@settings(max_examples=60)
def test_a_save_that_came_too_late_costs_a_repetition_and_never_a_result(
    events: list[tuple[int, Event]], killed: list[Break], latency: int
) -> None:
    records, session, finals = lived_through(events, killed, latency)
    known = {change.finding for _, change in only(LedgerChanged, records) if change.state in ENDS}
    assert finals <= known | {entry.finding for entry in session.entries() if isinstance(entry, Settled)}


@given(happenings())
@settings(max_examples=50)
def test_two_runs_are_equal(events: list[tuple[int, Event]]) -> None:
    assert play(begun(), events, until_ms=40_000, voice=moody) == play(begun(), events, until_ms=40_000, voice=moody)


@given(happenings())
@settings(max_examples=50)
def test_after_a_stop_the_same_words_are_not_continued(events: list[tuple[int, Event]]) -> None:
    stopped: set[int] = set()
    speaking = 0
    for record in play(begun(), events, until_ms=LONGEST_MS + 30_000, voice=moody):
        match record.item:
            case StopSpeaking():
                stopped.add(speaking)
            case Emit(style="speech", utterance=utterance, reason=reason):
                speaking = utterance
                assert reason or utterance not in stopped
            case _:
                pass
