"""Speech that a time, a silence or a cue starts."""

from __future__ import annotations

from orchestrator.agenda import Agenda
from orchestrator.agenda_items import AfterSilence, AgendaItem, At, Every, OnCount, OnCue
from orchestrator.clock import START, from_ms
from orchestrator.effects import Emit
from orchestrator.events import Event, ModelScheduled, ModelUnscheduled, UserText
from orchestrator.testing.playing import play, silent_voice
from tests.orchestrator.driving import a_session, only, said, types


def spoken(events: list[tuple[int, Event]], until_ms: int) -> list[tuple[int, str]]:
    """(milliseconds, words) of all that the agenda said."""
    records = play(a_session(), events, until_ms=until_ms, voice=silent_voice)
    return [(at, part.text) for at, part in only(Emit, records)]


def at_start(*items: AgendaItem) -> list[tuple[int, Event]]:
    return [(0, ModelScheduled(item)) for item in items]


def test_a_reminder_comes_at_its_time_and_once() -> None:
    assert spoken(at_start(At(id="a", in_ms=10_000, say="Stretch.")), 60_000) == [(10_000, "Stretch.")]


def test_a_reminder_waits_for_a_person_who_types_and_comes_in_the_gap() -> None:
    events = [*at_start(At(id="a", in_ms=2_000, say="Stretch.")), *types("x" * 30, 1_500)]
    ((at, text),) = spoken(events, 10_000)
    assert text == "Stretch."
    assert 4_500 <= at <= 4_700


def test_a_reminder_may_be_asked_for_over_speech() -> None:
    events = [*at_start(At(id="a", in_ms=2_000, say="Stretch.", over_speech=True)), *types("x" * 30, 1_500)]
    assert spoken(events, 10_000) == [(2_000, "Stretch.")]


def test_repetitions_keep_their_beat() -> None:
    beats = spoken(at_start(Every(id="e", period_ms=5_000, say="breathe")), 26_000)
    assert beats == [(at, "breathe") for at in (5_000, 10_000, 15_000, 20_000, 25_000)]


def test_repetitions_end_by_number_and_by_time() -> None:
    assert len(spoken(at_start(Every(id="e", period_ms=1_000, say="x", times=3)), 20_000)) == 3
    assert len(spoken(at_start(Every(id="e", period_ms=1_000, say="x", for_ms=4_000)), 20_000)) == 4


def test_missed_repetitions_are_skipped_and_counted() -> None:
    agenda = Agenda()
    agenda.add(Every(id="e", period_ms=1_000, say="x"), now=START)
    fired = agenda.fire(now=from_ms(4_500), silent_since=START, person_holds=False)
    assert [due.say for due in fired] == ["x"]
    assert agenda.skipped == 3
    assert agenda.planned["e"].due == from_ms(5_000)


def test_after_silence_counts_from_the_last_word_of_either() -> None:
    items = at_start(AfterSilence(id="q", quiet_ms=3_000, say="Still there?"))
    assert spoken(items, 20_000) == [(3_000, "Still there?")]
    ((at, _),) = spoken([*items, (2_000, UserText("hm", final=True))], 20_000)
    assert 5_000 <= at <= 5_200


def test_again_only_after_the_person_has_said_something() -> None:
    items = at_start(AfterSilence(id="q", quiet_ms=3_000, say="?", once=False))
    times = [at for at, _ in spoken([*items, (8_000, UserText("yes", final=True))], 13_000)]
    assert times == [3_000, 11_000]


def test_a_cue_is_answered_while_the_person_goes_on() -> None:
    events = [*at_start(OnCue(id="c", phrase="ship", say="Ahoy!")), *types("the ship sails on and on", 1_000)]
    records = play(a_session(), events, until_ms=6_000, voice=silent_voice)
    ((at, part),) = only(Emit, records)
    assert part.text == "Ahoy!"
    assert 1_800 <= at <= 2_000
    assert "while the person speaks" in part.reason


def test_a_cue_needs_the_whole_word() -> None:
    events = [*at_start(OnCue(id="c", phrase="ship", say="Ahoy!")), *types("shipping a flagship is hardship", 1_000)]
    assert spoken(events, 9_000) == []


def test_a_cue_of_several_words_and_at_the_end_of_a_line() -> None:
    events = [*at_start(OnCue(id="c", phrase="good  morning", say="Hello.")), *types("oh Good morning", 1_000)]
    assert [text for _, text in spoken(events, 9_000)] == ["Hello."]


def test_a_cue_at_a_breath() -> None:
    events = [*at_start(OnCue(id="c", phrase="ship", say="Ahoy!")), *types("a ship", 1_000, enter=False)]
    ((at, _),) = spoken(events, 9_000)
    assert 2_100 <= at <= 2_400


def test_counts_are_kept_and_said() -> None:
    each = OnCount(id="n", phrase="well", say="That is {count}.")
    third = OnCount(id="t", phrase="well", say="Three!", n=3)
    silent = OnCount(id="s", phrase="well", say="", silent=True)
    events = [*at_start(each, third, silent), *types("well, well. oh well", 1_000)]
    assert [text for _, text in spoken(events, 9_000)] == ["That is 1.", "That is 2.", "That is 3.", "Three!"]


def test_a_word_counts_once_even_if_it_is_retyped() -> None:
    agenda = Agenda()
    agenda.add(OnCount(id="n", phrase="ship", say="", silent=True), now=START)
    for step in ("ship ", "ship "):
        agenda.hear(step)
    agenda.hear("hip ", delete=True)
    agenda.hear("hip ")
    assert agenda.counts() == (("ship", 2),)


def test_the_instruction_does_not_trigger_itself() -> None:
    events: list[tuple[int, Event]] = [
        (500, UserText("whenever I say ship, say ahoy", final=True)),
        (520, ModelScheduled(OnCue(id="c", phrase="ship", say="Ahoy!"))),
        (3_000, UserText("a ship", final=True)),
    ]
    assert [at for at, _ in spoken(events, 9_000)] == [3_000]


def test_several_at_a_time() -> None:
    events = [
        *at_start(
            At(id="a", in_ms=4_000, say="Tea."),
            Every(id="e", period_ms=3_000, say="Breathe."),
            OnCue(id="c", phrase="cat", say="Meow."),
        ),
        (1_000, UserText("my cat", final=True)),
    ]
    assert spoken(events, 6_100) == [(1_000, "Meow."), (3_000, "Breathe."), (4_000, "Tea."), (6_000, "Breathe.")]


def test_what_is_taken_off_does_not_come() -> None:
    items = at_start(At(id="a", in_ms=4_000, say="Tea."), At(id="b", in_ms=5_000, say="Cake."))
    assert spoken([*items, (1_000, ModelUnscheduled("a"))], 9_000) == [(5_000, "Cake.")]
    assert spoken([*items, (1_000, ModelUnscheduled())], 9_000) == []


def test_a_reminder_that_is_cut_is_said_again_from_its_beginning() -> None:
    session = a_session(pace=60)
    say = "Reminder: take the cake out of the oven before it burns."
    events: list[tuple[int, Event]] = [
        *at_start(At(id="a", in_ms=1_000, say=say)),
        (1_500, UserText("what was that?", final=True)),
    ]
    records = play(session, events, until_ms=9_000, voice=silent_voice)
    assert said(records).endswith(say)
    assert len(said(records)) > len(say)


def test_what_cannot_be_planned_is_refused_in_words() -> None:
    agenda = Agenda()
    assert "five times a second" in agenda.add(Every(id="e", period_ms=50, say="x"), now=START)
    assert "no phrase" in agenda.add(OnCue(id="c", phrase=" ", say="x"), now=START)
    for number in range(200):
        assert agenda.add(At(id=f"a{number}", in_ms=1, say="x"), now=START) == ""
    assert "200" in agenda.add(At(id="one more", in_ms=1, say="x"), now=START)
    records = play(a_session(), at_start(OnCue(id="c", phrase="", say="x")), until_ms=1_000)
    assert "I can't put that on the agenda" in said(records)


def test_a_long_stream_stays_small() -> None:
    agenda = Agenda()
    agenda.add(OnCount(id="n", phrase="tick", say="", silent=True), now=START)
    for _ in range(2_000):
        agenda.hear("tick ")
    assert agenda.counts() == (("tick", 2_000),)
    assert len(agenda.tail) <= 2_000


def test_what_was_taken_back_is_not_counted_and_what_follows_is_heard() -> None:
    agenda = Agenda()
    agenda.add(OnCount(id="n", phrase="ship", say="", silent=True), now=START)
    agenda.hear("a ship sails and sails ")
    agenda.hear("a ship sails and sails ", delete=True)
    assert agenda.counts() == (("ship", 0),)
    agenda.hear("the ship is", final=True)
    assert agenda.counts() == (("ship", 1),)
