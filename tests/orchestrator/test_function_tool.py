"""`@tool`: what a call yields, and that the function stays what it was."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Annotated, Any, Literal

import anyio
import anyio.to_thread
import msgspec
import pydantic
import pytest
from anyio.lowlevel import checkpoint

from orchestrator.errors import ToolFailed, ToolRetry
from orchestrator.finding import Source
from orchestrator.function_tool import as_tool, tool
from orchestrator.ports import Progress, Result, Tool, ToolContext
from orchestrator.testing.tool_checks import AloneContext, check_tool

pytestmark = pytest.mark.anyio


async def chunks(made: Tool, **arguments: Any) -> list[Progress | Result]:
    return [chunk async for chunk in made.call(arguments, AloneContext())]


async def result_of(made: Tool, **arguments: Any) -> Result:
    last = (await chunks(made, **arguments))[-1]
    assert isinstance(last, Result)
    return last


class Stop(pydantic.BaseModel):
    name: str
    platform: int = 1


@dataclasses.dataclass
class Train:
    leaves: datetime.time
    direct: bool


class Price(msgspec.Struct):
    euro: float


# --- the four kinds of function --------------------------------------------------------------------------------------


async def test_an_async_generator_yields_progress_and_then_its_result() -> None:
    @tool
    async def trains(start: str, end: str) -> AsyncIterator[object]:
        yield "asking the timetable"
        await checkpoint()
        yield {"from": start, "to": end, "direct": True}

    assert await chunks(trains, start="Lyon", end="Paris") == [
        Progress("asking the timetable"),
        Result('{"from": "Lyon", "to": "Paris", "direct": true}', data={"from": "Lyon", "to": "Paris", "direct": True}),
    ]


async def test_a_last_string_is_the_result_and_not_progress_before() -> None:
    @tool
    async def trains() -> AsyncIterator[str]:
        yield "asking the timetable"
        await checkpoint()
        yield "at 9:12"
        await checkpoint()  # tidying up after the answer does not make progress of it

    assert await chunks(trains) == [Progress("asking the timetable"), Result("at 9:12")]


@pytest.mark.parametrize("progress", ["asking", Progress("asking")])
async def test_progress_goes_out_before_the_tool_goes_on(progress: str | Progress) -> None:
    told = anyio.Event()

    @tool
    async def slow() -> AsyncIterator[object]:
        yield progress
        await told.wait()
        yield "done"

    seen: list[Progress | Result] = []
    with anyio.fail_after(10):
        async for chunk in slow.call({}, AloneContext()):
            seen.append(chunk)
            told.set()
    assert seen == [Progress("asking"), Result("done")]


async def test_what_is_yielded_before_the_last_is_progress_whatever_it_is() -> None:
    @tool
    def counting(to: int) -> Iterator[object]:
        yield from range(to)
        yield {"counted": to}

    assert await chunks(counting, to=2) == [Progress("0"), Progress("1"), Result('{"counted": 2}', data={"counted": 2})]


async def test_sync_functions_and_generators_run_in_a_worker_thread() -> None:
    loop_thread = threading.get_ident()
    threads: list[int] = []

    @tool
    def once() -> int:
        threads.append(threading.get_ident())
        return 7

    @tool
    def steps() -> Iterator[str]:
        threads.append(threading.get_ident())
        yield "one"
        threads.append(threading.get_ident())
        yield "two"

    assert await chunks(once) == [Result("7", data=7)]
    assert await chunks(steps) == [Progress("one"), Result("two")]
    assert len(threads) == 3
    assert loop_thread not in threads


async def test_a_decorated_function_keeps_its_signature_for_models() -> None:
    def noted(function: Callable[..., Awaitable[str]]) -> Callable[..., Awaitable[str]]:
        @functools.wraps(function)
        def outer(*args: Any, **kwargs: Any) -> Awaitable[str]:
            return function(*args, **kwargs)

        return outer

    @tool
    @noted
    async def greet(name: str) -> str:
        return f"hello {name}"

    assert list(greet.info.schema["properties"]) == ["name"]
    assert await result_of(greet, name="Ada") == Result("hello Ada")


# --- what comes out --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("as it is", Result("as it is")),
        (42, Result("42", data=42)),
        (True, Result("true", data=True)),
        (None, Result("Done.")),
        ([1, "zwölf"], Result('[1, "zwölf"]', data=[1, "zwölf"])),
        (Stop(name="Lyon"), Result('{"name": "Lyon", "platform": 1}', data={"name": "Lyon", "platform": 1})),
        (
            Train(datetime.time(9, 12), True),
            Result('{"leaves": "09:12:00", "direct": true}', data={"leaves": "09:12:00", "direct": True}),
        ),
        (Price(9.5), Result('{"euro": 9.5}', data={"euro": 9.5})),
        (datetime.date(2026, 12, 24), Result("2026-12-24", data="2026-12-24")),
        (float("nan"), Result("NaN", data="NaN")),
        (Result("said", sources=(Source("a page"),)), Result("said", sources=(Source("a page"),))),
    ],
)
async def test_values_become_results(value: object, expected: Result) -> None:
    @tool
    async def give() -> object:
        return value

    assert await chunks(give) == [expected]


async def test_a_value_that_cannot_be_written_is_a_failure_with_a_reason() -> None:
    @tool
    async def give() -> object:
        return threading.Lock()

    with pytest.raises(ToolFailed, match=r"The result of give cannot be written as JSON"):
        await chunks(give)


async def test_a_generator_must_come_to_a_result() -> None:
    @tool
    async def nothing() -> AsyncIterator[str]:
        words: list[str] = []
        for word in words:
            yield word

    @tool
    async def only_progress() -> AsyncIterator[object]:
        yield Progress("working")

    @tool
    async def beyond() -> AsyncIterator[object]:
        yield Result("the answer")
        yield "and more"

    for made in (nothing, only_progress):
        with pytest.raises(ToolFailed, match="ended without a result"):
            await chunks(made)
    with pytest.raises(ToolFailed, match="went on after its result"):
        await chunks(beyond)


@pytest.mark.parametrize("error", [ToolRetry("again"), ToolFailed("no"), ZeroDivisionError("a bug")])
async def test_what_a_tool_raises_passes_through(error: Exception) -> None:
    @tool
    async def in_the_middle() -> AsyncIterator[str]:
        yield "working"
        raise error

    @tool
    def in_a_thread() -> str:
        raise error

    for made in (in_the_middle, in_a_thread):
        with pytest.raises(type(error)) as raised:
            await chunks(made)
        assert raised.value is error


# --- arguments -------------------------------------------------------------------------------------------------------


async def test_arguments_are_checked_and_made_what_the_function_wants() -> None:
    got: list[object] = []

    @tool
    async def book(stop: Stop, seats: Annotated[int, pydantic.Field(ge=1, le=9)], day: datetime.date) -> str:
        got.extend((stop, seats, day))
        return "booked"

    assert await result_of(book, stop={"name": "Lyon"}, seats="2", day="2026-12-24") == Result("booked")
    assert got == [Stop(name="Lyon"), 2, datetime.date(2026, 12, 24)]


async def test_what_is_left_out_is_left_to_the_function() -> None:
    sentinel: list[str] = []

    @tool
    async def find(query: str, into: list[str] = sentinel) -> bool:
        return into is sentinel

    assert await result_of(find, query="x") == Result("true", data=True)


async def test_wrong_arguments_ask_for_another_try_with_a_line_for_each() -> None:
    @tool
    async def book(stop: Stop, seats: int, kind: Literal["first", "second"] = "second") -> str:
        return "never called"

    with pytest.raises(ToolRetry) as raised:
        await chunks(book, stop={"platform": "z" * 500}, kind="third", train=9)
    shown = "z" * 59
    assert raised.value.what == "The arguments do not fit."
    assert raised.value.why.splitlines() == [
        "stop.name: is missing.",
        f"stop.platform: input should be a valid integer, unable to parse string as an integer (it was '{shown}...).",
        "seats: is missing.",
        "kind: input should be 'first' or 'second' (it was 'third').",
        "train: is not known; known are stop, seats, kind.",
    ]


async def test_arguments_that_are_no_object_ask_for_another_try() -> None:
    @tool
    async def find(query: str) -> str:
        return query

    wrong: Any = ["query"]
    with pytest.raises(ToolRetry, match="do not fit"):
        async for _ in find.call(wrong, AloneContext()):
            pass


async def test_the_context_comes_by_annotation_and_is_not_told_to_models() -> None:
    @tool
    async def ask_back(ctx: ToolContext, what: str) -> str:
        await ctx.progress(f"asking about {what}")
        return await ctx.ask(f"Which {what}?")

    context = AloneContext(answers=["the blue one"])
    assert list(ask_back.info.schema["properties"]) == ["what"]
    assert [chunk async for chunk in ask_back.call({"what": "train"}, context)] == [Result("the blue one")]
    assert context.told == ["asking about train"]
    assert context.asked == ["Which train?"]


# --- ends ------------------------------------------------------------------------------------------------------------


async def test_a_cancelled_call_lets_the_tool_clean_up() -> None:
    cleaned: list[str] = []
    started = anyio.Event()

    @tool
    async def slow() -> AsyncIterator[str]:
        try:
            yield "working"
            started.set()
            await anyio.sleep_forever()
            yield "never"
        finally:
            cleaned.append("yes")

    async with anyio.create_task_group() as group:
        group.start_soon(chunks, slow)
        await started.wait()
        group.cancel_scope.cancel()
    assert cleaned == ["yes"]


async def test_a_thread_that_goes_on_does_not_hold_up_a_cancelled_call() -> None:
    started, release, ended = threading.Event(), threading.Event(), threading.Event()

    @tool
    def stubborn() -> str:
        started.set()
        release.wait(30)
        ended.set()
        return "too late"

    async with anyio.create_task_group() as group:
        group.start_soon(chunks, stubborn)
        await anyio.to_thread.run_sync(started.wait)
        group.cancel_scope.cancel()
    assert not ended.is_set()
    release.set()
    assert await anyio.to_thread.run_sync(ended.wait, 10)


async def test_a_sync_generator_that_is_left_is_closed() -> None:
    closed = threading.Event()

    @tool
    def steps() -> Iterator[str]:
        try:
            yield "one"
            yield "two"
            yield "three"
        finally:
            closed.set()

    stream = steps.call({}, AloneContext())
    assert await anext(stream) == Progress("one")
    await stream.aclose()
    assert closed.is_set()


async def test_tools_that_never_return_leave_the_threads_of_the_loop_alone() -> None:
    release = threading.Event()

    @tool
    def stuck() -> None:
        release.wait(30)

    try:
        async with anyio.create_task_group() as group:
            for _ in range(60):
                group.start_soon(chunks, stuck)
            with anyio.fail_after(20):
                assert await anyio.to_thread.run_sync(lambda: "free") == "free"
            group.cancel_scope.cancel()
    finally:
        release.set()


# --- the function itself ---------------------------------------------------------------------------------------------


async def test_the_function_stays_callable_as_it_was() -> None:
    @tool(timeout=5)
    async def double(number: int) -> int:
        """Double a number."""
        return number * 2

    assert await double(4) == 8
    assert await double(number=5) == 10
    assert double.__name__ == "double"
    assert double.__doc__ == "Double a number."


async def test_functions_and_bound_methods_become_tools_and_tools_stay_what_they_are() -> None:
    class Shop:
        def __init__(self, price: int) -> None:
            self.price = price

        def cost(self, pieces: int) -> int:
            """What some pieces cost."""
            return self.price * pieces

    made = as_tool(Shop(3).cost)
    assert made.info.name == "cost"
    assert made.info.description == "What some pieces cost."
    assert await result_of(made, pieces=4) == Result("12", data=12)
    assert as_tool(made) is made


async def test_a_tool_of_every_kind_keeps_the_contract() -> None:
    @tool
    async def one(query: str) -> str:
        """Find one thing."""
        return query

    @tool
    def many(query: str) -> Iterator[str]:
        """Find many things."""
        yield "looking"
        yield query

    assert await check_tool(one, {"query": "x"}) == Result("x")
    assert await check_tool(many, {"query": "x"}) == Result("x")
