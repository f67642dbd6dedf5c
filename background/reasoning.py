"""Any async callable is a reasoner: the door for agents that were written with something else."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol, TypeAlias, cast, runtime_checkable

from background.answering import as_answer
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


Agent: TypeAlias = Callable[[Bundle, Desk], Awaitable[Any] | AsyncIterator[Any]]
"""An async function or async generator of `(bundle, desk)`.

A function returns the answer: text, a `Finding`, or a structure (a mapping, a dataclass, a pydantic model, ...), which
goes along as the answer's `data`. `None` means that it has none.

A generator yields as it goes. Text is progress, and the last text is the answer too. A structure is the answer and ends
it, as a terminal finding does; other findings (`Finding.partial(...)`) pass as they are.

When its task is called off, it is cancelled where it waits, and a generator is closed.
"""

WRITE: Final = "write `async def agent(bundle, desk)`, and return the answer or yield it"

ADAPTERS: Final = {
    ("pydantic_ai", "AbstractAgent"): "PydanticAIReasoner",
    ("agents", "AgentBase"): "AgentsSDKReasoner",
    ("langgraph", "Pregel"): "LangGraphReasoner",
    ("langgraph", "StateGraph"): "LangGraphReasoner",
}
"""By the package and the class an agent comes from: what makes a reasoner of it, in `background.agents`."""


def as_reasoner(agent: Reasoner | Agent) -> Reasoner:
    """`agent` as a reasoner; what is one already comes back as it is. Raises `ConfigError` for anything else.

    An object whose `run` is an async function of `(bundle, desk)` that returns the answer will do, too.

    >>> async def agent(bundle: Bundle, desk: Desk) -> str:
    ...     return f"You asked: {bundle.task}"
    >>> reasoner = as_reasoner(agent)
    """
    _refuse_foreign(agent)
    kind = cast(object, agent)
    if isinstance(kind, type):
        raise ConfigError(
            f"{kind.__name__} is a class, and cannot reason before there is one",
            "an agent holds what it works with, so it has to be made first",
            f"pass an instance: `{kind.__name__}(...)`",
        )
    run = getattr(agent, "run", None)
    if not inspect.isroutine(agent) and callable(run):
        if inspect.iscoroutinefunction(run):
            return _Called(cast(Agent, _fitting(run, agent)))
        if inspect.isgeneratorfunction(run):
            raise _refused(agent, "its `run` is a generator, but not an async one")
        return cast(Reasoner, agent)
    return _Called(cast(Agent, _fitting(agent, agent)))


def _fitting(call: Any, agent: object) -> Any:
    """`call`, if it is async and takes a bundle and a desk. Raises `ConfigError`."""
    if not callable(call):
        raise _refused(agent, "it is neither a reasoner nor an async function or async generator")
    own = inspect.unwrap(call) if inspect.isroutine(call) else call
    code = own if _is_async(own) or inspect.isroutine(own) else getattr(own, "__call__", own)  # noqa: B004
    if inspect.isgeneratorfunction(code):
        raise _refused(agent, "it is a generator, but not an async one, so it would hold up everybody else's work")
    if not (_is_async(code) or _is_async(call)):
        raise _refused(
            agent,
            "it is a function, but not an async one, so it would hold up everybody else's work",
            f"{WRITE}; what blocks goes into `await anyio.to_thread.run_sync(...)`",
        )
    try:
        inspect.signature(call).bind(None, None)
    except TypeError as error:
        raise _refused(agent, f"it cannot be called with a bundle and a desk: {error}") from None
    except ValueError:  # without a signature, as built-in functions can be
        pass
    return call


def _is_async(call: object) -> bool:
    return inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)


def _refuse_foreign(agent: object) -> None:
    """An agent of another framework often has a `run` too, but not ours."""
    for kind in type(agent).__mro__:
        package = kind.__module__.partition(".")[0]
        name = ADAPTERS.get((package, kind.__name__))
        if name is not None:
            raise ConfigError(
                f"a {type(agent).__name__} of {package!r} cannot reason by itself",
                "it knows nothing of tasks and findings",
                f"use `from background.agents import {name}`, and pass `{name}(...)` with it inside",
            )


def _refused(agent: object, why: str, todo: str = WRITE) -> ConfigError:
    name = getattr(agent, "__qualname__", None) or repr(agent)
    return ConfigError(f"{name} cannot reason", why, todo)


class _Called:
    """An agent behind the port."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    def __repr__(self) -> str:
        return f"<reasoner {getattr(self._agent, '__qualname__', None) or repr(self._agent)}>"

    async def run(self, bundle: Bundle, desk: Desk) -> AsyncIterator[Finding]:
        told = self._agent(bundle, desk)
        if not isinstance(told, AsyncIterator):
            # An async function may hand back a generator that it has made.
            told = await told
        if not isinstance(told, AsyncIterator):
            if told is not None:
                yield as_answer(told)
            return
        last: str | None = None
        steps = cast("AsyncIterator[object]", told)
        try:
            async for step in steps:
                if isinstance(step, str):
                    last = str(step)
                    yield Finding.progress(last)
                elif isinstance(step, Finding) and not step.terminal:
                    last = None
                    yield step
                elif step is not None:
                    last = None
                    yield as_answer(step)
                    return
            if last is not None:
                yield Finding.final(last)
        finally:
            close = getattr(steps, "aclose", None)
            if close is not None:
                await close()
