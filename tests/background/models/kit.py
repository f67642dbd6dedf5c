"""Tools as a person may write them; each tells what it was called with."""

from __future__ import annotations

from typing import Literal

from orchestrator.finding import Source
from orchestrator.function_tool import tool
from orchestrator.ports import Result


@tool
async def search_files(query: str, folder: str = ".", limit: int = 20) -> Result:
    """Search the project's files for words.

    Args:
        query: What to look for.
        folder: Where to look.
        limit: How many matches at most.
    """
    return Result(
        f"{query} is in ledger.py.", sources=(Source("ledger.py", "core/ledger.py:12"), Source("b", "b.md:1"))
    )


@tool
async def read_file(path: str, start_line: int = 1) -> str:
    """Read a file of the project."""
    return f"{path} says hello."


@tool
async def calculate(expression: str) -> str:
    """Calculate an arithmetic expression."""
    return {"2+2": "2+2 is 4", "3+3": "3+3 is 6"}.get(expression, f"{expression} is 12")


@tool
async def convert(value: float, from_unit: str, to_unit: str) -> str:
    """Convert a value from one unit to another."""
    return f"{value:g} {from_unit} to {to_unit}"


@tool
async def now(zone: str = "") -> str:
    """Tell the date and time, here or in a time zone."""
    return "It is noon."


@tool
async def trains(start: str, end: str) -> str:
    """Find the next trains.

    Args:
        start: Station to leave from.
        end: Station to arrive at.
    """
    return f"{start} to {end} at 9:12."


@tool
async def weather(city: str, day: str = "today", unit: Literal["celsius", "fahrenheit"] = "celsius") -> str:
    """Get the weather forecast."""
    return f"Sunny in {city}."


@tool
async def book_table(restaurant: str, people: int, when: str, outside: bool = False) -> str:
    """Reserve a table in a restaurant."""
    return "Reserved."


ALL = (search_files, read_file, calculate, convert, now, trains, weather, book_table)
INFOS = tuple(tool.info for tool in ALL)
