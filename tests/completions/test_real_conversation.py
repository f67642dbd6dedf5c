"""Whole conversations on a server that is not ours. The model speaks nonsense; whom it calls, the test decides."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any, Literal

import anyio
import pytest
from msgspec.structs import replace

from background.models.chat import ChatReasoner
from interaction.models.chat import ChatModel
from interaction.models.chat_settings import ChatSettings
from orchestrator import Assistant, Emit, Finding, Talk, tool
from orchestrator.completions.asking import Completion, Done, Piece, Request
from orchestrator.completions.endpoint import Endpoint, EndpointSettings
from orchestrator.completions.profile import Profile
from orchestrator.completions.troubles import ModelTrouble, spoken
from orchestrator.config import SessionConfig
from orchestrator.effects import Delegate, Effect, LedgerChanged, StopSpeaking
from orchestrator.events import Event
from tests.plugins.real_server import RealServer

pytestmark = pytest.mark.anyio

MODEL = "tiny"
ENDLESS = {"ignore_eos": True, "logit_bias": [["<tool_call>", False]]}
"""What lets the model speak until it is closed."""


@tool
def timetable(city: str, day: Literal["today", "tomorrow"]) -> str:
    """When the night train leaves.

    Args:
        city: Where it goes.
        day: Which day.
    """
    return f"The night train to {city} leaves {day} at 21:12."


class Led:
    """Implements `Completions`: an endpoint whose model has no will of its own. Its requests, in order, are forced to
    call the functions named in `calls`, one each; the others are let go without functions."""

    def __init__(self, endpoint: Endpoint, *calls: str, **extra: Any) -> None:
        self._endpoint = endpoint
        self._calls = calls
        self._extra = extra
        self.requests: list[Request] = []
        self.answers: list[Completion] = []

    @property
    def profile(self) -> Profile:
        return self._endpoint.profile

    async def stream(self, request: Request) -> AsyncGenerator[Piece]:
        name = self._calls[len(self.requests)] if len(self.requests) < len(self._calls) else ""
        tools = tuple(each for each in request.tools if each["function"]["name"] == name)
        assert len(tools) == bool(name), f"{name} is not among the functions of {request}"
        self.requests.append(request)
        led = replace(request, tools=tools, tool_choice="required" if name else None, parallel_calls=False)
        led = replace(led, extra={**request.extra, "seed": len(self.requests), **self._extra})
        async with aclosing(self._endpoint.stream(led)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Done):
                    self.answers.append(piece.completion)
                yield piece


@asynccontextmanager
async def asking(server: RealServer) -> AsyncGenerator[Endpoint]:
    settings = EndpointSettings(base_url=server.url, api_key="unused", profile="llama.cpp")
    async with Endpoint(settings) as endpoint:
        yield endpoint


def a_voice(led: Led, **settings: Any) -> ChatModel:
    return ChatModel(MODEL, endpoint=led, settings=ChatSettings(preempt=False, **settings))


class Listener:
    """Hears a conversation while it goes on."""

    def __init__(self, talk: Talk) -> None:
        self._events = talk.events()
        self.happened: list[Event | Effect] = []

    @property
    def said(self) -> str:
        return "".join(event.text for event in self.happened if isinstance(event, Emit))

    async def until(self, there: Callable[[], bool]) -> None:
        with anyio.move_on_after(40):
            while not there():
                self.happened.append(await anext(self._events))
            return
        pytest.fail(f"it did not happen; what did: {self.happened[-30:]}\n\nsaid: {self.said}")

    async def to_the_end(self) -> list[Event | Effect]:
        with anyio.fail_after(40):
            self.happened += [event async for event in self._events]
        return self.happened

    def count(self, kind: type[Event | Effect]) -> int:
        return sum(1 for event in self.happened if isinstance(event, kind))


def has_been_told(voice: Led, heard: Listener, number: int) -> bool:
    """Whether so many answers are there, and the last one has been heard to its end."""
    return len(voice.answers) == number and heard.said.rstrip().endswith(voice.answers[-1].text.strip())


def has_gone_on(heard: Listener, before: int) -> bool:
    return len(heard.said) > before + 20


async def until_idle(server: RealServer) -> None:
    with anyio.fail_after(10):
        while server.busy():  # noqa: ASYNC110 - it is the server that is waited for
            await anyio.sleep(0.01)


async def test_a_task_goes_to_the_background_and_its_answer_is_told(real_server: RealServer) -> None:
    async with asking(real_server) as endpoint:
        voice, thinker = Led(endpoint, "delegate"), Led(endpoint, "timetable")
        assistant = Assistant(
            tools=[timetable],
            interaction=a_voice(voice),
            background=ChatReasoner(MODEL, endpoint=thinker),
            config=SessionConfig(pace=None, reassure_ms=None),
        )
        async with assistant.session() as talk:
            await talk.type("When does the night train leave?")
            await talk.finish()
            happened = await Listener(talk).to_the_end()

    (task,) = [event for event in happened if isinstance(event, Delegate)]
    assert task.task
    (call,) = thinker.answers[0].calls
    assert call.arguments is not None
    result = timetable(**call.arguments)
    assert any(result in str(message.get("content")) for message in thinker.requests[1].messages)
    (final,) = [event for event in happened if isinstance(event, Finding) and event.kind == "final"]
    assert final.text == thinker.answers[1].text.strip() != ""
    # The voice was shown the finding, and what it said then is how the person was told.
    assert any(final.text in str(message.get("content")) for message in voice.requests[1].messages)
    told = [event for event in happened if isinstance(event, Emit) and final.id in event.about]
    assert "".join(event.text for event in told).strip() == voice.answers[1].text.strip()
    assert [event.state for event in happened if isinstance(event, LedgerChanged) and event.finding == final.id][
        -1
    ] == "heard"


async def test_an_interruption_closes_the_request_and_the_next_answer_comes(real_server: RealServer) -> None:
    async with asking(real_server) as endpoint:
        voice = Led(endpoint, **ENDLESS)
        assistant = Assistant(interaction=a_voice(voice, max_tokens=1_000_000))
        async with assistant.session() as talk:
            heard = Listener(talk)
            await talk.type("Tell me a tale without an end.")
            await heard.until(lambda: len(heard.said) > 40)
            assert real_server.busy() == 1
            await talk.type("No, ", final=False)
            await heard.until(lambda: heard.count(StopSpeaking) == 1)
            await until_idle(real_server)
            before = heard.said
            await talk.type("tell me of the sea instead.")
            await heard.until(partial(has_gone_on, heard, len(before)))
            await talk.leave()
            await heard.to_the_end()
        await until_idle(real_server)
    # What was generated and not heard is not in the prompt.
    told = [message["content"] for message in voice.requests[1].messages if message["role"] == "assistant"]
    assert len(voice.requests) == 2
    assert before.strip() in told[-1]
    assert len(told[-1]) < len(before) + 80


async def test_what_the_voice_has_told_it_is_in_the_cache(real_server: RealServer) -> None:
    async with asking(real_server) as endpoint:
        voice = Led(endpoint)
        async with Assistant(interaction=a_voice(voice), config=SessionConfig(pace=None)).session() as talk:
            heard = Listener(talk)
            for number, words in enumerate(("Good morning.", "How are you today?", "And what is new?"), start=1):
                await talk.type(words)
                await heard.until(partial(has_been_told, voice, heard, number))
            await talk.finish()
            await heard.to_the_end()
    first, second, third = (answer.usage for answer in voice.answers)
    assert first.input > 500
    # All but where the answer begins.
    assert second.cached > first.input - 16
    assert third.cached > second.input - 16


async def test_a_server_that_dies_in_the_middle_takes_the_conversation_up_again(own_real_server: RealServer) -> None:
    own_real_server.start()
    async with asking(own_real_server) as endpoint:
        voice = Led(endpoint, **ENDLESS)
        async with Assistant(interaction=a_voice(voice, max_tokens=1_000_000)).session() as talk:
            heard = Listener(talk)
            await talk.type("Tell me a tale without an end.")
            await heard.until(lambda: len(heard.said) > 40)
            own_real_server.kill()
            await heard.until(lambda: spoken(ModelTrouble("network", "")) in heard.said)
            own_real_server.start()
            # The answer that broke off goes on, and so does the conversation.
            for words in ("", "And now tell me of the sea."):
                before = len(heard.said)
                if words:
                    await talk.type(words)
                await heard.until(partial(has_gone_on, heard, before))
            await talk.leave()
            await heard.to_the_end()
