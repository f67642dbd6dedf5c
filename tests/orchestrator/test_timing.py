"""The policies: each rule alone, and what must hold for any of them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from orchestrator.clock import from_ms
from orchestrator.decisions import Decision, Drop, Hold, Splice
from orchestrator.finding import Finding
from orchestrator.testing import check_timing_policy
from orchestrator.timing import (
    NAMED,
    Ahead,
    Announce,
    AnswerFirst,
    AtBoundary,
    Budget,
    Expire,
    FirstOf,
    InOrder,
    Moment,
    MovedOn,
    Patience,
    Pending,
    Settle,
    Shorten,
    ShowToTyping,
    SilentProgress,
    Speak,
    Supersede,
    TimingPolicy,
    Urgent,
    WaitForGap,
    default_policy,
    in_order,
)

GATED = FirstOf((WaitForGap(), Speak()))


def at(now_ms: int = 10_000, **fields: Any) -> Moment:
    return Moment(now=from_ms(now_ms), **fields)


def owed(arrived_ms: int = 9_000, *, text: str = "x", seq: int = 1, task: str = "s-1", **fields: Any) -> Pending:
    of_pending = {
        name: fields.pop(name) for name in ("unspoken", "cuts", "moved_on", "offers", "asked") if name in fields
    }
    return Pending(
        Finding(text, delegation=task, seq=seq, **fields), from_ms(arrived_ms), from_ms(arrived_ms), **of_pending
    )


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(default_policy(), id="default"),
        pytest.param(GATED, id="gated"),
        Expire(),
        Supersede(),
        SilentProgress(),
        MovedOn(),
        AnswerFirst(),
        Settle(),
        ShowToTyping(),
        Announce(),
        pytest.param(InOrder(Budget(GATED)), id="in order, within a budget"),
        pytest.param(Shorten(1, GATED), id="in short"),
        pytest.param(Ahead(WaitForGap(), Speak()), id="ahead"),
        pytest.param(NAMED["gap"](), id="gap"),
        Patience(5_000, GATED),
        Urgent(GATED),
        pytest.param(FirstOf((WaitForGap(), AtBoundary(), Speak())), id="at a boundary"),
    ],
    ids=lambda policy: type(policy).__name__,
)
def test_every_policy_keeps_the_laws(policy: TimingPolicy) -> None:
    check_timing_policy(policy)


@pytest.mark.parametrize("careless", [Speak(), AtBoundary()])
def test_the_check_finds_a_policy_that_speaks_over_the_person(careless: TimingPolicy) -> None:
    with pytest.raises(AssertionError, match="speaks over the person"):
        check_timing_policy(careless)


def test_the_check_finds_a_policy_that_loses_a_result() -> None:
    class Careless:
        def decide(self, moment: Moment, pending: tuple[Pending, ...]) -> Decision | None:
            return Drop(tuple(item.id for item in pending), "too much")

    with pytest.raises(AssertionError, match="loses"):
        check_timing_policy(Careless())


def test_first_of_takes_the_first_opinion_and_holds_without_one() -> None:
    assert FirstOf((AnswerFirst(), Speak())).decide(at(reply_due=True), (owed(),)) == Hold(
        "the person is answered first", ("s-1.1",)
    )
    assert isinstance(FirstOf((AnswerFirst(),)).decide(at(), (owed(),)), Hold)


@pytest.mark.parametrize(
    ("moment", "holds", "until_ms"),
    [
        (at(floor="person"), True, None),
        (at(floor="both"), True, None),
        (at(unsure=True), True, None),
        (at(quiet_ms=100), True, 10_200),
        (at(quiet_ms=299), True, 10_001),
        (at(quiet_ms=300), False, None),
        (at(quiet_ms=300, ended=False, tempo_ms=400), True, 10_500),
        (at(quiet_ms=800, ended=False, tempo_ms=400), False, None),
        (at(quiet_ms=1_200, ended=False, tempo_ms=5_000), True, 12_800),
        (at(quiet_ms=4_000, ended=False, tempo_ms=5_000), False, None),
        (at(quiet_ms=1_500, ended=False, pause_ms=1_600), True, 10_500),
        (at(quiet_ms=4_000, ended=False, pause_ms=4_900), False, None),
        (at(quiet_ms=300, ended=True, pause_ms=400), True, 10_200),
        (at(quiet_ms=900, ended=True, pause_ms=4_900), False, None),
    ],
)
def test_wait_for_gap(moment: Moment, holds: bool, until_ms: int | None) -> None:
    decision = WaitForGap(quiet_ms=300).decide(moment, (owed(),))
    assert isinstance(decision, Hold) is holds
    if isinstance(decision, Hold):
        assert decision.until_ms == until_ms


@pytest.mark.parametrize(
    ("moment", "style"),
    [
        (at(), None),
        (at(remaining_chars=40), "hold"),
        (at(remaining_chars=61), "interject"),
        (at(remaining_chars=500, delivering=("s-2.1",)), "hold"),
        (at(remaining_chars=0, delivering=("s-2.1",)), "hold"),  # given to the voice, which has not phrased it yet
    ],
)
def test_at_boundary(moment: Moment, style: str | None) -> None:
    decision = AtBoundary(finish_chars=60).decide(moment, (owed(),))
    assert (decision.style if isinstance(decision, Splice) else decision and "hold") == style


def test_at_the_last_words_of_an_answer_the_voice_may_phrase_the_result_already() -> None:
    boundary = AtBoundary(finish_chars=100, ahead_chars=40)
    speaking = [at(floor="assistant", remaining_chars=left) for left in (41, 40)]
    assert [isinstance(boundary.decide(moment, (owed(),)), Hold) for moment in speaking] == [True, False]
    not_begun = boundary.decide(at(remaining_chars=40), (owed(),))
    assert not_begun == Hold("the assistant finishes its sentence", ("s-1.1",))


def test_a_result_is_phrased_ahead_of_its_gap_and_heard_in_it() -> None:
    ahead = Ahead(WaitForGap(quiet_ms=300), Speak(), ahead_ms=600)
    decision = ahead.decide(at(quiet_ms=20), (owed(),))
    assert isinstance(decision, Splice)
    assert decision.quiet_ms == 300
    assert ahead.decide(at(quiet_ms=300), (owed(),)) == Speak().decide(at(), (owed(),))
    slow = ahead.decide(at(quiet_ms=1_500, ended=False, answered=False), (owed(),))
    assert slow == Hold("the person has only just stopped", ("s-1.1",), 10_700)
    for moment in (at(floor="person"), at(unsure=True)):
        assert isinstance(ahead.decide(moment, (owed(),)), Hold)


def test_what_the_voice_does_not_phrase_waits_for_the_gap_itself() -> None:
    for then in (Speak("card"), Speak("say"), Speak(trust=0)):
        assert isinstance(Ahead(WaitForGap(), then).decide(at(quiet_ms=20), (owed(),)), Hold)


def test_a_task_is_no_company_for_its_own_partials() -> None:
    partial = (owed(9_999, kind="partial"),)
    assert Settle().decide(at(running=1), partial) is None
    assert isinstance(Settle().decide(at(running=2), partial), Hold)


def test_settle_waits_for_company_while_there_may_be_some() -> None:
    settle = Settle(window_ms=250, longest_ms=1_000)
    assert settle.decide(at(10_000, running=0), (owed(9_999),)) is None
    waits = settle.decide(at(10_000, running=1), (owed(9_900),))
    assert waits == Hold("more may arrive within the settle window", ("s-1.1",), 10_150)
    assert settle.decide(at(10_150, running=1), (owed(9_900),)) is None
    # A stream of results does not hold the first one up for ever.
    stream = tuple(owed(9_000 + 200 * n, task=f"s-{n}") for n in range(1, 6))
    assert settle.decide(at(10_200, running=1), stream) is None


def test_patience_hands_over_what_has_waited_long_enough_and_only_that() -> None:
    patience = Patience(5_000, Speak("card"))
    assert patience.decide(at(10_000), (owed(5_001),)) is None
    decision = patience.decide(at(10_000), (owed(5_000), owed(9_000, seq=2)))
    assert isinstance(decision, Splice)
    assert decision.findings == ("s-1.1",)


def test_expire_drops_partials_and_never_finals() -> None:
    partial, final = owed(kind="partial", expires_at_ms=9_999), owed(seq=2, expires_at_ms=9_999)
    assert Expire().decide(at(), (final,)) is None
    decision = Expire().decide(at(), (partial, final))
    assert isinstance(decision, Drop)
    assert (decision.findings, decision.state) == (("s-1.1",), "expired")
    assert Expire().decide(at(9_998), (partial,)) is None
    long = msgspec.structs.replace(partial, finding=msgspec.structs.replace(partial.finding, text="x" * 100))
    worded = Expire(margin_ms=800, char_ms=6)
    assert worded.decide(at(8_598), (long,)) is None
    assert isinstance(worded.decide(at(8_599), (long,)), Drop), "it would go stale while it is being said"
    half = msgspec.structs.replace(long, said="x" * 50)
    assert worded.decide(at(8_599), (half,)) is None, "what was heard already need not be said again"
    near = Expire(margin_ms=800)
    assert [near.decide(at(now), (partial,)) is None for now in (9_198, 9_199)] == [True, False]


def test_supersede_drops_the_partial_beside_its_final() -> None:
    decision = Supersede().decide(at(), (owed(kind="partial"), owed(seq=2), owed(task="s-2", kind="partial")))
    assert isinstance(decision, Drop)
    assert (decision.findings, decision.state) == (("s-1.1",), "superseded")


def test_progress_is_silent() -> None:
    decision = SilentProgress().decide(at(), (owed(kind="progress"), owed(seq=2)))
    assert isinstance(decision, Drop)
    assert decision.findings == ("s-1.1",)


def test_moved_on_shows_a_card_but_not_under_their_hands() -> None:
    past = (owed(cuts=1, moved_on=True),)
    assert MovedOn().decide(at(), (owed(),)) is None
    assert MovedOn().decide(at(floor="person"), past) is None
    decision = MovedOn().decide(at(), past)
    assert isinstance(decision, Splice)
    assert decision.style == "card"


def test_urgency() -> None:
    urgent = Urgent(GATED)
    assert urgent.decide(at(), (owed(),)) is None
    assert isinstance(urgent.decide(at(floor="person"), (owed(urgency="high"),)), Hold)
    decision = urgent.decide(at(floor="person"), (owed(urgency="critical"), owed(seq=2)))
    assert isinstance(decision, Splice)
    assert (decision.findings, decision.over_person) == (("s-1.1",), True)
    assert "over the person" in decision.reason


def test_what_the_voice_does_not_say_is_read_out() -> None:
    decision = Speak(trust=2).decide(at(), (owed(unspoken=2), owed(seq=2)))
    assert isinstance(decision, Splice)
    assert (decision.findings, decision.style) == (("s-1.1",), "say")


def test_policies_are_values() -> None:
    assert default_policy() == default_policy()
    assert hash(default_policy()) == hash(default_policy())


def test_what_the_default_drops_splices_and_holds_first() -> None:
    """The order of the rules: what is stale, what is urgent, what has waited too long, the rest."""
    policy = default_policy()
    stale, late = owed(kind="partial", expires_at_ms=1), owed(1, task="s-2")
    assert isinstance(policy.decide(at(floor="person"), (stale, late)), Drop)
    critical = policy.decide(at(40_000, floor="person"), (late, owed(urgency="critical")))
    assert isinstance(critical, Splice)
    assert critical.over_person
    card = policy.decide(at(40_000, floor="person"), (late,))
    assert isinstance(card, Splice)
    assert card.style == "card"
    announced = policy.decide(at(70_000, floor="assistant", remaining_chars=90), (late,))
    assert isinstance(announced, Splice)
    assert announced.style == "announce"


@pytest.mark.parametrize(
    ("moment", "wanted_ms"),
    [
        (at(), 300),
        (at(pause_ms=800), 900),
        (at(pause_ms=400), 500),
        (at(ended=False, pause_ms=1_600), 2_000),
        (at(ended=False, pause_ms=200, tempo_ms=400), 800),
        (at(ended=False, pause_ms=9_000), 4_000),
        (at(ended=False, answered=False), 2_800),
        (at(ended=False, answered=False, pause_ms=2_800), 3_500),
    ],
)
def test_how_long_a_gap_must_be_depends_on_the_person_and_is_bounded(moment: Moment, wanted_ms: int) -> None:
    assert WaitForGap().wanted_ms(moment) == wanted_ms


def test_in_order() -> None:
    items = (
        owed(task="s-1", kind="question", urgency="high"),
        owed(task="s-2", kind="error", asked=1),
        owed(task="s-3", asked=3),
        owed(task="s-4", asked=2),
        owed(task="s-5", asked=9, urgency="high"),
        owed(task="s-6", asked=0, urgency="low"),
    )
    assert [item.finding.delegation for item in in_order(items)] == ["s-5", "s-4", "s-3", "s-2", "s-6", "s-1"]
    assert InOrder(Speak()).decide(at(), items) == Speak().decide(at(), in_order(items))


def test_a_budget_tells_what_fits_and_at_least_one() -> None:
    three = tuple(owed(task=f"s-{n}", text="x" * 250) for n in range(3))
    told = Budget(Speak(), chars=600).decide(at(), three)
    assert isinstance(told, Splice)
    assert (told.findings, told.brief) == (("s-0.1", "s-1.1"), False)
    long = Budget(Speak(), chars=600).decide(at(), (owed(text="x" * 601), owed(seq=2)))
    assert isinstance(long, Splice)
    assert (long.findings, long.brief) == (("s-1.1",), True)
    question = Budget(Speak(), chars=600).decide(at(), (owed(text="x" * 601, kind="question"),))
    assert isinstance(question, Splice)
    assert not question.brief


def test_a_budget_lets_the_person_get_a_word_in_before_it_goes_on() -> None:
    budget, left = Budget(Speak(), breath_ms=1_000), (owed(5_000),)
    resting = at(10_000, last_splice=from_ms(6_000), floor_since=from_ms(9_400))
    assert budget.decide(resting, left) == Hold("there is more: after a breath", ("s-1.1",), 10_400)
    fresh, cut = (owed(9_000),), (owed(5_000, offers=1, cuts=1),)
    assert [isinstance(budget.decide(resting, these), Splice) for these in (fresh, cut)] == [True, True]
    rested = at(10_400, last_splice=from_ms(6_000), floor_since=from_ms(9_400))
    assert isinstance(budget.decide(rested, left), Splice)


def test_what_comes_late_is_shortened_and_a_question_or_a_card_is_not() -> None:
    shorten = Shorten(15_000, Speak())
    late, fresh = owed(1_000), owed(15_000, task="s-2")
    told = [shorten.decide(at(16_000), these) for these in ((late,), (fresh,), (late, fresh))]
    assert [isinstance(one, Splice) and one.brief for one in told] == [True, False, True]
    for policy, item in ((shorten, owed(1_000, kind="question")), (Shorten(1, Speak("card")), late)):
        decision = policy.decide(at(16_000), (item,))
        assert isinstance(decision, Splice)
        assert not decision.brief
    assert isinstance(Shorten(1, WaitForGap()).decide(at(floor="person"), (late,)), Hold)


def test_a_question_takes_the_results_along_so_that_nothing_follows_it() -> None:
    question = owed(kind="question", urgency="high")
    decision = InOrder(Urgent(Speak())).decide(at(), (question, owed(task="s-2"), owed(task="s-3", kind="progress")))
    assert isinstance(decision, Splice)
    assert decision.findings == ("s-2.1", "s-1.1")
