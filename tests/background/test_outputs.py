"""Long outputs: the head, the tail, and a handle to read the rest."""

from __future__ import annotations

import pytest

from background import outputs
from background.outputs import Outputs, shortened
from orchestrator.function_tool import tool
from orchestrator.ports import Result
from tests.background.task_host import Host, one, tools_of

pytestmark = pytest.mark.anyio

TEXT = "".join(f"line {number}\n" for number in range(10_000))


@tool(max_output_chars=300)
async def long() -> str:
    """Says much."""
    return TEXT


@tool(max_output_chars=300)
async def long_page() -> Result:
    """A long page."""
    return Result(TEXT, untrusted=True)


async def test_what_is_cut_can_be_read_on() -> None:
    tools = tools_of(long)
    result = await one(tools, "long")
    assert len(result.text) < 450
    assert result.rest == "output-1"
    assert "read_output(handle='output-1', start=200)" in result.text
    assert result.text.startswith(TEXT[:200])
    assert result.text.endswith(TEXT[-100:])
    read, start = result.text[:200], 200
    while start < len(TEXT):
        more = await one(tools, "read_output", handle="output-1", start=start, chars=20_000)
        assert more.ok
        head, _, body = more.text.partition("\n")
        assert head.startswith(f"[output-1 of long, characters {start} to ")
        read, start = read + body, start + len(body)
    assert read == TEXT


async def test_a_place_is_found_in_it() -> None:
    tools = tools_of(long)
    await one(tools, "long")
    found = await one(tools, "read_output", handle="output-1", find="LINE 7777", chars=400)
    assert "line 7777\n" in found.text
    missing = await one(tools, "read_output", handle="output-1", find="nowhere")
    assert (missing.ok, missing.retry) == (False, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"handle": "output-9"}, "There is output-1."),
        ({"handle": "output-1", "start": 10**9}, "has only"),
        ({"handle": "output-1", "begin": 3}, "do not fit"),
        ({}, "do not fit"),
        ({"handle": "output-1", "start": "soon"}, "do not fit"),
    ],
)
async def test_a_wrong_read_says_what_is_wrong(arguments: dict[str, object], says: str) -> None:
    tools = tools_of(long)
    await one(tools, "long")
    result = await one(tools, "read_output", **arguments)
    assert (result.ok, result.retry) == (False, True)
    assert says in result.text


async def test_numbers_that_a_model_wrote_as_text_are_numbers() -> None:
    tools = tools_of(long)
    await one(tools, "long")
    assert (await one(tools, "read_output", handle="output-1", start="10", chars="5")).text.endswith(f"\n{TEXT[10:15]}")


async def test_the_rest_of_untrusted_text_is_untrusted() -> None:
    host = Host()
    tools = tools_of(long_page, host=host)
    await one(tools, "long_page")
    assert (await one(tools, "read_output", handle="output-1")).untrusted


async def test_another_task_does_not_read_it() -> None:
    await one(tools_of(long), "long")
    assert not (await one(tools_of(long), "read_output", handle="output-1")).ok


def test_the_oldest_goes_when_there_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outputs, "MOST_KEPT", 2_500)
    kept = Outputs()
    for _ in range(3):
        kept.cut("long", Result("x" * 1_000), 100)
    assert "There is output-2, output-3." in kept.read({"handle": "output-1"}).text
    assert kept.read({"handle": "output-3"}).ok


def test_what_fits_is_left_alone() -> None:
    assert shortened("short", 30) == "short"
    result = Result("short")
    assert Outputs().cut("any", result, 30) is result
