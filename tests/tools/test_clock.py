"""The clock as a tool: here and elsewhere. The moment is given, so nothing depends on when the test runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from orchestrator.errors import ToolRetry
from orchestrator.ports import Result, Tool
from orchestrator.testing.tool_checks import AloneContext, check_tool
from tools.clock import clock

pytestmark = pytest.mark.anyio

HERE = timezone(timedelta(hours=1), "CET")
NOON = datetime(2026, 11, 18, 13, 0, tzinfo=HERE)  # noon in UTC


def named(name: str) -> Tool:
    return next(made for made in clock(lambda: NOON) if made.info.name == name)


async def call(made: Tool, **arguments: Any) -> Result:
    (result,) = [chunk async for chunk in made.call(arguments, AloneContext())]
    assert isinstance(result, Result)
    return result


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("", "It is 13:00 on Wednesday, 18 November 2026."),
        ("here", "It is 13:00 on Wednesday, 18 November 2026."),
        ("Tokyo", "It is 21:00 on Wednesday, 18 November 2026 in Tokyo."),
        ("new york", "It is 07:00 on Wednesday, 18 November 2026 in New York."),
        ("in New York?", "It is 07:00 on Wednesday, 18 November 2026 in New York."),
        ("Europe/Berlin", "It is 13:00 on Wednesday, 18 November 2026 in Berlin."),
        ("Paris, France", "It is 13:00 on Wednesday, 18 November 2026 in Paris."),
        ("India", "It is 17:30 on Wednesday, 18 November 2026 in India."),
        ("auckland time", "It is 01:00 on Thursday, 19 November 2026 in Auckland."),
        ("PST", "It is 04:00 on Wednesday, 18 November 2026 in PST."),
        ("UTC", "It is 12:00 on Wednesday, 18 November 2026 in UTC."),
        ("UTC+5:45", "It is 17:45 on Wednesday, 18 November 2026 in UTC+5:45."),
        ("gmt-3", "It is 09:00 on Wednesday, 18 November 2026 in UTC-3."),
    ],
)
async def test_the_time_in_a_place(zone: str, text: str) -> None:
    assert (await call(named("current_time"), zone=zone)).text == text


async def test_the_data_is_exact() -> None:
    assert (await call(named("current_time"), zone="Tokyo")).data == {
        "iso": "2026-11-18T21:00:00+09:00",
        "zone": "Asia/Tokyo",
        "weekday": "Wednesday",
    }


@pytest.mark.parametrize("zone", ["Berlinn", "nowhere at all", "../../etc/passwd", "\0", "UTC+99", "x" * 10_000])
async def test_a_place_that_is_not_known_asks_for_another(zone: str) -> None:
    with pytest.raises(ToolRetry, match="is not known here") as raised:
        await call(named("current_time"), zone=zone)
    assert len(str(raised.value)) < 300
    assert raised.value.why == ("Did you mean Berlin?" if zone == "Berlinn" else "")


async def test_dates_are_reckoned_from_the_day_it_is_here() -> None:
    late = datetime(2026, 11, 18, 0, 30, tzinfo=HERE)  # still the 17th in UTC
    (date_math,) = [made for made in clock(lambda: late) if made.info.name == "date_math"]
    assert await call(date_math, question="in 3 weeks") == Result(
        "That is Wednesday, 9 December 2026.", data={"date": "2026-12-09", "days": 21}
    )
    with pytest.raises(ToolRetry, match="'gibberish' is no date"):
        await call(date_math, question="gibberish")


async def test_without_a_moment_of_its_own_it_is_the_present() -> None:
    current_time, *_ = clock()
    before = datetime.now(UTC)
    told = datetime.fromisoformat((await call(current_time)).data["iso"])
    assert before - timedelta(seconds=1) <= told <= datetime.now(UTC)


async def test_they_keep_the_contract_of_a_tool() -> None:
    assert (await check_tool(named("current_time"), {"zone": "Tokyo"})).ok
    assert (await check_tool(named("date_math"), {"question": "tomorrow"})).ok
