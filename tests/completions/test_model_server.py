"""The model server, asked by the real client."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import msgspec
import openai
import pytest
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

from orchestrator.completions.asking import FunctionCall, Usage
from orchestrator.testing import Hang, ModelServer, Raw, Refuse, Reply, When
from orchestrator.testing.model_book import common_prefix

TOOL: Any = {"type": "function", "function": {"name": "trains", "parameters": {"type": "object", "properties": {}}}}


def client(server: ModelServer, key: str = "none") -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=server.base_url, api_key=key, max_retries=0)


def said(*texts: str) -> list[ChatCompletionMessageParam]:
    return [{"role": "user", "content": text} for text in texts]


async def ask(server: ModelServer, *texts: str, model: str = "voice", **more: Any) -> list[ChatCompletionChunk]:
    async with client(server) as door:
        stream = await door.chat.completions.create(model=model, messages=said(*texts), stream=True, **more)
        return [chunk async for chunk in stream]


def text_of(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


@pytest.mark.anyio
async def test_requests_are_told_as_they_end() -> None:
    async with ModelServer() as server:
        server.script("voice", ["One.", "Two."])
        told: list[int] = []
        await ask(server, "hi")
        async with anyio.create_task_group() as group:
            group.start_soon(ask, server, "again")
            with anyio.fail_after(5):
                async for asked in server.ended():
                    assert asked.over
                    told.append(asked.number)
                    if len(told) == 2:
                        break
        assert told == [0, 1]


@pytest.mark.anyio
async def test_it_streams_and_remembers() -> None:
    async with ModelServer() as server:
        server.script("voice", ["Hello there.", Reply("One more.", chunk_chars=2)])
        first = await ask(server, "hi", stream_options={"include_usage": True})
        assert text_of(first) == "Hello there."
        assert [chunk.choices[0].finish_reason for chunk in first if chunk.choices][-1] == "stop"
        assert first[-1].choices == [] and first[-1].usage is not None and first[-1].usage.prompt_tokens > 0
        assert text_of(await ask(server, "hi", "again")) == "One more."
        server.assert_complete()
        one, two = server.requests
        assert (one.model, one.messages) == ("voice", [{"role": "user", "content": "hi"}])
        assert one.closed_at is None and one.first_at is not None and one.ended_at is not None
        assert one.at <= one.first_at <= one.ended_at <= two.at


@pytest.mark.anyio
@pytest.mark.parametrize("shape", ["openai", "vllm", "llamacpp", "ollama", "gemini", "anthropic", "deepseek"])
async def test_every_shape_carries_the_same_reply(shape: Any) -> None:
    calls = (FunctionCall("", "trains", {"to": "Lyon"}), FunctionCall("", "trains", {"to": "Köln"}))
    async with ModelServer(shape=shape) as server:
        server.script("", [Reply("I look.", calls, "They want trains.")] * 2)
        chunks = await ask(server, "hi", tools=[TOOL])
        assert text_of(chunks) == "I look."
        deltas = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or () if chunk.choices]
        raw = "".join(call.function.arguments or "" for call in deltas if call.function)
        assert raw == '{"to": "Lyon"}{"to": "Köln"}'
        assert [call.function.name for call in deltas if call.function and call.function.name] == ["trains", "trains"]
        assert len({call.id for call in deltas if call.id}) == 2
        async with client(server) as door:
            whole = await door.chat.completions.create(model="any", messages=said("hi"), tools=[TOOL])
        message = whole.choices[0].message
        assert message.content == "I look." and message.tool_calls is not None and len(message.tool_calls) == 2


@pytest.mark.anyio
async def test_rules_answer_in_whatever_order_they_are_asked() -> None:
    def second(body: Mapping[str, Any]) -> str | None:
        return "two messages" if len(body["messages"]) == 2 else None

    async with ModelServer(
        When("Paris it is.", model="voice", contains="paris"),
        When(["tool first", "then this"], offers="trains"),
        When(second),
        When("once", contains="once", times=1),
    ) as server:
        server.script("", ["from the script"])
        assert text_of(await ask(server, "to PARIS please")) == "Paris it is."
        assert text_of(await ask(server, "x", tools=[TOOL])) == "tool first"
        assert text_of(await ask(server, "x", "y")) == "two messages"
        assert text_of(await ask(server, "x", tools=[TOOL])) == "then this"
        assert text_of(await ask(server, "x", tools=[TOOL])) == "then this"
        with pytest.raises(AssertionError, match="1 answers of any model"):
            server.assert_complete()
        assert text_of(await ask(server, "once")) == "once"
        assert text_of(await ask(server, "once")) == "from the script"
        server.assert_complete()
        assert len(server.asked(contains="once")) == 2 and len(server.asked("other")) == 0


@pytest.mark.anyio
async def test_it_notices_that_the_client_closes_the_request() -> None:
    async with ModelServer() as server, client(server) as door:
        server.script("voice", [Reply("a b c d e f g h", between_ms=50), Hang(), "after it"])
        stream = await door.chat.completions.create(model="voice", messages=said("hi"), stream=True)
        async for chunk in stream:
            if chunk.choices[0].delta.content == "a":
                break
        closed = time.monotonic()
        await stream.close()
        await server.until(lambda: server.requests[0].over)
        asked = server.requests[0]
        assert asked.ended_at is None and asked.closed_at is not None and asked.closed_at - closed < 0.2
        assert asked.sent < 9
        with anyio.move_on_after(0.1):
            await door.chat.completions.create(model="voice", messages=said("hi"), stream=True)
        await server.until(lambda: server.requests[1].closed_at is not None)
        assert text_of(await ask(server, "hi")) == "after it"


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("refuse", "error", "code"),
    [
        (Refuse.key(), openai.AuthenticationError, "invalid_api_key"),
        (Refuse.no_model("voice"), openai.NotFoundError, "model_not_found"),
        (Refuse.rate_limit(0.25), openai.RateLimitError, "rate_limit_exceeded"),
        (Refuse.quota(), openai.RateLimitError, "insufficient_quota"),
        (Refuse.too_long(), openai.BadRequestError, "context_length_exceeded"),
        (Refuse.busy(), openai.InternalServerError, "overloaded"),
        (Refuse.broken(), openai.InternalServerError, None),
        (
            Refuse(502, body="<html>Bad Gateway</html>", headers={"content-type": "text/html"}),
            openai.APIStatusError,
            None,
        ),
    ],
)
async def test_it_refuses(refuse: Refuse, error: type[openai.APIStatusError], code: str | None) -> None:
    async with ModelServer() as server:
        server.script("voice", [refuse, "fine"])
        with pytest.raises(error) as caught:
            await ask(server, "hi")
        assert (caught.value.status_code, caught.value.code) == (refuse.status, code)
        for name, value in refuse.headers.items():
            assert caught.value.response.headers[name] == value
        assert text_of(await ask(server, "hi")) == "fine"


@pytest.mark.anyio
@pytest.mark.parametrize("then", ["cut", "reset"])
async def test_it_breaks_off(then: Any) -> None:
    async with ModelServer() as server:
        server.script("voice", [Reply("a b c d", chunks=3, then=then, between_ms=10)])
        got: list[ChatCompletionChunk] = []
        async with client(server) as door:
            stream = await door.chat.completions.create(model="voice", messages=said("hi"), stream=True)
            with pytest.raises(openai.APIConnectionError):
                async for chunk in stream:
                    got.append(chunk)  # noqa: PERF401 (what came before the break counts)
        assert text_of(got) == "a b"
        assert server.requests[0].sent == 3


@pytest.mark.anyio
async def test_raw_bytes_are_sent_as_they_are() -> None:
    chunk = {
        "id": "1",
        "object": "x",
        "created": 0,
        "model": "m",
        "choices": [{"index": 0, "delta": {"content": "cut"}}],
    }
    line = json.dumps(chunk)
    async with ModelServer() as server:
        server.script("voice", [Raw([b"data: " + line.encode()[:20], line.encode()[20:] + b"\n\n"], [line, "[DONE]"])])
        assert text_of(await ask(server, "hi")) == "cutcut"


@pytest.mark.anyio
async def test_key_models_and_manners() -> None:
    async with ModelServer(models=("voice",), key="secret", shape="vllm", refuses=("stream_options",)) as server:
        server.script("voice", ["hello"])
        async with client(server, "wrong") as door:
            with pytest.raises(openai.AuthenticationError):
                await door.models.list()
        async with client(server, "secret") as door:
            assert [(model.id, model.owned_by) async for model in door.models.list()] == [("voice", "vllm")]
            with pytest.raises(openai.NotFoundError, match="other"):
                await door.chat.completions.create(model="other", messages=said("hi"))
            with pytest.raises(openai.BadRequestError, match="stream_options"):
                await door.chat.completions.create(
                    model="voice", messages=said("hi"), stream=True, stream_options={"include_usage": True}
                )
            assert server.unanswered == []
            with pytest.raises(openai.BadRequestError, match="must be a response"):
                await door.chat.completions.create(
                    model="voice", messages=[{"role": "tool", "tool_call_id": "x", "content": "y"}]
                )
            assert (await door.chat.completions.create(model="voice", messages=said("hi"))).choices[0].finish_reason
            with pytest.raises(openai.BadRequestError, match="script is over"):
                await door.chat.completions.create(model="voice", messages=said("more"))
    with pytest.raises(AssertionError, match="one more than there are answers"):
        server.assert_complete()
    assert len(server.unanswered) == 2


@pytest.mark.anyio
async def test_a_prompt_that_extends_the_last_one_is_cached() -> None:
    async with ModelServer() as server:
        server.script("voice", [Reply("a"), Reply("b"), Reply("c", usage=Usage(7, 5, 3))])
        counted: list[tuple[int, int]] = []
        for texts in (("x" * 400,), ("x" * 400, "y" * 400), ("z",)):
            last = (await ask(server, *texts, stream_options={"include_usage": True}))[-1].usage
            assert last is not None and last.prompt_tokens_details is not None
            counted.append((last.prompt_tokens, last.prompt_tokens_details.cached_tokens or 0))
        assert counted[0][1] == 0 and counted[1][1] >= 100 and counted[2] == (7, 3)
    assert [common_prefix("", "a"), common_prefix("abc", "abd"), common_prefix("ab", "abc")] == [0, 2, 2]


@pytest.mark.anyio
async def test_slow_models_take_their_time() -> None:
    async with ModelServer() as server:
        server.script("voice", [Reply("a b c", first_ms=80, between_ms=30)])
        await ask(server, "hi")
        asked = server.requests[0]
        assert asked.first_at is not None and asked.ended_at is not None
        assert asked.first_at - asked.at >= 0.08 and asked.ended_at - asked.first_at >= 0.03 * 4


def test_in_a_thread_for_tests_without_a_loop() -> None:
    with ModelServer(When("hello")).in_thread() as server:
        with openai.OpenAI(base_url=server.base_url, api_key="none", max_retries=0) as door:
            answer = door.chat.completions.create(model="any", messages=said("hi"))
        assert answer.choices[0].message.content == "hello"
        server.wait(lambda: server.requests[0].over)
        with pytest.raises(AssertionError, match="asked so far"):
            server.wait(lambda: len(server.requests) == 2, within_s=0.01)


def test_as_a_program(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    reply = Reply("hello", (FunctionCall("c1", "trains", {"to": "Lyon"}),))
    rules = [{"reply": ["from a rule"], "contains": "rule"}]
    written = {"models": ["voice"], "scripts": {"voice": ["text", reply, Refuse.rate_limit(1)]}, "rules": rules}
    script.write_bytes(msgspec.json.encode(written))
    program = subprocess.Popen(
        [sys.executable, "-m", "orchestrator.testing.model_server", str(script)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert program.stdout is not None
        with openai.OpenAI(base_url=program.stdout.readline().strip(), api_key="none", max_retries=0) as door:
            create = door.chat.completions.create
            assert create(model="voice", messages=said("hi")).choices[0].message.content == "text"
            calls = create(model="voice", messages=said("hi")).choices[0].message.tool_calls
            assert calls is not None and calls[0].id == "c1"
            assert create(model="voice", messages=said("a rule")).choices[0].message.content == "from a rule"
        line = json.loads(program.stdout.readline())
        assert (line["number"], line["body"]["model"], line["answer"]["type"]) == (0, "voice", "reply")
    finally:
        program.terminate()
        program.wait(10)
        if program.stdout is not None:
            program.stdout.close()
