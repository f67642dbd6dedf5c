"""A hand-made journal is scored clean; with one fault planted in it, that fault is found and no other.

The person asks (0 to 1,000 ms), the assistant says "On it." and, when the result is there (4,000), tells it.
"""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.bench.record import (
    Card,
    End,
    FactReady,
    FactStale,
    Line,
    PersonAway,
    PersonBack,
    PersonBackchannel,
    PersonBegins,
    PersonEnds,
    PersonKey,
    RequestAsked,
    RequestWithdrawn,
    Run,
    SpeechBegins,
    SpeechCut,
    SpeechEnds,
    SpeechPiece,
)
from orchestrator.bench.scoring import Score, score

RUN = Run(0, "hand-made", "none", 0, "nobody")
ASKED: tuple[Line, ...] = (
    PersonBegins(0, "t1"),
    PersonKey(0, "t1", "a train"),
    PersonKey(850, "t1", "?"),
    PersonEnds(1_000, "t1", True),
    RequestAsked(1_000, "r1"),
)
ACCEPTED: tuple[Line, ...] = (
    SpeechBegins(1_400, "u1"),
    SpeechPiece(1_400, "u1", "On it.", 100, replies=("t1",)),
    SpeechEnds(1_400, "u1"),
)
READY: tuple[Line, ...] = (FactReady(4_000, "f1", "r1"),)
END = End(20_000)


def told(at_ms: int, utterance: str = "u2", *, fact: str = "f1", request: str = "r1") -> tuple[Line, ...]:
    """A telling of a second, in two pieces."""
    return (
        SpeechBegins(at_ms, utterance),
        SpeechPiece(at_ms, utterance, "By the way, the train ", 500, (fact,)),
        SpeechPiece(at_ms + 500, utterance, "leaves at nine.", 500, (fact,), (fact,), (request,)),
        SpeechEnds(at_ms + 500, utterance),
    )


def turn(name: str, at_ms: int, *, lasts: int = 1_000, expects: bool = False) -> tuple[Line, ...]:
    """A turn of the person, with a key every 100 ms."""
    keys = (PersonKey(at, name, "x") for at in range(at_ms, at_ms + lasts, 100))
    return (PersonBegins(at_ms, name), *keys, PersonEnds(at_ms + lasts, name, expects))


def replied(name: str, at_ms: int) -> tuple[Line, ...]:
    """A short answer."""
    return (
        SpeechBegins(at_ms, f"to {name}"),
        SpeechPiece(at_ms, f"to {name}", "Yes.", 100, replies=(name,)),
        SpeechEnds(at_ms, f"to {name}"),
    )


def scored(*parts: tuple[Line, ...], end: End = END) -> Score:
    """The score of a journal made of `parts`, put into the order of time."""
    lines = [RUN, *sorted((line for part in parts for line in part), key=lambda line: line.at_ms), end]
    return score(lines)


def faults(result: Score) -> list[tuple[str, int]]:
    return [(fault.measure, fault.at_ms) for fault in result.faults]


def without(part: tuple[Line, ...], kind: type[Line]) -> tuple[Line, ...]:
    return tuple(line for line in part if not isinstance(line, kind))


def test_the_clean_journal_is_clean() -> None:
    result = scored(ASKED, ACCEPTED, READY, told(4_020))
    assert faults(result) == []
    assert result == Score("hand-made", "none", 0, "nobody", (20,), (20,), musts=1, requests=1, words=2 + 5 + 3)


def test_a_delay_is_the_good_time_that_goes_by_and_a_wait_all_the_time() -> None:
    busy = turn("t2", 3_500)  # until 4,500; the moment is good 300 ms later
    result = scored(ASKED, ACCEPTED, READY, busy, told(5_000))
    assert (result.delays, result.waits, faults(result)) == ((200,), (1_000,), [])
    begins_soon = turn("t2", 4_150)  # 150 ms of good time, then the turn until 5,150
    assert scored(ASKED, ACCEPTED, READY, begins_soon, told(5_500)).delays == (200,)


def test_a_moment_is_not_good_while_the_assistant_speaks_nor_while_an_answer_is_due() -> None:
    long_answer: tuple[Line, ...] = (
        SpeechBegins(3_000, "long"),
        SpeechPiece(3_000, "long", "Well, that is a story.", 2_000),
        SpeechEnds(3_000, "long"),
    )
    assert scored(ASKED, ACCEPTED, READY, long_answer, told(5_100)).delays == (100,)
    due = turn("t2", 3_000, expects=True)  # until 4,000, answered at 5,000
    assert scored(ASKED, ACCEPTED, READY, due, replied("t2", 5_000), told(5_200)).delays == (100,)


def test_a_moment_is_not_good_while_the_person_is_away() -> None:
    away: tuple[Line, ...] = (PersonAway(3_000), PersonBack(9_000))
    result = scored(ASKED, ACCEPTED, READY, away, told(9_050))
    assert (result.delays, result.waits, result.unheard_words) == ((50,), (5_050,), 0)
    into_the_empty_room = scored(ASKED, ACCEPTED, READY, away, told(5_000))
    assert into_the_empty_room.unheard_words == 8 and into_the_empty_room.delays == (0,)


def test_a_lost_fact() -> None:
    told_something_else = told(4_020, fact="f2")
    assert faults(scored(ASKED, ACCEPTED, READY, told_something_else)) == [("lost", 4_000)]


def test_what_was_begun_and_never_finished_is_lost() -> None:
    begun = told(4_020)[:2]
    result = scored(ASKED, ACCEPTED, READY, begun, (SpeechCut(4_400, "u2"), *turn("t2", 4_400)))
    assert {fault.measure for fault in result.faults} == {"lost", "unanswered"}


def test_what_may_be_told_is_not_lost() -> None:
    may = (FactReady(4_000, "f2", "r1", must=False),)
    assert faults(scored(ASKED, ACCEPTED, READY, may, told(4_020))) == []


def test_what_a_card_tells_is_told() -> None:
    card: tuple[Line, ...] = (Card(4_100, "The train leaves at nine.", ("f1",), ("r1",)),)
    result = scored(ASKED, ACCEPTED, READY, card)
    assert (faults(result), result.cards, result.words, result.delays) == ([], 1, 2, (100,))


def test_a_duplicate() -> None:
    result = scored(ASKED, ACCEPTED, READY, told(4_020), told(8_000, "u3"))
    assert (faults(result), result.duplicates) == ([("duplicate", 9_000)], 1)


def test_a_card_may_hold_what_was_heard_but_is_not_read_out_afterwards() -> None:
    card: tuple[Line, ...] = (Card(8_000, "The train leaves at nine.", ("f1",), ("r1",)),)
    assert faults(scored(ASKED, ACCEPTED, READY, told(4_020), card)) == []
    assert faults(scored(ASKED, ACCEPTED, READY, card, told(9_000))) == [("duplicate", 10_000)]


def test_a_delivery_that_was_cut_before_its_end_may_be_told_again() -> None:
    cut = (*told(4_020)[:2], SpeechCut(4_400, "u2"), *turn("t2", 4_400))
    assert faults(scored(ASKED, ACCEPTED, READY, cut, told(6_000, "u3"))) == []


def test_stale_speech() -> None:
    stale: tuple[Line, ...] = (FactStale(5_000, "f1"), RequestWithdrawn(5_000, "r1"))
    result = scored(ASKED, ACCEPTED, READY, stale, told(5_400))
    assert (faults(result), result.stale, result.delays) == ([("stale", 5_400)], 1, ())
    assert faults(scored(ASKED, ACCEPTED, READY, stale, told(4_020))) == []  # it was true when it was told
    assert faults(scored(ASKED, ACCEPTED, READY, stale)) == []  # and needs not be told any more


def test_speech_that_becomes_stale_while_it_is_told() -> None:
    stale: tuple[Line, ...] = (FactStale(4_100, "f1"), RequestWithdrawn(4_100, "r1"))
    assert faults(scored(ASKED, ACCEPTED, READY, stale, told(4_020))) == [("stale", 4_520)]
    stopped = (*told(4_020)[:2], SpeechCut(4_300, "u2"))
    assert faults(scored(ASKED, ACCEPTED, READY, stale, stopped)) == []


def test_a_missed_chance() -> None:
    perishable: tuple[Line, ...] = (FactReady(4_000, "f2", must=False), FactStale(6_000, "f2", "expired"))
    late = scored(ASKED, ACCEPTED, perishable, (FactReady(6_500, "f1", "r1"),), told(6_500))
    assert (faults(late), late.missed) == ([("missed", 6_000)], 1)
    no_chance = scored(
        ASKED, ACCEPTED, perishable, turn("t2", 3_900, lasts=2_000), (FactReady(6_500, "f1", "r1"),), told(6_500)
    )
    assert faults(no_chance) == []


def test_overlap() -> None:
    result = scored(ASKED, ACCEPTED, READY, told(4_020), turn("t2", 4_200))
    assert (faults(result), result.overlap_ms) == ([("overlap", 4_200)], 820)


def test_an_overlap_of_a_reaction_time_is_measured_and_no_fault() -> None:
    cut = (*told(4_020)[:2], SpeechCut(4_400, "u2"), *turn("t2", 4_300))
    result = scored(ASKED, ACCEPTED, READY, cut, told(6_000, "u3"))
    assert (faults(result), result.overlap_ms) == ([], 100)


def test_a_backchannel_is_not_spoken_over() -> None:
    result = scored(ASKED, ACCEPTED, READY, told(4_020), (PersonBackchannel(4_300, 400),))
    assert (faults(result), result.overlap_ms) == ([], 0)


def test_what_is_critical_may_be_spoken_over_the_person() -> None:
    critical: tuple[Line, ...] = (FactReady(4_000, "f1", "r1", urgency="critical"),)
    result = scored(ASKED, ACCEPTED, critical, turn("t2", 3_900, lasts=2_000), told(4_020))
    assert (faults(result), result.overlap_ms, result.critical_overlap_ms, result.cut_ins) == ([], 0, 1_000, 0)


def test_a_cut_in() -> None:
    pausing = (
        PersonBegins(3_000, "t2"),
        PersonKey(3_000, "t2", "well"),
        PersonKey(5_500, "t2", "no"),
        PersonEnds(5_700, "t2"),
    )
    result = scored(ASKED, ACCEPTED, READY, pausing, told(4_020))
    assert (faults(result), result.cut_ins, result.overlap_ms) == ([("cut-in", 4_020)], 1, 0)


def test_a_collision() -> None:
    """The person begins 200 ms after the telling has: neither could know of the other."""
    cut = (*told(4_020)[:2], SpeechCut(4_220, "u2"), *turn("t2", 4_220))
    result = scored(ASKED, ACCEPTED, READY, cut, told(6_000, "u3"))
    assert (faults(result), result.collisions) == ([], 1)
    later = (*told(4_020)[:2], SpeechCut(4_520, "u2"), *turn("t2", 4_520))
    assert scored(ASKED, ACCEPTED, READY, later, told(6_000, "u3")).collisions == 0


def test_an_own_cut() -> None:
    broken: tuple[Line, ...] = (
        SpeechBegins(3_000, "long"),
        SpeechPiece(3_000, "long", "Well, that is a very ", 1_000),
        SpeechCut(4_000, "long"),
    )
    result = scored(ASKED, ACCEPTED, broken, READY, told(4_020))
    assert (faults(result), result.own_cuts) == ([("own cut", 4_000)], 1)


def test_an_own_cut_where_another_utterance_is_put_inside() -> None:
    inside: tuple[Line, ...] = (
        SpeechBegins(3_000, "long"),
        SpeechPiece(3_000, "long", "Well, that is a very ", 1_000),
        SpeechPiece(5_100, "long", "long story.", 600),
        SpeechEnds(5_100, "long"),
    )
    assert faults(scored(ASKED, ACCEPTED, inside, READY, told(4_020))) == [("own cut", 5_700)]


def test_an_utterance_put_in_at_a_clause_is_no_own_cut() -> None:
    inside: tuple[Line, ...] = (
        SpeechBegins(3_000, "long"),
        SpeechPiece(3_000, "long", "Well, that is a story, ", 1_000),
        SpeechPiece(5_100, "long", "and a long one.", 600),
        SpeechEnds(5_100, "long"),
    )
    result = scored(ASKED, ACCEPTED, inside, READY, told(4_020))
    assert (faults(result), result.waits, result.delays) == ([], (20,), (0,))


def test_an_unanswered_request() -> None:
    not_closed = tuple(
        msgspec.structs.replace(line, closes=()) if isinstance(line, SpeechPiece) else line for line in told(4_020)
    )
    result = scored(ASKED, ACCEPTED, READY, not_closed)
    assert (faults(result), result.unanswered) == ([("unanswered", 1_000)], 1)


def test_follow_ups_while_work_is_pending() -> None:
    asks = turn("t2", 2_000, expects=True)
    result = scored(ASKED, ACCEPTED, asks, replied("t2", 3_450), READY, told(4_020))
    assert (faults(result), result.follow_ups) == ([], (450,))
    after_the_answer = turn("t2", 7_000, expects=True)
    result = scored(ASKED, ACCEPTED, READY, told(4_020), after_the_answer, replied("t2", 8_450))
    assert result.follow_ups == ()


def test_an_unreplied_turn() -> None:
    result = scored(ASKED, ACCEPTED, READY, told(4_020), turn("t2", 7_000, expects=True))
    assert (faults(result), result.unreplied) == ([("unreplied", 8_000)], 1)
    overtaken = scored(
        ASKED,
        ACCEPTED,
        READY,
        told(4_020),
        turn("t2", 7_000, expects=True),
        turn("t3", 8_500, expects=True),
        replied("t3", 9_700),
    )
    assert faults(overtaken) == []


def test_words() -> None:
    more = scored(ASKED, ACCEPTED, READY, told(4_020), replied("t9", 9_000))
    assert more.words - scored(ASKED, ACCEPTED, READY, told(4_020)).words == 1


@pytest.mark.parametrize("fault", ["lost", "unanswered"])
def test_silence_is_no_way_out(fault: str) -> None:
    """A system that says nothing makes no overlap, and loses everything."""
    result = scored(ASKED, READY)
    assert fault in {found.measure for found in result.faults} and "unreplied" in {f.measure for f in result.faults}
