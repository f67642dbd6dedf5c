"""What models are told of a tool, and what is refused when one is defined."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, Optional

import pydantic
import pytest

from orchestrator.errors import ToolDefinitionError
from orchestrator.function_tool import LimitOptions, as_tool, tool
from orchestrator.ports import ToolContext, ToolInfo, ToolLimits

if TYPE_CHECKING:
    from decimal import Decimal as NotThere

    import orchestrator.ports as away
    from orchestrator.ports import ToolContext as Elsewhere


class Leg(pydantic.BaseModel):
    title: str
    via: list[str] = []


def plan(
    start: str,
    legs: list[Leg],
    day: Annotated[str, pydantic.Field(description="As in 2026-12-24.", min_length=10)],
    kind: Literal["fast", "cheap"] = "fast",
    seats: int | None = None,
    schema: bool = False,
) -> str:
    """Plan a journey.

    Takes holidays into account.

    Args:
        start: Where it
            begins.
        day: What the docstring says gives way to Field.
        seats: How many.
    """
    return start


def test_the_schema_comes_from_annotations_and_docstring() -> None:
    info = tool(plan).info
    assert info.name == "plan"
    assert info.description == "Plan a journey.\n\nTakes holidays into account."
    assert info.schema == {
        "$defs": {
            "Leg": {
                "type": "object",
                "properties": {
                    "title": {"type": "string"},
                    "via": {"type": "array", "items": {"type": "string"}, "default": []},
                },
                "required": ["title"],
            }
        },
        "type": "object",
        "properties": {
            "start": {"type": "string", "description": "Where it begins."},
            "legs": {"type": "array", "items": {"$ref": "#/$defs/Leg"}},
            "day": {"type": "string", "description": "As in 2026-12-24.", "minLength": 10},
            "kind": {"type": "string", "enum": ["fast", "cheap"], "default": "fast"},
            "seats": {
                "anyOf": [{"type": "integer"}, {"type": "null"}],
                "description": "How many.",
                "default": None,
            },
            "schema": {"type": "boolean", "default": False},
        },
        "required": ["start", "legs", "day"],
        "additionalProperties": False,
    }


def numpy_style(query: str) -> str:
    """Find it.

    Parameters
    ----------
    query : str
        What to find.
    """
    return query


def rest_style(query: str) -> str:
    """Find it.

    :param query: What to find.
    """
    return query


@pytest.mark.parametrize("function", [numpy_style, rest_style])
def test_docstrings_of_all_styles_are_read(function: Callable[[str], str]) -> None:
    info = tool(function).info
    assert info.description == "Find it."
    assert info.schema["properties"]["query"]["description"] == "What to find."


def test_options_win_over_what_the_function_says() -> None:
    @tool(
        name="look-up",
        description="Look it up.",
        timeout=None,
        idle_timeout=2.5,
        concurrency=3,
        max_output_chars=100,
        retries=2,
        idempotent=False,
        on_duplicate="reuse",
        needs_approval=True,
        channel="thinking",
    )
    def find(query: str) -> str:
        """Find it."""
        return query

    assert find.info == ToolInfo(
        "look-up",
        "Look it up.",
        find.info.schema,
        ToolLimits(None, 2.5, 3, 100, 2, False, "reuse", True, "thinking"),
    )


def test_every_limit_can_be_given_to_the_decorator() -> None:
    assert set(LimitOptions.__annotations__) == set(ToolLimits.__struct_fields__)


def test_a_tool_without_a_docstring_is_described_by_its_name() -> None:
    @tool
    def next_train(start: str) -> str:
        return start

    assert next_train.info.description == "next train"


def test_names_of_an_enclosing_function_may_be_used() -> None:
    class Local(pydantic.BaseModel):
        size: int

    @tool
    def measure(thing: Local, more: Optional[Local] = None) -> int:  # noqa: UP045 - the older spelling works too
        return thing.size

    assert measure.info.schema["$defs"]["Local"]["required"] == ["size"]


def test_a_context_that_is_imported_for_type_checkers_only_is_recognised() -> None:
    @tool
    async def direct(query: str, ctx: "away.ToolContext") -> str:  # noqa: UP037
        return query

    @tool
    async def optional(query: str, ctx: ToolContext | None = None) -> str:
        return query

    for made in (direct, optional):
        assert list(made.info.schema["properties"]) == ["query"]


# --- what is refused -------------------------------------------------------------------------------------------------


def untyped(query: str) -> str:
    return query


del untyped.__annotations__["query"]  # written like this, the test itself has types


def any_number(*queries: str) -> str:
    return "".join(queries)


def any_name(**queries: str) -> str:
    return "".join(queries)


def only_by_place(query: str, /) -> str:
    return query


def two_contexts(first: ToolContext, second: ToolContext) -> str:
    return "".join((str(first), str(second)))


def strange_type(lock: inspect.Signature, query: str) -> str:
    return f"{lock}{query}"


def function_type(then: Callable[[int], str]) -> str:
    return then(1)


def not_there(number: NotThere) -> str:
    return str(number)


def hidden_context(ctx: Elsewhere) -> str:
    return str(ctx)


def field_as_default(query: str = pydantic.Field(default="x")) -> str:
    return query


async def other_docstring(query: str, ctx: ToolContext) -> str:
    """Find it.

    Args:
        qurey: What to find.
        ctx: Where it is asked for, which may be told to those who read the code.
    """
    return f"{query}{ctx}"


class Shop:
    def cost(self, pieces: int) -> int:
        return pieces


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (untyped, "Its parameter query has no annotation."),
        (any_number, "*queries takes any number of values."),
        (any_name, "**queries takes arguments of any name."),
        (only_by_place, "Its parameter query is positional-only, and models name their arguments."),
        (two_contexts, "Its parameters first and second both ask for the context of the call."),
        (strange_type, "A model cannot be told what lock may be."),
        (function_type, "A model cannot be told what then may be."),
        (not_there, "The annotation of number cannot be read: name 'NotThere' is not defined."),
        (hidden_context, "The annotation of ctx cannot be read: name 'Elsewhere' is not defined."),
        (field_as_default, "The default of query is a Field."),
        (other_docstring, "Its docstring describes qurey, which it does not take."),
        (Shop.cost, "Its parameter self has no annotation."),
    ],
)
def test_what_a_model_could_not_call_is_refused_with_file_and_line(function: Callable[..., Any], why: str) -> None:
    with pytest.raises(ToolDefinitionError) as raised:
        tool(function)
    line = inspect.getsourcelines(function)[1]
    assert raised.value.what == f"{function.__name__} cannot become a tool ({__file__}:{line})."
    assert raised.value.why == why
    assert raised.value.todo


def test_what_is_no_function_is_refused() -> None:
    for thing in (Shop, "a string", 3):
        with pytest.raises(ToolDefinitionError, match="neither a function nor a tool"):
            as_tool(thing)  # type: ignore[arg-type]


def test_a_name_that_models_do_not_accept_is_refused() -> None:
    with pytest.raises(ToolDefinitionError, match=r"cannot be the name of a tool.*\n.*\n.*@tool\(name="):
        tool(lambda: "x")
    with pytest.raises(ToolDefinitionError, match="'look it up'"):
        tool(name="look it up")(plan)


@pytest.mark.parametrize("limits", [{"timeout": 0}, {"idle_timeout": -1.0}, {"concurrency": 0}, {"retries": -1}])
def test_limits_under_which_it_could_never_run_are_refused(limits: LimitOptions) -> None:
    with pytest.raises(ToolDefinitionError, match="could never run with"):
        tool(**limits)(plan)


def test_importing_the_decorator_does_not_import_pydantic() -> None:
    """It costs more than all of the rest, and `duologue --help` needs none of it."""
    script = "import sys, orchestrator.function_tool; print('pydantic' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
