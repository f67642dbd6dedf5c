"""One model call: its stream, what of it is told while it comes, and what ends it early."""

from __future__ import annotations

import anyio
import msgspec

from background.models.chat_sentences import Growth, whole_sentences
from background.models.chat_spending import CHARS_A_TOKEN
from orchestrator.completions.asking import (
    CallBegun,
    CallDone,
    Completion,
    Completions,
    Done,
    Request,
    Text,
    Thought,
    Usage,
)
from orchestrator.completions.troubles import ModelTrouble
from orchestrator.finding import Finding
from orchestrator.ports import Desk

__all__ = ["ModelCall"]

CLOSING_S = 2.0
"""How long closing a connection may take."""


class ModelCall:
    """Made once. A correction of the person, or the end of its time, closes the stream."""

    def __init__(self, desk: Desk, growth: Growth | None, *, head: str, tools: bool) -> None:
        """`head` is what an answer that goes on already has; `tools`: functions may be called."""
        self._desk = desk
        self._growth = growth
        self._head = head
        self._tools = tools
        self._answer: Completion | None = None
        self._hidden = 0
        self.text: str = ""
        """What the model has written by now."""
        self.corrected: bool = False
        """Whether a correction broke it off."""

    @property
    def begun(self) -> bool:
        """Whether the model has done anything: what was refused is not paid for."""
        return self._answer is not None or self.corrected or bool(self.text or self._hidden)

    @property
    def whole_sentences(self) -> str:
        """What was written by now, up to the last sentence that is whole."""
        text = self._head + self.text
        return text.strip() if text.rstrip().endswith((".", "!", "?")) else whole_sentences(text)[0].strip()

    def usage(self, prompt: int) -> Usage:
        """The tokens of it: the server's own count, or ours where it gave none or did not come to its end."""
        told = self._answer.usage if self._answer is not None else Usage()
        if told.input or told.output:
            return told
        return Usage(prompt, (len(self.text) + self._hidden) // CHARS_A_TOKEN, estimated=True)

    async def make(self, completions: Completions, request: Request, time: tuple[float, float]) -> Completion | None:
        """The answer; `None` where it was broken off. `time`: seconds until its first word, and in all.

        Raises `ModelTrouble`, alone and not in a group.
        """
        first, whole = time
        troubles: list[Exception] = []
        end = anyio.current_time() + whole
        with anyio.move_on_after(first) as limit:
            async with anyio.create_task_group() as group:
                group.start_soon(self._watch, group.cancel_scope)
                try:
                    await self._stream(completions, request, limit, end)
                except Exception as error:
                    troubles.append(error)
                group.cancel_scope.cancel()
        if self._answer is not None:
            return self._answer
        if troubles:
            raise troubles[0]
        return None

    async def _watch(self, call: anyio.CancelScope) -> None:
        await self._desk.amended()
        self.corrected = True
        call.cancel()

    async def _stream(self, completions: Completions, request: Request, limit: anyio.CancelScope, end: float) -> None:
        stream = completions.stream(request)
        try:
            async for piece in stream:
                match piece:
                    case Text(text=text):
                        limit.deadline = end
                        self.text += text
                        await self._tell()
                    case Thought(text=text):
                        if not self._hidden:
                            await self._desk.progress("Thinking")
                        self._hidden += len(text)
                    case CallDone(call=call):
                        self._hidden += len(call.raw) or len(str(call.arguments))
                    case CallBegun():
                        pass
                    case Done(completion=completion):
                        self._answer = msgspec.structs.replace(completion, text=completion.text or self.text)
                        return
        finally:
            close = getattr(stream, "aclose", None)
            if close is not None:
                with anyio.move_on_after(CLOSING_S, shield=True):
                    await close()
        raise ModelTrouble("cut off", "the answer of the model ended before it was whole")

    async def _tell(self) -> None:
        if self._growth is None:
            return
        part = self._growth.part(self._head + self.text, calls_may_follow=self._tools)
        if part:
            await self._desk.publish(Finding.partial(part))
