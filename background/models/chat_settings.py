"""What the reasoner on a language model can be told to do otherwise. Every value has a default that works."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from orchestrator.bundle import Budget
from orchestrator.completions.asking import Usage
from orchestrator.errors import ConfigError

__all__ = ["ChatReasonerSettings", "Price"]


class Price(msgspec.Struct, frozen=True):
    """What a model costs for a million tokens, in any currency, as long as it is the same for all."""

    input: float
    output: float
    cached: float | None = None
    """For tokens of the prompt that the server had in its cache; `None`: as any other."""

    def of(self, usage: Usage) -> float:
        """What one call cost.

        >>> Price(input=2.0, output=8.0, cached=1.0).of(Usage(input=1_000_000, output=500_000, cached=500_000))
        5.5
        """
        cached = self.input if self.cached is None else self.cached
        fresh = max(0, usage.input - usage.cached)
        return (fresh * self.input + usage.cached * cached + usage.output * self.output) / 1_000_000


class ChatReasonerSettings(msgspec.Struct, frozen=True, omit_defaults=True):
    """Times are in seconds."""

    budget: Budget = Budget(calls=24)
    """What any task may cost. A task brings a budget too, and of each kind the smaller counts."""
    prices: Mapping[str, Price] = {}
    """By the name of the model. Needed where a budget has a `cost`."""
    max_tokens: int | None = None
    """The longest answer of one call."""
    temperature: float | None = None
    reasoning_effort: str = ""
    """`minimal`, `low`, `medium`, `high`; passed on where the server knows it."""
    partials: bool | None = None
    """Whether a long answer is told while it is written. `None`: yes for free text. Never for a typed output."""
    partial_chars: int = 200
    """An answer that comes to fewer characters is told in one piece."""
    partial_step: int = 240
    """How many more characters must be there before the next part is told."""
    questions: int = 3
    """How many questions a task may put to the person; 0: none, and the model does not know that it could."""
    retries: int = 4
    """How often one model is asked again in a row after a trouble that may pass."""
    first_pause_s: float = 1.0
    """Pause before the first of these, where the server names none; each further one is twice as long."""
    longest_pause_s: float = 20.0
    answer_s: float = 10.0
    """So long before the deadline (but in its last quarter at the earliest) the model is told to answer now."""
    repairs: int = 2
    """How often the model may mend an output that does not fit its type."""
    continuations: int = 2
    """How often an answer that was cut by the limit of its length is gone on with."""
    speak: Callable[[Any], str] | None = None
    """What is said of an output. `None`: its `text`, `summary` or `answer`, else all its fields."""
    today: str = ""
    """The date as the model is told it; empty: it is told none."""

    def __post_init__(self) -> None:
        counts = (self.retries, self.questions, self.repairs, self.continuations)
        if min(*counts, self.first_pause_s, self.longest_pause_s, self.answer_s) < 0 or self.partial_step < 1:
            raise ConfigError(
                "these settings of the reasoner cannot be kept",
                "counts and times are 0 or more, and partial_step is 1 or more",
                "leave out what you do not need to change: every setting has a default",
            )
