"""Tools that belong together: under one prefix, with limits of their own, taken whole or in part.

```python
shop = Toolbox("shop", prefix="shop_")

@shop.tool(timeout=5)
async def order(number: int, db: Annotated[Connection, database]) -> str: ...

Assistant(tools=[shop.only("shop_order*"), trains])
```
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, ParamSpec, Self, TypeVar, Unpack, overload

import msgspec

from orchestrator.errors import ConfigError
from orchestrator.function_tool import NAME, FunctionTool, LimitOptions, as_tool, limits_from, made
from orchestrator.tool_port import Checking, Progress, Result, Tool, ToolContext, ToolInfo, ToolLimits

__all__ = ["Toolbox"]

P = ParamSpec("P")
R = TypeVar("R")


class Toolbox:
    """A group of tools. Iterating gives them, as models see them: with the prefix, within the limits of the box.

    Args:
        name: What it is called in lists and errors.
        tools: What is in it from the start: tools, plain typed functions, or other toolboxes.
        prefix: Stands before the name of each of its tools.
        limits: Limits of the box, as `timeout=5`: for each tool, where the tool has not said otherwise.

    Raises:
        ConfigError: it has no name, two tools have one name, or the prefix makes a name that models do not accept.
        ToolDefinitionError: something in it cannot become a tool.
    """

    def __init__(
        self,
        name: str,
        tools: Iterable[Tool | Callable[..., Any] | Toolbox] = (),
        *,
        prefix: str = "",
        **limits: Unpack[LimitOptions],
    ) -> None:
        if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigError(
                "a toolbox was made without a name",
                f"its first argument is {type(name).__name__}, and must be what the box is called in lists and errors",
                'write Toolbox("shop", [order, look], prefix="shop_")',
            )
        self._name = name
        self._prefix = prefix
        self._given = dict(limits)
        self._limits = limits_from(f"the toolbox {name}", limits, "")
        self._tools: dict[str, Tool] = {}
        for each in tools:
            if isinstance(each, Toolbox):
                self.add(*each)
            else:
                self.add(each)

    def __repr__(self) -> str:
        return f"<toolbox {self._name}: {', '.join(self._tools)}>"

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def __len__(self) -> int:
        return len(self._tools)

    def __contains__(self, tool: object) -> bool:
        """Whether `tool` is in it, under whatever name."""
        return any(held is tool or (isinstance(held, _Seen) and held.shows(tool)) for held in self._tools.values())

    @property
    def name(self) -> str:
        """What it is called in lists and errors."""
        return self._name

    @overload
    def tool(self, function: Callable[P, R], /) -> FunctionTool[P, R]: ...
    @overload
    def tool(
        self, /, *, name: str = "", description: str = "", **limits: Unpack[LimitOptions]
    ) -> Callable[[Callable[P, R]], FunctionTool[P, R]]: ...
    def tool(
        self,
        function: Callable[P, R] | None = None,
        /,
        *,
        name: str = "",
        description: str = "",
        **limits: Unpack[LimitOptions],
    ) -> FunctionTool[P, R] | Callable[[Callable[P, R]], FunctionTool[P, R]]:
        """As `@tool`, and puts it into the box. What it gives back has the tool's own name and limits: for tests."""
        frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]

        def decorate(function: Callable[P, R]) -> FunctionTool[P, R]:
            tool = made(function, name, description, limits, frame)
            self._put(tool, said=limits)
            return tool

        return decorate if function is None else decorate(function)

    def add(self, *tools: Tool | Callable[..., Any]) -> Self:
        """Put tools in. Raises as the constructor does; then none of what comes after is in it."""
        for each in tools:
            self._put(as_tool(each), said={})
        return self

    def only(self, *patterns: str) -> Toolbox:
        """Another box with those of its tools whose name fits one of `patterns`, as `order*`.

        Raises `ConfigError` where a pattern fits none: a name that was written wrong is known at once.
        """
        return self._part(patterns, keep=True)

    def without(self, *patterns: str) -> Toolbox:
        """Another box with all the others. Raises `ConfigError` where a pattern fits none."""
        return self._part(patterns, keep=False)

    def prefixed(self, prefix: str) -> Toolbox:
        """Another box with `prefix` before all names."""
        return Toolbox(self._name, list(self), prefix=prefix)

    def limited(self, **limits: Unpack[LimitOptions]) -> Toolbox:
        """Another box whose tools all have these limits, whatever they have said themselves."""
        limits_from(f"the toolbox {self._name}", limits, "")
        box = Toolbox(self._name)
        for tool in self:
            changed = msgspec.structs.replace(tool.info.limits, **limits)
            box._take(_Seen(tool, msgspec.structs.replace(tool.info, limits=changed)))
        return box

    def _part(self, patterns: tuple[str, ...], *, keep: bool) -> Toolbox:
        for pattern in patterns:
            if not any(fnmatchcase(name, pattern) for name in self._tools):
                raise ConfigError(
                    f"no tool of the toolbox {self._name!r} is called {pattern!r}",
                    f"it has {', '.join(self._tools) or 'none'}",
                    "names are taken with their prefix; * stands for anything",
                )
        chosen = [
            tool
            for name, tool in self._tools.items()
            if any(fnmatchcase(name, pattern) for pattern in patterns) == keep
        ]
        return Toolbox(self._name, chosen)

    def _put(self, tool: Tool, *, said: Mapping[str, Any]) -> None:
        info = tool.info
        unsaid = {each: getattr(self._limits, each) for each in self._given if each not in said}
        own = ToolLimits()
        # A tool that was made elsewhere has said what it does not have by default.
        unsaid = {each: value for each, value in unsaid.items() if getattr(info.limits, each) == getattr(own, each)}
        limits = msgspec.structs.replace(info.limits, **unsaid)
        name = f"{self._prefix}{info.name}"
        if name == info.name and limits == info.limits:
            self._take(tool)
        else:
            self._take(_Seen(tool, msgspec.structs.replace(info, name=name, limits=limits)))

    def _take(self, tool: Tool) -> None:
        name = tool.info.name
        if not NAME.fullmatch(name):
            raise ConfigError(
                f"{name!r} cannot be the name of a tool of the toolbox {self._name!r}",
                "models accept letters, digits, _ and -, at most 64 of them",
                "give the box a shorter prefix",
            )
        if name in self._tools:
            raise ConfigError(
                f"the toolbox {self._name!r} has two tools called {name!r}",
                "a call names its tool, so each needs its own name",
                'give one of them another: @tool(name="...")',
            )
        self._tools[name] = tool


class _Seen:
    """A tool under another name, or within other limits."""

    def __init__(self, tool: Tool, info: ToolInfo) -> None:
        self._tool = tool
        self._info = info

    def __repr__(self) -> str:
        return f"<tool {self._info.name}>"

    @property
    def info(self) -> ToolInfo:
        return self._info

    def check(self, arguments: Mapping[str, Any]) -> None:
        if isinstance(self._tool, Checking):
            self._tool.check(arguments)

    def shows(self, tool: object) -> bool:
        return self._tool is tool or (isinstance(self._tool, _Seen) and self._tool.shows(tool))

    def call(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncIterator[Progress | Result]:
        return self._tool.call(arguments, context)
