"""What servers say of themselves becomes a profile."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from orchestrator.completions.detecting import ModelCard, Told, cards_in, nearest, question_for, told_profile
from orchestrator.completions.profile import PROFILES

UNKNOWN = PROFILES["unknown"]


@pytest.mark.parametrize(
    ("body", "cards"),
    [
        ({"data": [{"id": "a", "owned_by": "vllm", "max_model_len": 9}]}, (ModelCard("a", "vllm", 9),)),
        ({"data": [{"id": "a", "context_length": 9, "owned_by": None}]}, (ModelCard("a", "", 9),)),
        ({"data": [{"id": "a", "owned_by": "llamacpp", "meta": {"n_ctx_train": 9}}]}, (ModelCard("a", "llamacpp", 9),)),
        ({"data": [{"id": "models/gemini", "owned_by": "google"}]}, (ModelCard("gemini", "google"),)),
        ([{"id": "a"}, {"name": "no id"}, "nonsense"], (ModelCard("a"),)),
        ({"data": "nonsense"}, ()),
        (None, ()),
        ({"data": [{"id": "a", "max_model_len": "long"}]}, (ModelCard("a"),)),
    ],
)
def test_the_list_of_models_of_any_server(body: object, cards: tuple[ModelCard, ...]) -> None:
    assert cards_in(body) == cards


@pytest.mark.parametrize(
    ("told", "changed"),
    [
        (Told(), UNKNOWN),
        (Told(cards=(ModelCard("m", "vllm", 40_960),)), replace(PROFILES["vllm"], window=40_960)),
        (Told(cards=(ModelCard("other", "vllm", 9),)), PROFILES["vllm"]),
        (Told(cards=(ModelCard("m", "somebody", 9_000),)), replace(UNKNOWN, window=9_000)),
        (Told(server="llama.cpp"), PROFILES["llama.cpp"]),
        (
            Told(server="llama.cpp", props={"default_generation_settings": {"n_ctx": 16_384}}),
            replace(PROFILES["llama.cpp"], window=16_384),
        ),
        (
            Told(server="llama.cpp", props={"chat_template_caps": {"supports_parallel_tool_calls": False}}),
            replace(PROFILES["llama.cpp"], parallel_calls=False),
        ),
        (
            Told(server="llama.cpp", props={"chat_template_caps": {"supports_system_role": False}}),
            replace(PROFILES["llama.cpp"], system=False, same_role_twice=False),
        ),
        (
            Told(
                cards=(ModelCard("m:latest", "library"),),
                ollama={"models": [{"name": "m:latest", "context_length": 32_768}]},
            ),
            replace(PROFILES["ollama"], window=32_768),
        ),
    ],
)
def test_what_is_told_is_believed(told: Told, changed: Any) -> None:
    assert told_profile(told, UNKNOWN, "m") == changed


def test_a_profile_that_was_named_keeps_its_name() -> None:
    told = Told(cards=(ModelCard("m", "vllm", 9_000),))
    assert told_profile(told, PROFILES["sglang"], "m", named=True) == replace(PROFILES["sglang"], window=9_000)


@pytest.mark.parametrize(
    ("told", "profile", "path"),
    [
        (Told(), "unknown", ""),
        (Told(server="llama.cpp"), "unknown", "/props"),
        (Told(cards=(ModelCard("m", "library"),)), "unknown", "/api/ps"),
        (Told(), "ollama", "/api/ps"),
        (Told(cards=(ModelCard("m", "vllm"),)), "unknown", ""),
    ],
)
def test_one_more_question_at_most(told: Told, profile: str, path: str) -> None:
    assert question_for(told, PROFILES[profile]) == path


def test_the_nearest_names() -> None:
    cards = [ModelCard(name) for name in ("Qwen/Qwen3-8B", "google/gemma-3-4b-it", "gpt-5-mini", "gpt-5")]
    assert nearest("qwen3-8b", cards) == ["Qwen/Qwen3-8B"]
    assert nearest("gpt-5-mni", cards)[0] in ("gpt-5", "gpt-5-mini")
    assert "gpt-5-mini" in nearest("gpt-5-mni", cards)
    assert nearest("xyzzy", cards) == []
