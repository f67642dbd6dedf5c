"""The real client against a real server on loopback."""

from __future__ import annotations

import gc
from contextlib import aclosing
from typing import Any

import anyio
import pytest
from anyio.abc import SocketStream
from msgspec.structs import replace

from orchestrator.completions.asking import CallDone, Completion, Completions, Done, FunctionCall, Piece, Request, Text
from orchestrator.completions.endpoint import PROFILE_VARIABLE, Endpoint, EndpointSettings
from orchestrator.completions.endpoint_settings import KEY_VARIABLES
from orchestrator.completions.profile import PROFILES, Profile
from orchestrator.completions.switch import VARIABLE
from orchestrator.completions.troubles import Cause, ModelTrouble
from orchestrator.errors import ConfigError
from orchestrator.testing.model_server import Hang, ModelServer, Raw, Refuse, Reply

pytestmark = pytest.mark.anyio

HELLO = Request("m", ({"role": "user", "content": "hi"},))
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
}
LOOK = FunctionCall("c1", "look", {"at": "it"})
MANY = Request(
    "m",
    (
        {"role": "system", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "user", "content": "c"},
        {"role": "system", "content": "d"},
    ),
    tools=(TOOL,),
    tool_choice="auto",
    parallel_calls=True,
    max_tokens=50,
    reasoning_effort="low",
    response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}},
)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in {"OPENAI_BASE_URL", PROFILE_VARIABLE, *KEY_VARIABLES.values()}:
        monkeypatch.delenv(name, raising=False)


def to(server: ModelServer, **more: Any) -> Endpoint:
    return Endpoint(EndpointSettings(base_url=server.base_url, **more))


async def answer(endpoint: Completions, request: Request = HELLO) -> Completion:
    pieces = [piece async for piece in endpoint.stream(request)]
    done = pieces[-1]
    assert isinstance(done, Done)
    assert not any(isinstance(piece, Done) for piece in pieces[:-1])
    assert "".join(piece.text for piece in pieces if isinstance(piece, Text)) == done.completion.text
    return done.completion


async def trouble(endpoint: Endpoint, request: Request = HELLO) -> tuple[ModelTrouble, list[Piece]]:
    pieces: list[Piece] = []
    with pytest.raises(ModelTrouble) as caught:
        async for piece in endpoint.stream(request):
            pieces.append(piece)  # noqa: PERF401
    return caught.value, pieces


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", ["openai", "vllm", "llamacpp", "ollama", "gemini", "anthropic", "deepseek"])
async def test_a_stream_of_any_shape_becomes_the_same_pieces(shape: Any) -> None:
    async with ModelServer(shape=shape) as server, to(server) as endpoint:
        server.script("m", [Reply("Hello there, you.", (LOOK,))])
        got = await answer(endpoint, replace(HELLO, tools=(TOOL,)))
        server.assert_complete()
    assert got.text == "Hello there, you."
    assert [(call.name, call.arguments) for call in got.calls] == [("look", {"at": "it"})]


async def test_an_answer_that_is_not_streamed_gives_the_same_pieces() -> None:
    async with ModelServer() as server, to(server, profile=Profile(streams_calls=False)) as endpoint:
        server.script("m", [Reply("Hello.", (LOOK,)), "Again."])
        pieces = [piece async for piece in endpoint.stream(replace(HELLO, tools=(TOOL,)))]
        await answer(endpoint)
        assert [bool(asked.body.get("stream")) for asked in server.requests] == [False, True]
    assert Text("Hello.") in pieces
    assert [piece.call.name for piece in pieces if isinstance(piece, CallDone)] == ["look"]


class Counting(ModelServer):
    """Counts its connections."""

    def __init__(self) -> None:
        super().__init__()
        self.connections: int = 0
        self.open: int = 0

    async def _connection(self, stream: SocketStream) -> None:
        self.connections += 1
        self.open += 1
        try:
            await super()._connection(stream)
        finally:
            self.open -= 1


async def test_a_connection_is_used_again() -> None:
    server = Counting()
    async with server, to(server, profile="openai") as endpoint:
        server.script("m", ["One.", "Two.", "Three."])
        for _ in range(3):
            await answer(endpoint)
        assert server.connections == 1


async def test_a_stream_that_stops_without_done_is_whole_if_the_model_said_why() -> None:
    chunk = '{"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}'
    async with ModelServer() as server, to(server) as endpoint:
        server.script("m", [Raw(lines=(chunk,)), Raw(lines=(chunk,), then="cut"), Raw(lines=(chunk,), then="reset")])
        for _ in range(3):
            assert (await answer(endpoint)).text == "Hi"


async def test_a_server_that_does_not_close_after_the_end_is_not_waited_for_long() -> None:
    chunk = '{"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}]}'
    async with ModelServer() as server, to(server) as endpoint:
        server.script("m", [Raw(lines=(chunk,), then="hang"), Raw(lines=(chunk, "[DONE]"), then="hang")])
        with anyio.fail_after(4):
            assert (await answer(endpoint)).text == "Hi"
            assert (await answer(endpoint)).text == "Hi"


async def test_an_answer_in_plain_json_to_a_request_for_a_stream_is_read() -> None:
    body = b'{"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}]}'
    async with ModelServer() as server, to(server) as endpoint:
        server.script("m", [Raw(chunks=(body,), headers={"content-type": "application/json"})])
        assert (await answer(endpoint)).text == "Hi"


async def test_empty_lines_are_not_missed() -> None:
    lines = b"".join(
        b'data: {"choices": [{"index": 0, "delta": {"content": "%d "}, "finish_reason": null}]}\n' % number
        for number in range(3)
    )
    end = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
    async with ModelServer() as server, to(server) as endpoint:
        server.script("m", [Raw(chunks=(lines, b"\n", end))])
        assert (await answer(endpoint)).text == "0 1 2 "


async def test_the_key_and_headers_are_sent_and_a_placeholder_where_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with ModelServer(key="hunter2") as server:
        server.script("m", ["Hi."])
        async with to(server, api_key="hunter2", headers={"x-mine": "1"}) as endpoint:
            await answer(endpoint)
        assert server.requests[0].headers["x-mine"] == "1"
        async with to(server) as endpoint:
            assert (await trouble(endpoint))[0].cause == "key"
        monkeypatch.setenv("OPENAI_API_KEY", "hunter2")
        server.script("m", ["Hi."])
        async with to(server) as endpoint:
            await answer(endpoint)
    monkeypatch.delenv("OPENAI_API_KEY")
    async with ModelServer(key="none") as server, to(server) as endpoint:
        server.script("m", ["Hi."])
        await answer(endpoint)


# --- closing ----------------------------------------------------------------------------------------------------------


async def test_closing_the_iterator_closes_the_connection_at_once() -> None:
    async with ModelServer() as server, to(server) as endpoint:
        server.script("m", [Reply("one two three four five six", between_ms=50), "Hi."])
        async with aclosing(endpoint.stream(HELLO)) as pieces:
            async for piece in pieces:
                assert piece == Text("one")
                break
        await server.until(lambda: server.requests[0].closed_at is not None, within_s=1)
        assert server.requests[0].sent < 5
        assert (await answer(endpoint)).text == "Hi."


async def test_an_iterator_that_is_forgotten_is_closed_too() -> None:
    async with ModelServer() as server, to(server, profile="openai") as endpoint:
        server.script("m", [Reply("one two three four five six", between_ms=100)])
        async for _ in endpoint.stream(HELLO):
            break
        gc.collect()
        await server.until(lambda: server.requests[0].closed_at is not None, within_s=1)


@pytest.mark.parametrize("after_s", [0.0, 0.002, 0.01, 0.05, 0.12, 0.2])
async def test_cancelling_at_any_moment_closes_the_connection(after_s: float) -> None:
    server = Counting()
    async with server, to(server, profile="openai") as endpoint:
        server.script("m", [Reply("one two three four five six", first_ms=50, between_ms=50), "Hi."])
        with anyio.move_on_after(after_s):
            await answer(endpoint)
        await server.until(lambda: server.open == 0, within_s=1)
        if not server.requests:
            await answer(endpoint)
        assert (await answer(endpoint)).text == "Hi."
        assert server.open == 1


async def test_leaving_the_endpoint_closes_what_is_under_way() -> None:
    async with ModelServer() as server:
        server.script("m", [Reply("one two three", first_ms=5_000)])
        async with anyio.create_task_group() as group, to(server) as endpoint:
            group.start_soon(trouble, endpoint)
            await server.until(lambda: len(server.requests) == 1)
            group.cancel_scope.cancel()
        await server.until(lambda: server.requests[0].closed_at is not None, within_s=1)


async def test_what_is_raised_within_comes_out_as_it_is() -> None:
    async with ModelServer() as server:
        server.script("m", ["Hi."])
        with pytest.raises(ZeroDivisionError):
            async with to(server) as endpoint:
                await answer(endpoint)
                raise ZeroDivisionError


async def test_outside_of_its_block_it_cannot_be_asked() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await answer(Endpoint())


# --- troubles ---------------------------------------------------------------------------------------------------------

BEGUN = '{"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": null}]}'


FILTERED = '{"choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter"}]}'
SHORT: dict[str, Any] = {"headers": {"content-type": "application/json"}}
TROUBLES: dict[str, tuple[Any, Cause]] = {
    "429": (Refuse.rate_limit(1.5), "rate limit"),
    "no quota": (Refuse.quota(), "quota"),
    "401": (Refuse.key(), "key"),
    "404": (Refuse.no_model("m"), "model name"),
    "too long": (Refuse.too_long(), "too long"),
    "503": (Refuse.busy(), "busy"),
    "500": (Refuse.broken(), "server"),
    "400": (Refuse(400, "no"), "bad request"),
    "cut": (Raw(lines=(BEGUN,), then="cut"), "cut off"),
    "reset": (Raw(lines=(BEGUN,), then="reset"), "cut off"),
    "ends in the middle": (Raw(lines=(BEGUN,)), "cut off"),
    "ends at once": (Raw(lines=()), "cut off"),
    "hangs in the middle": (Raw(lines=(BEGUN,), then="hang"), "stalled"),
    "hangs after the head": (Raw(lines=(), then="hang"), "stalled"),
    "hangs": (Hang(), "stalled"),
    "error": (Raw(lines=(BEGUN, '{"error": {"message": "boom", "type": "server_error"}}')), "server"),
    "error 429": (Raw(lines=(BEGUN, '{"error": {"message": "slow down", "code": 429}}')), "rate limit"),
    "error in a list": (Raw(lines=(BEGUN, '[{"error": {"message": "Overloaded", "code": 503}}]')), "busy"),
    "error by name": (Raw(chunks=(b'event: error\ndata: {"message": "boom"}\n\n',)), "server"),
    "error in words": (Raw(chunks=(b"event: error\ndata: boom\n\n",)), "server"),
    "error without data": (Raw(chunks=(b'data: {"choices": []}\n\n{"error": "boom"}\n',)), "server"),
    "nonsense": (Raw(lines=(BEGUN, "nonsense")), "server"),
    "filter": (Raw(lines=(BEGUN, FILTERED)), "refused"),
    "empty object": (Raw(chunks=(b"{}",), **SHORT), "server"),
    "error as an answer": (Raw(chunks=(b'{"error": "boom"}',), **SHORT), "server"),
    "a page": (Raw(chunks=(b"<html>hello</html>",), headers={"content-type": "text/html"}), "cut off"),
}


@pytest.mark.parametrize(("reply", "cause"), TROUBLES.values(), ids=TROUBLES)
async def test_every_trouble_has_its_cause(reply: Any, cause: Cause) -> None:
    async with ModelServer() as server, to(server, first_s=0.3, idle_s=0.3) as endpoint:
        server.script("m", [reply, "Hi."])
        found, pieces = await trouble(endpoint)
        assert found.cause == cause, found
        if BEGUN in getattr(reply, "lines", ()):
            assert pieces == [Text("Hi")]
        assert (await answer(endpoint)).text == "Hi."
    if cause == "rate limit" and isinstance(reply, Refuse):
        assert found.retry_after_s == 1.5
        assert found.status == 429


async def test_a_wrong_name_is_told_with_the_right_ones() -> None:
    async with ModelServer(models=("qwen3-8b", "gemma-3", "phi")) as server, to(server) as endpoint:
        found, _ = await trouble(endpoint, replace(HELLO, model="qwen3"))
    assert found.cause == "model name"
    assert "'qwen3'" in found.what
    assert found.why == "It has qwen3-8b and 2 more."
    assert "qwen3-8b" in found.todo


async def test_without_a_key_openai_is_not_even_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "api.openai.com:443")
    async with Endpoint() as endpoint:
        found, _ = await trouble(endpoint)
    assert found.cause == "key"
    assert "OPENAI_API_KEY" in found.todo


async def test_a_key_that_cannot_be_one() -> None:
    async with ModelServer() as server:
        for key in ("schlüssel", "a\nb"):
            async with to(server, api_key=key) as endpoint:
                found, _ = await trouble(endpoint)
            assert found.cause in ("key", "bad request")
            assert key not in str(found)


# --- profiles ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refusal", "learned"),
    [
        ("mid_system", {"mid_system": False}),
        ("same_role_twice", {"mid_system": False, "same_role_twice": False}),
        ("tools", {"calls": False}),
        ("stream_options", {"usage_in_stream": False}),
        ("max_completion_tokens", {"limit_field": "max_tokens"}),
        ("parallel_tool_calls", {"parallel_field": False}),
        ("reasoning_effort", {"reasoning_effort": False}),
        ("response_format", {"structured": "prompt"}),
        ("tool_choice", {"tool_choice": False}),
    ],
)
async def test_what_a_server_refuses_is_learned_once(refusal: Any, learned: dict[str, Any]) -> None:
    async with ModelServer(refuses=(refusal,)) as server, to(server, profile="openai") as endpoint:
        server.script("m", ["One.", "Two."])
        await answer(endpoint, MANY)
        tries = len(server.requests)
        assert tries == (3 if refusal == "response_format" else 2)
        await answer(endpoint, MANY)
        assert len(server.requests) == tries + 1
        assert endpoint.profile == replace(PROFILES["openai"], **learned)
        assert endpoint.profile_of("another") == PROFILES["openai"]
        server.assert_complete()


async def test_several_things_are_learned_at_once() -> None:
    refuses: Any = ("stream_options", "max_tokens", "tool_choice")
    async with ModelServer(refuses=refuses) as server, to(server) as endpoint:
        server.script("m", ["One."])
        await answer(endpoint, MANY)
        assert len(server.requests) == 4


async def test_a_profile_that_was_given_is_not_mended() -> None:
    async with ModelServer(refuses=("stream_options",)) as server, to(server, profile=PROFILES["vllm"]) as endpoint:
        found, _ = await trouble(endpoint)
        assert found.cause == "bad request"
        assert "stream_options" in found.why
        assert endpoint.profile == PROFILES["vllm"]
        assert len(server.requests) == 1


async def test_the_profile_can_be_named_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROFILE_VARIABLE, "ollama")
    assert Endpoint().profile == PROFILES["ollama"]
    assert Endpoint(EndpointSettings(profile="vllm")).profile == PROFILES["vllm"]
    monkeypatch.setenv(PROFILE_VARIABLE, "olama")
    with pytest.raises(ConfigError, match="did you mean 'ollama'"):
        Endpoint()


@pytest.mark.parametrize(("shape", "name"), [("vllm", "vllm"), ("llamacpp", "llama.cpp"), ("ollama", "ollama")])
async def test_what_the_server_is_comes_out_while_the_way_to_it_is_made_ready(shape: Any, name: str) -> None:
    async with ModelServer(models=("m",), shape=shape) as server, to(server) as endpoint:
        assert endpoint.profile == PROFILES["unknown"]
        await endpoint.warm("m")
        assert endpoint.profile.name == name


async def test_one_task_may_open_it_and_another_close_it() -> None:
    """The sessions of a voice share one: the first opens it, and the last may be any of them."""
    async with ModelServer(models=("m",)) as server:
        server.script("m", ["One."])
        endpoint = Endpoint(EndpointSettings(base_url=server.base_url))
        async with anyio.create_task_group() as tasks:
            await endpoint.__aenter__()
            await answer(endpoint)
            tasks.start_soon(endpoint.__aexit__, None, None, None)


async def test_the_models_are_listed() -> None:
    async with ModelServer(models=("a", "b"), shape="vllm") as server, to(server) as endpoint:
        assert [card.id for card in await endpoint.models()] == ["a", "b"]
