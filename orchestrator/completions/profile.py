"""What a server can and cannot do, as data."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Profile"]


class Profile(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a server (and of the model on it). The defaults are those of OpenAI's own."""

    name: str = "openai"
    streams_calls: bool = True
    """False: function calls come whole, or only without streaming; then requests with tools are not streamed."""
    calls: bool = True
    """False: it knows no function calling at all."""
    parallel_calls: bool = True
    """False: at most one call an answer; `parallel_tool_calls` is not sent."""
    mid_system: bool = True
    """False: a system message is allowed at the beginning only; later ones go out as the person's, framed."""
    same_role_twice: bool = True
    """False: roles must alternate; messages of one role in a row are joined."""
    usage_in_stream: bool = True
    """Whether `stream_options.include_usage` is understood."""
    limit_field: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    structured: Literal["json_schema", "json_object", "prompt"] = "json_schema"
    """How output of a given shape is asked for."""
    reasoning_effort: bool = False
    """Whether `reasoning_effort` is understood."""
    temperature: bool = True
    """Whether `temperature` is understood; some reasoning models refuse it."""
    window: int = 128_000
    """Tokens of prompt and answer together."""
    prefix_cache: bool = True
    """Whether a prompt that extends the last one is cheaper."""
