"""Reads one HTTP response to its end: chunk by chunk or whole, never waiting for ever, always closing it."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final, Protocol

import anyio
import msgspec

from orchestrator.completions.json_reading import fields, items
from orchestrator.completions.server_events import ServerEvent, ServerEvents
from orchestrator.completions.troubles import ModelTrouble

__all__ = ["AnswerReader", "Chunk", "Response", "cut_off", "stalled", "unreadable"]

Chunk = Mapping[str, Any]

_CLOSING_S: Final = 1.0
_DRAINING_S: Final = 0.1
_AFTER_FINISH_S: Final = 2.0
"""How long the usage, or the end of the stream, may come after the model has finished."""


class Response(Protocol):
    """What is needed of a response of httpx."""

    def aiter_bytes(self) -> Any:
        """The body, as it comes."""
        ...

    async def aclose(self) -> None:
        """Close it; where the body is not read to its end, the connection too."""
        ...


class AnswerReader:
    """Of one response. `broken` are the errors that say that the connection is lost."""

    def __init__(
        self, response: Response, *, first_by: float, idle_s: float, broken: tuple[type[Exception], ...]
    ) -> None:
        self._response = response
        self._bytes: AsyncGenerator[bytes, None] = response.aiter_bytes()
        self._events = ServerEvents()
        self._first_by: float | None = first_by
        self._idle_s = idle_s
        self._broken = broken
        self._finished = False
        self._over = False

    async def chunks(self) -> list[Chunk] | None:
        """The next chunks of a stream; `None` at its end. `[DONE]` ends it, and so does the end of the connection once
        the model has given a reason why it stopped.

        Raises:
            ModelTrouble: `cut off`, `stalled`, or `server` for what is no JSON.
        """
        if self._over:
            return None
        data = await self._next()
        found: list[Chunk] = []
        for event in self._events.feed(data) if data else self._events.end():
            if event.data.startswith("[DONE]"):
                self._over = True
                return found
            for chunk in _decoded(event):
                self._finished = self._finished or _is_last(chunk)
                found.append(chunk)
        if not data:
            self._over = True
            if not self._finished and not any(chunk.get("error") for chunk in found):
                raise cut_off("It closed the connection in the middle of the answer.")
        return found

    async def whole(self) -> bytes:
        """All of the body. Raises `ModelTrouble`, as `chunks` does."""
        parts: list[bytes] = []
        while part := await self._next():
            parts.append(part)
        self._over = True
        return b"".join(parts)

    async def close(self) -> None:
        """Give the connection back where the answer is whole; else close it, so that the server stops generating."""
        with anyio.CancelScope(shield=True):
            if self._over:
                # Nothing but the end of the body is left; with it the connection can be used again.
                with anyio.move_on_after(_DRAINING_S):
                    try:
                        async for _ in self._bytes:
                            pass
                    except self._broken:
                        pass
            with anyio.move_on_after(_CLOSING_S):
                await self._bytes.aclose()
                await self._response.aclose()

    async def _next(self) -> bytes:
        """What comes next; empty at the end."""
        limit = self._idle_s if self._first_by is None else max(0.0, self._first_by - anyio.current_time())
        if self._finished:
            limit = min(limit, _AFTER_FINISH_S)
        try:
            with anyio.move_on_after(limit):
                data = await anext(self._bytes, b"")
                self._first_by = None
                return data
        except self._broken as error:
            if not self._finished:
                raise cut_off(f"The connection broke: {str(error) or type(error).__name__}.") from error
            return b""
        if not self._finished:
            raise stalled("in the middle of the answer" if self._first_by is None else "", limit)
        return b""


def cut_off(why: str) -> ModelTrouble:
    """The answer broke off."""
    return ModelTrouble("cut off", "The model's answer broke off.", why, "Try again.")


def stalled(place: str, limit_s: float) -> ModelTrouble:
    """Nothing comes."""
    return ModelTrouble(
        "stalled",
        f"The model server sends nothing{' any more' if place else ''}.",
        f"It was silent for {limit_s:.3g} s{f' {place}' if place else ''}.",
        "Try again; if it loads a model, or reads a long prompt, allow it more time.",
    )


def unreadable(data: str) -> ModelTrouble:
    """What came is no JSON."""
    flat = " ".join(data.split())
    shown = f"{flat[:60]}..." if len(flat) > 60 else flat
    return ModelTrouble(
        "server", "The model server sent what cannot be read.", f"It is no JSON: {shown!r}", "Try again."
    )


def _json(text: str) -> object:
    """One JSON value, also one with half of a character in it, which only Python's own reader takes."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return json.loads(text)


def _decoded(event: ServerEvent) -> list[Chunk]:
    """The chunks of one event: one, or several where the empty lines between them are missing."""
    try:
        chunks: list[object] = [_json(event.data)]
    except (ValueError, RecursionError):
        try:
            chunks = [_json(line) for line in event.data.splitlines() if line != "[DONE]"]
        except (ValueError, RecursionError):
            if event.name == "error":
                return [{"error": {"message": event.data}}]
            raise unreadable(event.data) from None
    # Gemini wraps an error in a list.
    flat = [part for chunk in chunks for part in (items(chunk) or [chunk])]
    found = [chunk for part in flat if (chunk := fields(part))]
    if event.name == "error":
        return [chunk if chunk.get("error") else {"error": chunk} for chunk in found]
    return found


def _is_last(chunk: Chunk) -> bool:
    return any(fields(choice).get("finish_reason") for choice in items(chunk.get("choices")))
