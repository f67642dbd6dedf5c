"""A session taken up again after a break: nothing is lost, nothing is told twice, and nobody is blamed for the
absence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from orchestrator.agenda_items import AfterSilence, At, Every
from orchestrator.clock import from_ms
from orchestrator.config import SessionConfig
from orchestrator.context import Noticed, Said, Settled
from orchestrator.effects import Amend, Delegate, Emit, LedgerChanged, MicroTurn, StepModel
from orchestrator.errors import ConfigError
from orchestrator.events import (
    BusDown,
    DelegationUpdate,
    Event,
    ModelAmended,
    ModelDelegated,
    ModelEvent,
    ModelRested,
    ModelScheduled,
    ModelSpoke,
    UserHeard,
    UserLeft,
    UserText,
)
from orchestrator.finding import Finding
from orchestrator.journal import Record
from orchestrator.resuming import recap
from orchestrator.session import Session
from orchestrator.state import Snapshot
from orchestrator.testing.playing import plain_voice, play, silent_voice
from orchestrator.timing import default_policy
from tests.orchestrator.driving import a_session, found, only, said, states, types

HOUR_MS = 3_600_000
LONG = "This is a rather long answer that goes on for quite a while, and it has a second clause, and even a third one."


def back(session: Session, left_ms: int, back_ms: int, config: SessionConfig | None = None) -> Session:
    """The session, killed at one instant and taken up at another."""
    snapshot = session.snapshot(now=from_ms(left_ms))
    return Session.restore(snapshot, timing=default_policy(), now=from_ms(back_ms), config=config)


def working(**config: Any) -> Session:
    """A session with one task that runs."""
    session = a_session(**config)
    session.receive(ModelDelegated("find it"), now=from_ms(0))
    session.receive(DelegationUpdate("s-1", "running"), now=from_ms(10))
    return session


# --- what is kept ----------------------------------------------------------------------------------------------------


def test_the_state_is_small_and_does_not_grow_with_the_conversation() -> None:
    sizes: list[int] = []
    for turns in (10, 2_000):
        session = a_session(reassure_ms=None)
        for turn in range(turns):
            session.receive(UserText(f"and what about number {turn}?", final=True), now=from_ms(turn * 1_000))
            session.receive(ModelSpoke("That is fine."), now=from_ms(turn * 1_000 + 100))
            session.receive(ModelRested(10**9), now=from_ms(turn * 1_000 + 150))
        sizes.append(len(session.snapshot(now=from_ms(turns * 1_000), since=session.entries()[-1].revision).state))
    small, large = sizes
    assert small < 4_096
    # The end of what was heard is kept for cues, up to 2,000 characters of it; numbers grow by a few bytes.
    assert large - small < 2_500


def test_the_parts_are_the_whole() -> None:
    session = a_session()
    parts: list[Snapshot] = []
    for number in range(5):
        session.receive(UserText(f"line {number}", final=True), now=from_ms(number * 1_000))
        parts.append(session.snapshot(now=from_ms(number * 1_000), since=parts[-1].revision if parts else 0))
    batches = tuple(batch for part in parts for batch in part.said)
    joined = msgspec.structs.replace(parts[-1], said=batches, since=0)
    restored = Session.restore(joined, timing=default_policy(), now=from_ms(9_000))
    assert restored.entries() == session.entries()
    assert [len(part.said) for part in parts] == [1] * 5
    assert session.snapshot(now=from_ms(9_000), since=parts[-1].revision).said == ()


def test_a_conversation_with_a_gap_is_refused_in_plain_words() -> None:
    session = a_session()
    for number in range(3):
        session.receive(UserText(f"line {number}", final=True), now=from_ms(number * 1_000))
    whole = session.snapshot(now=from_ms(5_000))
    part = session.snapshot(now=from_ms(5_000), since=1)
    for broken in (
        part,
        msgspec.structs.replace(whole, said=()),
        msgspec.structs.replace(whole, state=b"odd"),
        msgspec.structs.replace(whole, version=1),
    ):
        with pytest.raises(ConfigError) as refused:
            Session.restore(broken, timing=default_policy(), now=from_ms(5_000))
        assert len(str(refused.value).splitlines()) == 3


def test_a_snapshot_disturbs_nothing() -> None:
    events: list[tuple[int, Event]] = [*types("find it", 100), (1_500, found("Here."))]
    plain, watched = working(pace=60), working(pace=60)
    records = play(plain, events, until_ms=6_000)
    again: list[Record] = []
    for until_ms in range(50, 6_001, 50):
        again += play(watched, [pair for pair in events if until_ms - 50 < pair[0] <= until_ms], until_ms=until_ms)
        watched.snapshot(now=from_ms(until_ms))
    assert [record for record in again if isinstance(record.item, Emit)] == [
        record for record in records if isinstance(record.item, Emit)
    ]


def test_another_process_brings_its_own_settings_but_not_another_name() -> None:
    session = working(id="alice", run="r1")
    config = SessionConfig(id="bob", run="r2", pace=30, routes={"search": "files"})
    resumed = back(session, 1_000, 2_000, config)
    assert (resumed.config.id, resumed.config.run, resumed.config.pace) == ("alice", "r1", 30)
    [delegate] = [e for e in resumed.receive(ModelDelegated("more"), now=from_ms(2_100)) if isinstance(e, Delegate)]
    assert delegate.id == "alice-r1-2"


# --- findings --------------------------------------------------------------------------------------------------------


def test_what_was_told_to_the_end_is_never_told_again() -> None:
    session = working()
    first = play(session, [(500, found("The answer."))], until_ms=3_000)
    assert states(first, "s-1.1")[-1] == "heard"
    again = play(back(session, 3_000, 4_000), [(4_010, found("The answer."))], until_ms=30_000)
    assert not only(Emit, again)


def test_what_was_cut_goes_on_from_where_it_was_cut() -> None:
    session = working(pace=60)
    first = play(session, [(500, found(LONG))], until_ms=1_300)
    assert "second clause" not in said(first)
    resumed = back(session, 1_300, HOUR_MS)
    turns: list[MicroTurn] = []

    def voice(turn: MicroTurn) -> Sequence[ModelEvent]:
        turns.append(turn)
        return plain_voice(turn)

    again = play(resumed, [(HOUR_MS + 10, found(LONG))], until_ms=HOUR_MS + 20_000, voice=voice)
    [offer] = [offer for turn in turns for offer in turn.offers]
    assert offer.said
    assert said(first).startswith(offer.said)
    assert states(again, "s-1.1")[-1] == "heard"


def test_what_became_of_it_by_the_kill_stands_in_the_journal_that_goes_on() -> None:
    """Two results in one utterance, killed after the first of them: it was heard, and somebody must be told so."""

    def both_at_once(turn: MicroTurn) -> Sequence[ModelEvent]:
        ids = tuple(offer.finding.id for offer in turn.offers)
        told = " ".join(offer.finding.text for offer in turn.offers)
        return [ModelSpoke(told, ids), ModelRested(turn.n)] if ids else [ModelRested(turn.n)]

    session = working(pace=60)
    session.receive(ModelDelegated("and that"), now=from_ms(20))
    session.receive(DelegationUpdate("s-2", "running"), now=from_ms(30))
    results: list[tuple[int, Event]] = [(500, found("It is in box 22.")), (510, found(LONG, "s-2"))]
    first = play(session, results, until_ms=2_000, voice=both_at_once)
    assert said(first).startswith("It is in box 22. This is")
    assert states(first, "s-1.1") == ["owed", "offered", "speaking"]
    again = play(back(session, 2_000, 4_000), [], until_ms=20_000, voice=plain_voice)
    assert states(again, "s-1.1") == ["heard"]
    assert states(again, "s-2.1") == ["owed", "offered", "speaking", "heard"]
    assert "box 22" not in said(again)


def test_what_came_in_the_absence_is_told_on_return() -> None:
    resumed = back(working(), 1_000, HOUR_MS)
    [task] = resumed.open_delegations()
    assert task.id == "s-1"
    records = play(resumed, [(HOUR_MS + 20, found("The answer."))], until_ms=HOUR_MS + 20_000)
    assert said(records) == "The answer."
    assert states(records, "s-1.1")[-1] == "heard"


def test_what_is_handed_over_again_says_which_attempt_was_heard_of() -> None:
    """Else the bus may count from 1 after a loss of data, and what the new attempt finds is taken for old."""
    session = working()
    assert [session.bundle(task).attempt for task in session.open_delegations()] == [0]
    session.receive(found("on it", kind="progress", attempt=2), now=from_ms(500))
    resumed = back(session, 1_000, HOUR_MS)
    assert [resumed.bundle(task).attempt for task in resumed.open_delegations()] == [2]


def test_a_client_that_lived_on_says_what_it_has_played() -> None:
    def told(heard: int | None) -> str:
        session = working(pace=60, hearing="reported")
        parts = only(Emit, play(session, [(500, found(LONG))], until_ms=20_000))
        assert "".join(part.text for _, part in parts) == LONG
        seq = {None: None, 1: parts[0][1].seq, 2: parts[-1][1].seq}[heard]
        events: list[tuple[int, Event]] = [] if seq is None else [(21_000, UserHeard(seq))]
        said_so: list[str] = []

        def voice(turn: MicroTurn) -> Sequence[ModelEvent]:
            said_so.extend(offer.said or "nothing" for offer in turn.offers)
            return plain_voice(turn)

        records = play(back(session, 20_000, 21_000), events, until_ms=60_000, voice=voice)
        assert all(part.seq > parts[-1][1].seq for _, part in only(Emit, records))
        return said_so[0] if said_so else states(records, "s-1.1")[-1]

    assert told(None) == "nothing"
    assert LONG.startswith(told(1))
    assert told(2) == "acknowledged"


def test_numbers_go_on_beyond_what_may_have_gone_out() -> None:
    session = working(pace=60)
    records = play(session, [(500, found(LONG))], until_ms=1_000)
    lagging = session.snapshot(now=from_ms(1_000))
    records += play(session, [], until_ms=4_000)
    resumed = Session.restore(lagging, timing=default_policy(), now=from_ms(5_000))
    again = play(resumed, [], until_ms=20_000)
    before, after = [part for _, part in only(Emit, records)], [part for _, part in only(Emit, again)]
    assert min(part.seq for part in after) > max(part.seq for part in before)
    assert not {part.utterance for part in after} & {part.utterance for part in before}


# --- the person ------------------------------------------------------------------------------------------------------


def heard_by_the_voice(session: Session, events: list[tuple[int, Event]], until_ms: int) -> list[str]:
    """The finished lines that the next voice is told."""
    records = play(session, events, until_ms=until_ms, voice=silent_voice)
    return [piece.text for _, step in only(StepModel, records) for piece in step.turn.heard if piece.final]


def test_a_line_that_nobody_dealt_with_is_said_to_the_next_voice() -> None:
    session = a_session()
    # The voice is in the middle of its thought when everything ends.
    play(session, types("find it", 100), until_ms=1_200, latency_ms=5_000)
    assert heard_by_the_voice(back(session, 1_200, 9_000), [], 12_000) == ["find it"]
    # Then it has been dealt with.
    resumed = back(session, 1_200, 9_000)
    play(resumed, [], until_ms=12_000, voice=silent_voice)
    assert heard_by_the_voice(back(resumed, 12_000, 13_000), [], 15_000) == []


@pytest.mark.parametrize(
    "deed", [ModelDelegated("find it"), ModelSpoke("I will."), ModelScheduled(At(id="a", say="tea", in_ms=60_000))]
)
def test_a_line_that_the_voice_acted_on_is_not_said_twice(deed: Event) -> None:
    session = a_session()
    play(session, [*types("find it", 100), (1_000, deed)], until_ms=1_200, latency_ms=5_000)
    assert heard_by_the_voice(back(session, 1_200, 9_000), [], 12_000) == []


def test_a_line_that_went_on_after_a_pause_is_one_line() -> None:
    session = a_session()
    keys = [*types("find it", 100, enter=False), *types(" in the docs", 4_000, enter=False)]
    play(session, keys, until_ms=8_000, latency_ms=60_000)
    assert heard_by_the_voice(back(session, 8_000, 9_000), [], 12_000) == ["find it in the docs"]


def test_an_unfinished_line_was_heard_and_the_next_one_is_another() -> None:
    session = a_session()
    play(session, types("tell me abo", 100, enter=False), until_ms=1_250, voice=silent_voice)
    resumed = back(session, 1_250, HOUR_MS)
    play(resumed, types("hello", HOUR_MS + 1_000), until_ms=HOUR_MS + 9_000, voice=silent_voice)
    lines = [(entry.text, entry.continues) for entry in resumed.entries() if isinstance(entry, Said)]
    assert lines == [("tell me abo", False), ("hello", False)]


def test_whoever_comes_back_and_types_at_once_is_not_shown_a_card_instead() -> None:
    """A result waits for a good moment from the return on, not from when nobody was there."""
    session = working()
    play(session, [(500, found("The answer."))], until_ms=501)
    resumed = back(session, 501, HOUR_MS)
    records = play(resumed, types("hello there", HOUR_MS + 50), until_ms=HOUR_MS + 10_000)
    assert [part.style for _, part in only(Emit, records) if "answer" in part.text] == ["speech"]


# --- time goes on ----------------------------------------------------------------------------------------------------


def test_a_reminder_that_came_due_is_said_on_return() -> None:
    session = a_session()
    session.receive(ModelScheduled(At(id="tea", say="Time for tea.", in_ms=60_000)), now=from_ms(100))
    records = play(back(session, 1_000, HOUR_MS), [], until_ms=HOUR_MS + 5_000)
    assert said(records) == "Time for tea."


def test_repetitions_are_left_out_and_go_on() -> None:
    session = a_session()
    session.receive(ModelScheduled(Every(id="drip", say="Drip.", period_ms=10_000)), now=from_ms(0))
    session.receive(ModelScheduled(Every(id="over", say="Over.", period_ms=10_000, for_ms=30_000)), now=from_ms(0))
    records = play(back(session, 5_000, 61_000), [], until_ms=81_000)
    assert [(at, part.text) for at, part in only(Emit, records)] == [(70_000, "Drip."), (80_000, "Drip.")]


def test_an_absence_is_not_a_silence() -> None:
    session = a_session()
    session.receive(ModelScheduled(AfterSilence(id="you", say="Are you there?", quiet_ms=30_000)), now=from_ms(0))
    records = play(back(session, 5_000, HOUR_MS), [], until_ms=HOUR_MS + 40_000)
    assert [at for at, _ in only(Emit, records)] == [HOUR_MS + 30_000]


def test_a_task_past_its_deadline_gets_a_moment_to_tell_what_it_found() -> None:
    in_time = play(back(working(), 1_000, HOUR_MS), [(HOUR_MS + 3_000, found("The answer."))], until_ms=HOUR_MS + 9_000)
    assert said(in_time) == "The answer."
    never = play(back(working(), 1_000, HOUR_MS), [], until_ms=HOUR_MS + 9_000)
    [(at, word)] = [(at, part.text) for at, part in only(Emit, never)]
    assert at >= HOUR_MS + 5_000
    assert "I have to give up" in word
    assert states(never, "s-1")[-2:] == ["failed", "heard"] or "failed" in states(never, "s-1")


def test_a_task_that_runs_is_not_reassured_about_at_once() -> None:
    session = working(deadline_ms=10 * HOUR_MS)
    records = play(back(session, 1_000, HOUR_MS), [], until_ms=HOUR_MS + 15_000)
    [(at, word)] = [(at, part.text) for at, part in only(Emit, records)]
    assert at >= HOUR_MS + 12_000
    assert word.startswith("Still working on")


def test_what_was_only_true_for_the_moment_is_not_said_any_more() -> None:
    """And is said anew where it is still true."""
    session = a_session(deadline_ms=10 * HOUR_MS, reassure_ms=2_000)
    session.receive(ModelDelegated("one"), now=from_ms(0))
    session.receive(ModelDelegated("two"), now=from_ms(0))
    session.receive(DelegationUpdate("s-2", "running"), now=from_ms(0))
    session.receive(ModelDelegated("three"), now=from_ms(0))
    session.receive(DelegationUpdate("s-3", "running"), now=from_ms(0))
    session.receive(DelegationUpdate("s-3", "queued"), now=from_ms(0))
    typing: list[tuple[int, Event]] = [(at, UserText("w")) for at in range(100, 9_000, 300)]
    # The person types all the time, so that none of it can be said.
    play(session, typing, until_ms=9_000, voice=silent_voice)
    session.receive(BusDown("away"), now=from_ms(9_001))
    told = [entry.text for entry in session.entries() if isinstance(entry, Noticed)]
    assert len(told) == 3
    records = play(back(session, 9_100, HOUR_MS), [], until_ms=HOUR_MS + 4_900, voice=silent_voice)
    assert said(records) == ""
    later = play(back(session, 9_100, HOUR_MS), [], until_ms=HOUR_MS + 8_000, voice=silent_voice)
    assert 'Nobody is free to work on "one"' in said(later)
    assert "background" not in said(later)


def test_what_the_session_promised_to_say_is_still_said() -> None:
    session = a_session()
    session.receive(UserText("typing on"), now=from_ms(100))
    session.receive(ModelDelegated("one"), now=from_ms(200))
    session.receive(DelegationUpdate("s-1", "cancelled", "the disk is full"), now=from_ms(300))
    records = play(back(session, 400, HOUR_MS), [], until_ms=HOUR_MS + 5_000)
    assert 'The work on "one" was stopped: the disk is full.' in said(records)


# --- what was on its way ---------------------------------------------------------------------------------------------


def test_what_had_not_been_carried_out_is_kept_with_it() -> None:
    session = working()
    effects = session.receive(ModelAmended("s-1", "no, that one"), now=from_ms(500))
    [amend] = [effect for effect in effects if isinstance(effect, Amend)]
    snapshot = session.snapshot(now=from_ms(600), errands=(amend,))
    resumed = Session.restore(snapshot, timing=default_policy(), now=from_ms(700))
    assert snapshot.errands == (amend,)
    assert resumed.amendment(amend) == session.amendment(amend)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(snapshot), type=Snapshot) == snapshot


def test_ended_tasks_are_named_so_that_nobody_else_keeps_their_answers() -> None:
    session = working()
    session.receive(ModelDelegated("two"), now=from_ms(100))
    assert session.snapshot(now=from_ms(200)).ended == ()
    session.receive(found("The answer."), now=from_ms(300))
    assert session.snapshot(now=from_ms(400)).ended == ("s-1",)


def test_a_session_that_was_left_in_order_goes_on_too() -> None:
    session = working(pace=60)
    play(session, [(500, found(LONG)), (900, UserLeft())], until_ms=2_000)
    assert session.deadline is None
    records = play(back(session, 2_000, HOUR_MS), [], until_ms=HOUR_MS + 20_000)
    assert LONG in said(records)
    ends = [change for _, change in only(LedgerChanged, records) if change.finding == "s-1.1"]
    assert ends[-1].state == "heard"
    assert not [entry for entry in session.entries() if isinstance(entry, Settled)]


# --- the recap -------------------------------------------------------------------------------------------------------


def test_the_recap_tells_how_it_stands() -> None:
    session = working()
    play(session, types("where is it?", 100), until_ms=3_000, voice=silent_voice)
    assert recap(session.snapshot(now=from_ms(3_000))).line("x") == (
        'Going on with x: last you said "where is it?"; 1 task is running.'
    )
    session.receive(UserText("and "), now=from_ms(3_100))
    session.receive(ModelDelegated("two"), now=from_ms(3_100))
    session.receive(found("Here."), now=from_ms(3_200))
    session.receive(Finding("Which one?", "question", delegation="s-2", seq=1), now=from_ms(3_200))
    assert recap(session.snapshot(now=from_ms(3_300))).line("x") == (
        'Going on with x: last you said "and"; 1 task is running; 2 results are waiting.'
    )


def test_the_recap_repeats_a_question_that_waits_for_the_person() -> None:
    session = working()
    play(session, [(500, Finding("Which one?", "question", delegation="s-1", seq=1))], until_ms=3_000)
    assert 'you were asked "Which one?"' in recap(session.snapshot(now=from_ms(3_000))).line("x")
    assert recap(a_session().snapshot(now=from_ms(1))).line("x") == "Going on with x."
