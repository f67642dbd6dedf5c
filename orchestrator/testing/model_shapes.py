"""How known servers stream one and the same reply: as chunks of chat completions, each in its own dialect.

Written after what the servers' documents and their users' bug reports show; `openai` is the plain form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from orchestrator.completions.asking import FunctionCall, Usage
from orchestrator.testing.model_replies import Reply, ShapeName

__all__ = ["Shape", "make_shape"]

Json = dict[str, Any]


class Shape(msgspec.Struct, frozen=True):
    """One server's way of streaming, as switches."""

    name: str
    owner: str = "openai"
    """`owned_by` in the list of models."""
    server: str = "uvicorn"
    """The `server` header."""
    role_chunk: bool = True
    """A first chunk with the role alone."""
    role_always: bool = False
    """The role in every chunk."""
    whole_calls: bool = False
    """Every call in one delta."""
    index: str = "number"
    """Of calls: `number`, `zero` (each has 0), `none`, or `one` (counted from 1)."""
    arguments_begin: bool = False
    """The first delta of a call holds the beginning of its arguments already."""
    call_id: str = "call_{reply}_{number}"
    thoughts: str = "reasoning_content"
    """The field that thoughts come in."""
    calls_finish: str = "tool_calls"
    """The finish reason when there are calls."""
    finish_with_last: bool = False
    """The finish reason stands in the last chunk of content, not in one of its own."""
    usage: str = "asked"
    """`asked`: a last chunk with empty choices, if asked for. `always`: so, unasked. `each`: in every chunk. `finish`:
    in the chunk with the finish reason."""
    cached: bool = True
    """Whether cached tokens are told."""
    extras: Mapping[str, Any] = {}
    """Fields of its own in every chunk."""
    last_extras: Mapping[str, Any] = {}
    """Fields of its own in the last chunk."""

    def chunks(self, reply: Reply, body: Mapping[str, Any], number: int, usage: Usage) -> Iterator[Json]:
        """The chunks of a streamed reply to the request `body`, the `number`-th of its server."""
        head: Json = {
            "id": f"chatcmpl-{number}",
            "object": "chat.completion.chunk",
            "created": 1_790_000_000 + number,
            "model": body.get("model", ""),
            **self.extras,
        }
        options: Any = body.get("stream_options") or {}
        asked = bool(options.get("include_usage"))
        deltas = list(self._deltas(reply, number))
        finish = self._finish(reply)
        for place, delta in enumerate(deltas):
            last = place == len(deltas) - 1
            reason = finish if self.finish_with_last and last else None
            yield self._chunk(head, delta, reason, asked, usage)
        if not self.finish_with_last or not deltas:
            yield self._chunk(
                head, {"role": "assistant", "content": ""} if self.role_always else {}, finish, asked, usage
            )
        if self.usage == "always" or (asked and self.usage == "asked"):
            yield {**head, "choices": [], "usage": self._usage(usage), **self.last_extras}

    def whole(self, reply: Reply, body: Mapping[str, Any], number: int, usage: Usage) -> Json:
        """The answer to a request that does not stream."""
        message: Json = {"role": "assistant", "content": reply.text or (None if reply.calls else "")}
        if reply.refusal:
            message["refusal"] = reply.refusal
        if reply.thoughts:
            message[self.thoughts] = reply.thoughts
        if reply.calls:
            message["tool_calls"] = [
                {
                    "id": call.id or self.call_id.format(reply=number, number=place),
                    "type": "function",
                    "function": {"name": call.name, "arguments": _arguments(call)},
                }
                for place, call in enumerate(reply.calls)
            ]
        finish = reply.finish if reply.finish is not None else "tool_calls" if reply.calls else "stop"
        return {
            "id": f"chatcmpl-{number}",
            "object": "chat.completion",
            "created": 1_790_000_000 + number,
            "model": body.get("model", ""),
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
            "usage": self._usage(usage),
            **self.extras,
        }

    def _chunk(self, head: Json, delta: Json, finish: str | None, asked: bool, usage: Usage) -> Json:
        if self.role_always:
            delta = {"role": "assistant", **delta}
        chunk: Json = {**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}
        if self.usage == "each" or (self.usage == "finish" and finish is not None):
            chunk["usage"] = self._usage(usage)
        elif asked and self.usage == "asked" and self.name == "openai":
            chunk["usage"] = None
        return chunk

    def _deltas(self, reply: Reply, number: int) -> Iterator[Json]:
        if self.role_chunk:
            yield {"role": "assistant", "content": ""}
        for piece in _pieces(reply.thoughts, reply.chunk_chars):
            yield {self.thoughts: piece}
        for piece in _pieces(reply.text, reply.chunk_chars):
            yield {"content": piece}
        for piece in _pieces(reply.refusal, reply.chunk_chars):
            yield {"refusal": piece}
        for place, call in enumerate(reply.calls):
            yield from self._call_deltas(call, place, number, reply.chunk_chars or 12)

    def _call_deltas(self, call: FunctionCall, place: int, number: int, chars: int) -> Iterator[Json]:
        identity = call.id or self.call_id.format(reply=number, number=place)
        index: Json = {"number": {"index": place}, "zero": {"index": 0}, "one": {"index": place + 1}}.get(
            self.index, {}
        )
        arguments = _arguments(call)
        begun = len(arguments) if self.whole_calls else 1 if self.arguments_begin else 0
        function = {"name": call.name, "arguments": arguments[:begun]}
        yield {"tool_calls": [{**index, "id": identity, "type": "function", "function": function}]}
        for begin in range(begun, len(arguments), chars):
            piece = arguments[begin : begin + chars]
            yield {"tool_calls": [{**index, "function": {"arguments": piece}}]}

    def _finish(self, reply: Reply) -> str | None:
        if reply.finish is not None:
            return reply.finish
        return self.calls_finish if reply.calls else "stop"

    def _usage(self, usage: Usage) -> Json:
        counted: Json = {
            "prompt_tokens": usage.input,
            "completion_tokens": usage.output,
            "total_tokens": usage.input + usage.output,
        }
        if self.cached:
            counted["prompt_tokens_details"] = {"cached_tokens": usage.cached}
        return counted


_SHAPES: Final[dict[str, Shape]] = {
    shape.name: shape
    for shape in (
        Shape("openai", extras={"service_tier": "default", "system_fingerprint": "fp_0"}),
        Shape(
            "vllm",
            owner="vllm",
            thoughts="reasoning",
            call_id="chatcmpl-tool-{reply:08x}{number:08x}",
        ),
        Shape(
            "llamacpp",
            owner="llamacpp",
            server="llama.cpp",
            arguments_begin=True,
            call_id="{reply:016d}{number:016d}",
            extras={"system_fingerprint": "b8988-6118c043b"},
            last_extras={"timings": {"prompt_n": 1, "prompt_ms": 1.5, "predicted_n": 1, "predicted_ms": 2.5}},
        ),
        Shape(
            "ollama",
            owner="library",
            server="",
            role_chunk=False,
            role_always=True,
            whole_calls=True,
            index="zero",
            thoughts="reasoning",
            cached=False,
            extras={"system_fingerprint": "fp_ollama"},
        ),
        Shape(
            "gemini",
            owner="google",
            server="scaffolding on HTTPServer2",
            role_chunk=False,
            role_always=True,
            whole_calls=True,
            index="none",
            call_id="function-call-{reply}{number}",
            calls_finish="stop",
            finish_with_last=True,
            usage="each",
            cached=False,
        ),
        Shape(
            "anthropic",
            owner="anthropic",
            server="cloudflare",
            index="number",
            call_id="toolu_{reply}_{number}",
            cached=False,
        ),
        Shape("deepseek", owner="deepseek", server="elb", usage="finish", extras={"system_fingerprint": "fp_ds"}),
    )
}


def make_shape(name: ShapeName) -> Shape:
    """The dialect of a known server; `""` is OpenAI's own."""
    return _SHAPES[name or "openai"]


def _pieces(text: str, chars: int) -> Iterator[str]:
    if chars > 0:
        yield from (text[begin : begin + chars] for begin in range(0, len(text), chars))
    else:
        yield from re.findall(r"\s*\S+|\s+$", text)


def _arguments(call: FunctionCall) -> str:
    return call.raw or json.dumps(call.arguments if call.arguments is not None else {}, ensure_ascii=False)
