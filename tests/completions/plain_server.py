"""The smallest HTTP server there is: each connection is handed to a script, which says what goes back byte by byte."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import anyio
from anyio.abc import SocketAttribute, SocketStream

__all__ = ["PlainServer", "Script", "sse", "sse_head"]


class Asked:
    """One request as it came."""

    def __init__(self, line: str, headers: Mapping[str, str], body: Any, connection: int) -> None:
        self.line: str = line
        self.headers: Mapping[str, str] = headers
        self.body: Any = body
        self.connection: int = connection


Script: TypeAlias = Callable[[SocketStream, Asked], Awaitable[None]]


class PlainServer:
    """Answers each request with the next script; the last one for all that follow."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = list(scripts)
        self.asked: list[Asked] = []
        self.gone = anyio.Event()
        """Set when a client has left."""
        self.url = ""
        self._connections = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[PlainServer]:
        """Listen on a free port."""
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
        async with listener, anyio.create_task_group() as group:
            port = listener.extra(SocketAttribute.local_port)
            self.url = f"http://127.0.0.1:{port}/v1"
            group.start_soon(listener.serve, self._serve)
            yield self
            group.cancel_scope.cancel()

    async def _serve(self, stream: SocketStream) -> None:
        self._connections += 1
        number = self._connections
        async with stream:
            try:
                buffer = b""
                while True:
                    while b"\r\n\r\n" not in buffer:
                        buffer += await stream.receive()
                    head, _, buffer = buffer.partition(b"\r\n\r\n")
                    line, *fields = head.decode().split("\r\n")
                    headers = {name.lower(): value.strip() for name, _, value in (f.partition(":") for f in fields)}
                    length = int(headers.get("content-length", 0))
                    while len(buffer) < length:
                        buffer += await stream.receive()
                    raw, buffer = buffer[:length], buffer[length:]
                    asked = Asked(line, headers, json.loads(raw) if raw else None, number)
                    self.asked.append(asked)
                    script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
                    await script(stream, asked)
            except (anyio.EndOfStream, anyio.BrokenResourceError):
                self.gone.set()


def reply(status: int, body: object, **headers: str) -> Script:
    """A whole answer."""

    async def script(stream: SocketStream, asked: Asked) -> None:
        raw = (body if isinstance(body, str) else json.dumps(body)).encode()
        fields = {"content-type": "application/json", "content-length": str(len(raw)), **headers}
        head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
        await stream.send(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + raw)

    return script


sse_head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def framed(data: bytes) -> bytes:
    """One chunk of HTTP/1.1."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def chunk(text: str = "", *, finish: str | None = None, **fields: Any) -> bytes:
    """One event of a stream that says `text`."""
    delta = {"content": text} if text else {}
    body = {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **fields}
    return f"data: {json.dumps(body)}\n\n".encode()


def sse(*parts: bytes | float, done: bool = True, end: bool = True) -> Script:
    """A stream of `parts`; numbers are seconds to wait."""

    async def script(stream: SocketStream, asked: Asked) -> None:
        await stream.send(sse_head)
        for part in (*parts, b"data: [DONE]\n\n") if done else parts:
            if isinstance(part, bytes):
                await stream.send(framed(part))
            else:
                await anyio.sleep(part)
        if end:
            await stream.send(b"0\r\n\r\n")
        else:
            raise anyio.EndOfStream

    return script
