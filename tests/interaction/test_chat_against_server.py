"""The chat voice and a model server: the real client, real HTTP on loopback, real time."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import anyio
import pytest

from background.models.scripted import ScriptedReasoner
from background.worker import Worker
from interaction.clock import SystemClock
from interaction.links.scripted import ScriptedLink
from interaction.loop import drive
from interaction.models.chat import ChatModel
from interaction.models.chat_settings import ChatSettings
from orchestrator.bus.memory import MemoryBus
from orchestrator.clock import from_ms
from orchestrator.completions.asking import FunctionCall
from orchestrator.completions.endpoint_settings import EndpointSettings
from orchestrator.effects import Emit
from orchestrator.events import ModelFailed, ModelSpoke, UserEvent, UserLeft, UserText
from orchestrator.finding import Finding
from orchestrator.journal import Recorder
from orchestrator.ports import Opening
from orchestrator.testing.model_server import ModelServer, Refuse, Reply
from tests.interaction.chatting import Talk, typed
from tests.orchestrator.driving import a_session, states

pytestmark = pytest.mark.anyio

LONG = " ".join(f"This is number {number} of many sentences." for number in range(1, 30))


async def talk_to(
    server: ModelServer, events: Sequence[tuple[int, UserEvent]], *, settings: ChatSettings | None = None
) -> Talk:
    """Hold a conversation with the model that `server` plays."""
    session, recorder, bus = a_session(pace=60), Recorder(), MemoryBus()
    voice = ChatModel("voice", endpoint=EndpointSettings(base_url=server.base_url, api_key="k"), settings=settings)
    async with bus.front() as side, bus.worker() as work, anyio.create_task_group() as group, voice.open(Opening("w")):
        # The way to the server is open from here on: importing a client is not what is measured.
        clock = SystemClock()
        link = ScriptedLink([(from_ms(at), event) for at, event in events], clock)
        group.start_soon(Worker(work, ScriptedReasoner([Finding.final("The train leaves at 9:12.")])).run)
        await drive(session, model=voice, opening=Opening("s"), link=link, bus=side, clock=clock, journal=recorder)
        group.cancel_scope.cancel()
    return Talk(recorder.records, session=session)


async def test_talk_work_and_an_interruption_which_closes_the_connection() -> None:
    delegate = FunctionCall("c1", "delegate", {"task": "the next train", "say": "I'll look."})
    async with ModelServer(models=("voice",)) as server:
        server.script(
            "voice",
            [
                Reply(LONG, between_ms=40),
                Reply("Of course.", first_ms=50),
                Reply(calls=(delegate,)),
                Reply("It leaves at 9:12."),
            ],
        )
        talk = await talk_to(
            server,
            [
                *typed("Tell me all.", 500, every_ms=10),
                *typed("Stop, please.", 1_800, every_ms=10),
                *typed("When is the train?", 3_200, every_ms=10),
                (6_000, UserLeft()),
            ],
        )
        assert server.unanswered == []
        first = server.requests[0]
        assert first.closed_at is not None and first.ended_at is None
        heard = next(message["content"] for message in server.requests[1].messages if message["role"] == "assistant")
        assert LONG.startswith(heard) and len(heard) < 100
    words = talk.said.split(" | ")
    assert words[1:] == ["Of course.", "I'll look.", "It leaves at 9:12."]
    assert states(talk.records, "s-1.1")[-1] == "heard"
    assert not talk.unrested()


async def test_from_the_first_token_to_the_first_word_is_less_than_a_micro_turn() -> None:
    async with ModelServer() as server:
        server.script("voice", [Reply("Hello there, my friend.", first_ms=120, between_ms=20)])
        talk = await talk_to(server, [(500, UserText("Hi!", True)), (1_500, UserLeft())])
    first = talk.at(ModelSpoke)[0][0]
    assert 600 <= first <= 1_000
    assert talk.at(Emit)[0][0] - first <= 200


async def test_troubles_of_a_server_are_one_clear_line_or_none() -> None:
    async with ModelServer() as server:
        server.script(
            "voice", [Refuse.rate_limit(0.3), "Hi there.", Refuse.key(), Reply("One two", chunks=2, then="cut")]
        )
        server.script("voice", ["One two three."])
        talk = await talk_to(
            server,
            [
                (300, UserText("Hello.", True)),
                (1_700, UserText("And now?", True)),
                (7_000, UserText("Count.", True)),
                (9_500, UserLeft()),
            ],
        )
    assert [event.reason.partition(":")[0] for event in talk.events(ModelFailed)] == ["key"]
    words = talk.said.split(" | ")
    assert words[0] == "Hi there."
    assert "key is missing or wrong" in words[1]
    assert words[2].replace("  ", " ") == "One two three."


async def test_openai_is_imported_when_the_first_conversation_begins_and_closed_with_the_last() -> None:
    assert "interaction.models.chat" in sys.modules
    async with ModelServer() as server:
        server.script("voice", ["Hi."])
        voice = ChatModel("voice", endpoint=EndpointSettings(base_url=server.base_url))
        async with voice.open(Opening("a")), voice.open(Opening("b")):
            assert "openai" in sys.modules
        async with voice.open(Opening("c")):
            pass
