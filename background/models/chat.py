"""The reasoner on a language model, on any endpoint that speaks chat completions.

```python
ChatReasoner("gpt-5.2-mini")                                       # OPENAI_API_KEY, OPENAI_BASE_URL
ChatReasoner("qwen3", endpoint=EndpointSettings(base_url="http://localhost:8000/v1"), fallbacks=("gpt-5.2-mini",))
ChatReasoner("gpt-5.2-mini", output=Report, settings=ChatReasonerSettings(budget=Budget(calls=8, cost=0.05), ...))
```

It asks the model, runs the functions that the model calls (side by side), and asks again, until there is an answer, or
the budget or the deadline is near: then the model is told to answer with what it has. What the person says meanwhile is
read before each call; a correction breaks off a call that runs. A long answer is told while it is written.
"""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from background.models.chat_models import Fallback, Given, lines
from background.models.chat_output import Shape
from background.models.chat_settings import ChatReasonerSettings, Price
from background.models.chat_work import Plan, Work
from orchestrator.bundle import Bundle
from orchestrator.errors import ConfigError
from orchestrator.finding import Finding
from orchestrator.ports import Desk

__all__ = ["ChatReasoner", "ChatReasonerSettings", "Fallback", "Price"]


class ChatReasoner:
    """Implements `orchestrator.ports.Reasoner`. Holds nothing of a task: one may serve any number of tasks at once."""

    def __init__(
        self,
        model: str,
        *,
        endpoint: Given = None,
        settings: ChatReasonerSettings | None = None,
        instructions: str = "",
        output: Any = None,
        fallbacks: Sequence[Fallback] = (),
        chance: random.Random | None = None,
    ) -> None:
        """A reasoner.

        Args:
            model: Its name, as the server knows it; without an `endpoint` also `"name@http://host/v1"`.
            endpoint: Where it is. `None`: what the environment says (`OPENAI_BASE_URL`, `OPENAI_API_KEY`).
            settings: Budgets, prices, retries, partial findings, and more.
            instructions: What it is to know, or to keep to, beside what its role is.
            output: The type of the answer: a pydantic model, a msgspec struct, a dataclass, a `TypedDict`. The value is
                in `Finding.data["value"]`. `None`: free text.
            fallbacks: Models to go on with when this one fails for good: `"other"`, `"other@http://host/v1"`, or a
                model and its endpoint.
            chance: Where the spread of pauses and the marks of frames come from; for tests that repeat themselves.

        Raises:
            ConfigError: something of this cannot work.
        """
        settings = settings or ChatReasonerSettings()
        models = lines(model, endpoint, fallbacks)
        unpriced = [line.model for line in models if line.model not in settings.prices]
        if settings.budget.cost is not None and unpriced:
            raise ConfigError(
                f"nobody knows what {unpriced[0]!r} costs",
                "the budget of the reasoner has a cost, and there is no price for that model",
                f"give settings.prices[{unpriced[0]!r}] = Price(input=..., output=...), per million tokens",
            )
        shape = None if output is None else Shape(output, settings.speak)
        self._plan = Plan(models, settings, instructions, shape, chance or random.SystemRandom())
        self.about: str = f"The language model {models[0].model}."

    @asynccontextmanager
    async def kept(self) -> AsyncGenerator[None]:
        """Keep the connections between tasks. A worker does this; without it each task has its own."""
        async with AsyncExitStack() as stack:
            for way in dict.fromkeys(line.way for line in self._plan.models):
                await stack.enter_async_context(way.held())
            yield

    async def run(self, bundle: Bundle, desk: Desk) -> AsyncIterator[Finding]:
        """Work on the task until it is answered, through as many corrections as come."""
        yield await Work(self._plan, bundle, desk).answer()
