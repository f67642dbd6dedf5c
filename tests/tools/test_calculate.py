"""The calculator and the units as tools."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from orchestrator.errors import ToolRetry
from orchestrator.ports import Result, Tool
from orchestrator.testing.tool_checks import AloneContext, check_tool
from tools.calculate import calculate, convert

pytestmark = pytest.mark.anyio


async def call(made: Tool, **arguments: Any) -> Result:
    (result,) = [chunk async for chunk in made.call(arguments, AloneContext())]
    assert isinstance(result, Result)
    return result


async def test_the_sum_is_said_as_it_was_understood() -> None:
    assert await call(calculate, expression="what is 17 times 23?") == Result(
        "17 * 23 = 391", data={"expression": "17 * 23", "value": 391}
    )
    assert (await call(calculate, expression="15 percent of 80")).text == "15% of 80 = 12"


async def test_a_large_value_is_data_that_every_reader_takes_exactly() -> None:
    result = await call(calculate, expression="2^64")
    assert result.text == "2^64 = 18,446,744,073,709,551,616"
    assert result.data["value"] == "18446744073709551616"


async def test_a_wrong_expression_asks_for_another() -> None:
    with pytest.raises(ToolRetry) as raised:
        await call(calculate, expression="9^9^9^9")
    assert raised.value.what == "That cannot be calculated: the result would have more than 1,200 digits."


@pytest.mark.parametrize(
    ("value", "unit_from", "unit_to", "text"),
    [
        (5, "miles", "km", "5 miles is 8.04672 km."),
        (20, "celsius", "fahrenheit", "20 celsius is 68 fahrenheit."),
        (100, "°F", "°C", "100 °F is 37.7778 °C."),
        (20, "C", "F", "20 C is 68 F."),
        (0, "kelvin", "degrees celsius", "0 kelvin is -273.15 degrees celsius."),
        (1, "nautical mile", "km", "1 nautical mile is 1.852 km."),
        (2, "m2", "square feet", "2 m2 is 21.5278 square feet."),
        (10, "meters per second", "km/h", "10 meters per second is 36 km/h."),
        (500, "MB", "GB", "500 MB is 0.5 GB."),
        (8, "Mb", "MB", "8 Mb is 1 MB."),
        (2.5, "Kilograms", "POUNDS", "2.5 Kilograms is 5.51156 POUNDS."),
        (90, "minutes", "hours", "90 minutes is 1.5 hours."),
        (30, "mpg", "l/100km", "30 mpg is 7.84049 l/100km."),
        (8, "L/100km", "mpg", "8 L/100km is 29.4018 mpg."),
        (8, "l/100km", "liters per 100 km", "8 l/100km is 8 liters per 100 km."),
    ],
)
async def test_units_are_converted(value: float, unit_from: str, unit_to: str, text: str) -> None:
    assert (await call(convert, value=value, unit_from=unit_from, unit_to=unit_to)).text == text


@pytest.mark.parametrize(
    ("unit_from", "unit_to", "what"),
    [
        ("kg", "m", "kg cannot be converted to m."),
        ("usd", "euro", "Currencies are not converted here."),
        ("meter^999999999", "km", "'meter^999999999' is no unit."),
        ("m(", "km", "'m(' is no unit."),
        ("/", "km", "'/' is no unit that is known here."),
        ("10**10**10", "km", "'10**10**10' is no unit."),
        ("", "km", "'' is no unit."),
    ],
)
async def test_what_is_no_unit_asks_for_another(unit_from: str, unit_to: str, what: str) -> None:
    with pytest.raises(ToolRetry) as raised:
        await call(convert, value=1, unit_from=unit_from, unit_to=unit_to)
    assert raised.value.what == what


async def test_numbers_that_are_none_are_refused() -> None:
    for value in ("nan", "inf"):
        with pytest.raises(ToolRetry):
            await call(convert, value=value, unit_from="km", unit_to="m")
    with pytest.raises(ToolRetry, match="too large"):
        await call(convert, value=1e308, unit_from="km", unit_to="nm")


async def test_they_keep_the_contract_of_a_tool() -> None:
    assert (await check_tool(calculate, {"expression": "1+1"})).text == "1 + 1 = 2"
    assert (await check_tool(convert, {"value": "3", "unit_from": "feet", "unit_to": "inches"})).data["value"] == 36


def test_units_are_loaded_only_when_somebody_converts() -> None:
    script = "import sys, tools.calculate; print('pint' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
