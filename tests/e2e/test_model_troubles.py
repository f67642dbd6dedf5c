"""What goes wrong with models while a person talks: one clear line each, and the conversation lives on."""

from __future__ import annotations

import signal
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrator.completions.asking import FunctionCall
from orchestrator.testing import Hang, ModelServer, Refuse, Reply, When
from orchestrator.testing.model_replies import Answer, latest_text
from tests.e2e.journals import of, read, speech, told_once
from tests.e2e.programs import Library, Program, Programs

pytestmark = pytest.mark.timeout(120)

GREETING = "Good to hear you."
KEPT = "I keep what you asked"
DELEGATE = Reply(calls=(FunctionCall("c1", "delegate", {"task": "Find the ledger", "say": "I'll look."}),))
FOUND = "The ledger is in the blue cupboard."


def a_closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def chat(programs: Programs, url: str, *arguments: str) -> Program:
    return programs.duologue(
        *("chat", "--plain", "--pace", "none", "--model", "voice", "--record", "../talk.ndjson", *arguments),
        OPENAI_BASE_URL=url,
        OPENAI_API_KEY="right",
    )


def left_well(talk: Program) -> None:
    talk.no_more()
    assert talk.end() == 0, talk.complained
    assert talk.complained == ""


@pytest.mark.parametrize(
    ("first", "line", "by_itself"),
    [
        (Refuse.rate_limit(0.4), "", True),
        (Refuse.rate_limit(4.0), f"The model server wants fewer requests just now. {KEPT}", True),
        (Refuse.key(), "The model server says the key is missing or wrong; set OPENAI_API_KEY and start again.", False),
        (Refuse.no_model("voice"), "The model server does not know voice; start again with another one.", False),
        (Refuse.quota(), "nothing left to spend", False),
        (Refuse.broken(), "", True),
        (Reply("Good", chunks=1, then="cut"), "", True),
        (Reply(GREETING, thoughts="The person says hello.", chunks=3, then="reset"), "", True),
    ],
    ids=["short limit", "limit", "key", "name", "quota", "broken", "cut at once", "cut in thought"],
)
def test_a_refusal_is_one_line_and_the_next_line_is_answered(
    programs: Programs, library: Library, first: Answer, line: str, by_itself: bool
) -> None:
    with ModelServer(models=("voice",)).in_thread() as server:
        server.script("voice", [first, *([GREETING] if by_itself else []), "And to you."])
        talk = chat(programs, server.base_url)
        talk.type("hello")
        if line:
            talk.hear(line)
        if by_itself:
            talk.hear(GREETING)
        talk.type("hello to you")
        talk.hear("And to you.")
        left_well(talk)
        server.assert_complete()
    said = speech(read(library.journal)).splitlines()
    assert len(said) == bool(line) + by_itself + 1


def test_no_network_and_then_the_server_starts(programs: Programs, library: Library) -> None:
    port = a_closed_port()
    talk = chat(programs, f"http://127.0.0.1:{port}/v1")
    talk.type("hello")
    talk.hear(f"I cannot reach the model server. {KEPT}")
    with ModelServer(When(GREETING, model="voice"), port=port).in_thread():
        talk.hear(GREETING)
        talk.type("are you back")
        talk.hear("Good")
        left_well(talk)
    assert speech(read(library.journal)).count("cannot reach") == 1


def test_a_server_that_is_killed_in_the_middle_of_an_answer_and_started_again(
    programs: Programs, library: Library, tmp_path: Path
) -> None:
    port = a_closed_port()
    story, more = tmp_path / "story.json", tmp_path / "more.json"
    rule = {"model": "voice", "reply": {"type": "reply", "text": "One two three four five six.", "between_ms": 300}}
    story.write_bytes(msgspec.json.encode({"rules": [rule]}))
    more.write_bytes(msgspec.json.encode({"rules": [{"model": "voice", "reply": GREETING}]}))
    server = programs.python("-m", "orchestrator.testing.model_server", story, "--port", str(port))
    server.hear("http")
    talk = chat(programs, f"http://127.0.0.1:{port}/v1")
    talk.type("count")
    talk.hear("two")
    server.kill()
    talk.hear("I cannot reach the model server")
    again = programs.python("-m", "orchestrator.testing.model_server", more, "--port", str(port))
    again.hear("http")
    talk.type("hello")
    talk.hear(GREETING)
    left_well(talk)
    assert speech(read(library.journal)).count("cannot reach") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "line"),
    [
        (Hang(), "My model is slow to answer. I'm still waiting for it."),
        (Reply("One two three four.", chunks=3, then="hang"), "The model server has gone silent"),
    ],
    ids=["from the start", "in the middle"],
)
def test_silence_is_owned_up_to(programs: Programs, library: Library, first: Answer, line: str) -> None:
    with ModelServer(models=("voice",)).in_thread() as server:
        # What broke off in the middle is asked to go on once.
        server.script("voice", [first, *([first] if isinstance(first, Reply) else []), GREETING])
        talk = chat(programs, server.base_url)
        talk.type("hello")
        talk.hear(line, within_s=30)
        talk.type("still there")
        talk.hear(GREETING)
        left_well(talk)
        server.assert_complete()
    assert speech(read(library.journal)).count(line) == 1


def work(server: ModelServer, answers: Sequence[Answer | str]) -> None:
    """The voice hands over, and tells what comes as it is."""

    def voice(body: Mapping[str, Any]) -> Answer:
        last, news = body["messages"][-1], latest_text(body)
        if "did not work out" in news:
            # A note may stand behind it: what the person is still hearing.
            return Reply("That did not work out.")
        if last["role"] == "user":
            return DELEGATE if "ledger" in last["content"] else Reply(GREETING)
        return Reply(FOUND)

    server.when(When(voice, model="voice"))
    server.script("thinker", answers)


@pytest.mark.parametrize(
    "first",
    [
        Refuse.rate_limit(1.0),
        Refuse.busy(),
        Reply("The ledger", chunks=2, then="cut"),
        Reply("The ledger", chunks=2, then="reset"),
    ],
    ids=["limit", "busy", "cut", "reset"],
)
def test_work_is_tried_again(programs: Programs, library: Library, first: Answer) -> None:
    with ModelServer(models=("voice", "thinker")).in_thread() as server:
        work(server, [first, FOUND])
        talk = chat(programs, server.base_url, "--background-model", "thinker")
        talk.type("where is the ledger?")
        talk.hear("trying again")
        talk.hear(FOUND)
        assert "I'll look" in talk.said  # before or after the first trouble is told
        left_well(talk)
        server.assert_complete()
    journal = read(library.journal)
    told_once(journal, "blue cupboard")
    assert speech(journal).count("blue cupboard") == 1


@pytest.mark.parametrize(
    ("where", "answers", "reason"),
    [
        ("thinker", [Refuse.key()], "key"),
        ("thinkre", [], "thinkre"),
        ("thinker", [Refuse.quota()], "nothing left"),
    ],
    ids=["key", "name", "quota"],
)
def test_work_that_cannot_be_done_is_told_once(
    programs: Programs, library: Library, where: str, answers: list[Answer], reason: str
) -> None:
    with ModelServer(models=("voice", "thinker")).in_thread() as server:
        work(server, answers)
        talk = chat(programs, server.base_url, "--background-model", where)
        talk.type("where is the ledger?")
        talk.hear(r"did not work out\.")
        talk.type("hello")
        talk.hear(GREETING)
        left_well(talk)
        assert server.unanswered == []
    journal = read(library.journal)
    [error] = of(journal, "finding", kind="error")
    assert reason in error["text"]
    assert "\n" not in error["text"]
    assert speech(journal).count("did not work out") == 1


def test_neither_the_voice_nor_the_work_can_reach_a_server_and_the_person_is_told_of_both(
    programs: Programs, library: Library
) -> None:
    """The voice is on one server, the work on one that is not there."""
    with ModelServer(models=("voice",)).in_thread() as server:
        work(server, [])
        nowhere = f"thinker@http://127.0.0.1:{a_closed_port()}/v1"
        talk = chat(programs, server.base_url, "--background-model", nowhere)
        talk.type("where is the ledger?")
        talk.hear("cannot be reached; trying again")
        talk.type("hello")
        talk.hear(GREETING)
        talk.send(signal.SIGINT)
        assert talk.end() == 130
        assert "left while still working on: Find the ledger" in talk.complained
