"""The desk's tools as functions of a language model, and what the model asks for as calls of the desk."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from background.outputs import READ_OUTPUT
from orchestrator.completions.asking import FunctionCall
from orchestrator.finding import Channel
from orchestrator.ports import ToolCall, ToolInfo

__all__ = ["ASK", "Functions", "Question", "Use", "Wanted", "Wrong"]

ASK: Final = "ask_person"


class Use(msgspec.Struct, frozen=True):
    """A tool is to be run. `harmless`: it may be stopped in the middle."""

    call: ToolCall
    harmless: bool = True
    channel: Channel = "commentary"


class Question(msgspec.Struct, frozen=True):
    """The person is to be asked."""

    text: str


class Wrong(msgspec.Struct, frozen=True):
    """The call cannot be made; `problem` is what the model is told."""

    problem: str


Wanted: TypeAlias = Use | Question | Wrong


class Functions:
    """The functions of one task."""

    def __init__(self, tools: Sequence[ToolInfo], *, asking: bool) -> None:
        self._tools: dict[str, ToolInfo] = {}
        for info in tools:
            self._tools[_fit(info.name, self._tools)] = info
        self._asking = asking and ASK not in self._tools
        if self._tools:
            # From the first request on, though nothing is cut yet: a prompt with another function is another one to
            # the cache.
            self._tools.setdefault(READ_OUTPUT.name, READ_OUTPUT)
        described = [_function(name, info.description, info.schema) for name, info in self._tools.items()]
        if self._asking:
            described.append(_function(ASK, _ASK_ABOUT, _ASK_SCHEMA))
        self.described: tuple[Mapping[str, Any], ...] = tuple(described)
        """As a request holds them."""

    def wanted(self, call: FunctionCall) -> Wanted:
        """What a call of the model asks for."""
        if call.arguments is None:
            problem = call.problem or "its arguments are not a JSON object"
            return Wrong(f"This call was not made: {problem}. Call it again with a whole JSON object.")
        if call.name == ASK and self._asking:
            question = call.arguments.get("question")
            if isinstance(question, str) and question.strip():
                return Question(question.strip())
            return Wrong('This call was not made: "question" is missing.')
        info = self._tools.get(call.name)
        if info is None:
            return Use(ToolCall(call.name, call.arguments))  # the desk says what there is instead
        return Use(ToolCall(info.name, call.arguments), info.limits.idempotent, info.limits.channel)


_ASK_ABOUT: Final = (
    "Put one short question to the person and wait for the answer. Only for what neither the conversation nor another "
    "function can tell, and without which the task cannot be done."
)
_ASK_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"question": {"type": "string", "description": "As it will be said aloud."}},
    "required": ["question"],
}


def _function(name: str, about: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    parameters = dict(schema) or {"type": "object", "properties": {}}
    return {"type": "function", "function": {"name": name, "description": about, "parameters": parameters}}


def _fit(name: str, taken: Mapping[str, Any]) -> str:
    """A name that servers accept, and that no other function has."""
    fit = plain = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64] or "tool"
    number = 2
    while fit in taken:
        fit = f"{plain[:60]}_{number}"
        number += 1
    return fit
