"""An API on the loopback that a test writes: connections are kept, and what was asked is noted."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.abc
import msgspec
from anyio.streams.tls import TLSListener


class Asked(msgspec.Struct):
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Answering = Callable[[Asked], bytes]
Raw = Callable[[anyio.abc.ByteStream], Awaitable[None]]
"""Says what it will, and the connection ends."""


def says(body: Any = None, status: int = 200, kind: str = "application/json", **headers: str) -> bytes:
    """An answer as bytes. Headers are written with _ for -."""
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    head = {"Content-Type": kind, "Content-Length": str(len(data))}
    head |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items() if value)
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode("latin-1") + data


class ApiHost:
    """Where it listens, and what it was asked."""

    def __init__(self, port: int, scheme: str, answer: Answering | bytes, wild: Raw | None) -> None:
        self.port = port
        self.url = f"{scheme}://127.0.0.1:{port}"
        self.answer = answer
        self.wild = wild
        self.asked: list[Asked] = []
        self.connections = 0
        self.got = anyio.Event()

    async def serve(self, stream: anyio.abc.ByteStream) -> None:
        self.connections += 1
        async with stream:
            kept = b""
            try:
                while True:
                    while b"\r\n\r\n" not in kept:
                        kept += await stream.receive()
                    head, _, kept = kept.partition(b"\r\n\r\n")
                    first, *lines = head.decode("latin-1").split("\r\n")
                    method, target, _ = first.split(" ")
                    pairs = [line.partition(":") for line in lines]
                    headers = {name.lower(): value.strip() for name, _, value in pairs}
                    length = int(headers.get("content-length", "0"))
                    while len(kept) < length:
                        kept += await stream.receive()
                    asked = Asked(method, target, headers, kept[:length])
                    kept = kept[length:]
                    self.asked.append(asked)
                    self.got.set()
                    if self.wild is not None:
                        await self.wild(stream)
                        return
                    await stream.send(self.answer if isinstance(self.answer, bytes) else self.answer(asked))
            except (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream):
                return  # who asked has left


@asynccontextmanager
async def api(
    answer: Answering | bytes = b"", *, wild: Raw | None = None, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[ApiHost]:
    listener: anyio.abc.Listener[anyio.abc.ByteStream]
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    host = ApiHost(int(listener.extra(anyio.abc.SocketAttribute.local_port)), "https" if tls else "http", answer, wild)
    if tls is not None:
        listener = TLSListener(listener, tls, standard_compatible=False)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, host.serve)
        yield host
        tasks.cancel_scope.cancel()
