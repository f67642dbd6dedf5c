"""What a server says of itself, made into a profile. Pure: who asks is the endpoint.

`/models` is asked first, since every server has it and most say there who they are. Only where it says so, or says
nothing, one more question follows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Final

import msgspec
from msgspec.structs import replace

from orchestrator.completions.json_reading import fields, items, text
from orchestrator.completions.profile import PROFILES, Profile

__all__ = ["ModelCard", "Told", "cards_in", "nearest", "question_for", "told_profile"]

_OWNERS: Final[Mapping[str, str]] = {
    "vllm": "vllm",
    "sglang": "sglang",
    "llamacpp": "llama.cpp",
    "library": "ollama",
    "organization_owner": "lmstudio",
    "openai": "openai",
    "openai-internal": "openai",
    "system": "openai",
    "anthropic": "anthropic",
    "google": "gemini",
    "deepseek": "deepseek",
    "mistralai": "mistral",
}
"""What stands in `owned_by`, and whose way that is. Seen in the servers' sources and documentation."""
_WINDOWS: Final = ("max_model_len", "context_length", "context_window", "max_context_length", "n_ctx", "n_ctx_train")
"""Where a list of models tells the window: vLLM and SGLang, OpenRouter, Groq, Mistral, llama.cpp."""


class ModelCard(msgspec.Struct, frozen=True):
    """One model of the list."""

    id: str
    owner: str = ""
    window: int = 0
    """Tokens; 0: it does not say."""


class Told(msgspec.Struct, frozen=True):
    """What the server has said by now."""

    server: str = ""
    """Its `Server` header."""
    cards: tuple[ModelCard, ...] = ()
    props: Mapping[str, object] = {}
    """llama.cpp's `/props`."""
    ollama: Mapping[str, object] = {}
    """Ollama's `/api/ps`: the models that are loaded."""


def cards_in(body: object) -> tuple[ModelCard, ...]:
    """The models in the answer to `/models`: OpenAI's `data`, or a bare list."""
    entries = items(fields(body).get("data")) or items(body)
    found: list[ModelCard] = []
    for entry in map(fields, entries):
        if not (name := text(entry.get("id"))):
            continue
        said = {**fields(entry.get("meta")), **entry}
        window = next((value for key in _WINDOWS if isinstance(value := said.get(key), int) and value > 0), 0)
        found.append(ModelCard(name.removeprefix("models/"), text(entry.get("owned_by")), window))
    return tuple(found)


def question_for(told: Told, profile: Profile) -> str:
    """The path of the one more question that is worth asking, from the root of the server; empty: none."""
    match _name_told(told) or profile.name:
        case "llama.cpp":
            return "/props"
        case "ollama":
            return "/api/ps"
        case _:
            return ""


def told_profile(told: Told, profile: Profile, model: str, *, named: bool = False) -> Profile:
    """The profile in the light of what was told; one that somebody `named` keeps its name. What was learned from
    refusals is not in `profile`: it comes after."""
    name = _name_told(told)
    if name and not named and profile.name in ("unknown", "ollama", "lmstudio"):
        profile = PROFILES[name]
    if window := _window(told, model):
        profile = replace(profile, window=window)
    caps = fields(told.props.get("chat_template_caps"))
    if caps.get("supports_parallel_tool_calls") is False:
        profile = replace(profile, parallel_calls=False)
    if caps.get("supports_system_role") is False:
        profile = replace(profile, system=False, mid_system=False, same_role_twice=False)
    return profile


def nearest(model: str, cards: Sequence[ModelCard], most: int = 3) -> list[str]:
    """The names that are most like `model`, the best first."""
    names = {card.id.lower(): card.id for card in cards}
    near = get_close_matches(model.lower(), names, n=most, cutoff=0.4)
    part = [name for name in names if model.lower() in name or name in model.lower()]
    return [names[name] for name in dict.fromkeys([*part, *near])][:most]


def _name_told(told: Told) -> str:
    if told.server.lower().startswith("llama.cpp"):
        return "llama.cpp"
    return next((_OWNERS[card.owner.lower()] for card in told.cards if card.owner.lower() in _OWNERS), "")


def _window(told: Told, model: str) -> int:
    running = fields(told.props.get("default_generation_settings")).get("n_ctx")
    if isinstance(running, int) and running > 0:
        return running
    for entry in map(fields, items(told.ollama.get("models"))):
        length = entry.get("context_length")
        if model in (entry.get("name"), entry.get("model"), text(entry.get("name")).removesuffix(":latest")) and (
            isinstance(length, int) and length > 0
        ):
            return length
    return next((card.window for card in told.cards if card.id == model), 0)
