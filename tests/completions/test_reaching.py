"""Servers that cannot be reached, each in its own way, over real sockets."""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import anyio
import pytest
import trustme
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.tls import TLSStream

from orchestrator.completions.asking import Request, Text
from orchestrator.completions.endpoint import Endpoint, EndpointSettings
from orchestrator.completions.switch import VARIABLE, allowing
from orchestrator.completions.troubles import ModelTrouble

pytestmark = pytest.mark.anyio

HELLO = Request("m", ({"role": "user", "content": "hi"},))


async def trouble(url: str, **settings: float) -> ModelTrouble:
    async with Endpoint(EndpointSettings(base_url=url, api_key="k", **settings)) as endpoint:  # type: ignore[arg-type]
        with allowing(urlsplit(url).port or 80), pytest.raises(ModelTrouble) as caught:
            _ = [piece async for piece in endpoint.stream(HELLO)]
    assert url in caught.value.what
    assert caught.value.todo
    return caught.value


@asynccontextmanager
async def listening(serve: Callable[[SocketStream], Awaitable[None]]) -> AsyncGenerator[int]:
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, serve)
        yield listener.extra(SocketAttribute.local_port)
        group.cancel_scope.cancel()


async def test_nobody_listens() -> None:
    found = await trouble("http://127.0.0.1:9/v1")
    assert (found.cause, found.why) == ("network", "Nothing listens there.")


async def test_a_name_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "nowhere.invalid:80")
    found = await trouble("http://nowhere.invalid/v1")
    assert (found.cause, found.why) == ("network", "Its name cannot be resolved.")


async def test_it_hangs_up() -> None:
    async def hang_up(stream: SocketStream) -> None:
        async with stream:
            await stream.receive()

    async with listening(hang_up) as port:
        found = await trouble(f"http://127.0.0.1:{port}/v1")
    assert found.cause == "network"
    assert "without an answer" in found.why


async def test_it_closes_an_idle_line_as_the_next_request_comes() -> None:
    """As uvicorn does after five seconds. The request was not read: it is sent once more, on a new line."""
    lines: list[int] = []

    async def serve(stream: SocketStream) -> None:
        lines.append(0)
        async with stream:
            while True:
                await stream.receive()
                lines[-1] += 1
                if len(lines) == 1 and lines[-1] == 2:
                    return
                await stream.send(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 52\r\n\r\n"
                    b'{"choices":[{"message":{"content":"It is nine."}}]}\n'
                )

    async with listening(serve) as port:
        settings = EndpointSettings(base_url=f"http://127.0.0.1:{port}/v1", api_key="k")
        async with Endpoint(settings) as endpoint:
            with allowing(port):
                for _ in range(3):
                    assert Text("It is nine.") in [piece async for piece in endpoint.stream(HELLO)]
    assert lines == [2, 2]


async def test_it_speaks_no_http() -> None:
    async def nonsense(stream: SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(b"220 mail.example ESMTP\r\n")

    async with listening(nonsense) as port:
        found = await trouble(f"http://127.0.0.1:{port}/v1")
    assert found.cause == "network"


async def test_it_never_ends_the_handshake() -> None:
    async def silent(stream: SocketStream) -> None:
        async with stream:
            await anyio.sleep_forever()

    async with listening(silent) as port:
        found = await trouble(f"https://127.0.0.1:{port}/v1", connect_s=0.2)
    assert found.cause == "network"
    assert found.why == "It takes the connection, but ends no TLS handshake within 0.2 s."
    assert "http://" in found.todo


async def test_it_speaks_no_tls() -> None:
    async def plain(stream: SocketStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with listening(plain) as port:
        found = await trouble(f"https://127.0.0.1:{port}/v1")
    assert found.cause == "network"
    assert "TLS" in found.why


async def test_its_certificate_is_of_nobody() -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]

    async def secure(stream: SocketStream) -> None:
        async with stream:
            with suppress(ssl.SSLError, anyio.EndOfStream, anyio.BrokenResourceError):
                await TLSStream.wrap(stream, server_side=True, ssl_context=context)

    async with listening(secure) as port:
        found = await trouble(f"https://127.0.0.1:{port}/v1")
    assert found.cause == "network"
    assert "certificate does not hold" in found.why
    assert "SSL_CERT_FILE" in found.todo
