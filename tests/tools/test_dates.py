"""Dates as people say them. Today is Wednesday, 18 November 2026."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.dates import DateProblem, answer

TODAY = date(2026, 11, 18)


@pytest.mark.parametrize(
    ("question", "day"),
    [
        ("today", "2026-11-18"),
        ("what date is it", "2026-11-18"),
        ("tomorrow", "2026-11-19"),
        ("the day after tomorrow", "2026-11-20"),
        ("the day before yesterday", "2026-11-16"),
        ("in 3 weeks", "2026-12-09"),
        ("what is the date in three weeks?", "2026-12-09"),
        ("3 weeks ago", "2026-10-28"),
        ("in a week", "2026-11-25"),
        ("10 days from now", "2026-11-28"),
        ("in 1 month and 2 days", "2026-12-20"),
        ("2 months before 2026-05-31", "2026-03-31"),
        ("1 month after 31 January 2027", "2027-02-28"),
        ("1 May plus 10 days", "2027-05-11"),
        ("today minus 2 weeks", "2026-11-04"),
        ("next friday", "2026-11-20"),
        ("next wednesday", "2026-11-25"),
        ("this wednesday", "2026-11-18"),
        ("last monday", "2026-11-16"),
        ("weekday of 1 May 2027", "2027-05-01"),
        ("what day of the week is December 24th, 2026?", "2026-12-24"),
        ("24.12.2026", "2026-12-24"),
        ("13/04/2026", "2026-04-13"),
        ("when is christmas", "2026-12-25"),
        ("christmas 2030", "2030-12-25"),
        ("4 july", "2027-07-04"),
        ("29 february", "2028-02-29"),
    ],
)
def test_a_day_is_found(question: str, day: str) -> None:
    assert answer(question, TODAY).date == day


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("days until 24 December", "It is 36 days (5 weeks and 1 day) until Thursday, 24 December 2026."),
        ("how many weeks until 1 january 2027", "It is 6 weeks and 2 days (44 days) until Friday, 1 January 2027."),
        ("how long until tomorrow?", "It is 1 day until Thursday, 19 November 2026."),
        ("days since 1 may", "Friday, 1 May 2026 was 201 days (28 weeks and 5 days) ago."),
        ("days until 1 November 2026", "Sunday, 1 November 2026 was 17 days (2 weeks and 3 days) ago."),
        (
            "days between 2026-03-01 and 2026-01-01",
            "There are 59 days (8 weeks and 3 days) between Sunday, 1 March 2026 and Thursday, 1 January 2026.",
        ),
        ("weekday of 9 November 1989", "That was Thursday, 9 November 1989."),
        ("today", "Today is Wednesday, 18 November 2026."),
    ],
)
def test_the_answer_is_a_sentence(question: str, text: str) -> None:
    assert answer(question, TODAY).text == text


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ("03/04/2026", "two ways"),
        ("31 february", "no such day"),
        ("2026-13-01", "no such day"),
        ("30 february 2027", "no such day"),
        ("gibberish", "is no date"),
        ("in 999999 years", "further away than the calendar goes"),
        ("999999 weeks ago", "further away than the calendar goes"),
    ],
)
def test_what_is_no_date_is_refused_with_a_reason(question: str, why: str) -> None:
    with pytest.raises(DateProblem, match=why):
        answer(question, TODAY)


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)), st.integers(0, 5_000))
def test_there_and_back_again(today: date, days: int) -> None:
    there = answer(f"in {days} days", today)
    assert there.date == (today + timedelta(days=days)).isoformat()
    assert answer(f"days until {there.date}", today).days == days
    assert answer(f"{days} days before {there.date}", today).date == today.isoformat()


WORDS = "in 3 31 99999 weeks months before until since between and 2026-02-30 friday february / - plus"
words = st.sampled_from(WORDS.split())


@given(st.one_of(st.text(max_size=60), st.lists(words, max_size=8).map(" ".join)))
def test_whatever_is_asked_has_an_answer_or_a_reason(question: str) -> None:
    try:
        assert answer(question, TODAY).text
    except DateProblem as problem:
        assert str(problem)
