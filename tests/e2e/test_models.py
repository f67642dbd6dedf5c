"""`duologue chat --model NAME`: whole conversations with models that a server on loopback plays over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.testing import ModelServer
from tests.e2e.journals import Record, read, speech
from tests.e2e.programs import Library, Program, Programs
from tests.e2e.talking_models import check_conversation, models
from tests.plugins.redis_server import RedisServer

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with models().in_thread() as running:
        yield running
    assert running.unanswered == []


def says(text: str, *, final: bool = True) -> str:
    return json.dumps({"type": "user.text", "text": text, "final": final})


def converse(chat: Program, server: ModelServer) -> list[Record]:
    """The conversation of the issue: an interruption, a task with two tools, a correction in its middle, a result."""
    chat.type(says("tell me a story"))
    # The end of the first sentence was shown, and not only written by the model. (A word may come in two pieces.)
    chat.hear(r'"type":"emit".*"text":"[^"]*\.')
    chat.type(says("wa", final=False))  # typing while it speaks stops it
    chat.hear('"type":"stop"')
    server.wait(lambda: server.asked("voice")[0].closed_at is not None)
    chat.type(says("it, where is the ledger, and what is 12 * 12?"))
    chat.hear("look it up")
    # Both tools have been used, and their results have gone to the model.
    server.wait(lambda: bool(server.asked("thinker", contains="blue cupboard")), within_s=30)
    chat.type(says("sorry, I meant the agenda"))
    chat.hear("agenda then")
    chat.hear('"state":"heard"')
    chat.no_more()
    assert chat.end() == 0, chat.complained
    return read(chat.said)


def test_a_conversation_in_one_process(programs: Programs, server: ModelServer) -> None:
    chat = programs.duologue(
        *("chat", "--json", "--model", "voice", "--background-model", "thinker"), OPENAI_BASE_URL=server.base_url
    )
    check_conversation(converse(chat, server), server)


def test_the_same_in_two_processes(programs: Programs, server: ModelServer, redis_server: RedisServer) -> None:
    worker = programs.duologue(
        *("worker", "--redis", redis_server.url, "--background-model", "thinker"), OPENAI_BASE_URL=server.base_url
    )
    worker.hear("waiting for tasks")
    chat = programs.duologue(
        *("chat", "--json", "--redis", redis_server.url, "--model", f"voice@{server.base_url}"),
    )
    check_conversation(converse(chat, server), server)


def test_without_a_key_it_says_so_and_does_not_begin(programs: Programs) -> None:
    chat = programs.piped("hello\n", "chat", "--plain", "--model", "gpt-5-mini", OPENAI_API_KEY="", OPENAI_BASE_URL="")
    assert chat.code == 2
    what, why, todo = chat.complained.splitlines()
    assert "no key" in what
    assert "OPENAI_API_KEY is not set" in why
    assert "OPENAI_BASE_URL" in todo


@pytest.mark.parametrize(
    ("model", "key", "words"),
    [("voice", "wrong", "key"), ("voise", "right", "voise"), ("voice@http://127.0.0.1:1/v1", "right", "reach")],
    ids=["wrong key", "wrong name", "no network"],
)
def test_what_is_wrong_is_one_line_and_the_session_lives(
    programs: Programs, library: Library, model: str, key: str, words: str
) -> None:
    with ModelServer(models=("voice",), key="right").in_thread() as server:
        chat = programs.duologue(
            *("chat", "--plain", "--model", model, "--record", library.journal),
            OPENAI_BASE_URL=server.base_url,
            OPENAI_API_KEY=key,
        )
        chat.type("hello")
        chat.hear(words)
        chat.no_more()
        assert chat.end() == 0, chat.complained
    said = speech(read(Path(library.journal)))
    assert said.count(words) == 1
    assert "Traceback" not in chat.complained
