"""Where a setting comes from, and what is said about one that makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.cli.settings import Settings, load
from orchestrator.errors import ConfigError


@pytest.fixture(autouse=True)
def _in_an_empty_folder(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_everything_has_a_default() -> None:
    found = load()
    assert found == Settings(sources=found.sources)
    assert set(found.sources.values()) == {"default"}


def test_an_option_beats_the_environment_beats_the_file_beats_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("duologue.toml").write_text("slots = 2\npace = 20\nlease_ms = 2000\n")
    monkeypatch.setenv("DUOLOGUE_SLOTS", "3")
    monkeypatch.setenv("DUOLOGUE_PACE", "30")
    found = load(slots=4, pace=None, redis=None)
    assert (found.slots, found.pace, found.lease_ms, found.redis) == (4, 30, 2_000, None)
    assert [found.sources[name] for name in ("slots", "pace", "lease_ms", "redis")] == [
        "--slots",
        "DUOLOGUE_PACE",
        "duologue.toml",
        "default",
    ]


def test_redis_url_keeps_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://here")
    assert load().redis == "redis://here"
    assert load().sources["redis"] == "REDIS_URL"


def test_an_empty_variable_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "")
    assert load().redis is None


def test_no_pacing() -> None:
    assert load(pace="none").pace is None


@pytest.mark.parametrize(("given", "value"), [("true", True), ("1", True), ("no", False), ("off", False)])
def test_a_switch(given: str, value: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUOLOGUE_PLAIN", given)
    assert load().plain is value


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"pace": "fast"}, "characters a second"),
        ({"pace": "0"}, "characters a second"),
        ({"slots": 0}, "1 or more"),
        ({"lease_ms": 5}, "renewed three times"),
        ({"redis": "localhost:6379"}, "redis://"),
        ({"root": Path("nowhere")}, "there is no folder"),
    ],
)
def test_an_option_that_makes_no_sense(options: dict[str, object], why: str) -> None:
    with pytest.raises(ConfigError, match=why) as raised:
        load(**options)
    assert raised.value.what.startswith("--")
    assert raised.value.todo


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("slots = true", "duologue.toml cannot be True"),
        ("redis = 6379", "duologue.toml cannot be what it is"),
        ("plain = 'perhaps'", "duologue.toml cannot be 'perhaps'"),
        ("slots = ", "cannot be read"),
        ("solts = 3", "'solts' that does not exist"),
    ],
)
def test_a_file_that_makes_no_sense(text: str, what: str) -> None:
    Path("duologue.toml").write_text(text)
    with pytest.raises(ConfigError, match=what):
        load()


def test_a_wrong_name_in_the_file_gets_a_hint() -> None:
    Path("duologue.toml").write_text("solts = 3\n")
    with pytest.raises(ConfigError, match="did you mean 'slots'"):
        load()


def test_a_wrong_redis_does_not_show_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "http://user:secret@host")
    with pytest.raises(ConfigError) as raised:
        load()
    assert "secret" not in str(raised.value)


def test_the_engine_and_what_may_be_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (load().search, load().web_allow) == ("ddgs", ())
    monkeypatch.setenv("DUOLOGUE_SEARCH", "searxng:http://localhost:8888")
    monkeypatch.setenv("DUOLOGUE_WEB_ALLOW", "10.1.0.0/16, wiki.intern")
    settings = load()
    assert settings.search == "searxng:http://localhost:8888"
    assert settings.web_allow == ("10.1.0.0/16", "wiki.intern")
    monkeypatch.setenv("DUOLOGUE_SEARCH", "altavista")
    with pytest.raises(ConfigError, match="DUOLOGUE_SEARCH"):
        load()


def test_programs_are_run_when_that_is_switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not load().python
    monkeypatch.setenv("DUOLOGUE_PYTHON", "1")
    assert load().python
    assert not load(python=False).python
