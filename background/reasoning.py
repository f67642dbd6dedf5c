"""Any async callable is a reasoner: the door for agents that were written with something else."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias, cast, runtime_checkable

from orchestrator.bundle import Bundle
from orchestrator.errors import ConfigError
from orchestrator.finding import Finding
from orchestrator.ports import Desk, Reasoner

__all__ = ["Agent", "Keeping", "as_reasoner"]


@runtime_checkable
class Keeping(Protocol):
    """A reasoner that keeps something open between tasks, such as connections. A worker holds it as long as it works;
    tasks that run without a worker that does so must work as well."""

    def kept(self) -> AbstractAsyncContextManager[object]:
        """Open while it is held. Several workers may hold it at once."""
        ...


Told: TypeAlias = Finding | str

Agent: TypeAlias = Callable[[Bundle, Desk], Awaitable[Told | None] | AsyncIterator[Told]]
"""An async function or async generator of `(bundle, desk)`.

A function returns the answer. A generator yields as it goes: each text is progress, and the last one is the answer too.
Either may give whole findings instead; a terminal finding ends it.
"""


def as_reasoner(agent: Reasoner | Agent) -> Reasoner:
    """`agent` as a reasoner; what is one already comes back as it is. Raises `ConfigError` for anything else.

    >>> async def agent(bundle: Bundle, desk: Desk) -> str:
    ...     return f"You asked: {bundle.task}"
    >>> reasoner = as_reasoner(agent)
    """
    run = getattr(agent, "run", None)
    if callable(run):
        return cast(Reasoner, agent)
    call = agent if inspect.isroutine(agent) else getattr(agent, "__call__", None)  # noqa: B004
    if not (inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)):
        raise ConfigError(
            f"{agent!r} cannot reason",
            "it is neither a reasoner nor an async function or async generator",
            "write `async def agent(bundle, desk)` and return the answer as text or as a Finding",
        )
    return _Called(cast(Agent, agent))


class _Called:
    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    async def run(self, bundle: Bundle, desk: Desk) -> AsyncIterator[Finding]:
        told = self._agent(bundle, desk)
        if isinstance(told, AsyncIterator):
            last: Told | None = None
            try:
                async for last in told:
                    yield Finding.progress(last) if isinstance(last, str) else last
            finally:
                close = getattr(told, "aclose", None)
                if close is not None:
                    await close()
        else:
            last = await told
            if isinstance(last, Finding):
                yield last
        if isinstance(last, str):
            yield Finding.final(last)
