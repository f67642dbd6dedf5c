"""Conversations with models over Redis, in which a process is killed while a model answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from orchestrator.completions.asking import FunctionCall
from orchestrator.testing import Hang, ModelServer, Reply, When
from orchestrator.testing.model_replies import Answer, message_text
from tests.e2e.programs import Program, Programs
from tests.plugins.redis_server import RedisServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

FOUND = "The ledger is in the blue cupboard."
DELEGATE = Reply(calls=(FunctionCall("c1", "delegate", {"task": "Find the ledger", "say": "I'll look."}),))


def voice(body: Mapping[str, Any]) -> Answer:
    """Tells what it is asked to tell, hands over what is about the ledger, greets otherwise."""
    if 'kind="tell"' in message_text(body["messages"][-1]):
        return Reply(FOUND)
    [*_, line] = [message["content"] for message in body["messages"] if message["role"] == "user"]
    return DELEGATE if "ledger" in line else Reply("Good to hear you.")


@pytest.fixture
def server() -> Iterator[ModelServer]:
    """The first answer of the reasoner never comes."""
    with ModelServer(When(voice, model="voice"), models=("voice", "thinker")).in_thread() as running:
        running.when(When(Hang(), model="thinker", times=1))
        running.when(When(FOUND, model="thinker"))
        yield running
    assert running.unanswered == []


def worker(programs: Programs, url: str, server: ModelServer) -> Program:
    started = programs.duologue(
        *("worker", "--redis", url, "--lease", "600", "--background-model", "thinker"), OPENAI_BASE_URL=server.base_url
    )
    started.hear("waiting for tasks")
    return started


def chat(programs: Programs, url: str, server: ModelServer, *arguments: str) -> Program:
    return programs.duologue(
        *("chat", "--plain", "--pace", "none", "--redis", url, "--model", "voice", *arguments),
        OPENAI_BASE_URL=server.base_url,
        DUOLOGUE_LEASE_MS="900",
    )


def test_a_worker_is_killed_while_its_model_answers_and_another_finishes(
    programs: Programs, server: ModelServer, redis_server: RedisServer
) -> None:
    first = worker(programs, redis_server.url, server)
    talk = chat(programs, redis_server.url, server)
    talk.type("where is the ledger?")
    server.wait(lambda: bool(server.asked("thinker")), within_s=30)
    first.kill()
    second = worker(programs, redis_server.url, server)
    second.hear(r"taken \(attempt 2\)")
    talk.hear(FOUND)
    talk.no_more()
    assert talk.end() == 0
    assert talk.said.count("blue cupboard") == 1
    assert talk.complained == ""
    server.wait(lambda: server.asked("thinker")[0].closed_at is not None)


def test_a_chat_is_killed_and_the_next_one_knows_what_was_said_and_tells_what_was_found(
    programs: Programs, server: ModelServer, redis_server: RedisServer
) -> None:
    worker(programs, redis_server.url, server)
    first = chat(programs, redis_server.url, server, "--session", "mine")
    first.type("hello there")
    first.hear("Good to hear you")
    first.type("where is the ledger?")
    first.hear("I'll look")
    server.wait(lambda: bool(server.asked("thinker")), within_s=30)
    first.kill()
    second = chat(programs, redis_server.url, server, "--session", "mine")
    second.hear(r'Going on with mine: last you said "where is the ledger\?"')
    before = len(server.asked("voice"))
    second.type("hello, it is me again")
    second.hear("Good to hear you")
    again = server.asked("voice")[before]
    told = [message_text(message) for message in again.messages if message["role"] in ("user", "assistant")]
    assert re.search("hello there.*Good to hear you.*where is the ledger.*me again", " ".join(told), re.DOTALL)


def test_an_answer_that_came_while_nobody_was_there_is_told(
    programs: Programs, server: ModelServer, redis_server: RedisServer
) -> None:
    first_worker = worker(programs, redis_server.url, server)
    first = chat(programs, redis_server.url, server, "--session", "mine")
    first.type("where is the ledger?")
    server.wait(lambda: bool(server.asked("thinker")), within_s=30)
    first.kill()
    first_worker.kill()
    worker(programs, redis_server.url, server).hear("done after")
    second = chat(programs, redis_server.url, server, "--session", "mine")
    second.hear(FOUND)
    second.no_more()
    assert second.end() == 0
    assert second.said.count("blue cupboard") == 1
    assert second.complained == ""
