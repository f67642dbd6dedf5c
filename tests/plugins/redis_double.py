"""Something that speaks like a Redis and says what a test wants to hear, as a real one does on its worst days."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias, cast

import anyio
import anyio.abc
import hiredis

Answer: TypeAlias = Callable[[Sequence[bytes]], bytes]
"""The reply to a command, as it goes over the wire."""


@asynccontextmanager
async def redis_double(answer: Answer) -> AsyncGenerator[int, None]:
    """Listens on the port that it yields. It greets by itself; to all else it says what `answer` makes of it."""

    async def serve(stream: anyio.abc.SocketStream) -> None:
        reader: Any = cast(Any, hiredis).Reader()
        async with stream:
            while True:
                try:
                    reader.feed(await stream.receive())
                except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                    return
                while (command := reader.gets()) is not False:
                    await stream.send(_greeting(command) or answer(command))

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        port: int = listener.extra(anyio.abc.SocketAttribute.local_port)
        yield port
        tasks.cancel_scope.cancel()


def _greeting(command: Sequence[bytes]) -> bytes:
    match [part.upper() for part in command[:2]]:
        case [b"HELLO", *_]:
            return b"%1\r\n$5\r\nproto\r\n:3\r\n"
        case [b"CLIENT", b"SETNAME"]:
            return b"+OK\r\n"
        case [b"CLIENT", b"ID"]:
            return b":7\r\n"
        case _:
            return b""
