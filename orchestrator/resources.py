"""What tools share: opened once in a worker, at its first use, and closed with it.

```python
@resource
async def database():
    async with connect("orders.db") as connection:
        yield connection

@tool
async def order(number: int, db: Annotated[Connection, database]) -> str: ...
```

A model is not told of `db`; the call gets the connection that all calls of this worker share.
"""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import CodeType, MappingProxyType, SimpleNamespace, TracebackType
from typing import Any, Final, Generic, Self, TypeVar, cast, get_type_hints

import anyio
from anyio.abc import TaskGroup

from orchestrator.errors import ToolDefinitionError, ToolFailed
from orchestrator.tool_port import Resource

__all__ = ["Resources", "SharedResource", "resource", "resource_in"]

_log = logging.getLogger(__name__)

OPENING_S: Final = 30.0
CLOSING_S: Final = 10.0
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class SharedResource(Generic[T_co]):
    """Made by `@resource`. Its parameters may be resources themselves: `pool: Annotated[Pool, pool]`."""

    def __init__(
        self, make: Callable[..., AbstractAsyncContextManager[T_co]], name: str, needs: Mapping[str, Resource[Any]]
    ) -> None:
        self._make = make
        self._name = name
        self._needs = MappingProxyType(dict(needs))

    def __repr__(self) -> str:
        return f"<resource {self._name}>"

    @property
    def name(self) -> str:
        """What an error calls it."""
        return self._name

    @property
    def needs(self) -> Mapping[str, Resource[Any]]:
        """By parameter: what must be open before it."""
        return self._needs

    def open(self, **needed: Any) -> AbstractAsyncContextManager[T_co]:
        """A new one, with what it needs. For tests, too: `async with database.open() as connection`."""
        return self._make(**needed)


def resource(function: Callable[..., AsyncIterator[T] | AbstractAsyncContextManager[T]]) -> SharedResource[T]:
    """Make a resource of an async generator that yields it once, or of whatever gives an async context manager.

    Its annotations are read here, so what it needs stands above it, and no two can need each other.

    Raises `ToolDefinitionError` for what cannot be opened.
    """
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    name = getattr(function, "__name__", "") or type(function).__name__
    if inspect.isasyncgenfunction(function):
        make = cast("Callable[..., AbstractAsyncContextManager[T]]", asynccontextmanager(function))
    elif callable(function) and not inspect.iscoroutinefunction(function) and not inspect.isgeneratorfunction(function):
        make = cast("Callable[..., AbstractAsyncContextManager[T]]", function)
    else:
        raise ToolDefinitionError(
            f"{name} cannot become a resource{_place(function)}.",
            "It is neither an async generator nor something that gives an async context manager.",
            "Write async def, open it, yield it once, and close it after the yield.",
        )
    known = frame.f_locals if getattr(inspect.unwrap(function), "__globals__", None) is frame.f_globals else {}
    shared: SharedResource[T] = SharedResource(make, name, _needs(make, name, known))
    shared.__doc__ = function.__doc__
    return shared


def resource_in(hint: Any) -> Resource[Any] | None:
    """The resource that an annotation names, as `Annotated[Pool, database]` does."""
    found = [each for each in getattr(hint, "__metadata__", ()) if _is_resource(each)]
    return found[0] if found else None


def _is_resource(thing: object) -> bool:
    return (
        not isinstance(thing, type)
        and isinstance(getattr(thing, "name", None), str)
        and callable(getattr(thing, "open", None))
        and isinstance(getattr(thing, "needs", None), Mapping)
    )


def _needs(make: Callable[..., Any], name: str, known: Mapping[str, Any]) -> dict[str, Resource[Any]]:
    function = inspect.unwrap(make)
    parameters = inspect.signature(function).parameters
    hints = _hints(function, parameters, name, known)
    needs = {each: found for each in parameters if (found := resource_in(hints.get(each))) is not None}
    free = [
        each
        for each, parameter in parameters.items()
        if each not in needs
        and parameter.default is inspect.Parameter.empty
        and parameter.kind not in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    ]
    if free:
        raise ToolDefinitionError(
            f"{name} cannot be opened{_place(make)}.",
            f"Nobody would give it {', '.join(free)}.",
            "Give it a default, or annotate it with another resource: Annotated[Pool, pool].",
        )
    return needs


def _hints(function: Any, parameters: Iterable[str], name: str, known: Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(function, type):
        return {}  # a class is opened with its own defaults
    raw = {each: function.__annotations__[each] for each in parameters if each in function.__annotations__}
    holder = SimpleNamespace(__annotations__=raw)
    try:
        return get_type_hints(holder, globalns=dict(function.__globals__), localns=dict(known), include_extras=True)
    except Exception as error:
        raise ToolDefinitionError(
            f"{name} cannot be opened{_place(function)}.",
            f"Its annotations cannot be read: {error}.",
            "Put what it needs above it, and import it so that it is there when the program runs.",
        ) from error


def _place(function: object) -> str:
    code = getattr(inspect.unwrap(cast("Callable[..., Any]", function)), "__code__", None)
    return f" ({code.co_filename}:{code.co_firstlineno})" if isinstance(code, CodeType) else ""


class Resources:
    """What is open in one worker. An async context manager; leaving it closes all, the last opened first.

    Each is opened and closed by a task of its own, since what opens a task group has to close it in the same task.
    """

    def __init__(self) -> None:
        self._held: dict[int, _Held] = {}
        self._opened: list[_Held] = []
        """In the order in which they were open: what another needs stands before it."""
        self._group: TaskGroup | None = None

    async def __aenter__(self) -> Self:
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        group, self._group = self._group, None
        assert group is not None, "left without having been entered"
        with anyio.CancelScope(shield=True):
            opening = [held for held in self._held.values() if held not in self._opened]
            for held in [*opening, *reversed(self._opened)]:
                await held.close()
        # Its tasks have ended, and raise nothing: what ends the worker passes as it is, and not in a group.
        await group.__aexit__(None, None, None)

    async def use(self, resource: Resource[T]) -> T:
        """The opened resource: opened now, where nobody has used it yet.

        Raises `ToolFailed` where it cannot be opened. The next use tries again, after a pause that doubles.
        """
        if self._group is None:
            raise ToolFailed(f"{resource.name} cannot be opened.", "The worker that would hold it has ended.")
        held = self._held.get(id(resource))
        if held is None or held.over:
            failures = 0 if held is None else held.failures
            if held is not None and held.trouble and anyio.current_time() < held.again_at:
                raise held.told()
            if held in self._opened:
                self._opened.remove(held)
            held = self._held[id(resource)] = _Held(resource, failures)
            self._group.start_soon(held.hold, self, self._opened)
        await held.ready.wait()
        if held.trouble:
            raise held.told()
        return cast("T", held.value)


class _Held:
    def __init__(self, resource: Resource[Any], failures: int) -> None:
        self.resource = resource
        self.failures = failures
        self.value: Any = None
        self.trouble = ""
        self.again_at = 0.0
        self.over = False
        self.ready = anyio.Event()
        self._closing = anyio.Event()
        self._closed = anyio.Event()
        self._scope = anyio.CancelScope()

    def told(self) -> ToolFailed:
        return ToolFailed(f"{self.resource.name} cannot be opened.", self.trouble, "It is tried again in a while.")

    async def hold(self, others: Resources, opened: list[_Held]) -> None:
        name = self.resource.name
        try:
            with self._scope:
                self._scope.deadline = anyio.current_time() + OPENING_S
                needed = {each: await others.use(need) for each, need in self.resource.needs.items()}
                async with self.resource.open(**needed) as self.value:
                    self._scope.deadline = float("inf")
                    self.failures = 0
                    opened.append(self)
                    self.ready.set()
                    await self._closing.wait()
                    self._scope.deadline = anyio.current_time() + CLOSING_S
            if self._scope.cancelled_caught:
                if self.ready.is_set():
                    _log.warning("%s did not close within %g seconds", name, CLOSING_S)
                else:
                    self.trouble = f"It was not open after {OPENING_S:g} seconds."
        except Exception as error:
            _log.warning("%s %s", name, "broke" if self.ready.is_set() else "cannot be opened", exc_info=True)
            if not self.ready.is_set():
                self.trouble = " ".join(f"{type(error).__name__}: {error}".split())
        finally:
            if self.trouble:
                pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**self.failures)
                self.failures += 1
                self.again_at = anyio.current_time() + pause
            self.over = True
            self.ready.set()
            self._closed.set()

    async def close(self) -> None:
        if not self.ready.is_set():
            self._scope.cancel()
        self._closing.set()
        await self._closed.wait()
