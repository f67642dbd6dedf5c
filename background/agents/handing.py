"""The desk's tools in the hands of an agent of another make.

They stay the desk's: its limits, its approvals, its memory of what must not be done twice. The SDK sees a name, a
schema, and a function.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any, Final, cast

from background.frames import Frames, mark_of
from background.outputs import READ_OUTPUT
from orchestrator.finding import Source
from orchestrator.ports import Desk, ToolCall, ToolInfo

__all__ = ["ASK", "HandedTool", "Hands"]

ASK: Final = ToolInfo(
    "ask_person",
    "Ask the person one short question and wait for the answer. Only for what nothing else can tell you.",
    {
        "type": "object",
        "properties": {"question": {"type": "string", "description": "The question, as it is to be said."}},
        "required": ["question"],
        "additionalProperties": False,
    },
)
"""How an agent asks the person, where it is given leave to."""


class Hands:
    """The tools of one task, ready to be wrapped, and the sources that their results named.

    `questions`: whether `ask_person` is among them.
    """

    def __init__(self, desk: Desk, *, questions: bool) -> None:
        self._desk = desk
        self._sources: dict[Source, None] = {}
        chance = random.SystemRandom()
        self._frames = Frames(mark_of(chance), chance)
        infos = {info.name: info for info in desk.tools}
        if infos:
            infos.setdefault(READ_OUTPUT.name, READ_OUTPUT)
        if questions:
            infos.setdefault(ASK.name, ASK)
        self.tools: tuple[HandedTool, ...] = tuple(HandedTool(info, self) for info in infos.values())

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where the facts come from that the tools have brought so far."""
        return tuple(self._sources)

    async def use(self, info: ToolInfo, arguments: Mapping[str, Any]) -> str:
        """Run one and return what the model is to read; a failure is text too, and says so."""
        if info is ASK:
            question = str(arguments.get("question", "")).strip()
            return await self._desk.ask(question) if question else "Failed: the question is missing."
        (result,) = await self._desk.call(ToolCall(info.name, arguments))
        # The agent's own prompt knows nothing of frames, so this one explains itself.
        text = self._frames.told(result.text, tool=info.name) if result.untrusted else result.text
        if not result.ok:
            return f"Failed: {text}"
        self._sources.update(dict.fromkeys(result.sources))
        return text


class HandedTool:
    """One tool as any SDK can take it."""

    def __init__(self, info: ToolInfo, hands: Hands) -> None:
        self._info = info
        self._hands = hands

    @property
    def name(self) -> str:
        """What models call it."""
        return self._info.name

    @property
    def description(self) -> str:
        """What models are told of it."""
        return self._info.description

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of its arguments: a new dict, since SDKs write into theirs."""
        return {"type": "object", "properties": {}, **json.loads(json.dumps(dict(self._info.schema)))}

    async def use(self, arguments: Mapping[str, Any] | str) -> str:
        """Run it with arguments as a mapping, or as a model wrote them. Never raises for what a model got wrong."""
        if isinstance(arguments, str):
            try:
                arguments = cast("Mapping[str, Any]", json.loads(arguments or "{}"))
            except ValueError as error:
                return f"Failed: the arguments are not JSON ({error})."
        if not isinstance(cast(object, arguments), Mapping):
            return "Failed: the arguments are not a JSON object."
        return await self._hands.use(self._info, arguments)
