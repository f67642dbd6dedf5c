"""Pieces of an answer, made of whatever a server streams. Pure, and tolerant: no two servers stream alike.

Rules: calls are told apart by index and by new ids; arguments may be objects; whether there are calls is seen from the
calls, never from the finish reason; a chunk may have no choices, a choice no delta, a delta no content; usage may stand
anywhere or be missing. Text is never lost and never changes its order.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from orchestrator.completions.asking import CallDone, Completion, Done, FunctionCall, Piece, Text, Thought, Usage
from orchestrator.completions.calling import Calls
from orchestrator.completions.counting import estimated, usage_in
from orchestrator.completions.loose_json import is_list, is_object
from orchestrator.completions.troubles import ModelTrouble
from orchestrator.completions.writing import Writing, Written

__all__ = ["Accumulator"]

_ROOM_ENDED = frozenset({"length", "max_tokens", "max_output_tokens", "model_length"})
_NOT_MENDED = frozenset({"content_filter", "error", "safety"})
_THOUGHTS = ("reasoning_content", "reasoning", "reasoning_text", "thinking")


class Accumulator:
    """One answer, as it comes.

    `functions` are the names that were offered; without them, what looks like a call in the text stays text.
    `prompt_chars` is for servers that do not count tokens. `thinks_first`: see `Writing`.
    """

    def __init__(self, functions: Collection[str] = (), *, prompt_chars: int = 0, thinks_first: bool = False) -> None:
        self._writing = Writing(functions, thinks_first=thinks_first)
        self._calls = Calls(functions)
        self._said: list[str] = []
        self._thoughts: list[str] = []
        self._usage: Usage | None = None
        self._prompt_chars = prompt_chars
        self._finish = ""
        self._cut = False
        self._model = ""
        self._choice: Any = None
        """Which of several choices is listened to: the first one heard of."""
        self._over = False

    def feed(self, chunk: Mapping[str, Any]) -> list[Piece]:
        """Take one decoded chunk, and give what it adds to the answer.

        Raises:
            ModelTrouble: `cut off`: the chunk is an error.
        """
        if error := chunk.get("error"):
            raise ModelTrouble("cut off", "The model's answer broke off.", _words(error), "Try again.")
        self._usage = usage_in(chunk) or self._usage
        model = chunk.get("model")
        if not self._model and isinstance(model, str):
            self._model = model
        pieces: list[Piece] = []
        for choice in _choices(chunk):
            index = choice.get("index") or 0
            if self._choice is None:
                self._choice = index
            if index == self._choice:
                pieces += self._choose(choice)
        return pieces

    def end(self) -> list[Piece]:
        """The stream is over: what was held back, the calls, and `Done`. A second time, nothing."""
        if self._over:
            return []
        self._over = True
        pieces = self._written(self._writing.end())
        begun, calls = self._calls.end(cut=self._cut, mend_end=self._finish not in _NOT_MENDED)
        pieces += [*begun, *(CallDone(call) for call in calls)]
        text, thoughts = "".join(self._said), "".join(self._thoughts)
        answer_chars = len(text) + len(thoughts) + sum(len(call.raw or str(call.arguments)) for call in calls)
        usage = self._usage or estimated(self._prompt_chars, answer_chars)
        return [*pieces, Done(Completion(text, tuple(calls), thoughts, usage, self._finish, self._model))]

    def whole(self, body: Mapping[str, Any]) -> list[Piece]:
        """All pieces of an answer that was not streamed. Raises as `feed` does."""
        choices = [
            {**choice, "delta": choice.get("message") or choice.get("delta"), "message": None}
            for choice in _choices(body)
        ]
        for choice in choices:
            _split_thoughts(choice)
        return [*self.feed({**body, "choices": choices}), *self.end()]

    def _choose(self, choice: Mapping[str, Any]) -> list[Piece]:
        finish = choice.get("finish_reason")
        if isinstance(finish, str) and finish:
            self._finish = finish
            self._cut = self._cut or finish.lower() in _ROOM_ENDED
        delta: Any = choice.get("delta")
        if not is_object(delta):
            # Some servers end a stream with the whole message once more.
            heard = self._said or self._thoughts or self._calls
            delta = choice.get("message") if not heard else None
            if not is_object(delta):
                text = choice.get("text")
                delta = {"content": text} if isinstance(text, str) else {}
        return self._take(delta)

    def _take(self, delta: Mapping[str, Any]) -> list[Piece]:
        pieces: list[Piece] = []
        for name in _THOUGHTS:
            if thought := "".join(text for text, _ in _parts(delta.get(name))):
                pieces += self._think(thought)
                break
        for field in ("content", "refusal"):
            for text, is_thought in _parts(delta.get(field)):
                pieces += self._think(text) if is_thought else self._written(self._writing.feed(text))
        pieces += self._calls.feed(delta.get("tool_calls"))
        legacy: Any = delta.get("function_call")
        if is_object(legacy):
            pieces += self._calls.feed([{"index": "function_call", "function": legacy}])
        return pieces

    def _think(self, thought: str) -> list[Piece]:
        self._thoughts.append(thought)
        return [Thought(thought)]

    def _written(self, written: list[Written]) -> list[Piece]:
        pieces: list[Piece] = []
        for piece in written:
            match piece:
                case Text():
                    self._said.append(piece.text)
                    pieces.append(piece)
                case Thought():
                    pieces += self._think(piece.text)
                case FunctionCall():
                    pieces.append(self._calls.write(piece))
        return pieces


def _choices(chunk: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    choices: Any = chunk.get("choices")
    if is_object(choices):
        choices = [choices]
    if not is_list(choices):
        return []
    return [choice for choice in choices if is_object(choice)]


def _parts(content: Any) -> list[tuple[str, bool]]:
    """Texts of a content, whatever its form, and whether each is a thought."""
    if not content:
        return []
    if isinstance(content, str):
        return [(content, False)]
    if is_list(content):
        return [text for part in content for text in _parts(part)]
    if not is_object(content):
        return []
    part = content
    thinks = part.get("type") in ("thinking", "reasoning") or "thinking" in part
    for field in ("text", "thinking", "content", "refusal", "reasoning", "summary"):
        if found := _parts(part.get(field)):
            return [(text, thinks or was) for text, was in found]
    return []


def _split_thoughts(choice: dict[str, Any]) -> None:
    """Put the thoughts of a whole answer whose opening tag was part of the prompt where they belong."""
    delta: Any = choice.get("delta")
    content: Any = delta.get("content") if is_object(delta) else None
    if isinstance(content, str) and "</think>" in content and "<think>" not in content.partition("</think>")[0]:
        choice["delta"] = {**delta, "content": f"<think>{content}"}


def _words(error: Any) -> str:
    if is_object(error):
        fields = error
        return str(fields.get("message") or fields.get("code") or dict(fields))[:300]
    return str(error)[:300]
