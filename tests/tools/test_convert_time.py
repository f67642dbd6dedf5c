"""Times of day in other places. Now is 15:20 on Thursday, 26 November 2026, in Berlin."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import ToolRetry
from orchestrator.ports import Result, Tool
from orchestrator.testing.tool_checks import AloneContext, check_tool
from tools.clock import clock
from tools.zones import local_time, system_zone, time_of_day

anyio_test = pytest.mark.anyio

NOW = datetime(2026, 11, 26, 15, 20, tzinfo=ZoneInfo("Europe/Berlin"))


def named(name: str) -> Tool:
    return next(made for made in clock(lambda: NOW) if made.info.name == name)


async def call(made: Tool, **arguments: Any) -> Result:
    (result,) = [chunk async for chunk in made.call(arguments, AloneContext())]
    assert isinstance(result, Result)
    return result


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"time": "15:00", "zone_from": "Tokyo", "zone_to": "Paris"},
            "15:00 on Thursday, 26 November 2026 in Tokyo is 07:00 on the same day in Paris, which is 8 hours behind.",
        ),
        (
            {"time": "3pm", "zone_from": "EST"},
            "15:00 on Thursday, 26 November 2026 in EST is 21:00 on the same day here, which is 6 hours ahead.",
        ),
        (
            {"time": "midnight", "zone_from": "Auckland", "zone_to": "Los Angeles", "day": "tomorrow"},
            (
                "00:00 on Saturday, 28 November 2026 in Auckland is 03:00 on Friday, 27 November 2026 in Los Angeles, "
                "which is 21 hours behind."
            ),
        ),
        (
            {"time": "now", "zone_to": "Kolkata"},
            (
                "15:20 on Thursday, 26 November 2026 here is 19:50 on the same day in Kolkata, "
                "which is 4 hours and 30 minutes ahead."
            ),
        ),
        (
            {"time": "noon", "zone_from": "London", "day": "1 july"},
            "12:00 on Thursday, 1 July 2027 in London is 13:00 on the same day here, which is 1 hour ahead.",
        ),
        (
            {"time": "2026-07-01T12:00", "zone_from": "UTC"},
            "12:00 on Wednesday, 1 July 2026 in UTC is 14:00 on the same day here, which is 2 hours ahead.",
        ),
        (
            {"time": "9 am", "zone_from": "Tokyo", "zone_to": "Seoul"},
            (
                "09:00 on Thursday, 26 November 2026 in Tokyo is 09:00 on the same day in Seoul, "
                "as the clocks are the same then."
            ),
        ),
    ],
)
@anyio_test
async def test_a_time_in_another_place(arguments: dict[str, str], text: str) -> None:
    assert (await call(named("convert_time"), **arguments)).text == text


@anyio_test
async def test_the_data_is_exact() -> None:
    result = await call(named("convert_time"), time="15:00", zone_from="Tokyo", zone_to="Paris")
    assert result.data == {"from": "2026-11-26T15:00+09:00", "to": "2026-11-26T07:00+01:00"}


@anyio_test
async def test_a_time_that_clocks_show_twice_is_told_twice() -> None:
    result = await call(named("convert_time"), time="02:30", zone_from="Berlin", zone_to="UTC", day="2026-10-25")
    assert result.text.startswith("Clocks in Berlin show that twice on that day, since they are set back: first 02:30")
    assert result.data == {
        "from": "2026-10-25T02:30+02:00",
        "to": "2026-10-25T00:30+00:00",
        "or": "2026-10-25T01:30+00:00",
    }


@anyio_test
async def test_a_time_that_no_clock_shows_is_refused() -> None:
    with pytest.raises(ToolRetry) as raised:
        await call(named("convert_time"), time="02:30", zone_from="Berlin", zone_to="UTC", day="2026-03-29")
    assert raised.value.what == "No clock in Berlin shows 02:30 on Sunday, 29 March 2026."
    assert raised.value.todo == "Ask for 01:30 or 03:30."


@pytest.mark.parametrize(
    "arguments",
    [
        {"time": "25:00"},
        {"time": "soon"},
        {"time": "12:00", "zone_from": "Atlantis"},
        {"time": "12:00", "day": "someday"},
        {"time": "23:00", "zone_from": "Los Angeles", "zone_to": "Tokyo", "day": "9999-12-31"},
    ],
)
@anyio_test
async def test_what_cannot_be_told_asks_for_something_else(arguments: dict[str, str]) -> None:
    with pytest.raises(ToolRetry):
        await call(named("convert_time"), **arguments)


@anyio_test
async def test_it_keeps_the_contract_of_a_tool() -> None:
    await check_tool(named("convert_time"), {"time": "15:00", "zone_from": "Tokyo"})


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("in 90 minutes", "That is 16:50."),
        ("what time is it in 90 minutes?", "That is 16:50."),
        ("what time was it 3 hours ago?", "That was 12:20."),
        ("in 12 hours", "That is 03:20 on Friday, 27 November 2026."),
        ("in an hour and a half", "That is 16:50."),
        ("in half an hour", "That is 15:50."),
        ("2 hours after 14:30", "That is 16:30."),
        ("90 minutes before 3pm", "That was 13:30."),
        ("14:30 plus 45 minutes", "That was 15:15."),
        ("in 1 hour and 10 minutes", "That is 16:30."),
    ],
)
@anyio_test
async def test_hours_and_minutes_from_a_time(question: str, text: str) -> None:
    assert (await call(named("date_math"), question=question)).text == text


@anyio_test
async def test_hours_are_hours_also_where_clocks_are_changed() -> None:
    before = datetime(2026, 3, 28, 23, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    date_math = clock(lambda: before)[-1]
    assert (await call(date_math, question="in 4 hours")).text == "That is 04:00 on Sunday, 29 March 2026."


@pytest.mark.parametrize("question", ["2 hours after teatime", "in 99999999999 hours", "in 99999999 hours"])
@anyio_test
async def test_hours_from_what_is_no_time(question: str) -> None:
    with pytest.raises(ToolRetry):
        await call(named("date_math"), question=question)


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("15:00", time(15)), ("3pm", time(15)), ("3:30 p.m.", time(15, 30)), ("12am", time(0)), ("12 pm", time(12)),
        ("noon", time(12)), ("midnight", time(0)), ("at 9 o'clock", time(9)), ("7h30", time(7, 30)),
        ("23:59:59", time(23, 59, 59)), ("13pm", None), ("0am", None), ("24:00", None), ("15", None), ("", None),
        ("9:5", None),
    ],
)  # fmt: skip
def test_times_as_they_are_said(said: str, at: time | None) -> None:
    assert time_of_day(said) == at


@given(st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)), st.sampled_from(["Europe/Berlin", "America/New_York"]))
def test_a_moment_is_found_again_by_its_local_time(naive: datetime, key: str) -> None:
    zone = ZoneInfo(key)
    moment = naive.replace(tzinfo=UTC)
    shown = moment.astimezone(zone).replace(tzinfo=None)
    found = local_time(shown, zone)
    assert moment in found
    assert not found.skipped


def test_the_zone_of_this_machine_has_its_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    winter, summer = (datetime(2026, month, 1, tzinfo=system_zone()).utcoffset() for month in (1, 7))
    assert winter != summer
    monkeypatch.setenv("TZ", "Nowhere/Special")
    assert datetime(2026, 1, 1, tzinfo=system_zone()).utcoffset() is not None
    monkeypatch.delenv("TZ")
    assert datetime(2026, 1, 1, tzinfo=system_zone()).utcoffset() is not None
