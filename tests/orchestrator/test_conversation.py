"""`Conversation`: what tests of one's own timing, tools and voice are written with. All is real but the clock."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import msgspec
import pytest

from interaction.models.reflex import ReflexModel
from orchestrator.bundle import Bundle
from orchestrator.config import SessionConfig
from orchestrator.errors import ConfigError, UsageError
from orchestrator.events import UserActivity, UserAudio
from orchestrator.finding import Finding
from orchestrator.ports import Desk
from orchestrator.testing import Conversation
from orchestrator.testing.conversation_expect import Expectations
from orchestrator.testing.conversation_person import Span
from orchestrator.timing import FirstOf, Speak, TimingPolicy

EAGER = FirstOf((Speak(),))


def trains(*, after: int = 2_000, timing: TimingPolicy | None = None) -> Conversation:
    """The person asks for a train at 0 (until 2,480 ms), and the answer is there `after` milliseconds later."""
    talk = Conversation(timing=timing)
    talk.voice.when("train", says="Let me see.", delegates="trains")
    talk.tool("trains").returns("The 9:12, direct.", after=after)
    talk.person.types("when is the next train to Lyon?", at=0)
    return talk


def held(talk: Conversation) -> Expectations:
    talk.run()
    return talk.expect


# --- what happens -----------------------------------------------------------------------------------------------------


def test_a_result_is_told_once_and_soon() -> None:
    expect = held(trains())
    expect.delegated("next train to Lyon", times=1).between(2_480, 2_480)
    found = expect.found("9:12").between(4_480, 4_480)
    expect.said("9:12").within(300).after(found)
    expect.said("let me see").before(found)
    expect.heard_once("9:12")
    expect.never_said("sorry")


def test_a_result_waits_for_the_person() -> None:
    talk = trains()
    line = talk.person.types("and by the way", at=4_000)
    expect = held(talk)
    assert (line.begins_ms, line.ends_ms) == (4_000, 5_120)
    expect.held("9:12", reason="the person has the floor").between(4_400, 4_600)
    expect.said("9:12").after(line)
    expect.silent_while(talk.person.holding)
    expect.silent_while(line)
    expect.spliced("9:12", style="weave")


def test_a_pause_within_a_line_is_a_part_of_it() -> None:
    talk = trains(after=1_000)
    first = talk.person.types("and what does", at=3_000, enter=False)
    talk.person.pauses(900)
    rest = talk.person.types(" it cost?")
    talk.run()
    assert rest.begins_ms == first.ends_ms + 80 + 900
    assert [(span.begins_ms, span.ends_ms) for span in talk.person.holding] == [
        (0, 2_480),
        (3_000, rest.ends_ms),
    ]


def test_a_pause_between_lines_is_as_long_as_it_says() -> None:
    talk = Conversation()
    first = talk.person.types("hello", at=0)
    talk.person.pauses(3_000)
    talk.person.pauses(2_000)
    second = talk.person.types("are you there?")
    third = talk.person.types("hm?")
    talk.run()
    assert second.begins_ms == first.ends_ms + 5_000
    assert third.begins_ms == second.ends_ms + 1_000
    assert [span.begins_ms for span in talk.person.holding] == [first.begins_ms, second.begins_ms, third.begins_ms]


def test_spoken_words_come_one_by_one() -> None:
    talk = trains(after=1_000)
    talk.person.speaks("and by the way", at=3_000, ends=False)
    talk.person.pauses(500)
    talk.person.speaks("I am in a hurry")
    expect = held(talk)
    events = [record.item for record in talk.records if isinstance(record.item, UserActivity | UserAudio)]
    assert [event.kind for event in events if isinstance(event, UserActivity)] == ["speaking", "pause", "speaking"]
    words = [event.transcript for event in events if isinstance(event, UserAudio)]
    assert "".join(words).split() == ["and", "by", "the", "way", "I", "am", "in", "a", "hurry"]
    assert len(talk.person.holding) == 2
    expect.silent_while(talk.person.holding)
    expect.heard_once("9:12")


def test_an_interruption_begins_at_its_words_and_what_follows_counts_from_it() -> None:
    talk = trains()
    cut = talk.person.interrupts("wait", on="The")
    later = talk.person.types("go on")
    expect = held(talk)
    assert cut.begins_ms == expect.said("The").begins_ms
    assert later.begins_ms == cut.ends_ms + 1_000
    expect.silent_while(talk.person.holding)
    expect.heard_once("9:12")
    assert "(cut)" in talk.picture()


def test_a_time_of_its_own_counts_from_the_beginning_also_after_a_cue() -> None:
    talk = trains()
    talk.person.interrupts("wait", on="The", spoken=True)
    late = talk.person.types("bye", at=20_000)
    talk.run()
    assert late.begins_ms == 20_000


def test_a_backchannel_stops_nothing() -> None:
    talk = trains()
    nod = talk.person.backchannels("mm-hm", on="The")
    expect = held(talk)
    assert nod.begins_ms == expect.said("The").begins_ms
    assert len(talk.person.holding) == 1
    expect.heard_once("The 9:12, direct.")
    assert "(cut)" not in talk.picture()


def test_who_leaves_is_told_nothing_more() -> None:
    talk = trains()
    gone = talk.person.leaves(at=3_000)
    expect = held(talk)
    expect.never_said("9:12")
    assert gone.begins_ms == 3_000


def test_a_tool_that_fails_is_told() -> None:
    talk = Conversation()
    talk.voice.when("train", delegates=talk.tool("trains").fails("The timetable is closed.", after=500))
    talk.person.types("the train?")
    expect = held(talk)
    expect.heard_once("The timetable is closed.")


def test_progress_is_dropped_and_a_tool_remembers_its_calls() -> None:
    talk = Conversation()
    script = talk.tool("trains", "Find trains.").progress("asking the timetable", after=200).returns("9:12", after=900)
    talk.voice.when("train", delegates="trains")
    talk.person.types("the train to Lyon?")
    expect = held(talk)
    expect.dropped("asking the timetable", reason="not spoken")
    expect.never_said("asking")
    assert len(script.calls) == 1


def test_a_card_is_shown() -> None:
    talk = trains(after=1_000, timing=FirstOf((Speak(style="card"),)))
    typing = talk.person.types("and " * 20, at=2_600)
    expect = held(talk)
    expect.shown("9:12").before(typing.ends_ms)
    expect.silent_while(typing)
    expect.heard_once("9:12")


def test_the_same_script_gives_the_same_journal() -> None:
    one, other = trains(), trains()
    one.run()
    other.run()
    assert one.records == other.records


def test_own_pieces() -> None:
    """A function as a tool, a voice, and a configuration: what an `Assistant` takes."""

    def timetable(query: str) -> str:
        """Find the next trains."""
        return "The 9:12."

    talk = Conversation(tools=[timetable], interaction=ReflexModel(filler=False), config=SessionConfig(id="mine"))
    talk.person.types("find the next trains")
    expect = held(talk)
    expect.heard_once("9:12")
    assert "mine-1" in talk.picture()


# --- what fails, and what it says -------------------------------------------------------------------------------------

FAILURES: dict[str, tuple[Callable[[Expectations], object], str]] = {
    "said": (lambda expect: expect.said("10:30"), 'Expected the assistant to say "10:30".\nIt did not happen.'),
    "shown": (lambda expect: expect.shown("9:12"), 'Expected a card with "9:12".\nIt did not happen.'),
    "between": (
        lambda expect: expect.said("9:12").between(0, 1_000),
        'Expected the assistant to say "9:12" between 0 and 1,000 ms.\nIt was at 4,500 ms.',
    ),
    "within": (
        lambda expect: expect.said("9:12").within(10).after(expect.found("9:12")),
        'Expected the assistant to say "9:12" within 10 ms after 4,480 ms.\nIt was at 4,500 ms.',
    ),
    "after": (lambda expect: expect.said("see").after(9_000), 'Expected the assistant to say "see" after 9,000 ms.'),
    "before": (lambda expect: expect.said("9:12").before(9), 'Expected the assistant to say "9:12" before 9 ms.'),
    "never said": (lambda expect: expect.never_said("9:12"), 'never to say "9:12".\nIt did at 4,500 ms.'),
    "heard once": (lambda expect: expect.heard_once("e"), 'Expected "e" to be heard once.\nIt was told'),
    "delegated": (lambda expect: expect.delegated("weather"), 'Expected a task with "weather".\nIt did not happen.'),
    "how often": (lambda expect: expect.delegated(times=2), "Expected a task 2 times.\nThere were 1."),
    "never delegated": (lambda expect: expect.delegated(times=0), "Expected a task 0 times.\nThere were 1."),
    "found": (lambda expect: expect.found("10:30"), 'Expected a finding with "10:30".'),
    "held": (lambda expect: expect.held("9:12"), 'Expected "9:12" to be held.\nIt did not happen.'),
    "dropped": (lambda expect: expect.dropped("9:12"), 'Expected "9:12" to be dropped.\nIt did not happen.'),
    "reason": (
        lambda expect: expect.spliced("9:12", reason="urgent"),
        'Expected "9:12" to be spliced because "urgent".\nIt was, but because: ',
    ),
    "style": (lambda expect: expect.spliced("9:12", style="card"), 'Expected "9:12" to be spliced as card.'),
}


@pytest.mark.parametrize("name", list(FAILURES))
def test_what_does_not_hold_says_so_and_shows_the_conversation(name: str) -> None:
    fails, message = FAILURES[name]
    expect = held(trains())
    with pytest.raises(AssertionError) as failure:
        fails(expect)
    told = str(failure.value)
    assert message in told
    assert 'person     types "when is the next train to Lyon?" (until 2,480)' in told
    assert "splices" in told


def test_a_policy_that_does_not_wait_is_told_from_one_that_does() -> None:
    """The session keeps any voice from talking over the person, so what a test of a policy looks at is the reasons."""
    for timing, waits in ((None, True), (EAGER, False)):
        talk = trains(timing=timing)
        talk.person.types("and by the way", at=4_000)
        talk.run()
        if waits:
            talk.expect.held("9:12", reason="the person has the floor")
        else:
            with pytest.raises(AssertionError, match="It did not happen"):
                talk.expect.held("9:12")


def test_what_is_critical_is_said_over_the_person_and_that_is_found() -> None:
    async def smoke(bundle: Bundle, desk: Desk) -> Finding:
        await anyio.sleep(2)
        return msgspec.structs.replace(Finding.final("There is smoke."), urgency="critical")

    talk = Conversation(background=smoke)
    talk.voice.when("watch", says="I do.", task="watch the kitchen")
    talk.person.types("watch the kitchen", at=0)
    long = talk.person.types("and then I went to the market, and", at=2_500)
    expect = held(talk)
    expect.spliced("smoke").within(100).after(expect.found("smoke"))
    expect.said("smoke").before(long.ends_ms)
    with pytest.raises(AssertionError, match=r'The assistant said "There is smoke') as failure:
        expect.silent_while(talk.person.holding)
    assert ">   2,500 ms  person" in str(failure.value)


def test_speech_over_the_person_is_found() -> None:
    expect = held(trains())
    with pytest.raises(AssertionError, match=r'The assistant said "The 9:12, direct." at 4,500 ms.') as failure:
        expect.silent_while([Span(100, 300), Span(4_000, 5_000)])
    assert '\n>   4,500 ms  assistant  "The 9:12, direct."' in str(failure.value)
    assert "\n>       0 ms" not in str(failure.value)


def test_the_picture_of_a_long_conversation_is_what_is_around_the_place() -> None:
    talk = trains()
    for _ in range(40):
        talk.person.types("hello")
    talk.run()
    with pytest.raises(AssertionError, match="lines after") as failure:
        talk.expect.said("9:12").before(1)
    assert ">   4," in str(failure.value)


def test_a_cue_that_never_comes_fails_the_test() -> None:
    talk = trains()
    talk.person.interrupts("wait", on="the 10:30")
    with pytest.raises(AssertionError, match='waited in vain for the assistant to say "the 10:30"'):
        talk.run()


def test_a_conversation_that_does_not_end_fails_the_test() -> None:
    talk = Conversation(longest_ms=1_000)
    talk.person.types("hello", at=5_000)
    with pytest.raises(AssertionError, match="did not end within 1,000 ms"):
        talk.run()


# --- what cannot be ---------------------------------------------------------------------------------------------------


def test_nothing_can_be_expected_before_it_is_held() -> None:
    talk = trains()
    for look in (lambda: talk.expect, lambda: talk.records, talk.picture, lambda: talk.person.holding):
        with pytest.raises(UsageError, match=r"Call run\(\) first"):
            look()


def test_what_was_not_done_has_no_time() -> None:
    talk = trains()
    talk.person.leaves(at=1)
    never = talk.person.types("hello", at=9_000)
    talk.run()
    with pytest.raises(UsageError, match="The person has not done this"):
        _ = never.begins_ms


def test_it_is_held_once() -> None:
    talk = trains()
    talk.run()
    with pytest.raises(UsageError, match="Make another Conversation"):
        talk.run()


@pytest.mark.anyio
async def test_it_needs_a_loop_of_its_own() -> None:
    with pytest.raises(UsageError, match="without async"):
        trains().run()


def test_two_voices_are_one_too_many() -> None:
    talk = Conversation(interaction=ReflexModel())
    talk.voice.when("train", says="Yes.")
    with pytest.raises(UsageError, match="two voices"):
        talk.run()


def test_a_tool_without_an_end_is_refused() -> None:
    talk = trains()
    talk.tool("planes")
    with pytest.raises(ConfigError, match="'planes'"):
        talk.run()


def test_reported_hearing_is_refused() -> None:
    talk = Conversation(config=SessionConfig(hearing="reported"))
    with pytest.raises(UsageError, match="no loudspeaker"):
        talk.run()


def test_silence_in_no_time_is_no_expectation() -> None:
    expect = held(Conversation())
    with pytest.raises(UsageError, match="no time to be silent in"):
        expect.silent_while(())


def test_nothing_happens_before_the_beginning() -> None:
    with pytest.raises(UsageError, match="at is -1"):
        Conversation().person.types("hello", at=-1)
