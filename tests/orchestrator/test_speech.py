"""What is said, at what pace, and what a cut hit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.clock import from_ms
from orchestrator.speech import Speech

STORY = "Once there was a station master, who counted trains, all of them, for forty years, alone."


def spoken(speech: Speech, *, from_tick: int = 0, ticks: int = 400, person_holds: bool = False) -> str:
    """What goes out in so many micro-turns."""
    words = ""
    for tick in range(from_tick, from_tick + ticks):
        for part in speech.emit(
            from_ms(200 * tick), pace=60, tick_ms=200, quiet_ms=-1 if person_holds else 0, reported=False
        ):
            words += part.text + ("|" if part.ends else "")
    return words


def test_without_pacing_all_goes_out_at_once() -> None:
    speech = Speech()
    speech.say(STORY)
    speech.seal()
    (part,) = speech.emit(from_ms(0), pace=None, tick_ms=200, quiet_ms=0, reported=False)
    assert (part.text, part.ends) == (STORY, True)
    assert not speech.active


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=60), max_size=8))
def test_every_character_goes_out_once_and_in_order(pieces: list[str]) -> None:
    speech = Speech()
    for piece in pieces:
        speech.say(piece)
    speech.seal()
    # An utterance loses the space at its beginning and end; a piece of nothing but space is none.
    whole = "".join(pieces)
    first = next((at for at, piece in enumerate(pieces) if piece.strip()), None)
    expected = "" if first is None else "".join(pieces[first:]).strip()
    assert whole.rstrip().endswith(expected)
    assert spoken(speech).replace("|", "") == expected.replace("|", "")


def test_pieces_of_one_purpose_are_one_utterance_and_others_are_not() -> None:
    speech = Speech()
    speech.say("The answer ", about=("s-1.1",))
    speech.say("is 42.", about=("s-1.1",))
    speech.say("By the way.")
    speech.seal()
    assert spoken(speech) == "The answer is 42.|By the way.|"


def test_what_is_put_in_comes_at_the_next_clause_and_the_rest_after_it() -> None:
    speech = Speech()
    speech.say(STORY)
    speech.seal()
    assert spoken(speech, ticks=1).startswith("Once")
    speech.say("It leaves at nine.", about=("s-1.1",), place="clause")
    speech.seal()
    words = spoken(speech, from_tick=1)
    assert "station master,|It leaves at nine.|who counted trains" in words


def test_a_delivery_is_not_broken_up() -> None:
    speech = Speech()
    speech.say(STORY, about=("s-1.1",))
    speech.seal()
    spoken(speech, ticks=1)
    speech.say("Second.", about=("s-2.1",), place="clause")
    speech.seal()
    assert spoken(speech, from_tick=1).endswith("alone.|Second.|")


def test_what_has_not_begun_is_not_overtaken() -> None:
    speech = Speech()
    speech.say("An answer, to begin with.")
    speech.seal()
    speech.say("A notice.", keep=True, place="clause")
    assert spoken(speech) == "An answer, to begin with.|A notice.|"


def test_over_the_person_goes_only_what_may() -> None:
    speech = Speech()
    speech.say("A long answer.")
    speech.say("Yes.", overlap="acknowledges")
    speech.seal()
    assert spoken(speech, person_holds=True) == "Yes.|"
    assert spoken(speech, from_tick=400) == "A long answer.|"


def test_a_cut_tells_what_was_heard_of_each_finding() -> None:
    speech = Speech()
    speech.say(STORY, about=("s-1.1", "s-2.1"))
    speech.seal()
    heard = spoken(speech, ticks=3)
    cut = speech.cut()
    assert (cut.heard, cut.flushed) == (heard, STORY[len(heard) :])
    assert cut.findings == (("s-1.1", heard), ("s-2.1", heard))
    assert not speech.active


def test_what_was_promised_survives_a_cut_and_begins_again() -> None:
    speech = Speech()
    speech.say("Reminder: take the cake out of the oven.", keep=True)
    spoken(speech, ticks=1)
    assert speech.cut().heard == ""
    assert spoken(speech, from_tick=10) == "Reminder: take the cake out of the oven.|"


def test_what_was_sent_and_not_confirmed_was_not_heard() -> None:
    speech = Speech()
    speech.say(STORY, about=("s-1.1",))
    speech.seal()
    parts = [
        part
        for tick in range(4)
        for part in speech.emit(from_ms(200 * tick), pace=60, tick_ms=200, quiet_ms=0, reported=True)
    ]
    speech.confirm(parts[1].seq)
    assert speech.cut().heard == parts[0].text + parts[1].text


@pytest.mark.parametrize("pace", [30, 60, 120])
def test_the_pace_is_kept_on_the_whole(pace: int) -> None:
    speech = Speech()
    text = "word and another one " * 60
    speech.say(text)
    speech.seal()
    ticks = 0
    while speech.active:
        speech.emit(from_ms(200 * ticks), pace=pace, tick_ms=200, quiet_ms=0, reported=False)
        ticks += 1
    assert abs(len(text) / (ticks * 0.2) / pace - 1) < 0.1


def test_silence_saves_up_no_speech() -> None:
    speech = Speech()
    speech.emit(from_ms(0), pace=60, tick_ms=200, quiet_ms=0, reported=False)
    speech.say(STORY)
    (part,) = speech.emit(from_ms(60_000), pace=60, tick_ms=200, quiet_ms=0, reported=False)
    assert len(part.text) <= 18


def test_a_blank_that_comes_late_holds_nothing_up() -> None:
    """A model streams the blank behind its last word as a piece of its own."""
    speech = Speech()
    speech.say("All done.")
    assert spoken(speech, ticks=2) == "All done."
    speech.say(" ")
    speech.seal()
    assert spoken(speech, from_tick=2, ticks=1) == "|"
    assert not speech.active
    assert not speech.speaking
