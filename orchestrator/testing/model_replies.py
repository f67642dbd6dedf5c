"""What a `ModelServer` answers with, and which request gets which answer. Data only; a script file holds the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from orchestrator.completions.asking import FunctionCall, Usage

__all__ = [
    "Answer",
    "Ending",
    "Hang",
    "Raw",
    "Refuse",
    "Reply",
    "Script",
    "ShapeName",
    "When",
    "latest_text",
    "message_text",
]

ShapeName: TypeAlias = Literal["", "openai", "vllm", "llamacpp", "ollama", "gemini", "anthropic", "deepseek"]
"""Whose way of streaming is played. `""` leaves it to the server (a reply) or means `openai` (a server)."""

Ending: TypeAlias = Literal["close", "cut", "reset", "hang"]
"""`close`: the answer ends as it should. `cut`: the connection is closed in the middle of the body. `reset`: the same,
rudely (RST). `hang`: nothing more comes until the client leaves."""


class Reply(msgspec.Struct, frozen=True, tag="reply", omit_defaults=True):
    """What the model says and calls. Thoughts come first, then the text, then the calls."""

    text: str = ""
    calls: tuple[FunctionCall, ...] = ()
    """A call's `raw` is streamed where it is given (also if it is not JSON), else its `arguments`."""
    thoughts: str = ""
    chunk_chars: int = 0
    """Characters a chunk of text; 0 streams word by word."""
    first_ms: int = 0
    """Milliseconds until the first chunk (without streaming: until the answer)."""
    between_ms: int = 0
    """Milliseconds between two chunks."""
    usage: Usage | None = None
    """`None` counts four characters a token; what an earlier prompt began with as well is `cached`."""
    finish: str | None = None
    """The finish reason; `None` is what the shape's server gives."""
    refusal: str = ""
    shape: ShapeName = ""
    chunks: int | None = None
    """Only so many chunks are sent, then comes `then`. `None` is all of them."""
    then: Ending = "close"


class Refuse(msgspec.Struct, frozen=True, tag="refuse", omit_defaults=True):
    """An error in place of an answer. The body is OpenAI's error object unless `body` says otherwise."""

    status: int
    message: str = "refused"
    code: str | None = None
    kind: str = "invalid_request_error"
    body: str | None = None
    """The exact body, where OpenAI's error object is not what the server in question sends."""
    headers: Mapping[str, str] = {}
    first_ms: int = 0

    @classmethod
    def rate_limit(cls, retry_after_s: float | None = None) -> Refuse:
        """429 with the two headers that say when to come again."""
        headers = {}
        if retry_after_s is not None:
            headers = {
                "retry-after": str(max(1, round(retry_after_s))),
                "retry-after-ms": str(round(retry_after_s * 1000)),
            }
        return cls(429, "Rate limit reached for requests", "rate_limit_exceeded", "requests", headers=headers)

    @classmethod
    def quota(cls) -> Refuse:
        """429, but nothing is left to spend."""
        return cls(429, "You exceeded your current quota", "insufficient_quota", "insufficient_quota")

    @classmethod
    def key(cls) -> Refuse:
        """401."""
        return cls(401, "Incorrect API key provided", "invalid_api_key")

    @classmethod
    def no_model(cls, model: str) -> Refuse:
        """404."""
        return cls(404, f"The model `{model}` does not exist or you do not have access to it.", "model_not_found")

    @classmethod
    def too_long(cls, limit: int = 128_000) -> Refuse:
        """400: the prompt does not fit."""
        message = f"This model's maximum context length is {limit} tokens. Please reduce the length of the messages."
        return cls(400, message, "context_length_exceeded")

    @classmethod
    def busy(cls) -> Refuse:
        """503, as a server that is still loading its model or has too much to do."""
        return cls(503, "The server is overloaded or loading a model", "overloaded", "server_error")

    @classmethod
    def broken(cls) -> Refuse:
        """500."""
        return cls(500, "The server had an error while processing your request", None, "server_error")


class Raw(msgspec.Struct, frozen=True, tag="raw", omit_defaults=True):
    """Exact bytes: a recorded stream, or a broken one."""

    chunks: Sequence[bytes] = ()
    """Each is one write. In a script file: base64."""
    lines: Sequence[str] = ()
    """After `chunks`: each is sent as `data: LINE` with the empty line behind it."""
    status: int = 200
    headers: Mapping[str, str] = {}
    """Beside or in place of `content-type: text/event-stream`."""
    first_ms: int = 0
    between_ms: int = 0
    then: Ending = "close"


class Hang(msgspec.Struct, frozen=True, tag="hang", omit_defaults=True):
    """Takes the request and never answers."""


Answer: TypeAlias = Reply | Refuse | Raw | Hang


class When(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which requests get which answer, whatever order they come in. All that is given must hold."""

    reply: Answer | str | Sequence[Answer | str] | Callable[[Mapping[str, Any]], Answer | str | None]
    """Text is a `Reply`. Several are given one after the other, the last again and again. A function gets the body of
    the request; its `None` means "not mine"."""
    model: str = ""
    contains: str = ""
    """A pattern (regular expression, upper and lower case alike) to be found in the messages after the model's own
    last one: what the person, a tool or a system message brought."""
    anywhere: str = ""
    """A pattern to be found in any message."""
    offers: str = ""
    """A function that is offered: tells a voice from a reasoner on one model."""
    times: int = 0
    """How often it may answer; 0 is always."""

    def fits(self, body: Mapping[str, Any]) -> bool:
        """Whether it speaks of this request."""
        return (
            self.model in ("", body.get("model"))
            and (not self.contains or re.search(self.contains, latest_text(body), re.I | re.S) is not None)
            and (not self.anywhere or re.search(self.anywhere, _all_text(body), re.I | re.S) is not None)
            and (not self.offers or self.offers in _offered(body))
        )


class _Rule(msgspec.Struct, frozen=True):
    reply: Answer | str | list[Answer | str]
    model: str = ""
    contains: str = ""
    anywhere: str = ""
    offers: str = ""
    times: int = 0


class Script(msgspec.Struct, frozen=True, omit_defaults=True):
    """A script file (JSON) for `python -m orchestrator.testing.model_server`."""

    models: tuple[str, ...] = ()
    key: str = ""
    shape: ShapeName = "openai"
    scripts: Mapping[str, list[Answer | str]] = {}
    """By model, what it answers, in order."""
    rules: list[_Rule] = []

    def when(self) -> list[When]:
        """Its rules."""
        return [
            When(rule.reply, rule.model, rule.contains, rule.anywhere, rule.offers, rule.times) for rule in self.rules
        ]


def message_text(message: Mapping[str, Any]) -> str:
    """The words of a message, also where its content is a list of parts."""
    content: Any = message.get("content")
    if isinstance(content, str) or content is None:
        return content or ""
    return "\n".join(str(part.get("text", "")) for part in content)


def latest_text(body: Mapping[str, Any]) -> str:
    """The words of all messages after the model's own last one."""
    latest: list[str] = []
    for message in reversed(body.get("messages") or ()):
        if message.get("role") == "assistant" and latest:
            break
        latest.append(message_text(message))
    return "\n".join(reversed(latest))


def _all_text(body: Mapping[str, Any]) -> str:
    return "\n".join(message_text(message) for message in body.get("messages") or ())


def _offered(body: Mapping[str, Any]) -> set[str]:
    return {tool.get("function", {}).get("name", "") for tool in body.get("tools") or ()}
