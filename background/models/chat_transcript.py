"""The messages of one task. They only ever grow, so that a server finds each prompt in its cache up to where the last
one ended; the one exception is a prompt that no longer fits.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from background.frames import Frames
from background.outputs import shortened
from orchestrator.completions.asking import FunctionCall, Message

__all__ = ["Transcript"]

LAST_LINES: Final = 6
"""Lines of the conversation that go last of all."""
SHORT_RESULT: Final = 400
"""Characters that are left of a result that is shortened."""


class _Result(NamedTuple):
    """What a call came to, and where it stands in what came later."""

    place: int
    text: str
    tool: str
    number: str
    untrusted: bool


class Transcript:
    """A growing prompt: the conversation before the task, the task, and what came after it."""

    def __init__(self, lines: Sequence[str], closing: str, frames: Frames) -> None:
        self._lines = [frames.harmless(line) for line in lines]
        self._closing = closing
        self._frames = frames
        self._dropped = 0
        self._later: list[Message] = []
        self._results: list[_Result] = []
        self._ids: set[str] = set()

    @property
    def messages(self) -> tuple[Message, ...]:
        """All but the system message."""
        return ({"role": "user", "content": self._opening()}, *self._later)

    @property
    def size(self) -> int:
        """In characters."""
        return sum(_size(message) for message in self.messages)

    def tell(self, text: str) -> None:
        """Something that was said by the person, or about what they said."""
        self._later.append({"role": "user", "content": text})

    def note(self, text: str) -> None:
        """Something that we want of the model."""
        self._later.append({"role": "system", "content": text})

    def answered(self, text: str) -> None:
        """What the model wrote."""
        self._later.append({"role": "assistant", "content": text})

    def called(self, text: str, calls: Sequence[FunctionCall]) -> list[str]:
        """What the model called. Returns the ids under which its results are told, each only once in a task."""
        ids = [self._id(call.id) for call in calls]
        shown = [
            {
                **call.extra,
                "id": id_,
                "type": "function",
                "function": {"name": call.name, "arguments": _arguments(call)},
            }
            for id_, call in zip(ids, calls, strict=True)
        ]
        self._later.append({"role": "assistant", "content": text or None, "tool_calls": shown})
        return ids

    def bare(self) -> None:
        """Another model goes on: what the one before had put on its calls is its own, and others may refuse it."""
        for place, message in enumerate(self._later):
            if calls := message.get("tool_calls"):
                plain = [{field: call[field] for field in ("id", "type", "function")} for call in calls]
                self._later[place] = {**message, "tool_calls": plain}

    def result(self, id_: str, text: str, *, tool: str, untrusted: bool) -> None:
        """What a call came to."""
        result = _Result(len(self._later), text, tool, self._frames.number(), untrusted)
        self._results.append(result)
        self._later.append({"role": "tool", "tool_call_id": id_, "content": self._framed(result, text)})

    def shrink(self, to: int) -> bool:
        """Make it fit into so many characters, as far as that goes: the oldest of the conversation goes first, then the
        oldest results are shortened. Whether anything is shorter now."""
        before = self.size
        self._drop(to, keep=LAST_LINES)
        for result in self._results:
            if self.size <= to:
                break
            content = self._framed(result, shortened(result.text, SHORT_RESULT))
            if len(content) < len(self._later[result.place]["content"]):
                self._later[result.place] = {**self._later[result.place], "content": content}
        self._drop(to, keep=0)
        return self.size < before

    def _framed(self, result: _Result, text: str) -> str:
        return self._frames.result(text, tool=result.tool, number=result.number, untrusted=result.untrusted)

    def _drop(self, to: int, *, keep: int) -> None:
        over = self.size - to
        while over > 0 and len(self._lines) > keep:
            over -= len(self._lines.pop(0)) + 1
            self._dropped += 1

    def _opening(self) -> str:
        lines = list(self._lines)
        if self._dropped:
            lines.insert(0, f"({self._dropped} earlier lines are left out here, since they did not fit)")
        told = self._frames.frame("conversation", "\n".join(lines)) if lines else "Nothing was said before."
        return f"The conversation so far:\n{told}\n\n{self._closing}"

    def _id(self, given: str) -> str:
        name = plain = given or "call"
        number = 2
        while name in self._ids:
            name = f"{plain}-{number}"
            number += 1
        self._ids.add(name)
        return name


def _arguments(call: FunctionCall) -> str:
    # Servers read their own words again, and some refuse the whole request if they are no JSON.
    return json.dumps(call.arguments, ensure_ascii=False) if call.arguments is not None else "{}"


def _size(message: Message) -> int:
    calls: Any = message.get("tool_calls")
    return len(message.get("content") or "") + (len(json.dumps(calls)) if calls else 0)
