"""The public double: what a program pushes, and what the person would have heard."""

from __future__ import annotations

import anyio
import pytest

from interaction.links.memory import MemoryLink
from orchestrator.clock import START
from orchestrator.effects import Emit, StopSpeaking
from orchestrator.errors import UsageError
from orchestrator.events import UserLeft, UserText

pytestmark = pytest.mark.anyio


async def test_events_come_in_order_and_end_with_leaving() -> None:
    link = MemoryLink()
    await link.type("hi")
    await link.push(UserLeft("bye"))
    assert [event async for event in link.events()] == [
        UserText("h"),
        UserText("i"),
        UserText("", final=True),
        UserLeft("bye"),
    ]


async def test_the_end_of_input_is_not_leaving() -> None:
    link = MemoryLink()
    await link.push(UserText("hi", True))
    link.end()
    assert [event async for event in link.events()] == [UserText("hi", True)]


async def test_nothing_follows_the_end() -> None:
    link = MemoryLink()
    await link.push(UserLeft())
    with pytest.raises(UsageError):
        await link.push(UserText("wait"))


async def test_pushing_waits_for_a_session_that_is_behind() -> None:
    link = MemoryLink(ahead=2)
    with anyio.move_on_after(0.05) as waiting:
        await link.type("hello")
    assert waiting.cancelled_caught
    link.end()
    assert [event async for event in link.events()] == [UserText("h"), UserText("e")]


async def test_what_came_out_is_kept_and_told() -> None:
    link = MemoryLink()
    parts = [Emit(1, "It is ", 1), Emit(2, "nine.", 1, ends=True), Emit(3, "a card", style="card"), Emit(4, "And", 2)]
    for part in parts:
        await link.emit(part)
    await link.stop(StopSpeaking("the person began"))
    assert list(link.output) == [*parts, StopSpeaking("the person began")]
    assert link.said == "It is nine.\na card\nAnd --\n"


async def test_waiting_until_something_was_heard() -> None:
    link = MemoryLink()

    async def speak() -> None:
        await link.emit(Emit(1, "It is ", 1))
        await link.emit(Emit(2, "nine.", 1, ends=True))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(speak)
        await link.heard("is nine")


async def test_what_was_never_heard_is_told_with_what_was() -> None:
    link = MemoryLink()
    await link.emit(Emit(1, "It is ten.", 1, ends=True))
    with pytest.raises(TimeoutError, match=r"nine.*It is ten"):
        await link.heard("nine", within_s=0.05)


async def test_memory_is_bounded() -> None:
    link = MemoryLink(keep=3)
    for number in range(10):
        await link.emit(Emit(number, str(number), number, ends=True))
        link.record(START, number, Emit(number, str(number)))
    assert link.said == "7\n8\n9\n"
    assert len(link.records) == 3
