"""The real client against a real server on loopback."""

from __future__ import annotations

import pytest
from tests.completions.plain_server import PlainServer, chunk, sse

from orchestrator.completions.asking import Done, Piece, Request, Text
from orchestrator.completions.endpoint import Endpoint, EndpointSettings

pytestmark = pytest.mark.anyio

HELLO = Request("m", ({"role": "user", "content": "hi"},))


async def answer(endpoint: Endpoint, request: Request = HELLO) -> list[Piece]:
    return [piece async for piece in endpoint.stream(request)]


async def test_a_stream_becomes_pieces() -> None:
    async with PlainServer(sse(chunk("Hel"), chunk("lo"), chunk(finish="stop"))).running() as server:
        async with Endpoint(EndpointSettings(base_url=server.url)) as endpoint:
            pieces = await answer(endpoint)
    assert pieces[:2] == [Text("Hel"), Text("lo")]
    assert isinstance(pieces[-1], Done)
    assert pieces[-1].completion.text == "Hello"
