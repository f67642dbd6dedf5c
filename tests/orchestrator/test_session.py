"""The session: the grid, the floor, barge-in, backchannels, what was heard."""

from __future__ import annotations

import pytest

from orchestrator.clock import from_ms
from orchestrator.context import Deleted, Interrupted, Said, Spoke
from orchestrator.effects import Amend, Cancel, Close, Delegate, Emit, MicroTurn, StepModel, StopSpeaking
from orchestrator.events import (
    Event,
    ModelAmended,
    ModelCancelled,
    ModelDelegated,
    ModelEvent,
    ModelFailed,
    ModelRested,
    ModelSpoke,
    SinkStalled,
    TickDue,
    UserActivity,
    UserHeard,
    UserLeft,
    UserText,
)
from orchestrator.finding import Finding
from orchestrator.journal import Record
from orchestrator.session import Session
from orchestrator.speech import Speech, take_back_answers
from orchestrator.testing.playing import play, silent_voice
from orchestrator.timing import default_policy
from tests.orchestrator.driving import a_session, found, only, said, states, types

LONG = "This is a rather long answer that goes on for quite a while, and it has a second clause, and even a third one."


def parrot(turn: MicroTurn) -> list[ModelEvent]:
    """Answers every Enter with the same long words."""
    ends = any(piece.final for piece in turn.heard)
    return [*([ModelSpoke(LONG)] if ends else []), ModelRested(turn.n)]


def test_the_grid_is_absolute_and_never_drifts() -> None:
    session = a_session()
    for late_ms in (0, 7, 30, 199):
        deadline = session.deadline
        assert deadline is not None
        assert deadline % from_ms(200) == 0
        session.receive(TickDue(), now=from_ms(deadline // 1_000_000 + late_ms))
    assert session.missed == 0


def test_a_missed_grid_point_is_skipped_and_counted_and_not_made_up() -> None:
    session = a_session()
    session.receive(TickDue(), now=from_ms(200 + 5 * 200))
    assert session.missed == 5
    assert session.n == 1
    assert session.deadline == from_ms(1_400)


def test_a_tick_that_comes_too_soon_does_nothing() -> None:
    session = a_session()
    assert session.receive(TickDue(), now=from_ms(150)) == ()
    assert session.n == 0


def test_the_first_key_starts_a_micro_turn_at_once_and_the_next_keys_wait_for_the_grid() -> None:
    records = play(a_session(), types("hey", 1_030, every_ms=10, enter=False), until_ms=1_200, voice=silent_voice)
    steps = [(at, "".join(piece.text for piece in step.turn.heard)) for at, step in only(StepModel, records)]
    assert steps == [(1_030, "h"), (1_200, "ey")]


def test_an_early_micro_turn_keeps_its_distance_and_leaves_the_grid_where_it_is() -> None:
    session = a_session()
    play(session, [(230, UserText("a", final=True)), (231, UserText("b", final=True))], until_ms=231)
    assert session.deadline == from_ms(250)
    play(session, [], until_ms=399)
    assert session.deadline == from_ms(400)


@pytest.mark.parametrize(("text", "ends_ms"), [("is it late?", 1_650), ("find me a train", 2_550)])
def test_a_pause_that_ends_a_turn_starts_its_micro_turn_at_once(text: str, ends_ms: int) -> None:
    records = play(a_session(), [(1_050, UserText(text))], until_ms=3_000, voice=silent_voice)
    floors = [(at, step.turn.floor) for at, step in only(StepModel, records)]
    assert next(at for at, floor in floors if floor == "nobody") == ends_ms
    # The grid stays where it was.
    assert {at for at, _ in floors} >= set(range(1_200, 3_000, 200))


def test_the_person_begins_and_the_assistant_falls_silent_at_once() -> None:
    session = a_session(pace=60)
    events: list[tuple[int, Event]] = [
        (0, UserText("tell me", final=True)),
        (900, UserText("w")),
        (1_000, UserText("ait")),
    ]
    records = play(session, events, until_ms=2_000, voice=parrot)
    stops = only(StopSpeaking, records)
    # "w" could become "wow": until "wait" stands there the assistant only pauses.
    assert [at for at, _ in stops] == [1_000]
    assert max(at for at, _ in only(Emit, records)) < 900
    heard = said(records)
    assert LONG.startswith(heard)
    assert stops[0][1].flushed == LONG[len(heard) :]
    spoke = next(entry for entry in session.entries() if isinstance(entry, Spoke))
    assert (spoke.text, spoke.cut) == (heard, LONG[len(heard) :])
    assert any(isinstance(entry, Interrupted) for entry in session.entries())


def test_activity_without_words_is_a_barge_in_too() -> None:
    events: list[tuple[int, Event]] = [(0, UserText("tell me", final=True)), (700, UserActivity("speaking"))]
    records = play(a_session(pace=60), events, until_ms=3_000, voice=parrot)
    assert [at for at, _ in only(StopSpeaking, records)] == [700]
    assert max(at for at, _ in only(Emit, records)) <= 700


def test_a_backchannel_takes_nothing() -> None:
    whole: list[tuple[int, Event]] = [(0, UserText("tell me", final=True)), (700, UserText("mm-hm", final=True))]
    for events in (whole, [(0, UserText("tell me", final=True)), *types("ok", 700, every_ms=90)]):
        session = a_session(pace=60)
        records = play(session, events, until_ms=6_000, voice=parrot)
        assert only(StopSpeaking, records) == []
        assert said(records) == LONG
        assert [entry.text for entry in session.entries() if isinstance(entry, Said) and entry.backchannel]


def test_a_backchannel_while_nobody_speaks_is_an_utterance() -> None:
    records = play(a_session(), [(500, UserText("ok", final=True))], until_ms=700, voice=silent_voice)
    assert [step.turn.heard[0].text for _, step in only(StepModel, records)] == ["ok"]


def test_a_half_typed_word_that_stays_one_is_an_interruption_and_no_letter_of_it_is_lost() -> None:
    events: list[tuple[int, Event]] = [
        (0, UserText("tell me", final=True)),
        (700, UserText("re")),
        (2_000, UserText("mind me", final=True)),
    ]
    records = play(a_session(pace=60), events, until_ms=3_000, voice=parrot)
    ((stopped, _),) = only(StopSpeaking, records)
    assert 1_300 <= stopped <= 1_400
    # Nothing was said in the moment of doubt.
    assert not [at for at, _ in only(Emit, records) if 700 < at < 2_000]
    heard = [piece.text for _, step in only(StepModel, records) for piece in step.turn.heard]
    assert "".join(heard) == "tell meremind me"


def test_a_yes_to_a_question_that_is_being_put_is_an_answer() -> None:
    session = a_session(pace=60)
    session.receive(ModelDelegated("x"), now=from_ms(0))
    question = found("Shall I really send this postcard to everybody on the list?", kind="question")
    records = play(session, [(1_000, question), (1_600, UserText("yes", final=True))], until_ms=1_700)
    heard = [piece.text for _, step in only(StepModel, records) for piece in step.turn.heard]
    assert heard == ["yes"]


def test_a_client_that_ends_its_turns_by_falling_silent_is_heard_for_ever() -> None:
    session = a_session(longest_draft=1_000)
    events: list[tuple[int, Event]] = []
    for turn in range(50):
        events += [(1_000 * turn, UserText("x" * 100)), (1_000 * turn + 100, UserActivity("silent"))]
    play(session, events, until_ms=51_000, voice=silent_voice)
    lines = [entry for entry in session.entries() if isinstance(entry, Said)]
    assert len(lines) == 50
    assert not any(entry.continues for entry in lines)


def test_an_enter_that_only_ends_the_line_before_interrupts_nobody() -> None:
    def voice(turn: MicroTurn) -> list[ModelEvent]:
        return [*([ModelSpoke(LONG)] if turn.quiet_ms == 1_600 else []), ModelRested(turn.n)]

    events: list[tuple[int, Event]] = [(0, UserText("tell me")), (3_000, UserText("", final=True))]
    records = play(a_session(pace=60), events, until_ms=9_000, voice=voice)
    assert only(StopSpeaking, records) == []
    assert said(records) == LONG


def test_speech_is_paced_like_quick_speech_and_cut_at_words() -> None:
    records = play(a_session(pace=60), [(0, UserText("x", final=True))], until_ms=10_000, voice=parrot)
    parts = only(Emit, records)
    assert all(part.text.endswith(" ") or part.ends for _, part in parts)
    seconds = (parts[-1][0] - parts[0][0]) / 1_000
    assert 50 <= (len(LONG) - len(parts[0][1].text)) / seconds <= 66
    assert [part.ends for _, part in parts] == [False] * (len(parts) - 1) + [True]
    assert len({part.utterance for _, part in parts}) == 1


def test_a_word_longer_than_a_micro_turn_comes_out_whole() -> None:
    word = "Donaudampfschifffahrtsgesellschaft"

    def voice(turn: MicroTurn) -> list[ModelEvent]:
        return [*([ModelSpoke(word)] if turn.heard else []), ModelRested(turn.n)]

    records = play(a_session(pace=60), [(0, UserText("x", final=True))], until_ms=4_000, voice=voice)
    assert said(records) == word


def test_what_was_typed_and_taken_back_is_in_the_conversation() -> None:
    session = a_session()

    def voice(turn: MicroTurn) -> list[ModelEvent]:
        heard = "".join(piece.text for piece in turn.heard if piece.op == "insert")
        return [*([ModelDelegated("paris")] if heard == "Paris" else []), ModelRested(turn.n)]

    events = [(0, UserText("Paris")), (300, UserText("ris", op="delete")), (400, UserText("nama", final=True))]
    records = play(session, [(at, event) for at, event in events], until_ms=500, voice=voice)
    lines = [(type(entry).__name__, entry.text) for entry in session.entries() if isinstance(entry, Said | Deleted)]
    assert lines == [("Said", "Paris"), ("Deleted", "ris"), ("Said", "nama")]
    # The running task hears of it.
    assert [amend.delegation for _, amend in only(Amend, records)] == ["s-1"]


def test_nothing_is_said_while_the_person_types_unless_it_says_why() -> None:
    def voice(turn: MicroTurn) -> list[ModelEvent]:
        if not any("now" in piece.text for piece in turn.heard):
            return [ModelRested(turn.n)]
        return [ModelSpoke("A long reply."), ModelSpoke("Yes.", overlap="acknowledges"), ModelRested(turn.n)]

    events: list[tuple[int, Event]] = [(0, UserText("now ")), *types("and more", 100)]
    records = play(a_session(), events, until_ms=3_000, voice=voice)
    parts = [(part.text, part.reason, at) for at, part in only(Emit, records)]
    assert parts[0][:2] == ("Yes.", "acknowledges")
    assert parts[0][2] < 900
    assert parts[1][0] == "A long reply."
    assert parts[1][2] >= 900


def test_a_bundle_holds_the_whole_conversation_as_it_stood_when_the_task_was_made() -> None:
    session = a_session()

    def voice(turn: MicroTurn) -> list[ModelEvent]:
        final = any(piece.final for piece in turn.heard)
        return [*([ModelDelegated("look it up")] if final and turn.n < 3 else []), ModelRested(turn.n)]

    records = play(session, [(0, UserText("what is it?", final=True))], until_ms=100, voice=voice)
    (_, effect), *_ = only(Delegate, records)
    before = session.bundle(effect)
    play(session, [(150, UserText("and another thing", final=True))], until_ms=1_000, voice=voice)
    assert session.bundle(effect) == before
    assert [entry.text for entry in before.context if isinstance(entry, Said)] == ["what is it?"]
    assert (before.id, before.task, before.revision) == ("s-1", "look it up", effect.revision)


def test_what_the_person_says_next_reaches_the_running_task() -> None:
    session = a_session()
    session.receive(ModelDelegated("trains to Paris"), now=from_ms(0))
    records = play(session, [(500, UserText("by the way, first class", final=True))], until_ms=700)
    (_, amend), *_ = only(Amend, records)
    amendment = session.amendment(amend)
    assert [entry.text for entry in amendment.entries if isinstance(entry, Said)] == ["by the way, first class"]
    assert amendment.text == ""


def test_ids_derive_from_the_session() -> None:
    session = a_session(id="talk")
    effects = [session.receive(ModelDelegated(task), now=from_ms(0)) for task in ("one", "two")]
    assert [effect.id for group in effects for effect in group if isinstance(effect, Delegate)] == ["talk-1", "talk-2"]


def test_a_barge_in_stops_speech_and_never_cancels_work() -> None:
    session = a_session(pace=60)
    session.receive(ModelDelegated("a long job"), now=from_ms(0))
    events: list[tuple[int, Event]] = [(10, UserText("x", final=True)), (900, UserText("stop!", final=True))]
    records = play(session, events, until_ms=3_000, voice=parrot)
    assert only(StopSpeaking, records)
    assert only(Cancel, records) == []


def test_a_correction_makes_what_was_found_before_it_stale_and_the_work_is_done_again() -> None:
    session = a_session()
    session.receive(ModelDelegated("trains to Paris"), now=from_ms(0))
    session.receive(ModelAmended("s-1", "make that Lyon"), now=from_ms(1_000))
    records = play(session, [(2_000, found("Paris: 9:12", context_revision=1))], until_ms=4_000)
    assert said(records) == ""
    assert states(records, "s-1.1") == ["superseded"]
    again = [effect for _, effect in only(Delegate, records)]
    assert [(effect.id, effect.supersedes) for effect in again] == [("s-2", "s-1")]
    assert "make that Lyon" in again[0].task
    records = play(session, [(5_000, found("Lyon: 9:40", "s-2"))], until_ms=8_000)
    assert said(records) == "Lyon: 9:40"


def test_a_correction_of_a_finished_task_takes_back_what_is_being_said() -> None:
    session = a_session(pace=60)
    session.receive(ModelDelegated("trains to Paris"), now=from_ms(0))
    records = play(session, [(1_000, found(LONG)), (2_000, ModelAmended("s-1", "I meant Lyon"))], until_ms=4_000)
    assert [at for at, _ in only(StopSpeaking, records)] == [2_000]
    assert states(records, "s-1.1")[-1] == "superseded"
    assert max(at for at, _ in only(Emit, records)) <= 2_000


def test_a_cancelled_task_says_nothing_more_and_the_voice_is_told_in_plain_words() -> None:
    session = a_session()
    session.receive(ModelDelegated("the search"), now=from_ms(0))
    events: list[tuple[int, Event]] = [(500, ModelCancelled("s-1")), (900, found("too late"))]
    records = play(session, events, until_ms=3_000)
    assert [cancel.delegation for _, cancel in only(Cancel, records)] == ["s-1"]
    assert said(records) == ""
    assert states(records, "s-1.1") == ["cancelled"]
    notices = [notice for _, step in only(StepModel, records) for notice in step.turn.notices]
    assert notices == ['The task "the search" was cancelled.']


def test_without_confirmation_nothing_counts_as_heard_where_the_client_reports() -> None:
    session = a_session(hearing="reported")
    session.receive(ModelDelegated("x"), now=from_ms(0))
    records = play(session, [(1_000, found("The answer."))], until_ms=4_000)
    assert states(records, "s-1.1")[-1] == "speaking"
    last = only(Emit, records)[-1][1].seq
    records = play(session, [(4_100, UserHeard(last))], until_ms=5_000)
    assert states(records, "s-1.1") == ["heard"]


def test_a_voice_that_failed_does_not_keep_a_result() -> None:
    session = a_session()
    session.receive(ModelDelegated("x"), now=from_ms(0))
    events: list[tuple[int, Event]] = [(100, ModelFailed("no connection")), (2_000, found("The answer."))]
    records = play(session, events, until_ms=5_000, voice=lambda turn: ())
    assert "The answer." in said(records)
    assert "voice model has failed" in said(records)
    assert states(records, "s-1.1")[-1] == "heard"


def test_a_voice_that_says_nothing_does_not_keep_a_result() -> None:
    session = a_session()
    session.receive(ModelDelegated("x"), now=from_ms(0))
    records = play(session, [(1_000, found("The answer."))], until_ms=10_000, voice=silent_voice)
    assert said(records) == "The answer."
    assert states(records, "s-1.1")[-1] == "heard"


def test_a_line_longer_than_can_be_kept_is_cut_and_the_person_is_told() -> None:
    session = a_session(longest_draft=1_000)
    records = play(session, [(0, UserText("x" * 5_000)), (10, UserText("y" * 5_000, final=True))], until_ms=2_000)
    lines = [entry.text for entry in session.entries() if isinstance(entry, Said)]
    assert lines == ["x" * 1_000]
    assert "longer than I can take in" in said(records)


def test_a_slow_reader_holds_speech_up_and_nothing_is_lost() -> None:
    session = a_session(pace=60)
    events: list[tuple[int, Event]] = [
        (0, UserText("x", final=True)),
        (500, SinkStalled("link")),
        (3_000, SinkStalled("link", over=True)),
    ]
    records = play(session, events, until_ms=9_000, voice=parrot)
    assert not [at for at, _ in only(Emit, records) if 500 < at < 3_000]
    assert said(records) == LONG


def test_after_leaving_nothing_happens_any_more() -> None:
    session = a_session()
    records = play(session, [(500, UserLeft())], until_ms=1_000)
    assert [type(record.item) for record in records] == [UserLeft, Close]
    assert session.deadline is None
    assert session.receive(UserText("hello?"), now=from_ms(2_000)) == ()


def test_a_restored_session_goes_on_and_tells_what_was_being_told() -> None:
    session = a_session(pace=60)
    session.receive(ModelDelegated("x"), now=from_ms(0))
    first = play(session, [(1_000, found(LONG))], until_ms=2_000)
    assert said(first)
    resumed = Session.restore(session.snapshot(now=from_ms(2_000)), timing=default_policy(), now=from_ms(9_000))
    assert resumed.deadline == from_ms(9_200)
    again = play(resumed, [], until_ms=15_000)
    assert LONG in said(again)
    assert states(again, "s-1.1")[-1] == "heard"
    assert resumed.entries()[0] == session.entries()[0]


def test_two_runs_are_equal() -> None:
    events: list[tuple[int, Event]] = [*types("find it", 100), (1_500, found("Here."))]
    runs: list[list[Record]] = []
    for _ in range(2):
        session = a_session(pace=60)
        session.receive(ModelDelegated("x"), now=from_ms(0))
        runs.append(play(session, events, until_ms=5_000, voice=parrot))
    assert runs[0] == runs[1]


def test_the_journal_of_a_session_replays_to_the_same_effects() -> None:
    from orchestrator.journal import JournalReader, encode_record

    session = a_session(pace=60)
    records = play(session, types("tell me", 100), until_ms=6_000, voice=parrot)
    lines = [encode_record(record.at, record.n, record.item) for record in records]
    events = JournalReader().strictly(lines, "recording")
    # The voice's words are in the recording, so nobody needs to speak.
    again = play(
        a_session(pace=60),
        [(at // 1_000_000, event) for at, event in events if not isinstance(event, TickDue)],
        until_ms=6_000,
        voice=lambda turn: (),
    )
    assert [encode_record(record.at, record.n, record.item) for record in again] == lines


def test_findings_carry_their_identity() -> None:
    assert Finding.final("x").stamped(delegation="s-1", attempt=1, seq=3, context_revision=0).id == "s-1.3"
    assert Finding.final("x").stamped(delegation="s-1", attempt=2, seq=3, context_revision=0).id == "s-1.2.3"


def test_an_answer_that_is_taken_back_before_a_word_of_it_was_heard_is_not_said() -> None:
    for takes_back, words in ((False, "The capital is"), (True, "")):
        session = a_session()
        events: list[tuple[int, Event]] = [
            (1_000, UserText("and")),
            (1_100, ModelSpoke("The capital is")),
            (1_150, ModelRested(5, takes_back=takes_back)),
        ]
        assert said(play(session, events, until_ms=5_000, voice=silent_voice)) == words


def test_what_was_begun_or_promised_or_found_is_not_taken_back() -> None:
    speech = Speech()
    speech.say("One two three", about=("f",))
    speech.say("Now.", keep=True)
    speech.say("Half")
    speech.queue[-1].emitted = 2
    take_back_answers(speech)
    assert [segment.text for segment in speech.queue] == ["One two three", "Now.", "Half"]
