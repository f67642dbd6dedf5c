"""Dates as people say them. Today is Wednesday, 18 November 2026."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.dates import DateProblem, answer
from tools.feasts import easter

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


# Today is Wednesday, 18 November 2026.
@pytest.mark.parametrize(
    ("question", "day"),
    [
        ("when is easter 2027?", "2027-03-28"),
        ("when is easter", "2027-03-28"),
        ("when was easter this year", "2026-04-05"),
        ("good friday next year", "2027-03-26"),
        ("whit monday 2030", "2030-06-10"),
        ("when is thanksgiving", "2026-11-26"),
        ("first advent", "2026-11-29"),
        ("third Thursday of November 2027", "2027-11-18"),
        ("the third thursday of november", "2026-11-19"),
        ("first monday in september", "2027-09-06"),
        ("the last friday of next month", "2026-12-25"),
        ("last day of february", "2027-02-28"),
        ("what is the last day of February 2028?", "2028-02-29"),
        ("the end of the month", "2026-11-30"),
        ("first day of 2027", "2027-01-01"),
        ("40 days after ash wednesday", "2027-03-22"),
        ("in 3 working days", "2026-11-23"),
        ("next leap year", "2028-02-29"),
        ("the last leap year", "2024-02-29"),
        ("week 53 of 2026", "2026-12-28"),
    ],
)
def test_days_that_move_are_found(question: str, day: str) -> None:
    assert answer(question, TODAY).date == day


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("days until Easter", "It is 130 days (18 weeks and 4 days) until Sunday, 28 March 2027."),
        ("days since easter", "Sunday, 5 April 2026 was 227 days (32 weeks and 3 days) ago."),
        ("is 2100 a leap year?", "2100 is no leap year: February has 28 days."),
        ("is 2000 a leap year?", "2000 is a leap year: February has 29 days."),
        ("what week is it", "Wednesday, 18 November 2026 is in week 47 of 2026."),
        ("week number of 2027-01-01", "Friday, 1 January 2027 is in week 53 of 2026."),
        ("which week is the 24th of december in?", "Thursday, 24 December 2026 is in week 52 of 2026."),
        ("how old is someone born 3 May 1990", "Somebody born on Thursday, 3 May 1990 is 36."),
        ("how old is someone born 18 November 1990", "Somebody born on Sunday, 18 November 1990 is 36."),
        ("how old is someone born 19 November 1990", "Somebody born on Monday, 19 November 1990 is 35."),
        (
            "how old will someone born 3 May 1990 be on 1 june 2030",
            "Somebody born on Thursday, 3 May 1990 will be 40 on Saturday, 1 June 2030.",
        ),
        ("age of somebody born in 1980", "Somebody born in 1980 is 45 or 46, before or after the birthday."),
        ("how many months until 1 June 2027", "It is 6 months and 14 days (195 days) until Tuesday, 1 June 2027."),
        ("how many years since 18 May 1990", "Friday, 18 May 1990 was 36 years and 6 months (13,333 days) ago."),
        ("how many days are in February 2028?", "February 2028 has 29 days."),
        (
            "how many days are left in this year?",
            "There are 43 days (6 weeks and 1 day) left of this year after today.",
        ),
        (
            "how many working days until Christmas?",
            "There are 27 days from Monday to Friday until Friday, 25 December 2026, public holidays included.",
        ),
    ],
)
def test_questions_for_a_calendar(question: str, text: str) -> None:
    assert answer(question, TODAY).text == text


@pytest.mark.parametrize(
    ("question", "why"),
    [
        ("fifth friday of february 2027", "has only 4"),
        ("week 54 of 2026", "no week 54"),
        ("easter 1500", "no such day"),
        ("how old is someone born 2030-01-01", "before the birth"),
    ],
)
def test_what_no_calendar_has_is_said(question: str, why: str) -> None:
    with pytest.raises(DateProblem, match=why):
        answer(question, TODAY)


def test_easter_falls_as_it_has_been_reckoned_elsewhere() -> None:
    known = ["1583-04-10", "1818-03-22", "1943-04-25", "1954-04-18", "1981-04-19", "2000-04-23", "2008-03-23"]
    known += ["2024-03-31", "2025-04-20", "2038-04-25", "2049-04-18", "2285-03-22"]
    assert [easter(int(day[:4])).isoformat() for day in known] == known


@given(st.integers(1583, 9999))
def test_easter_is_a_sunday_in_its_five_weeks(year: int) -> None:
    day = easter(year)
    assert day.weekday() == 6
    assert date(year, 3, 22) <= day <= date(year, 4, 25)
