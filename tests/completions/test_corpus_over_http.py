"""The corpus once more, through the real client: bytes on a socket, cut anywhere."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.completions.asking import Done, Piece, Request, Text
from orchestrator.completions.endpoint import Endpoint, EndpointSettings
from orchestrator.completions.profile import Profile
from orchestrator.completions.troubles import ModelTrouble
from orchestrator.testing import ModelServer, Raw
from tests.completions.streams import Stream, completion_of, corpus

# An endpoint does not know yet of templates that begin within the thoughts.
STREAMS = {stream.name: stream for stream in corpus() if not stream.expected.thinks_first}
# Whether a stream without a finish reason and without [DONE] is whole, nobody can know.
CUT_OFF = {"no_finish_crlf_no_done"}


def to(server: ModelServer) -> Endpoint:
    return Endpoint(EndpointSettings(base_url=server.base_url, profile=Profile()))


def request(stream: Stream) -> Request:
    tools: list[dict[str, Any]] = [
        {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
        for name in stream.expected.functions
    ]
    return Request("m", ({"role": "user", "content": "hi"},), tuple(tools))


async def asked(endpoint: Endpoint, stream: Stream, pieces: list[Piece]) -> None:
    async for piece in endpoint.stream(request(stream)):
        pieces.append(piece)  # noqa: PERF401 (what came before a trouble counts)


def said(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Text))


async def check(endpoint: Endpoint, stream: Stream) -> None:
    pieces: list[Piece] = []
    if stream.expected.trouble or stream.name in CUT_OFF:
        with pytest.raises(ModelTrouble):
            await asked(endpoint, stream, pieces)
        assert not any(isinstance(piece, Done) for piece in pieces)
        assert said(pieces) == stream.expected.text
    else:
        await asked(endpoint, stream, pieces)
        stream.expected.check(completion_of(pieces))


@pytest.mark.anyio
@pytest.mark.parametrize("size", [17, 1_000_000])
async def test_the_client_hears_what_the_server_said(size: int) -> None:
    """One endpoint for all, so that a stream that went wrong is also shown to leave the next one alone."""
    async with ModelServer() as server, to(server) as endpoint:
        for stream in STREAMS.values():
            server.script("m", [Raw([stream.body[at : at + size] for at in range(0, len(stream.body), size)])])
            try:
                await check(endpoint, stream)
            except (AssertionError, ModelTrouble) as error:
                error.add_note(f"the stream is {stream.name}")
                raise
        server.assert_complete()


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["anthropic_text_then_call", "openai_parallel_calls", "vllm_reasoning_and_call"])
async def test_a_stream_that_breaks_anywhere_is_trouble(name: str) -> None:
    """Whatever the place, what was said before is heard, and it never passes for a whole answer."""
    stream = STREAMS[name]
    lines = stream.body.split(b"\n\n")
    last = next(place for place, line in enumerate(lines) if b'"finish_reason": "' in line)
    async with ModelServer() as server, to(server) as endpoint:
        for end in range(1, last):
            pieces: list[Piece] = []
            server.script("m", [Raw([b"\n\n".join(lines[:end]) + b"\n\n" + lines[end][:30]], then="cut")])
            with pytest.raises(ModelTrouble) as caught:
                await asked(endpoint, stream, pieces)
            assert caught.value.transient
            assert stream.expected.text.startswith(said(pieces))
