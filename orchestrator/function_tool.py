"""`@tool`: a Python function becomes something that can be done.

```python
@tool
async def trains(start: str, end: str):
    \"\"\"Find the next trains.

    Args:
        start: Station to leave from.
        end: Station to arrive at.
    \"\"\"
    yield "asking the timetable"          # every yield but the last is progress
    yield {"first": "9:12", "direct": True}
```

The function stays what it was and can be called as before; besides, it now fits the `Tool` port. It may be sync (then
it runs in a worker thread), async, or a generator of either kind. A parameter annotated with `ToolContext` gets the
context of the call and is not told to models.
"""

from __future__ import annotations

import difflib
import dis
import functools
import inspect
import json
import re
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, ParamSpec, TypedDict, TypeVar, Unpack, cast, overload

import anyio
import anyio.lowlevel
import anyio.to_thread
import msgspec

from orchestrator.errors import ToolDefinitionError, ToolFailed
from orchestrator.sync_context import SyncContext
from orchestrator.tool_port import Progress, Result, Tool, ToolContext, ToolInfo, ToolLimits

if TYPE_CHECKING:
    from types import CodeType, FrameType

    from orchestrator.tool_schema import Arguments

__all__ = ["NAME", "FunctionTool", "LimitOptions", "as_tool", "limits_from", "made", "tool"]

P = ParamSpec("P")
R = TypeVar("R")
Y = TypeVar("Y")

NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What the makers of models accept as the name of a tool."""

RESERVED: Final = frozenset(("read_output", "ask_person"))
"""What a language model in the background can always call."""

MAX_THREADS: Final = 40
"""Sync tools that run at once in one event loop."""

_NOTHING: Final = object()


class LimitOptions(TypedDict, total=False):
    """The keyword arguments of `@tool` that are its limits; the defaults are those of `ToolLimits`."""

    timeout: float | None
    """Seconds for the whole call."""
    idle_timeout: float | None
    """Seconds of silence between two yields."""
    concurrency: int | None
    """Calls at once in one worker."""
    max_output_chars: int
    """Beyond it the middle of the result is cut."""
    retries: int
    """How often a failed call is made again."""
    idempotent: bool
    """Whether a second run does no harm."""
    on_duplicate: Literal["run", "reuse"]
    needs_approval: bool
    """Whether the person is asked first."""
    channel: Literal["commentary", "thinking"]
    read_only: bool | None
    """Whether it changes nothing outside; taken to be so where it is idempotent."""
    question: str
    """How leave is asked for; `{name}` stands for an argument."""
    announce: str
    """Told when a call begins; `{name}` stands for an argument."""


class FunctionTool(Generic[P, R]):
    """A function that is also a `Tool`. Made by `@tool`; called with its own arguments, it is the function.

    A sync function runs in a worker thread. When its call is cancelled, the thread is left behind and its result thrown
    away; a long one should ask `anyio.from_thread.check_cancelled()` now and then.
    """

    __name__: str

    def __init__(self, function: Callable[P, R], info: ToolInfo, arguments: Arguments) -> None:
        self._function = function
        self._info = info
        self._arguments = arguments
        functools.update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function itself: no check, no progress, no limits."""
        return self._function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<tool {self._info.name}>"

    @property
    def info(self) -> ToolInfo:
        """What models are told of it."""
        return self._info

    def check(self, arguments: Mapping[str, Any]) -> None:
        """Raises `ToolRetry` where they do not fit. `call` does the same; this is for before leave is asked for."""
        self._arguments.check(arguments)

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncGenerator[Progress | Result]:
        """Check the arguments, run the function, pass on its progress, and end with its one `Result`.

        What it raises passes through. A `str` that is yielded goes out as progress at once, except at the last `yield`
        of the code: that one waits to see whether it was the result.

        Raises:
            ToolRetry: the arguments do not fit.
            ToolFailed: it ended without a result, or its result cannot be written as JSON.
        """
        checked = self._arguments.check(arguments)
        for name, resource in self._arguments.resources.items():
            checked[name] = await context.use(resource)
        bridge = SyncContext(context)
        if self._arguments.context:
            on_the_loop = _belongs_on_the_loop(cast("Callable[..., object]", self._function))
            checked[self._arguments.context] = context if on_the_loop else bridge
        try:
            async with aclosing(self._chunks(checked)) as chunks:
                async for chunk in chunks:
                    yield chunk
        finally:
            bridge.leave()

    async def _chunks(self, arguments: dict[str, Any]) -> AsyncGenerator[Progress | Result]:
        outcome = await self._run(arguments)
        steps = _steps(outcome)
        if steps is None:
            yield self._result(outcome)
            return

        last: object = _NOTHING
        told = True
        async with aclosing(steps):
            async for value in steps:
                if isinstance(last, Result):
                    raise ToolFailed(f"{self._info.name} went on after its result.", "A Result must be its last yield.")
                if not told:
                    yield Progress(self._result(last).text)
                last, told = value, False
                if isinstance(value, Progress):
                    yield value
                    told = True
                elif isinstance(value, str) and not _at_last_yield(outcome):
                    yield Progress(value)
                    told = True
        if last is _NOTHING or isinstance(last, Progress):
            raise ToolFailed(f"{self._info.name} ended without a result.", "The last thing it yields is its result.")
        yield self._result(last)

    async def _run(self, arguments: dict[str, Any]) -> object:
        function = cast("Callable[..., object]", self._function)
        if _belongs_on_the_loop(function):
            outcome = function(**arguments)
        else:
            outcome = await _in_thread(functools.partial(function, **arguments))
        return await cast("Awaitable[object]", outcome) if inspect.isawaitable(outcome) else outcome

    def _result(self, value: object) -> Result:
        match value:
            case Result():
                return value
            case str():
                return Result(value)
            case None:
                return Result("Done.")
            case _:
                data = self._as_json(value)
                # A date or a path is a string in JSON, and is read without quotes.
                return Result(data if isinstance(data, str) else json.dumps(data, ensure_ascii=False), data=data)

    def _as_json(self, value: object) -> Any:
        from pydantic_core import PydanticSerializationError, to_json

        try:
            return json.loads(to_json(value, fallback=msgspec.to_builtins, inf_nan_mode="strings"))
        except (PydanticSerializationError, TypeError, ValueError, RecursionError) as error:
            raise ToolFailed(
                f"The result of {self._info.name} cannot be written as JSON.",
                " ".join(str(error).split()),
                "Let it give text, numbers, lists, dicts, dataclasses or models.",
            ) from error


@overload
def tool(function: Callable[P, R], /) -> FunctionTool[P, R]: ...
@overload
def tool(
    *, name: str = "", description: str = "", **limits: Unpack[LimitOptions]
) -> Callable[[Callable[P, R]], FunctionTool[P, R]]: ...
def tool(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str = "",
    description: str = "",
    **limits: Unpack[LimitOptions],
) -> FunctionTool[P, R] | Callable[[Callable[P, R]], FunctionTool[P, R]]:
    """Make a tool of a function. With or without parentheses.

    Args:
        function: What to make it of. Every parameter needs an annotation; the docstring (Google, numpy or reST style)
            describes the tool and its parameters.
        name: What models call it; the function's own name when empty.
        description: What models read of it; the docstring's when empty.
        limits: What a call may take, see `LimitOptions`.

    Raises:
        ToolDefinitionError: a model could not be told how to call it; the message names file and line.
    """
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    if function is not None:
        return made(function, name, description, limits, frame)

    def decorate(function: Callable[P, R]) -> FunctionTool[P, R]:
        return made(function, name, description, limits, frame)

    return decorate


def as_tool(thing: Tool | Callable[..., Any]) -> Tool:
    """`thing` itself when it fits the `Tool` port already, else a tool made of the function or bound method.

    Raises `ToolDefinitionError`.
    """
    if isinstance(getattr(thing, "info", None), ToolInfo) and callable(getattr(thing, "call", None)):
        return cast("Tool", thing)
    return made(cast("Callable[..., Any]", thing), "", "", {}, sys._getframe(1))  # pyright: ignore[reportPrivateUsage]


def made(
    function: Callable[P, R], name: str, description: str, options: LimitOptions, frame: FrameType
) -> FunctionTool[P, R]:
    """What `tool` makes, for whoever decorates in its place. `frame` is where the function was written."""
    # pydantic costs more to import than all of the rest, and a program without a tool of its own never needs it.
    from orchestrator.tool_schema import place_of, read_signature

    own = getattr(function, "__name__", "")
    called = name or own
    if not inspect.isroutine(function):
        raise ToolDefinitionError(
            f"{function!r} cannot become a tool.",
            "It is neither a function nor a tool.",
            "Put @tool over a function, or hand over an object with `info` and `call` (the Tool port).",
        )
    # Annotations may name what the enclosing function holds; frames of other modules have nothing to say here.
    inner = inspect.unwrap(function)
    known = frame.f_locals if getattr(inner, "__globals__", None) is frame.f_globals else {}
    arguments, documented = read_signature(function, name=called, known=known)
    place = place_of(function)
    if not NAME.fullmatch(called):
        raise ToolDefinitionError(
            f"{called!r} cannot be the name of a tool{place}.",
            "Models accept letters, digits, _ and -, at most 64 of them.",
            'Give it another: @tool(name="...").',
        )
    if called in RESERVED:
        raise ToolDefinitionError(
            f"{called!r} cannot be the name of a tool{place}.",
            "Every task has a function of that name already.",
            'Give it another: @tool(name="...").',
        )
    limits = limits_from(called, options, place)
    _check_limits(called, limits, place)
    _check_templates(called, limits, arguments, place)
    said = description or documented or own.replace("_", " ")
    return FunctionTool(function, ToolInfo(called, said, arguments.schema, limits), arguments)


def limits_from(name: str, options: LimitOptions, place: str) -> ToolLimits:
    """The limits that keyword arguments name. Raises `ToolDefinitionError` for what is none."""
    unknown = [option for option in options if option not in ToolLimits.__struct_fields__]
    near = [match for option in unknown for match in difflib.get_close_matches(option, ToolLimits.__struct_fields__, 1)]
    try:
        if not unknown:
            return msgspec.convert(dict(options), ToolLimits)
        why = f"@tool knows no {', '.join(unknown)}."
    except msgspec.ValidationError as error:
        why = f"{error}."
    todo = f"Did you mean {' and '.join(near)}?" if near else f"It knows {', '.join(ToolLimits.__struct_fields__)}."
    raise ToolDefinitionError(f"{name} cannot become a tool{place}.", why, todo)


def _check_templates(name: str, limits: ToolLimits, arguments: Arguments, place: str) -> None:
    known = list(arguments.schema.get("properties", {}))
    for option in ("announce", "question"):
        unknown = [each for each in re.findall(r"\{(\w+)\}", getattr(limits, option)) if each not in known]
        if unknown:
            raise ToolDefinitionError(
                f"{name} cannot become a tool{place}.",
                f"Its {option} names {', '.join(unknown)}, which is no argument of it.",
                f"It takes: {', '.join(known) or 'nothing'}.",
            )


def _check_limits(name: str, limits: ToolLimits, place: str) -> None:
    above_zero = ("timeout", "idle_timeout", "concurrency", "max_output_chars")
    wrong = [limit for limit in above_zero if (value := getattr(limits, limit)) is not None and not value > 0]
    if limits.retries < 0:
        wrong.append("retries")
    if wrong:
        raise ToolDefinitionError(
            f"{name} cannot become a tool{place}.",
            f"It could never run with {', '.join(f'{limit}={getattr(limits, limit)}' for limit in wrong)}.",
            "Give a number above 0, or None for no limit.",
        )


# --- running ---------------------------------------------------------------------------------------------------------

_threads: anyio.lowlevel.RunVar[anyio.CapacityLimiter] = anyio.lowlevel.RunVar("tool_threads")


async def _in_thread(function: Callable[[], Y]) -> Y:
    # Not the threads of the loop: forty tools that never return must not take the files and addresses of all others.
    limiter = _threads.get(None)
    if limiter is None:
        limiter = anyio.CapacityLimiter(MAX_THREADS)
        _threads.set(limiter)
    return await anyio.to_thread.run_sync(function, abandon_on_cancel=True, limiter=limiter)


def _steps(outcome: object) -> AsyncGenerator[object] | None:
    """What a generator function has begun; `None` when the outcome is the result itself."""
    if isinstance(outcome, AsyncGenerator):
        return cast("AsyncGenerator[object]", outcome)
    if isinstance(outcome, Generator):
        return _in_steps(cast("Generator[object, None, None]", outcome))
    return None


async def _in_steps(generator: Generator[object, None, None]) -> AsyncGenerator[object]:
    """A sync generator, a step at a time in a worker thread."""
    try:
        while (value := await _in_thread(functools.partial(next, generator, _NOTHING))) is not _NOTHING:
            yield value
    except GeneratorExit:
        # Closed between two steps, so its `finally` can run now. A step that is still running in a thread that was
        # left behind closes it by dropping the last reference.
        with anyio.CancelScope(shield=True):
            await _in_thread(generator.close)
        raise


def _belongs_on_the_loop(function: Callable[..., object]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _at_last_yield(generator: object) -> bool:
    """Whether a generator stands at the last `yield` of its code.

    Whether a string is the result or progress shows only when the generator goes on, and by then the person would have
    waited for the progress in vain. So the code is asked: a `yield` that another one follows is not the result. (One
    that ends a branch in the middle of the code is taken for progress and is the result too.)
    """
    frame: FrameType | None = getattr(generator, "ag_frame", None) or getattr(generator, "gi_frame", None)
    return frame is not None and frame.f_lasti in _last_yield(frame.f_code)


@functools.lru_cache(maxsize=512)
def _last_yield(code: CodeType) -> tuple[int, ...]:
    """Where a generator's frame may stand when it waits at the last `yield` of its code."""
    asynchronous = bool(code.co_flags & inspect.CO_ASYNC_GENERATOR)
    last: tuple[int, ...] = ()
    steps = list(dis.get_instructions(code))
    for before, step, then in zip(steps, steps[1:], steps[2:], strict=False):
        # In async code every `await` yields too, to the event loop; the author's own yields wrap their value first.
        wraps = "ASYNC_GEN_WRAP" in before.opname or "ASYNC_GEN_WRAP" in before.argrepr
        if step.opname == "YIELD_VALUE" and (wraps or not asynchronous):
            # A frame that waits stands at the yield itself, from Python 3.13 on at the instruction after it.
            last = (step.offset, then.offset)
    return last
