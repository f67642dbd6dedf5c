"""What an agent of another make does, told as findings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, cast

from background.agents.sentences import Sentences
from orchestrator.finding import Finding
from orchestrator.ports import Desk

__all__ = ["Narration"]

LONGEST_VALUE: Final = 60


class Narration:
    """Tells of one run. `partials`: whether sentences of the answer are told while the rest is still written.

    What a model writes before it calls a tool ("let me look") is no part of the answer. That is known only when the
    call comes; so a sentence counts as a part when the next one has begun, and what is left when a tool is called is
    told as progress. Each part holds those before it, so that the next part, and the answer, go on with what was heard.
    """

    def __init__(self, desk: Desk, *, partials: bool) -> None:
        self._desk = desk
        self._partials = partials
        self._sentences = Sentences()
        self._written = ""

    async def text(self, piece: str) -> None:
        """The model has written some more of its answer."""
        self._written += str(piece)
        if self._sentences.feed(str(piece)) and self._partials:
            whole = self._written[: len(self._written) - self._sentences.open]
            await self._desk.publish(Finding.partial(whole.lstrip().rstrip(" \t")))

    async def tool(self, name: str, arguments: str | Mapping[str, Any] | None) -> None:
        """A tool is called. Arguments may be JSON, whole or not."""
        before, self._written = self._sentences.rest(), ""
        if before and self._partials:
            await self._desk.progress(before)
        given = ", ".join(f"{key.replace('_', ' ')} {_shown(value)}" for key, value in _mapping(arguments).items())
        await self._desk.progress(f"Using {name.replace('_', ' ')}{f' with {given}' if given else ''}")

    async def progress(self, text: str) -> None:
        """Anything else that the agent is doing."""
        await self._desk.progress(str(text))

    def answered(self) -> None:
        """An answer of the model is whole: what is left of it is not told apart from the final finding."""
        self._sentences.rest()
        self._written = ""


def _mapping(arguments: str | Mapping[str, Any] | None) -> Mapping[str, Any]:
    if isinstance(arguments, str):
        try:
            read: Any = json.loads(arguments or "{}")
        except ValueError:
            return {}
        return cast("dict[str, Any]", read) if isinstance(read, dict) else {}
    return arguments or {}


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    short = text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE].rstrip()} …"
    return f"“{short}”" if isinstance(value, str) else short
