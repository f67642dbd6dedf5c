"""A voice and a reasoner as a model server plays them, for whole conversations."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from orchestrator.completions.asking import FunctionCall
from orchestrator.testing import ModelServer, Reply, When
from orchestrator.testing.model_replies import latest_text
from tests.e2e.journals import Record, of, speech, told_once

__all__ = ["STORY", "TOLD", "check_conversation", "models", "prompts_grow"]

STORY: Final = (
    "Long ago a lighthouse keeper counted ships. Every ship had a lamp of its own colour. One night there came a ship "
    "without any lamp at all. He rowed out to it in the dark, against the tide. On board there was nobody but a cat. "
)
TOLD: Final = "The agenda hangs on the green door, and twelve times twelve is 144."


def models() -> ModelServer:
    """The server. `voice` tells stories slowly, hands work over, corrects it; `thinker` uses two tools at once, then as
    many more as it is corrected."""
    return ModelServer(When(_voice, model="voice"), When(_thinker, model="thinker"), models=("voice", "thinker"))


def _voice(body: Mapping[str, Any]) -> Reply:
    said = _last_words(body)
    if "is 144" in said:  # a nonce may have the number alone
        return Reply(TOLD, first_ms=40, between_ms=5)
    if "agenda" in said:
        arguments = {"text": "where the agenda is, not the ledger", "say": "Sure, the agenda then."}
        return Reply(calls=(FunctionCall("c2", "amend", arguments),), first_ms=40)
    if "12 * 12?" in said:
        arguments = {"task": "Find where the ledger is kept, and what 12 * 12 is", "say": "I'll look it up."}
        return Reply(calls=(FunctionCall("c1", "delegate", arguments),), first_ms=40)
    if "story" in said:
        return Reply(STORY, first_ms=40, between_ms=150)
    # To half of a line, where who types is slow: it is closed before it begins.
    return Reply("Mm, all right.", first_ms=3_000)


def _thinker(body: Mapping[str, Any]) -> Reply:
    said = _last_words(body)
    if "not the ledger" in said:
        return Reply(calls=(FunctionCall("t3", "search_files", {"query": "agenda"}),))
    if "green door" in said:
        return Reply("The agenda hangs on the green door. 12 * 12 is 144.")
    if "blue cupboard" in said:
        # Time to be corrected in: what has been found so far is thought about for longer than the test takes.
        return Reply("The ledger is in the blue cupboard.", first_ms=60_000)
    return Reply(
        calls=(
            FunctionCall("t1", "search_files", {"query": "ledger"}),
            FunctionCall("t2", "calculate", {"expression": "12 * 12"}),
        )
    )


def _last_words(body: Mapping[str, Any]) -> str:
    """What is new in the prompt since the model last said or called something, without the frames of old matter."""
    return re.sub(r"kind=\"(status|note)\".*?</", "", latest_text(body), flags=re.DOTALL)


def prompts_grow(prompts: list[list[Mapping[str, Any]]]) -> bool:
    """Whether each prompt begins with all of the one before it."""
    return all(after[: len(before)] == before for before, after in pairwise(prompts))


def check_conversation(journal: list[Record], server: ModelServer) -> None:
    """The conversation of the issue: the story cut off, the ledger and 12 * 12, the agenda in its middle."""
    first, *_ = server.asked("voice", contains="story")
    stopped = of(journal, "stop")[0]
    assert stopped["at_ms"] < of(journal, "delegate")[0]["at_ms"]
    # What was generated and not heard is not in the prompt as if it had been said.
    prompts = [asked.messages for asked in server.asked("voice") if asked.closed_at is None]
    heard = [message["content"] for message in prompts[-1] if message["role"] == "assistant" and message.get("content")]
    assert heard[0]
    assert "lighthouse" in heard[0]
    assert "cat" not in " ".join(heard)
    assert prompts_grow(prompts)
    assert first.messages == prompts[-1][: len(first.messages)]
    # Two tools side by side, their results in the order of the calls.
    thoughts = [asked.messages for asked in server.asked("thinker")]
    results = [message["content"] for message in thoughts[1] if message["role"] == "tool"]
    assert "blue cupboard" in results[0]
    assert "144" in results[1]
    # The correction closed the call that was under way, and stands in the next one.
    assert server.asked("thinker")[1].closed_at is not None
    assert "not the ledger" in json.dumps(thoughts[2])
    final = told_once(journal, "green door")
    assert final["sources"]
    assert speech(journal).count(TOLD) == 1
    assert "blue cupboard" not in speech(journal)
