"""What a task has cost, and what is left of its budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from background.models.chat_settings import Price
from orchestrator.bundle import Budget
from orchestrator.completions.asking import Usage

__all__ = ["CHARS_A_TOKEN", "SHORTEST_ANSWER", "Spending", "smaller"]

CHARS_A_TOKEN: Final = 4
"""Where the server does not count, and for what has not been sent yet."""
SHORTEST_ANSWER: Final = 150
"""Tokens in which something useful can still be said."""
ROOMY_ANSWER: Final = 600
"""Tokens that a round with function calls and an answer after it are held to need beside their prompts."""


def smaller(one: Budget, other: Budget) -> Budget:
    """Of each kind the tighter limit."""
    return Budget(
        calls=_least(one.calls, other.calls),
        tokens=_least(one.tokens, other.tokens),
        tool_calls=_least(one.tool_calls, other.tool_calls),
        cost=min((limit for limit in (one.cost, other.cost) if limit is not None), default=None),
    )


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


class Spending:
    """Counts for one task. Tokens of prompts not sent yet are estimated."""

    def __init__(self, budget: Budget, prices: Mapping[str, Price]) -> None:
        self._budget = budget
        self._prices = prices
        self.calls: int = 0
        self.tool_calls: int = 0
        self.usage: Usage = Usage()
        self.cost: float = 0.0
        self.models: list[str] = []
        """Those that have answered, each once."""

    def book(self, model: str, usage: Usage) -> None:
        """A call has ended, whole or not."""
        self.calls += 1
        total = self.usage
        self.usage = Usage(
            total.input + usage.input,
            total.output + usage.output,
            total.cached + usage.cached,
            total.estimated or usage.estimated,
        )
        if model in self._prices:
            self.cost += self._prices[model].of(usage)
        if model not in self.models:
            self.models.append(model)

    def over(self, model: str, prompt: int) -> str:
        """Why no further call can be made with a prompt of so many tokens; empty where one can."""
        limit = self._budget
        if limit.calls is not None and self.calls >= limit.calls:
            return f"the {_counted(limit.calls, 'model call')} it may take are used up"
        if limit.tokens is not None and self._tokens_left() < prompt + SHORTEST_ANSWER:
            return f"the {limit.tokens} tokens it may take are used up"
        if limit.cost is not None and limit.cost - self.cost < self._worth(model, prompt, SHORTEST_ANSWER):
            return f"the {limit.cost:g} it may cost are spent"
        return ""

    def last(self, model: str, prompt: int) -> str:
        """Why the next call has to bring the answer; empty where there is room for more."""
        limit = self._budget
        if limit.calls is not None and self.calls + 1 >= limit.calls:
            return "this is the last model call of this task"
        if limit.tool_calls is not None and self.tool_calls and self.tool_calls >= limit.tool_calls:
            return f"the {_counted(limit.tool_calls, 'tool call')} of this task are used up"
        if limit.tokens is not None and self._tokens_left() < 2 * (prompt + ROOMY_ANSWER):
            return "the tokens of this task are nearly used up"
        if limit.cost is not None and limit.cost - self.cost < 2 * self._worth(model, prompt, ROOMY_ANSWER):
            return "the money for this task is nearly spent"
        return ""

    def longest_answer(self, prompt: int, own: int | None) -> int | None:
        """The `max_tokens` of a call: the reasoner's own, or what the budget leaves."""
        return own if self._budget.tokens is None else _least(own, max(1, self._tokens_left() - prompt))

    def may_use_tools(self, wanted: int) -> int:
        """How many of so many further tool calls may run."""
        limit = self._budget.tool_calls
        return wanted if limit is None else max(0, min(wanted, limit - self.tool_calls))

    def told(self) -> dict[str, Any]:
        """For the `data` of the answer."""
        total = self.usage
        told: dict[str, Any] = {
            "calls": self.calls,
            "tool_calls": self.tool_calls,
            "input": total.input,
            "output": total.output,
            "cached": total.cached,
            "model": ", ".join(self.models),
        }
        if total.estimated:
            told["estimated"] = True
        if self._prices and all(model in self._prices for model in self.models):
            told["cost"] = round(self.cost, 6)
        return told

    def _tokens_left(self) -> int:
        return (self._budget.tokens or 0) - self.usage.input - self.usage.output

    def _worth(self, model: str, prompt: int, answer: int) -> float:
        price = self._prices.get(model)
        return 0.0 if price is None else price.of(Usage(input=prompt, output=answer))


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
