"""What is refused when a tool is defined, what is mended when it is called, and what models are not told of."""

from __future__ import annotations

import datetime
from collections.abc import AsyncGenerator
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from background.workbench import Workbench
from orchestrator.errors import ToolDefinitionError, ToolFailed, ToolRetry
from orchestrator.function_tool import tool
from orchestrator.ports import Result, SyncToolContext, Tool, ToolCall, ToolContext
from orchestrator.resources import Resources, resource
from orchestrator.testing.tool_checks import AloneContext
from tests.background.task_host import Host

pytestmark = pytest.mark.anyio


class Stop(BaseModel):
    name: str


@resource
async def numbers() -> AsyncGenerator[list[int]]:
    yield [1, 2, 3]


async def result_of(made: Tool, **arguments: Any) -> Result:
    *_, last = [chunk async for chunk in made.call(arguments, AloneContext())]
    assert isinstance(last, Result)
    return last


def refused(function: Any, **options: Any) -> ToolDefinitionError:
    with pytest.raises(ToolDefinitionError) as raised:
        tool(**options)(function)
    assert "test_tool_definition.py:" in raised.value.what
    assert raised.value.todo
    return raised.value


# --- when it is defined ----------------------------------------------------------------------------------------------


def plain(city: str) -> str:
    """Say it."""
    return city


@pytest.mark.parametrize(
    ("options", "why", "todo"),
    [
        ({"timout": 5}, "@tool knows no timout.", "Did you mean timeout?"),
        ({"zzz": 5}, "@tool knows no zzz.", "It knows timeout, "),
        ({"timeout": "5"}, "Expected `float | null`, got `str` - at `$.timeout`.", "It knows"),
        ({"channel": "loud"}, "Invalid enum value 'loud' - at `$.channel`.", "It knows"),
        ({"timeout": 0}, "It could never run with timeout=0", "above 0"),
        ({"retries": -1}, "It could never run with retries=-1.", "above 0"),
        ({"announce": "Going to {town}"}, "Its announce names town, which is no argument of it.", "It takes: city."),
        ({"question": "May I, {you}?"}, "Its question names you, which is no argument of it.", "It takes: city."),
        ({"name": "read_output"}, "Every task has a function of that name already.", "Give it another"),
        ({"name": "two words"}, "Models accept letters, digits, _ and -, at most 64 of them.", "Give it another"),
    ],
)
def test_options_that_cannot_hold_are_refused(options: dict[str, Any], why: str, todo: str) -> None:
    error = refused(plain, **options)
    assert error.why.startswith(why)
    assert todo in error.todo


def no_number(city: str, days: int = "five") -> str:  # type: ignore[assignment] # pyright: ignore[reportArgumentType]
    return f"{city}{days}"


def none_for_text(city: str = None) -> str:  # type: ignore[assignment] # pyright: ignore[reportArgumentType] # noqa: RUF013
    return city


def none_of_these(size: Literal["s", "m"] = "xl") -> str:  # type: ignore[assignment] # pyright: ignore[reportArgumentType]
    return size


@pytest.mark.parametrize(
    ("function", "why", "todo"),
    [
        (no_number, "The default of days, 'five', is no int.", "Mend the default"),
        (none_for_text, "The default of city, None, is no str.", "Write city: str | None = None."),
        (none_of_these, "The default of size, 'xl', is no", "Mend the default"),
    ],
)
def test_a_default_that_does_not_fit_is_refused(function: Any, why: str, todo: str) -> None:
    error = refused(function)
    assert error.why.startswith(why)
    assert todo in error.todo


def test_a_default_may_lie_outside_of_what_a_model_may_give() -> None:
    @tool
    def listed(limit: Annotated[int, Field(ge=1)] = 0) -> str:
        """List; 0 is all."""
        return f"{limit}"

    assert listed() == "0"


def test_the_context_fits_the_function() -> None:
    def waits(ctx: ToolContext) -> str:
        return ctx.bundle.id

    async def awaits(ctx: SyncToolContext) -> str:
        return ctx.bundle.id

    assert refused(waits).todo.startswith("Write SyncToolContext")
    assert refused(awaits).todo == "Write ToolContext."


# --- when it is called -----------------------------------------------------------------------------------------------


@tool
def book(
    stops: list[Stop],
    when: datetime.date,
    seats: int = 1,
    tags: list[str] = [],  # noqa: B006
    note: str | None = None,
    extras: dict[str, bool] | None = None,
) -> str:
    """Book."""
    return f"{[stop.name for stop in stops]} {when} {seats} {tags} {note} {extras}"


@pytest.mark.parametrize(
    ("arguments", "booked"),
    [
        ({"stops": [{"name": "A"}], "when": "2026-12-01"}, "['A'] 2026-12-01 1 [] None None"),
        ({"stops": '[{"name": "A"}]', "when": "2026-12-01", "seats": "2"}, "['A'] 2026-12-01 2 [] None None"),
        ({"stops": {"name": "A"}, "when": "2026-12-01", "tags": "quiet"}, "['A'] 2026-12-01 1 ['quiet'] None None"),
        (
            {"stops": [{"name": "A"}], "when": "2026-12-01", "extras": '{"bike": true}', "tags": '["x"]'},
            "['A'] 2026-12-01 1 ['x'] None {'bike': True}",
        ),
        ({"stops": [{"name": "A"}], "when": "2026-12-01", "extras": "null"}, "['A'] 2026-12-01 1 [] None None"),
        # Where it is text that is wanted, text it is.
        ({"stops": [{"name": "A"}], "when": "2026-12-01", "note": "null"}, "['A'] 2026-12-01 1 [] null None"),
        ({"stops": [{"name": "A"}], "when": "2026-12-01", "note": '["x"]'}, "['A'] 2026-12-01 1 [] [\"x\"] None"),
    ],
)
async def test_what_models_write_for_what_they_mean(arguments: dict[str, Any], booked: str) -> None:
    assert (await result_of(book, **arguments)).text == booked


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"when": "2026-12-01"}, "stops: is missing."),
        ({"stops": "[{", "when": "2026-12-01"}, "stops: input should be a valid list (it was '[{')."),
        ({"stops": [], "when": "soon"}, "when: input should be a valid date"),
        ({"stops": [], "when": "2026-12-01", "seats": "null"}, "seats: input should be a valid integer"),
    ],
)
async def test_what_stays_wrong_is_told_as_it_was_written(arguments: dict[str, Any], line: str) -> None:
    with pytest.raises(ToolRetry) as raised:
        await result_of(book, **arguments)
    assert line in raised.value.why


# --- what models are not told of -------------------------------------------------------------------------------------


@tool
async def count(extra: int, of: Annotated[list[int], numbers]) -> str:
    """Count."""
    return f"{len(of) + extra}"


async def test_a_resource_is_given_and_not_told() -> None:
    assert list(count.info.schema["properties"]) == ["extra"]
    async with Resources() as resources:
        tools = Workbench([count], resources=resources).for_task(Host())
        assert [result.text for result in await tools.call(*[ToolCall("count", {"extra": 1})] * 2)] == ["4", "4"]


async def test_a_resource_that_a_model_names_is_unknown_to_it() -> None:
    with pytest.raises(ToolRetry, match="of: is not known; known are extra"):
        await result_of(count, extra=1, of=[1])


async def test_without_a_worker_there_is_none() -> None:
    with pytest.raises(ToolFailed, match="numbers cannot be opened"):
        await result_of(count, extra=1)


async def test_the_function_is_called_with_it_as_written() -> None:
    assert await count(1, [5]) == "2"
