"""What a server can and cannot do, as data.

Nothing in `PROFILES` is a promise of ours: the facts are from the servers' own documentation, read in November 2026,
and where that is silent the careful choice stands. What a server refuses is learned while it is used (see `learning`),
what it says of itself is asked for (see `detecting`), and whoever knows better says so with
`EndpointSettings(profile=...)`.

Sources:
- Anthropic, "OpenAI SDK compatibility" (platform.claude.com/docs/en/api/openai-sdk): `stream_options`,
  `parallel_tool_calls` and both limits understood; `response_format` and `reasoning_effort` ignored; every system
  message is moved to the beginning; no prompt caching.
- Google, "OpenAI compatibility" (ai.google.dev/gemini-api/docs/openai): streaming, functions, `reasoning_effort`,
  structured output.
- Ollama, "OpenAI compatibility" (docs.ollama.com/api/openai-compatibility): `max_tokens`, `stream_options`,
  `reasoning_effort`, `response_format`, `tools`; no `parallel_tool_calls`. The window is what OLLAMA_CONTEXT_LENGTH
  says, and what is longer is cut without a word.
- vLLM, "Tool Calling" (docs.vllm.ai/en/latest/features/tool_calling/) and "OpenAI-Compatible Server"; SGLang, "OpenAI
  APIs" (docs.sglang.io/docs/basic_usage/openai_api_completions); llama.cpp, tools/server/README.md; LM Studio
  (lmstudio.ai/docs/developer/openai-compat). With these four it is the chat template of the model that decides where a
  system message may stand; several raise an error for one in the middle or for two messages of one role (vllm-project/
  vllm#6862).
- Groq (console.groq.com/docs/openai), OpenRouter (openrouter.ai/docs/api/reference), DeepSeek (api-docs.deepseek.com),
  Mistral (docs.mistral.ai/api).
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from orchestrator.errors import ConfigError

__all__ = ["PROFILES", "Profile", "profile_for", "profile_named"]


class Profile(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a server (and of the model on it). The defaults are those of OpenAI's own."""

    name: str = "openai"
    streams_calls: bool = True
    """False: function calls come whole, or only without streaming; then requests with tools are not streamed."""
    calls: bool = True
    """False: it knows no function calling; functions are then told and called in words (`in_words`)."""
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
    window: int = 128_000
    """Tokens of prompt and answer together."""
    prefix_cache: bool = True
    """Whether a prompt that extends the last one is cheaper."""
    parallel_field: bool = True
    """Whether `parallel_tool_calls` is understood. Where it is not, the model calls as many functions as it likes."""
    tool_choice: bool = True
    """Whether `tool_choice` is understood."""
    temperature: bool = True
    """Whether `temperature` is understood; some reasoning models refuse it."""
    system: bool = True
    """False: no system message at all; the first one, too, goes out as the person's, framed."""
    thinks_first: bool = False
    """True: the template begins every answer within `<think>`, and the server leaves that in the text; then nothing is
    said before the closing tag has come."""


PROFILES: Final[Mapping[str, Profile]] = {
    profile.name: profile
    for profile in (
        Profile(reasoning_effort=True),
        Profile("anthropic", mid_system=False, structured="prompt", prefix_cache=False, window=200_000),
        Profile("gemini", mid_system=False, parallel_field=False, reasoning_effort=True, window=1_000_000),
        Profile("vllm", mid_system=False, limit_field="max_tokens", window=32_768),
        Profile("sglang", mid_system=False, limit_field="max_tokens", window=32_768),
        Profile("llama.cpp", mid_system=False, limit_field="max_tokens", window=4_096),
        Profile(
            "ollama",
            mid_system=False,
            parallel_field=False,
            limit_field="max_tokens",
            reasoning_effort=True,
            window=4_096,
        ),
        Profile("lmstudio", mid_system=False, parallel_field=False, limit_field="max_tokens", window=4_096),
        Profile("openrouter", mid_system=False, limit_field="max_tokens", reasoning_effort=True),
        Profile("groq", structured="json_object"),
        Profile("deepseek", parallel_field=False, limit_field="max_tokens", structured="json_object"),
        Profile("mistral", mid_system=False, usage_in_stream=False, limit_field="max_tokens"),
        Profile(
            "unknown",
            mid_system=False,
            same_role_twice=False,
            parallel_field=False,
            limit_field="max_tokens",
            structured="prompt",
            window=8_192,
            prefix_cache=False,
        ),
    )
}

_HOSTS: Final[Mapping[str, str]] = {
    "api.openai.com": "openai",
    "openai.azure.com": "openai",
    "api.anthropic.com": "anthropic",
    "generativelanguage.googleapis.com": "gemini",
    "openrouter.ai": "openrouter",
    "api.groq.com": "groq",
    "api.deepseek.com": "deepseek",
    "api.mistral.ai": "mistral",
    "ollama.com": "ollama",
}
_PORTS: Final[Mapping[int, str]] = {11434: "ollama", 1234: "lmstudio"}
"""Ports that nobody else is likely to use. 8000 and 8080 are everybody's."""


def profile_for(url: str) -> Profile:
    """What the address says of the server; `unknown` where it says nothing."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    for known, name in _HOSTS.items():
        if host == known or host.endswith(f".{known}"):
            return PROFILES[name]
    return PROFILES[_PORTS.get(parts.port or 0, "unknown")]


def profile_named(name: str) -> Profile:
    """The profile of that name. Raises `ConfigError` with those that there are."""
    if (profile := PROFILES.get(name.lower())) is not None:
        return profile
    near = get_close_matches(name.lower(), PROFILES, n=1)
    raise ConfigError(
        f"there is no profile {name!r} of a model server",
        f"{f'did you mean {near[0]!r}? ' if near else ''}there are: {', '.join(PROFILES)}",
        "name one of these, or pass a Profile",
    )
