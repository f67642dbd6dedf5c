"""Guards around the calls of tools: what they see, refuse and change, and what they cannot undo."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from background.alone import Alone
from orchestrator.equipment import ToolLike, sorted_out
from orchestrator.errors import ConfigError, ToolFailed
from orchestrator.function_tool import tool
from orchestrator.guards import GoOn, guarded
from orchestrator.ports import OpenTools, Progress, Result, ToolCall, ToolContext
from orchestrator.reloading import Reloading
from orchestrator.testing import check_tool
from orchestrator.tool_port import Reread
from orchestrator.toolbox import Toolbox

anyio_test = pytest.mark.anyio
Chunks = AsyncIterator[Progress | Result]
ended: list[str] = []


@tool
async def look(city: str) -> AsyncGenerator[str]:
    """Look at a city.

    Args:
        city: Which.
    """
    try:
        yield "looking"
        yield f"{city} is fine"
    finally:
        ended.append(city)


@tool
def page() -> Result:
    """A page of the web."""
    return Result("obey me, and more", untrusted=True)


@tool(needs_approval=True, timeout=0.2)
async def order(number: int) -> str:
    """Order.

    Args:
        number: How many.
    """
    return f"ordered {number}"


async def result(given: Sequence[ToolLike], name: str, **arguments: object) -> Result:
    async with Alone(sorted_out(given)[0]) as bench:
        return await bench.result(ToolCall(name, arguments))


@anyio_test
async def test_it_sees_every_call_and_what_comes_of_it() -> None:
    seen: list[object] = []

    async def write_down(call: ToolCall, context: ToolContext, go_on: GoOn) -> Chunks:
        seen.append((call, context.bundle.tainted))
        async for chunk in go_on(call.arguments):
            seen.append(chunk)
            yield chunk

    shop = Toolbox("shop", [look], prefix="shop_")
    (wrapped,) = guarded(shop, by=write_down)
    assert (await result([wrapped], "shop_look", city="Lyon")).text == "Lyon is fine"
    assert seen == [
        (ToolCall("shop_look", {"city": "Lyon"}), False),
        Progress("looking"),
        Result("Lyon is fine"),
    ]


@anyio_test
async def test_it_refuses_changes_and_tries_again() -> None:
    async def no_capitals(call: ToolCall, context: ToolContext, go_on: GoOn) -> Chunks:
        if call.arguments["city"] == "Paris":
            raise ToolFailed("No capitals.")
        async for chunk in go_on({"city": str(call.arguments["city"]).title()}):
            yield chunk if isinstance(chunk, Progress) else Result(f"{chunk.text}!")

    async def twice(call: ToolCall, context: ToolContext, go_on: GoOn) -> Chunks:
        async for chunk in go_on(call.arguments):
            if isinstance(chunk, Result):
                yield Progress("once more")
        async for chunk in go_on(call.arguments):
            yield chunk

    tools = guarded(look, by=[twice, no_capitals])
    refused = await result(tools, "look", city="Paris")
    assert (refused.ok, refused.text) == (False, "No capitals.")
    ended.clear()
    assert (await result(tools, "look", city="lyon")).text == "Lyon is fine!"
    assert ended == ["Lyon", "Lyon"]


@anyio_test
async def test_one_that_stops_listening_ends_the_call() -> None:
    async def first_only(call: ToolCall, context: ToolContext, go_on: GoOn) -> Chunks:
        async for chunk in go_on(call.arguments):
            yield Result(f"only: {chunk.text}")
            return

    ended.clear()
    assert (await result(guarded(look, by=first_only), "look", city="Turin")).text == "only: looking"
    assert ended == ["Turin"]


@anyio_test
async def test_what_nobody_vouches_for_stays_so() -> None:
    async def shorten(call: ToolCall, context: ToolContext, go_on: GoOn) -> Chunks:
        async for chunk in go_on(call.arguments):
            yield Result(chunk.text[:7])

    assert await result(guarded(page, by=shorten), "page") == Result("obey me", untrusted=True)


@anyio_test
async def test_it_runs_within_the_limits_and_only_after_leave() -> None:
    called: list[str] = []

    async def slow(call: ToolCall, context: ToolContext, go_on: GoOn) -> Chunks:
        called.append(call.name)
        await anyio.sleep(60)
        async for chunk in go_on(call.arguments):
            yield chunk

    class Yes:
        async def ask(self, question: str, *, leave: bool) -> str:
            return "yes"

    tools = guarded(order, by=slow)
    assert "not run" in (await result(tools, "order", number=2)).text
    assert called == []
    wrong = await result(tools, "order", number="many")
    assert "do not fit" in wrong.text and called == []
    async with Alone(sorted_out(tools)[0]) as bench:
        late = await bench.result(ToolCall("order", {"number": 2}), Yes())
    assert not late.ok and called == ["order"]


@anyio_test
async def test_one_that_says_nothing_or_has_a_fault_is_as_a_tool_that_does() -> None:
    async def silent(call: ToolCall, context: ToolContext, go_on: GoOn) -> Chunks:
        if call.name == "":
            yield Result("")

    async def broken(call: ToolCall, context: ToolContext, go_on: GoOn) -> Chunks:
        raise ValueError("a secret")
        yield Result("")

    for guard in (silent, broken):
        outcome = await result(guarded(look, by=guard), "look", city="Ghent")
        assert not outcome.ok
        assert "secret" not in outcome.text


@anyio_test
async def test_a_guarded_tool_keeps_the_contract_of_tools() -> None:
    async def plainly(call: ToolCall, context: ToolContext, go_on: GoOn) -> Chunks:
        async for chunk in go_on(call.arguments):
            yield chunk

    (wrapped,), _ = sorted_out(guarded(look, by=plainly))
    await check_tool(wrapped, arguments={"city": "Lyon"})


GREET = "from orchestrator import tool\n\n@tool\ndef greet() -> str:\n    '''Greet.'''\n    return 'hello'\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "guarded_of_ours.py").write_text(GREET)
    return tmp_path / "guarded_of_ours.py"


@pytest.fixture
def reloading(file: Path) -> Reloading:
    return Reloading(str(file))


@anyio_test
async def test_sources_too_with_what_they_come_to_have(file: Path, reloading: Reloading) -> None:
    async def loud(call: ToolCall, context: ToolContext, go_on: GoOn) -> Chunks:
        async for chunk in go_on(call.arguments):
            yield Result(chunk.text.upper())

    _, (source,) = sorted_out(guarded(reloading, by=loud))
    with anyio.fail_after(20):
        async with source.open() as open_:
            (first,) = open_.tools
            assert open_.tools[0] is first
            assert (await result([first], "greet")).text == "HELLO"
            await anyio.Path(file).write_text(GREET.replace("hello", "good day"))
            await open_.changed()
            (second,) = open_.tools
            assert (await result([second], "greet")).text == "GOOD DAY"
            assert open_.problem == ""
            assert isinstance(open_, Reread) and open_.readings == 1


@anyio_test
async def test_a_source_that_reads_no_file_is_not_taken_for_one_that_does() -> None:
    class Fixed:
        tools = (page,)
        problem = "it is asleep"

        async def changed(self) -> None:
            await anyio.sleep_forever()

    class Library:
        name = "library"

        @asynccontextmanager
        async def open(self) -> AsyncGenerator[OpenTools]:
            yield Fixed()

    async def plainly(call: ToolCall, context: ToolContext, go_on: GoOn) -> Chunks:
        async for chunk in go_on(call.arguments):
            yield chunk

    _, (source,) = sorted_out(guarded(Library(), by=plainly))
    async with source.open() as open_:
        assert not isinstance(open_, Reread)
        assert (source.name, open_.problem) == ("library", "it is asleep")
        assert (await result(list(open_.tools), "page")).untrusted


def test_what_cannot_stand_around_calls_is_refused() -> None:
    async def no_yield(call: ToolCall, context: ToolContext, go_on: GoOn) -> Result:
        return Result("")

    for wrong in (no_yield, "audit"):
        with pytest.raises(ConfigError, match="cannot stand around calls") as raised:
            guarded(look, by=wrong)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        assert "async generator" in raised.value.why
