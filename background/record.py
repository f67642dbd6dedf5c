"""The record of what a task has done that must not be done twice, as its toolbox reads and keeps it.

A call of a tool that is not idempotent is written down before it is made, and its outcome before anybody hears of it.
So a later attempt of the task knows which calls were made: those it makes again are answered from the record, and the
tool does not run. What was begun and has no outcome was interrupted in the middle: nobody knows whether it happened.

Calls are told apart by tool, arguments and occurrence: the second call of the same within one attempt is a second call.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, Protocol, cast

import anyio
import msgspec

from orchestrator.ports import Begun, Result, Steps, ToolCall

__all__ = ["Record", "StepHost", "canonical", "said_with"]

LONGEST_SHOWN: Final = 80
MOST_SHOWN: Final = 3

_ENCODER: Final = msgspec.msgpack.Encoder()
_RESULT: Final = msgspec.msgpack.Decoder(Result)


class StepHost(Protocol):
    """The claim behind it. Each of these waits while the bus is away, and raises `ClaimLost`."""

    @property
    def attempt(self) -> int: ...

    async def begin(self, step: str) -> Begun: ...

    async def complete(self, step: str, outcome: bytes) -> None: ...

    async def earlier_steps(self) -> Steps: ...


class Record:
    """The calls of one attempt, and what is known of those before it."""

    def __init__(self, host: StepHost) -> None:
        self._host = host
        self._asked: Counter[str] = Counter()
        self._earlier: Steps | None = None
        self._one_at_a_time = anyio.Lock()

    def step(self, call: ToolCall) -> str:
        """The name of this call from now on. Numbered in call order, which is the same in every attempt."""
        key = canonical(call)
        self._asked[key] += 1
        return _step(key, self._asked[key])

    async def known(self, call: ToolCall, step: str) -> Result | None:
        """What the record answers in place of the tool; `None` when the tool may run."""
        if self._host.attempt == 1:
            return None
        earlier = await self._before()
        if step in earlier.outcomes:
            return _answered(call.name, earlier.outcomes[step])
        if not earlier.whole:
            return _unknown(call.name)
        # A model may put the same wish in other words the second time, so other arguments prove nothing.
        others = [other for other in map(_Made.read, earlier.outcomes.items()) if self._stands_against(call, other)]
        return _done_otherwise(call, others) if others else None

    async def begin(self, call: ToolCall, step: str) -> Result | None:
        """Write down that the call is made now; `None` when it may be."""
        begun = await self._host.begin(step)
        match begun.known:
            case "new":
                return None
            case "begun":
                return _unknown(call.name)
            case "done":
                return _answered(call.name, begun.outcome)

    async def complete(self, step: str, result: Result) -> None:
        """Write down what it came to."""
        try:
            outcome = _ENCODER.encode(result)
        except (TypeError, ValueError, OverflowError, msgspec.MsgspecError):
            outcome = _ENCODER.encode(msgspec.structs.replace(result, data=None))
        await self._host.complete(step, outcome)

    def _stands_against(self, call: ToolCall, other: _Made) -> bool:
        # A call that was sent back for its arguments has done nothing.
        sent_back = other.result is not None and other.result.retry
        return other.tool == call.name and not sent_back and other.key not in self._asked

    async def _before(self) -> Steps:
        async with self._one_at_a_time:
            if self._earlier is None:
                self._earlier = await self._host.earlier_steps()
            return self._earlier


class _Made(msgspec.Struct, frozen=True):
    """A call that an earlier attempt has made."""

    tool: str
    arguments: Mapping[str, object]
    key: str
    result: Result | None

    @classmethod
    def read(cls, item: tuple[str, bytes | None]) -> _Made:
        step, outcome = item
        key, _, _ = step.rpartition(" ")
        try:
            tool, arguments = cast("tuple[str, dict[str, object]]", json.loads(key))
        except ValueError:
            return cls("", {}, key, None)  # not a call as this version writes it
        return cls(tool, arguments, key, _decoded(outcome))

    def __str__(self) -> str:
        came = "how that ended is not known" if self.result is None else f"which came to: {self.result.text}"
        return f"with {said_with(self.arguments) or 'no arguments'}, {came}"


def canonical(call: ToolCall) -> str:
    """The same for every call of this tool with these arguments."""
    return json.dumps([call.name, call.arguments], sort_keys=True, default=repr)


def said_with(arguments: Mapping[str, object]) -> str:
    """Arguments in words, each at about 80 characters."""
    return ", ".join(f"{name} {_shortened(str(value))}" for name, value in arguments.items())


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def _step(key: str, occurrence: int) -> str:
    return f"{key} {occurrence}"


def _decoded(outcome: bytes | None) -> Result | None:
    if outcome is None:
        return None
    try:
        return _RESULT.decode(outcome)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None  # a newer worker wrote it


def _answered(name: str, outcome: bytes | None) -> Result:
    return _decoded(outcome) or _unknown(name)


def _unknown(name: str) -> Result:
    return Result(
        f"The outcome of {name} is unknown: the task was interrupted and taken up again, "
        "and doing it twice could do harm, so it was not run again.",
        ok=False,
    )


def _done_otherwise(call: ToolCall, others: Sequence[_Made]) -> Result:
    made = "; and ".join(str(other) for other in others[:MOST_SHOWN])
    more = f"; and {len(others) - MOST_SHOWN} more" if len(others) > MOST_SHOWN else ""
    return Result(
        f"{call.name} was not run: before this task was interrupted and taken up again, it had already been run "
        f"{made}{more}. Doing it twice could do harm. Asked for with the same arguments, it gives that outcome again "
        "and does not run; after that it may run with others.",
        ok=False,
    )
