"""A tool that does what its script says, at the times it says: for tests, and `given.tool` lines of scenarios."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import anyio

from orchestrator.errors import ConfigError, ToolFailed, ToolRetry
from orchestrator.ports import Progress, Result, ToolContext, ToolInfo, ToolLimits
from orchestrator.scenario import GivenStep

__all__ = ["ScriptedTool", "Step"]

Step: TypeAlias = GivenStep
"""What the tool does `after_ms` milliseconds after it was called: one of `progress`, `result`, `error`."""

_ANYTHING: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"query": {"type": "string", "description": "What is asked of it, in plain words."}},
}


class ScriptedTool:
    """A tool that ignores its arguments and follows its script.

    The times of all steps count from the start of the call and are kept with `anyio.sleep`, so they are virtual on a
    virtual loop. The last step, and only that one, is a `result` or an `error`; an error is a `ToolFailed`.

    >>> ScriptedTool("lookup", "Look something up.", [Step(after_ms=1200, result="It is 42.")]).info.name
    'lookup'
    """

    def __init__(self, name: str, description: str, steps: Sequence[Step], *, limits: ToolLimits | None = None) -> None:
        """Raises `ConfigError` for a script that does not end, or that goes back in time."""
        for step in steps:
            if sum(part is not None for part in (step.progress, step.result, step.error)) != 1:
                raise _wrong(name, "A step has exactly one of progress, result and error.")
        if [step.progress is None for step in steps] != [False] * (len(steps) - 1) + [True]:
            raise _wrong(name, "The last step, and only that, is a result or an error.")
        times = [step.after_ms for step in steps]
        if times != sorted(times) or times[0] < 0:
            raise _wrong(name, "after_ms counts from the start of the call, so it never falls.")
        self._steps = tuple(steps)
        # A script may well be longer than what a real tool is given.
        self._info = ToolInfo(name, description, _ANYTHING, limits or ToolLimits(timeout=None))
        self.calls: list[dict[str, Any]] = []
        """The arguments of every call so far."""

    @property
    def info(self) -> ToolInfo:
        """What models are told of it."""
        return self._info

    async def call(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncGenerator[Progress | Result]:
        """Follow the script. Raises `ToolFailed` where it says `error`, and `ToolRetry` for a query that is no text."""
        if not isinstance(arguments.get("query", ""), str):
            raise ToolRetry(f"The query of {self._info.name} is a text.")
        self.calls.append(dict(arguments))
        started = anyio.current_time()
        for step in self._steps:
            await anyio.sleep(max(0.0, started + step.after_ms / 1000 - anyio.current_time()))
            if step.progress is not None:
                yield Progress(step.progress)
            elif step.result is not None:
                yield Result(step.result)
            else:
                raise ToolFailed(step.error or "The script says that it fails.")


def _wrong(name: str, why: str) -> ConfigError:
    return ConfigError(f"The script of the tool {name!r} cannot be followed.", why, "Mend its steps.")
