"""A host on the loopback that plays websites, the wicked ones included: raw bytes over real sockets."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address

import anyio
import anyio.abc
from anyio.streams.tls import TLSListener

from tools.fetch_address import IPAddress
from tools.fetch_download import Downloader, FetchLimits

Serve = Callable[[anyio.abc.ByteStream, str], Awaitable[None]]
"""Answers one request: gets the connection and the head of the request."""


def page(
    body: bytes | str, *, kind: str = "text/html", status: str = "200 OK", headers: Mapping[str, str] | None = None
) -> bytes:
    """An answer as bytes."""
    data = body.encode() if isinstance(body, str) else body
    head = {"Content-Type": kind, "Content-Length": str(len(data)), **(headers or {})}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items() if value)
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + data


def moved(to: str, status: str = "302 Found") -> bytes:
    return page("", status=status, headers={"Location": to})


class Host:
    """Where it listens, and what it was asked."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.heads: list[str] = []
        self.pages: dict[str, bytes | Serve] = {}

    async def answer(self, stream: anyio.abc.ByteStream) -> None:
        async with stream:
            try:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += await stream.receive()
                text = head.decode("latin-1")
                self.heads.append(text)
                path = text.split(" ")[1].partition("?")[0]
                what = self.pages.get(path, page("no", status="404 Not Found"))
                await (stream.send(what) if isinstance(what, bytes) else what(stream, text))
            except (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream):
                return  # who asked has left


@asynccontextmanager
async def hosting(pages: Mapping[str, bytes | Serve], tls: ssl.SSLContext | None = None) -> AsyncGenerator[Host]:
    listener: anyio.abc.Listener[anyio.abc.ByteStream]
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = int(listener.extra(anyio.abc.SocketAttribute.local_port))
    host = Host(port)
    host.pages.update(pages)
    if tls is not None:
        listener = TLSListener(listener, tls, standard_compatible=False)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, host.answer)
        yield host
        tasks.cancel_scope.cancel()


class Names:
    """A resolver with the answers that a test gives it: one after the other, and the last for ever."""

    def __init__(self, **answers: Sequence[Sequence[str]] | str) -> None:
        self._answers = {
            name.replace("_", "."): [[given]] if isinstance(given, str) else [list(each) for each in given]
            for name, given in answers.items()
        }
        self.asked: list[str] = []

    async def addresses(self, host: str, port: int) -> Sequence[IPAddress]:
        self.asked.append(host)
        left = self._answers[host]
        return [ip_address(text) for text in (left.pop(0) if len(left) > 1 else left[0])]


def downloader(host: Host, names: Names | None = None, **limits: float) -> Downloader:
    """As in production, but that this one port of the loopback may be asked."""
    return Downloader(
        allow=[f"127.0.0.1:{host.port}"],
        resolver=names or Names(page_example="127.0.0.1"),
        limits=FetchLimits(**limits) if limits else None,  # type: ignore[arg-type]
    )


def at(host: Host, path: str = "/") -> str:
    return f"http://page.example:{host.port}{path}"
