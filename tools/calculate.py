"""The calculator, and units. Neither evaluates code."""

from __future__ import annotations

import functools
import math
import re
from fractions import Fraction
from typing import Any, Final, cast

from orchestrator.errors import ToolRetry
from orchestrator.function_tool import tool
from orchestrator.ports import Result
from tools.arithmetic import ArithmeticProblem, evaluate, written

__all__ = ["calculate", "convert"]

MAX_UNIT: Final = 60

# Powers are small whole numbers, so that nobody can ask for a meter to the power of a billion.
_UNIT: Final = re.compile(r"(?:[^\W\d]|[° /*^]|(?<=[^\W\d])[1-4](?!\d)|(?<=\^)-?[1-4](?!\d))+")

# What people say that the library reads otherwise (C is a coulomb to it), or not at all.
_MEANT: Final = {
    "c": "degC", "°c": "degC", "centigrade": "degC", "degrees c": "degC", "degrees celsius": "degC",
    "degree celsius": "degC", "f": "degF", "°f": "degF", "degrees f": "degF", "degrees fahrenheit": "degF",
    "degree fahrenheit": "degF", "kilo": "kilogram", "kilos": "kilogram", "kmh": "kilometer/hour", "sqm": "meter^2",
    "mpg": "mile/gallon", "mb": "megabyte", "gb": "gigabyte", "tb": "terabyte", "kb": "kilobyte",
}  # fmt: skip
_PER_DISTANCE: Final = frozenset(("l/100km", "l/100 km", "litres per 100 km", "liters per 100 km", "liter per 100 km"))
_MONEY: Final = (
    "euro euros eur dollar dollars usd gbp yen jpy franc francs chf yuan cny rupee rupees inr krona sek zloty pln peso "
    "pesos brl won krw bitcoin bitcoins btc"
)
_CURRENCIES: Final = frozenset(("$", "€", "£", "¥", *_MONEY.split()))
_BITS: Final = {"kb": "kilobit", "Kb": "kilobit", "Mb": "megabit", "Gb": "gigabit", "Tb": "terabit"}


@tool
async def calculate(expression: str) -> Result:
    """Work out a sum: the value of an arithmetic expression, exactly where that is possible.

    Knows + - * / ^ % ! and brackets, percentages ("15% of 80", "80 + 15%"), sqrt, cbrt, abs, round, floor, ceil, sin,
    cos, tan, asin, acos, atan, exp, ln, log, log2, pi and e, and the same in words ("17 times 23", "the square root
    of 16").

    Args:
        expression: What to calculate, as in "17*23", "what is 15% of 80" or "sqrt(2)".
    """
    try:
        value, understood = evaluate(expression)
    except ArithmeticProblem as error:
        raise ToolRetry(
            f"That cannot be calculated: {error}.", f"It was {_short(expression)}.", "Give a plain expression."
        ) from error
    text = written(value)
    whole = isinstance(value, Fraction) and value.denominator == 1
    # JSON knows no larger whole numbers that every reader takes exactly, so those go as text.
    exact: int | float | str = float(value)
    if whole:
        exact = int(value) if -(2**53) < value < 2**53 else str(int(value))
    data = {"expression": understood, "value": exact}
    return Result(f"{understood} is {text}." if text.startswith("about") else f"{understood} = {text}", data=data)


@tool
def convert(value: float, unit_from: str, unit_to: str) -> Result:
    """Convert a value from one unit to another: lengths, weights, temperatures, volumes, speeds, areas, data, energy.

    Knows no currencies: their rates change.

    Args:
        value: How many of the first unit.
        unit_from: The unit that the value has, as in "miles", "kg", "celsius", "km/h" or "square feet".
        unit_to: The unit that is wanted.
    """
    if not math.isfinite(value):
        raise ToolRetry("That cannot be converted.", "The value is no number.", "Give a number.")
    from pint.errors import DimensionalityError, OffsetUnitCalculusError

    units = _registry()
    source, target = _unit(unit_from), _unit(unit_to)
    try:
        # Miles a gallon and liters for 100 km are two ways to say one thing, upside down.
        turned = units.Quantity(1, source).dimensionality == units.Quantity(1, 1 / target).dimensionality
        fuel = turned and "length" in str(units.Quantity(1, source).dimensionality)
        amount = 1 / units.Quantity(value, source) if fuel and value else units.Quantity(value, source)
        result = float(amount.m_as(target))
    except DimensionalityError as error:
        raise ToolRetry(
            f"{unit_from.strip()} cannot be converted to {unit_to.strip()}.",
            "They measure different things.",
            "Give two units of the same kind.",
        ) from error
    except (OffsetUnitCalculusError, OverflowError, ValueError) as error:
        raise ToolRetry(
            f"{unit_from.strip()} cannot be converted to {unit_to.strip()}.",
            f"{' '.join(str(error).split())}.",
            "Give plainer units.",
        ) from error
    if not math.isfinite(result):
        raise ToolRetry("That cannot be converted.", "The result is too large.", "Give a smaller value.")
    return Result(
        f"{_amount(value)} {unit_from.strip()} is {_amount(result)} {unit_to.strip()}.",
        data={"value": result, "unit": unit_to.strip()},
    )


@functools.lru_cache(maxsize=1)
def _registry() -> Any:
    # A tenth of a second and some reading of files, so never on the event loop and only when somebody converts.
    from pint import UnitRegistry

    units = cast("Any", UnitRegistry())
    units.define("hundred_kilometers = 100 * kilometer")
    return units


def _unit(said: str) -> Any:
    plain = " ".join(said.split()).rstrip(".")
    if plain.casefold() in _CURRENCIES:
        raise ToolRetry("Currencies are not converted here.", "Their rates change every day.", "Look the rate up.")
    if plain.casefold() in _PER_DISTANCE:
        return _registry().parse_units("liter/hundred_kilometers")
    if not plain or len(plain) > MAX_UNIT or not _UNIT.fullmatch(plain):
        raise ToolRetry(f"{_short(said)} is no unit.", "It is not written as one.", "Give a unit, as in km or miles.")
    plain = _BITS.get(plain) or _MEANT.get(plain.casefold(), plain)
    # "m2" is m^2; "nautical miles" is one unit, "square miles" are two words of one.
    powered = re.sub(r"(?<=[^\W\d])([1-4])\b", r"^\1", plain)
    joined = re.sub(r"(?<=\w) (?=\w)", "_", plain)
    for text in dict.fromkeys((plain, plain.casefold(), powered, joined, joined.casefold())):
        try:
            return _registry().parse_units(text)
        except Exception:  # its parser raises all kinds of errors on what is no unit, failed assertions too
            continue
    raise ToolRetry(
        f"{_short(said)} is no unit that is known here.", "", "Write it out, as in kilometers, or use another."
    )


def _amount(number: float) -> str:
    """Six digits that count, but never fewer than the whole part has."""
    if number == 0:
        return "0"
    size = math.floor(math.log10(abs(number)))
    if not -5 <= size < 15:
        return f"{number:.6g}"
    return written(Fraction(str(round(number, max(0, 5 - size)))))


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:60]}...")
