"""Stands in for the accumulator until that is there."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from orchestrator.completions.asking import CallBegun, CallDone, Completion, Done, FunctionCall, Piece, Text, Usage

__all__ = ["Accumulator"]


class Accumulator:
    def __init__(self, functions: Collection[str] = (), *, prompt_chars: int = 0) -> None:
        self._text = ""
        self._calls: dict[int, dict[str, str]] = {}
        self._usage = Usage()
        self._finish = ""

    def feed(self, chunk: Mapping[str, Any]) -> list[Piece]:
        pieces: list[Piece] = []
        if usage := chunk.get("usage"):
            self._usage = Usage(usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0))
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            if content := delta.get("content"):
                self._text += content
                pieces.append(Text(content))
            for call in delta.get("tool_calls") or ():
                index = call.get("index", 0)
                function = call.get("function") or {}
                if index not in self._calls:
                    self._calls[index] = {"id": call.get("id", ""), "name": function.get("name", ""), "arguments": ""}
                    pieces.append(CallBegun(self._calls[index]["id"], self._calls[index]["name"]))
                self._calls[index]["arguments"] += function.get("arguments") or ""
            self._finish = choice.get("finish_reason") or self._finish
        return pieces

    def end(self) -> list[Piece]:
        calls = tuple(
            FunctionCall(call["id"], call["name"], json.loads(call["arguments"] or "{}"))
            for _, call in sorted(self._calls.items())
        )
        done = Completion(self._text, calls, usage=self._usage, finish=self._finish)
        return [*(CallDone(call) for call in calls), Done(done)]

    def whole(self, body: Mapping[str, Any]) -> list[Piece]:
        choice = body["choices"][0]
        message = choice["message"]
        calls = [{**call, "index": number} for number, call in enumerate(message.get("tool_calls") or ())]
        delta = {**message, "tool_calls": calls}
        chunk = {**body, "choices": [{"delta": delta, "finish_reason": choice.get("finish_reason")}]}
        return [*self.feed(chunk), *self.end()]
