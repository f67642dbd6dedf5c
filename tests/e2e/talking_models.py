"""A voice and a reasoner as a model server plays them, for whole conversations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from orchestrator.completions.asking import FunctionCall
from orchestrator.testing import ModelServer, Reply, When
from orchestrator.testing.model_replies import latest_text

__all__ = ["STORY", "TOLD", "models", "prompts_grow"]

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
    if "144" in said:
        return Reply(TOLD, first_ms=40, between_ms=5)
    if "agenda" in said:
        arguments = {"text": "where the agenda is, not the ledger", "say": "Sure, the agenda then."}
        return Reply(calls=(FunctionCall("c2", "amend", arguments),), first_ms=40)
    if "ledger" in said:
        arguments = {"task": "Find where the ledger is kept, and what 12 * 12 is", "say": "I'll look it up."}
        return Reply(calls=(FunctionCall("c1", "delegate", arguments),), first_ms=40)
    if "story" in said:
        return Reply(STORY, first_ms=40, between_ms=150)
    return Reply("Mm, all right.", first_ms=40)


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
