"""What a run of an agent came to, as the one finding that ends its task."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from background.agents.handing import Hands
from background.answering import as_answer
from orchestrator.finding import Finding

__all__ = ["Say", "Spent", "outcome"]

Say = Callable[[Any], str]
"""How a structured answer is told: the value in, a sentence or two out."""


class Spent(msgspec.Struct):
    """What the model calls of a task have taken so far."""

    calls: int = 0
    input: int = 0
    """Tokens, as are the next two."""
    output: int = 0
    cached: int = 0

    def add(self, *, calls: int, input: int, output: int, cached: int = 0) -> None:  # noqa: A002
        """Count some more."""
        self.calls += calls
        self.input += input
        self.output += output
        self.cached += cached


def outcome(output: Any, hands: Hands, spent: Spent, say: Say | None) -> Finding:
    """The final finding. What was spent stands in its `data` under `usage`, unless a field of the answer has that
    name."""
    if isinstance(output, Finding):
        return output
    text = "" if say is None or isinstance(output, str) else say(output)
    finding = as_answer(output, text=text, sources=hands.sources)
    if not finding.text.strip():
        return Finding.error("I worked on that but came to no answer.")
    data = {"usage": msgspec.to_builtins(spent), **(finding.data or {})}
    return msgspec.structs.replace(finding, data=data)
