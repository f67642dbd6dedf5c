"""How models, servers, keys and profiles are named."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.completions.endpoint_settings import KEY_VARIABLES, EndpointSettings, is_loopback, shown_url
from orchestrator.completions.naming import parse_model
from orchestrator.completions.profile import PROFILES, profile_for, profile_named
from orchestrator.errors import ConfigError


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in {"OPENAI_BASE_URL", *KEY_VARIABLES.values()}:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("text", "model", "url"),
    [
        ("gpt-5-mini", "gpt-5-mini", ""),
        (" gpt-5-mini ", "gpt-5-mini", ""),
        ("qwen3@http://localhost:8000/v1", "qwen3", "http://localhost:8000/v1"),
        ("Qwen/Qwen3-8B@https://h.example/v1/", "Qwen/Qwen3-8B", "https://h.example/v1/"),
        ("qwen3:8b", "qwen3:8b", ""),
        ("claude@2026-01-01", "claude@2026-01-01", ""),
        ("claude@2026@http://h/v1", "claude@2026", "http://h/v1"),
        ("a@http://user:pw@h/v1", "a", "http://user:pw@h/v1"),
    ],
)
def test_a_model_and_where_it_is(text: str, model: str, url: str) -> None:
    named = parse_model(text)
    assert named.model == model
    assert named.settings.base_url == url


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "names no model"),
        ("  ", "names no model"),
        ("@http://h/v1", "names no model"),
        ("http://h/v1", "NAME@http://h/v1"),
        ("qwen3@localhost:8000", "qwen3@http://localhost:8000"),
        ("qwen3@h.example:8000/v1", "qwen3@http://h.example:8000/v1"),
        ("two words", "no spaces"),
        ("a@ftp://h/v1", "http:// or https://"),
        ("a@http://", "names a host"),
        ("a@http://h:port/v1", "names a host"),
        ("a@http://h /v1", "names a host"),
    ],
)
def test_nonsense_is_refused_with_a_way_out(text: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_model(text)
    assert hint in str(caught.value)
    assert caught.value.todo


def test_no_secret_of_an_address_is_shown() -> None:
    named = parse_model("a@http://user:hunter2@h:1/v1?key=hunter2#hunter2")
    settings = EndpointSettings(api_key="hunter2", headers={"x": "hunter2"})
    for shown in (str(named), repr(named), repr(settings), shown_url("http://u:hunter2@h/v1")):
        assert "hunter2" not in shown
    assert str(named) == "a@http://h:1/v1"
    with pytest.raises(ConfigError) as caught:
        parse_model("a@ftp://user:hunter2@h")
    assert "hunter2" not in str(caught.value)


def test_where_the_address_and_the_key_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    assert EndpointSettings().url == "https://api.openai.com/v1"
    assert EndpointSettings().key == ""
    monkeypatch.setenv("OPENAI_BASE_URL", "http://gpu:8000/v1/")
    monkeypatch.setenv("OPENAI_API_KEY", " one ")
    assert EndpointSettings().url == "http://gpu:8000/v1"
    assert EndpointSettings().key == "one"
    assert EndpointSettings(base_url="http://localhost:1/v1").key == "one"
    assert EndpointSettings(base_url="https://elsewhere.example/v1").key == "one"
    # in the clear only to the machine that the key is for
    assert EndpointSettings(base_url="http://elsewhere.example/v1").key == ""
    assert EndpointSettings(base_url="http://elsewhere.example/v1", api_key="two").key == "two"
    monkeypatch.setenv("ANTHROPIC_API_KEY", "three")
    anthropic = EndpointSettings(base_url="https://api.anthropic.com/v1/")
    assert (anthropic.key, anthropic.key_variable) == ("three", "ANTHROPIC_API_KEY")
    monkeypatch.setenv("OPENAI_BASE_URL", "nonsense")
    with pytest.raises(ConfigError, match="OPENAI_BASE_URL"):
        _ = EndpointSettings().url


@pytest.mark.parametrize(
    ("url", "more", "lacks"),
    [
        ("", {}, True),
        ("https://eu.api.openai.com/v1", {}, True),
        ("https://api.groq.com/openai/v1", {}, True),
        ("http://gpu:8000/v1", {}, False),
        ("", {"api_key": "x"}, False),
        ("https://api.openai.com/v1", {"headers": {"Authorization": "Bearer x"}}, False),
    ],
)
def test_who_needs_a_key(url: str, more: dict[str, Any], lacks: bool) -> None:
    assert EndpointSettings(base_url=url, **more).lacks_key is lacks


@pytest.mark.parametrize("name", ["connect_s", "first_s", "idle_s", "whole_s"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_times_are_above_zero(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        EndpointSettings(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://localhost:1/v1", True),
        ("http://127.0.0.9/v1", True),
        ("http://[::1]:1/v1", True),
        ("http://10.0.0.1/v1", False),
        ("http://localhost.example/v1", False),
    ],
)
def test_what_is_this_machine(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://mine.openai.azure.com/openai/v1", "openai"),
        ("https://api.anthropic.com/v1/", "anthropic"),
        ("https://generativelanguage.googleapis.com/v1beta/openai/", "gemini"),
        ("https://openrouter.ai/api/v1", "openrouter"),
        ("https://api.groq.com/openai/v1", "groq"),
        ("https://api.deepseek.com/v1", "deepseek"),
        ("https://api.mistral.ai/v1", "mistral"),
        ("http://localhost:11434/v1", "ollama"),
        ("http://localhost:1234/v1", "lmstudio"),
        ("http://localhost:8000/v1", "unknown"),
        ("https://notapi.openai.com.evil.example/v1", "unknown"),
    ],
)
def test_the_address_names_the_profile(url: str, name: str) -> None:
    assert profile_for(url) == PROFILES[name]


def test_a_profile_is_found_by_its_name() -> None:
    assert profile_named("VLLM") == PROFILES["vllm"]
    with pytest.raises(ConfigError, match=r"did you mean 'llama\.cpp'"):
        profile_named("llamacpp")
    assert all(name == profile.name for name, profile in PROFILES.items())
