"""A model that says what it is told to: for tests in virtual time, without a server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TypeAlias

import anyio

from orchestrator.completions.asking import CallDone, Completion, Done, FunctionCall, Piece, Request, Text, Usage
from orchestrator.completions.profile import Profile
from orchestrator.completions.troubles import ModelTrouble

__all__ = ["ScriptedCompletions", "Step"]

Step: TypeAlias = str | float | FunctionCall | Piece | Usage | anyio.Event | ModelTrouble
"""Text that is said, seconds that pass, a function call, any piece as it is, the usage to report, an event to wait for,
or a trouble to raise."""


class ScriptedCompletions:
    """Implements `Completions`: answers one request a script, in order.

    >>> model = ScriptedCompletions(["Hello", 0.2, " there."], [ModelTrouble("rate limit", "too many")])
    """

    def __init__(self, *scripts: Sequence[Step], profile: Profile | None = None) -> None:
        self._scripts = [tuple(script) for script in scripts]
        self.profile: Profile = profile or Profile(name="scripted")
        self.requests: list[Request] = []
        """What was asked, in order."""
        self.closed: list[int] = []
        """Numbers (from 0) of the requests that were closed before their end."""

    async def stream(self, request: Request) -> AsyncIterator[Piece]:
        """Play the next script. Raises `ModelTrouble` when there is none left."""
        number = len(self.requests)
        self.requests.append(request)
        if number >= len(self._scripts):
            raise ModelTrouble("bad request", "the script is over", f"request {number + 1} is one more than it has")
        text, calls, usage, whole = "", list[FunctionCall](), Usage(), False
        try:
            for step in self._scripts[number]:
                match step:
                    case str():
                        text += step
                        yield Text(step)
                    case float() | int():
                        await anyio.sleep(step)
                    case FunctionCall():
                        calls.append(step)
                        yield CallDone(step)
                    case Usage():
                        usage = step
                    case anyio.Event():
                        await step.wait()
                    case ModelTrouble():
                        whole = True
                        raise step
                    case _:
                        yield step
            whole = True
            yield Done(Completion(text, tuple(calls), usage=usage, finish="tool_calls" if calls else "stop"))
        finally:
            if not whole:
                self.closed.append(number)

    def assert_complete(self) -> None:
        """Fail with `AssertionError` unless every script was asked for."""
        left = len(self._scripts) - len(self.requests)
        if left > 0:
            raise AssertionError(f"{left} scripts of {len(self._scripts)} were never asked for")
