"""The line itself: it passes everything on, and fails in just the way it is told to."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
import anyio.abc
import pytest

from tests.chaos.proxy import Proxy

SOON_S = 20
A_MOMENT_S = 0.1


@asynccontextmanager
async def echoing() -> AsyncGenerator[tuple[Proxy, anyio.abc.SocketStream]]:
    """A server that says everything again, a line to it, and somebody who speaks through the line."""

    async def echo(near: anyio.abc.SocketStream) -> None:
        try:
            async with near:
                async for piece in near:
                    await near.send(piece)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, echo)
        proxy = Proxy(listener.extra(anyio.abc.SocketAttribute.local_port))
        await tasks.start(proxy.serve)
        async with await anyio.connect_tcp("127.0.0.1", proxy.port) as stream:
            await stream.send(b"hello")
            with anyio.fail_after(SOON_S):
                assert await stream.receive() == b"hello"
            yield proxy, stream
        tasks.cancel_scope.cancel()


async def heard(stream: anyio.abc.SocketStream) -> bytes:
    """All that comes until the line is cut."""
    found = b""
    with anyio.fail_after(SOON_S):
        try:
            async for piece in stream:
                found += piece
        except anyio.BrokenResourceError:
            pass
    return found


@pytest.mark.anyio
async def test_a_cut_line_is_reset() -> None:
    async with echoing() as (proxy, stream):
        assert proxy.connections == 1
        assert proxy.cut() == 1
        assert await heard(stream) == b""


@pytest.mark.anyio
async def test_a_reply_is_torn_in_the_middle() -> None:
    async with echoing() as (proxy, stream):
        proxy.tear(4)
        await stream.send(b"good morning")
        assert await heard(stream) == b"good"


@pytest.mark.anyio
async def test_a_line_that_hangs_loses_nothing() -> None:
    async with echoing() as (proxy, stream):
        proxy.hang()
        await stream.send(b"good morning")
        with anyio.move_on_after(A_MOMENT_S) as waited:
            await stream.receive()
        assert waited.cancelled_caught
        proxy.release()
        with anyio.fail_after(SOON_S):
            assert await stream.receive() == b"good morning"


@pytest.mark.anyio
async def test_half_of_a_line_may_be_gone() -> None:
    """What is swallowed never comes; when the line is healed it is cut, as a real one would be in the end."""
    async with echoing() as (proxy, stream):
        proxy.swallow(4)
        await stream.send(b"good morning")
        with anyio.fail_after(SOON_S):
            assert await stream.receive() == b"good"
        with anyio.move_on_after(A_MOMENT_S) as waited:
            await stream.receive()
        assert waited.cancelled_caught
        proxy.heal()
        assert await heard(stream) == b""


@pytest.mark.anyio
async def test_a_closed_door_turns_away_who_comes_anew() -> None:
    async with echoing() as (proxy, stream):
        proxy.closed = True
        async with await anyio.connect_tcp("127.0.0.1", proxy.port) as other:
            assert await heard(other) == b""
        await stream.send(b"still here")
        with anyio.fail_after(SOON_S):
            assert await stream.receive() == b"still here"
