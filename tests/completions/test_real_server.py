"""The endpoint against a server that is not ours: llama.cpp's, with a tiny model that speaks nonsense.

What the server is forced to say by a grammar is valid; what it says freely is short. Chance is the request's `seed`.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, cast

import anyio
import msgspec
import openai
import pytest
from openai.types.chat import ChatCompletionMessageFunctionToolCall

from orchestrator.completions.asking import CallBegun, CallDone, Completion, Done, Message, Piece, Request, Text
from orchestrator.completions.endpoint import Endpoint, EndpointSettings
from orchestrator.completions.troubles import ModelTrouble
from tests.plugins.real_server import RealServer, running
from tools.bundled import bundled

pytestmark = pytest.mark.anyio

MODEL = "tiny"
SYSTEM: Message = {"role": "system", "content": "You are the live voice of an assistant. Be short."}
ASKED: Message = {"role": "user", "content": "How long is the night train to Lyon?"}
DELEGATE: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "task": {"type": "string", "description": "What is to be done."},
        "say": {"type": "string"},
        "urgency": {"type": "string", "enum": ["low", "normal", "high"]},
        "tools": {"type": "array", "items": {"type": "string", "enum": ["search", "calculate"]}},
    },
    "required": ["task", "say"],
    "additionalProperties": False,
}
CANCEL: Mapping[str, Any] = {
    "type": "object",
    "properties": {"task_id": {"type": "string", "enum": ["s-1", "s-2"]}},
    "required": ["task_id"],
    "additionalProperties": False,
}
ENDLESS = {"ignore_eos": True}
KINDS: Mapping[str, type | tuple[type, ...]] = {"string": str, "integer": int, "number": (int, float), "boolean": bool}


def function(name: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"type": "function", "function": {"name": name, "description": f"To {name}.", "parameters": schema}}


FUNCTIONS = {"delegate": DELEGATE, "cancel": CANCEL}
VOICE_TOOLS = tuple(function(name, schema) for name, schema in FUNCTIONS.items())


@asynccontextmanager
async def asking(server: RealServer, **settings: Any) -> AsyncGenerator[Endpoint]:
    settings = {"api_key": "unused", "profile": "llama.cpp", **settings}
    async with Endpoint(EndpointSettings(base_url=server.url, **settings)) as endpoint:
        yield endpoint


def request(*messages: Message, seed: int = 1, limit: int = 400, **fields: Any) -> Request:
    extra = {"seed": seed, **fields.pop("extra", {})}
    return Request(MODEL, messages or (SYSTEM, ASKED), max_tokens=limit, extra=extra, **fields)


async def pieces_of(endpoint: Endpoint, asked: Request) -> list[Piece]:
    return [piece async for piece in endpoint.stream(asked)]


async def answer(endpoint: Endpoint, asked: Request) -> Completion:
    last = (await pieces_of(endpoint, asked))[-1]
    assert isinstance(last, Done)
    return last.completion


async def trouble(endpoint: Endpoint, asked: Request) -> ModelTrouble:
    with pytest.raises(ModelTrouble) as raised:
        await answer(endpoint, asked)
    return raised.value


async def until_busy(server: RealServer, answers: int) -> None:
    with anyio.fail_after(10):
        while server.busy() != answers:  # noqa: ASYNC110 - it is the server that is waited for
            await anyio.sleep(0.01)


def fits(value: object, schema: Mapping[str, Any]) -> bool:
    """Whether `value` is what `schema` asks for, as far as our schemas go."""
    if "anyOf" in schema:
        return any(fits(value, one) for one in schema["anyOf"])
    if "enum" in schema and value not in schema["enum"]:
        return False
    match schema.get("type"):
        case "object":
            known, given = schema.get("properties", {}), cast("Mapping[str, Any]", value)
            return (
                isinstance(value, dict)
                and set(schema.get("required", ())) <= set(given) <= set(known)
                and all(fits(member, known[name]) for name, member in given.items())
            )
        case "array":
            members = cast("Sequence[Any]", value)
            return isinstance(value, list) and all(fits(item, schema["items"]) for item in members)
        case "null":
            return value is None
        case kind:
            return isinstance(value, KINDS[str(kind)])


# --- answers ---------------------------------------------------------------------------------------------------------


async def test_text_comes_in_pieces_and_is_counted(real_server: RealServer) -> None:
    async with asking(real_server) as endpoint:
        pieces = await pieces_of(endpoint, request(limit=40, extra=ENDLESS))
    *texts, done = pieces
    assert isinstance(done, Done)
    assert len(texts) > 20
    assert "".join(piece.text for piece in texts if isinstance(piece, Text)) == done.completion.text
    usage = done.completion.usage
    assert (usage.output, usage.estimated, done.completion.finish) == (40, False, "length")
    assert usage.input > 20
    assert not done.completion.calls


async def test_an_answer_ends_where_the_model_ends_it(real_server: RealServer) -> None:
    async with asking(real_server) as endpoint:
        done = await answer(endpoint, request())
    assert done.finish == "stop"
    assert done.text.endswith(".")


@pytest.mark.parametrize("seed", range(8))
async def test_a_forced_call_comes_whole_and_fits_its_schema(real_server: RealServer, seed: int) -> None:
    async with asking(real_server) as endpoint:
        pieces = await pieces_of(endpoint, request(seed=seed, tools=VOICE_TOOLS, tool_choice="required"))
    done = pieces[-1]
    assert isinstance(done, Done)
    assert done.completion.finish == "tool_calls"
    begun = [piece for piece in pieces if isinstance(piece, CallBegun)]
    whole = [piece.call for piece in pieces if isinstance(piece, CallDone)]
    assert [(call.id, call.name) for call in begun] == [(call.id, call.name) for call in whole]
    assert tuple(whole) == done.completion.calls != ()
    for call in whole:
        assert call.id
        assert call.problem == ""
        assert fits(call.arguments, FUNCTIONS[call.name]), call


async def test_calls_side_by_side_keep_their_order(real_server: RealServer) -> None:
    async with asking(real_server) as endpoint:
        for seed in range(40):
            asked = request(seed=seed, tools=VOICE_TOOLS, tool_choice="required", parallel_calls=True)
            pieces = await pieces_of(endpoint, asked)
            calls = [piece.call for piece in pieces if isinstance(piece, CallDone)]
            if len(calls) > 1:
                break
        else:
            pytest.fail("40 answers, and none with two calls")
    assert len({call.id for call in calls}) == len(calls)
    assert [call.id for call in calls] == [piece.id for piece in pieces if isinstance(piece, CallBegun)]
    assert all(fits(call.arguments, FUNCTIONS[call.name]) for call in calls)


async def test_every_bundled_tool_can_be_called(real_server: RealServer, tmp_path: Path) -> None:
    async with asking(real_server) as endpoint:
        for tool in bundled(tmp_path):
            info = tool.info
            described = (function(info.name, info.schema),)
            done = await answer(endpoint, request(tools=described, tool_choice="required", parallel_calls=False))
            assert [call.name for call in done.calls] == [info.name]
            assert fits(done.calls[0].arguments, info.schema), done.calls[0]


async def test_output_has_the_shape_that_was_asked_for(real_server: RealServer) -> None:
    class Answer(msgspec.Struct, forbid_unknown_fields=True):
        """What the schema below says."""

        text: str
        certainty: float
        sources: list[str]

    schema = {
        "type": "object",
        "properties": {
            "text": {"type": "string", "maxLength": 80},
            "certainty": {"type": "number"},
            "sources": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
        },
        "required": ["text", "certainty", "sources"],
        "additionalProperties": False,
    }
    shape = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
    async with asking(real_server) as endpoint:
        for seed in range(5):
            done = await answer(endpoint, request(seed=seed, response_format=shape))
            assert msgspec.json.decode(done.text, type=Answer).text


async def test_a_call_and_its_result_go_back_in(real_server: RealServer) -> None:
    async with asking(real_server) as endpoint:
        asked = request(tools=VOICE_TOOLS, tool_choice="required", parallel_calls=False)
        (call,) = (await answer(endpoint, asked)).calls
        told = {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.raw or "{}"}}
        history: Sequence[Message] = (
            *asked.messages,
            {"role": "assistant", "content": None, "tool_calls": [told]},
            {"role": "tool", "tool_call_id": call.id, "content": "Handed over."},
        )
        done = await answer(endpoint, request(*history, tools=VOICE_TOOLS))
    assert done.text
    assert done.finish == "stop"


async def test_the_client_of_openai_reads_the_same(real_server: RealServer) -> None:
    asked = request(tools=VOICE_TOOLS, tool_choice="required", parallel_calls=False, temperature=0.0)
    async with asking(real_server) as endpoint:
        ours = await answer(endpoint, asked)
    async with openai.AsyncOpenAI(base_url=real_server.url, api_key="unused", max_retries=0) as client:
        theirs = await client.chat.completions.create(
            model=MODEL,
            messages=cast(Any, asked.messages),
            tools=cast(Any, asked.tools),
            tool_choice="required",
            parallel_tool_calls=False,
            temperature=0.0,
            extra_body=dict(asked.extra),
        )
    message = theirs.choices[0].message
    assert message.tool_calls is not None
    (call,) = message.tool_calls
    assert isinstance(call, ChatCompletionMessageFunctionToolCall)
    assert ours.text == message.content
    assert [(each.name, each.arguments) for each in ours.calls] == [
        (call.function.name, msgspec.json.decode(call.function.arguments))
    ]
    assert theirs.usage is not None
    assert (ours.usage.input, ours.usage.output) == (theirs.usage.prompt_tokens, theirs.usage.completion_tokens)


# --- what it says of itself ------------------------------------------------------------------------------------------


async def test_it_is_known_by_what_it_says_of_itself(real_server: RealServer) -> None:
    async with Endpoint(EndpointSettings(base_url=real_server.url, api_key="unused")) as endpoint:
        assert endpoint.profile.name == "unknown"
        profile = await endpoint.detect(MODEL)
        cards = await endpoint.models()
    assert (profile.name, profile.window, profile.structured) == ("llama.cpp", real_server.window, "json_schema")
    assert [(card.id, card.window) for card in cards] == [(MODEL, real_server.window)]


async def test_it_is_known_when_the_way_to_it_has_been_made_ready(real_server: RealServer) -> None:
    async with Endpoint(EndpointSettings(base_url=real_server.url, api_key="unused")) as endpoint:
        await endpoint.warm(MODEL)
        assert endpoint.profile.name == "llama.cpp"
        assert endpoint.profile.window == real_server.window


async def test_the_doctor_finds_that_the_server_can_and_the_model_does_not(real_server: RealServer) -> None:
    command = [sys.executable, "-m", "orchestrator", "doctor", "--model", f"{MODEL}@{real_server.url}", "--json"]
    done = await anyio.run_process(command, check=False)
    [found] = msgspec.json.decode(done.stdout)["models"]
    assert (found["model"], found["profile"]) == (MODEL, "llama.cpp")
    probes = {probe["feature"]: probe for probe in found["probes"]}
    assert probes.pop("function calls in streams")["found"] == "only when forced"
    assert {name for name, probe in probes.items() if probe.get("state", "ok") == "fail"} == set()
    assert done.returncode == 3


# --- the prompt cache ------------------------------------------------------------------------------------------------


async def test_a_prompt_that_grows_is_found_in_the_cache(real_server: RealServer) -> None:
    turns: list[Message] = [SYSTEM, {"role": "user", "content": "A tale of the sea, please. " * 20}]
    async with asking(real_server) as endpoint:
        first = await answer(endpoint, request(*turns, tools=VOICE_TOOLS))
        turns += [{"role": "assistant", "content": first.text}, {"role": "user", "content": "And then?"}]
        second = await answer(endpoint, request(*turns, tools=VOICE_TOOLS))
        changed = [{**SYSTEM, "content": f"Now: 12:00. {SYSTEM['content']}"}, *turns[1:]]
        third = await answer(endpoint, request(*changed, tools=VOICE_TOOLS))
    # All but the last few tokens of the first prompt, where the answer begins.
    assert second.usage.cached > first.usage.input - 8
    assert second.usage.input - second.usage.cached < 60
    assert third.usage.cached < 20


# --- letting go ------------------------------------------------------------------------------------------------------


async def test_closing_an_answer_stops_the_server(real_server: RealServer) -> None:
    async with asking(real_server) as endpoint:
        async with aclosing(endpoint.stream(request(limit=1_000_000, extra=ENDLESS))) as pieces:
            async for _ in pieces:
                break
            await until_busy(real_server, 1)
        await until_busy(real_server, 0)


async def test_cancelling_whoever_listens_stops_the_server(real_server: RealServer) -> None:
    begun = anyio.Event()

    async def listen(endpoint: Endpoint) -> None:
        async with aclosing(endpoint.stream(request(limit=1_000_000, extra=ENDLESS))) as pieces:
            async for _ in pieces:
                begun.set()

    async with asking(real_server) as endpoint, anyio.create_task_group() as group:
        group.start_soon(listen, endpoint)
        group.start_soon(listen, endpoint)
        await begun.wait()
        await until_busy(real_server, 2)
        group.cancel_scope.cancel()
    await until_busy(real_server, 0)


async def test_one_that_was_closed_leaves_its_place_to_the_next(tiny_model: Path) -> None:
    with running(RealServer(tiny_model, slots=1)) as server:
        async with asking(server) as endpoint:
            for _ in range(5):
                async with aclosing(endpoint.stream(request(limit=1_000_000, extra=ENDLESS))) as pieces:
                    async for _ in pieces:
                        break
            with anyio.fail_after(10):
                assert (await answer(endpoint, request())).text


# --- troubles --------------------------------------------------------------------------------------------------------


async def test_a_prompt_that_is_too_long(tiny_model: Path) -> None:
    with running(RealServer(tiny_model, window=512)) as server:
        async with asking(server) as endpoint:
            came = await trouble(endpoint, request({"role": "user", "content": "Quixotic. " * 300}))
            assert (came.cause, came.transient) == ("too long", False)
            assert "512" in str(came)
            assert (await answer(endpoint, request())).text


@pytest.mark.parametrize(
    "wrong",
    [
        request(extra={"temperature": "hot"}),
        request(tools=VOICE_TOOLS, tool_choice="sometimes"),
        request(tools=(function("odd", {"type": "strange"}),), tool_choice="required"),
        request(SYSTEM, {"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}),
    ],
    ids=["temperature", "tool choice", "schema", "roles"],
)
async def test_what_it_does_not_take(real_server: RealServer, wrong: Request) -> None:
    async with asking(real_server) as endpoint:
        came = await trouble(endpoint, wrong)
    assert (came.cause, came.status) == ("bad request", 400)


async def test_a_wrong_key(tiny_model: Path) -> None:
    with running(RealServer(tiny_model, key="right-key")) as server:
        async with Endpoint(EndpointSettings(base_url=server.url, api_key="wrong-key")) as endpoint:
            came = await trouble(endpoint, request())
        assert (came.cause, came.status) == ("key", 401)
        assert "wrong-key" not in str(came)
        async with Endpoint(EndpointSettings(base_url=server.url, api_key="right-key")) as endpoint:
            assert (await answer(endpoint, request())).text


async def test_a_wrong_address(real_server: RealServer) -> None:
    settings = EndpointSettings(base_url=real_server.url.replace("/v1", "/v9"), api_key="unused")
    async with Endpoint(settings) as endpoint:
        came = await trouble(endpoint, request())
    assert (came.cause, came.status) == ("bad request", 404)


async def test_it_answers_to_any_name_of_a_model_and_says_who_it_was(real_server: RealServer) -> None:
    """So a wrong name is no trouble here; whoever wants to know reads `Completion.model`."""
    async with asking(real_server) as endpoint:
        done = await answer(endpoint, msgspec.structs.replace(request(), model="no-such-model"))
    assert done.model == MODEL


async def test_one_that_is_still_loading_is_worth_another_try(own_real_server: RealServer) -> None:
    own_real_server.start(wait=False)
    causes: list[str] = []
    async with asking(own_real_server) as endpoint:
        with anyio.fail_after(30):
            while True:
                try:
                    done = await answer(endpoint, request())
                except ModelTrouble as came:
                    assert came.transient, came
                    causes.append(came.cause)
                else:
                    break
    assert done.text
    assert set(causes) <= {"network", "busy"}


async def test_one_that_dies_in_the_middle_cuts_off_and_may_come_back(own_real_server: RealServer) -> None:
    own_real_server.start()
    heard: list[Piece] = []
    async with asking(own_real_server) as endpoint:
        with pytest.raises(ModelTrouble) as raised:
            async for piece in endpoint.stream(request(limit=1_000_000, extra=ENDLESS)):
                heard.append(piece)
                own_real_server.kill()
        assert (raised.value.cause, raised.value.transient) == ("cut off", True)
        assert heard and all(isinstance(piece, Text) for piece in heard)
        assert (await trouble(endpoint, request())).cause == "network"
        own_real_server.start()
        assert (await answer(endpoint, request())).text


async def test_one_that_hangs_in_the_middle_has_stalled(own_real_server: RealServer) -> None:
    own_real_server.start()
    async with asking(own_real_server, idle_s=0.3) as endpoint:
        with pytest.raises(ModelTrouble) as raised:
            async for _ in endpoint.stream(request(limit=1_000_000, extra=ENDLESS)):
                own_real_server.hang()
    assert (raised.value.cause, raised.value.transient) == ("stalled", True)
