"""Whether a coroutine waits is noticed, and nothing else about it changes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
import anyio.lowlevel
import pytest

from background.waiting import Watched

pytestmark = pytest.mark.anyio

T = TypeVar("T")


def watched(inner: Callable[[], Awaitable[T]], noticed: list[str]) -> Watched[T]:
    return Watched(inner(), lambda: noticed.append("waits"))


async def test_what_goes_through_in_one_go_is_not_noticed() -> None:
    async def straight() -> str:
        return "there"

    async def failing() -> str:
        raise KeyError("there")

    noticed: list[str] = []
    assert await watched(straight, noticed) == "there"
    with pytest.raises(KeyError):
        await watched(failing, noticed)
    assert noticed == []


async def test_what_waits_is_noticed_once_and_before_it_goes_on() -> None:
    noticed: list[str] = []

    async def waiting() -> str:
        noticed.append("begins")
        await anyio.lowlevel.checkpoint()
        noticed.append("goes on")
        await anyio.lowlevel.checkpoint()
        await anyio.sleep(0.001)
        return "there"

    assert await watched(waiting, noticed) == "there"
    assert noticed == ["begins", "waits", "goes on"]


async def test_what_it_raises_after_waiting_comes_out() -> None:
    async def failing() -> str:
        await anyio.lowlevel.checkpoint()
        raise KeyError("there")

    with pytest.raises(KeyError):
        await watched(failing, [])


async def test_it_is_cancelled_like_any_other() -> None:
    noticed: list[str] = []

    async def waiting() -> str:
        with anyio.move_on_after(0.001):
            await anyio.sleep_forever()
        noticed.append("its own limit")
        scope.cancel()
        try:
            await anyio.sleep_forever()
        finally:
            noticed.append("cleans up")
            with anyio.CancelScope(shield=True):
                await anyio.lowlevel.checkpoint()
            noticed.append("cleaned up")
        return ""

    with anyio.CancelScope() as scope:
        await watched(waiting, noticed)
    assert scope.cancelled_caught
    assert noticed == ["waits", "its own limit", "cleans up", "cleaned up"]


async def test_children_may_be_begun_when_it_waits() -> None:
    go = anyio.Event()

    async def child() -> None:
        go.set()

    async def waiting() -> str:
        await go.wait()
        return "there"

    async with anyio.create_task_group() as group:
        with anyio.fail_after(20):
            assert await Watched(waiting(), lambda: group.start_soon(child)) == "there"
