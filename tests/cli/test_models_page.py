"""`duologue doctor --models` against a real server: what is assumed, what is found, and the way out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrator.completions.asking import FunctionCall
from orchestrator.completions.endpoint_settings import KEY_VARIABLES
from orchestrator.testing.model_server import ModelServer, Refuse, Reply, When
from tests.cli.conftest import Duologue

CALLS = (FunctionCall("1", "note", {"word": "red"}), FunctionCall("2", "note", {"word": "blue"}))


def able(*, calls: tuple[FunctionCall, ...] = CALLS, shape: str = '{"colour": "blue"}') -> list[When]:
    """A model that does all that it is asked for."""
    return [
        When(Reply(calls=calls) if calls else "I cannot.", offers="note"),
        When("plum", contains="password"),
        When(shape, contains="colour"),
        When("OK.", contains="Say OK"),
    ]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in {"OPENAI_BASE_URL", *KEY_VARIABLES.values()}:
        monkeypatch.delenv(name, raising=False)


def probes(output: str) -> dict[str, dict[str, Any]]:
    [model] = msgspec.json.decode(output)["models"]
    return {probe["feature"]: probe for probe in model.get("probes", ())}


def test_a_model_that_can_do_everything(duologue: Duologue) -> None:
    with ModelServer(*able(), models=("qwen3", "gemma"), shape="vllm").in_thread() as server:
        done = duologue("doctor", "--model", f"qwen3@{server.base_url}", "--json")
        assert len(server.requests) == 5
        assert server.unanswered == []
    assert done.returncode == 0, done.stdout + done.stderr
    found = msgspec.json.decode(done.stdout)
    assert found["ok"] is True
    [model] = found["models"]
    assert (model["model"], model["profile"]) == ("qwen3", "vllm")
    assert model["first_word_ms"] < 1_000
    assert {name: probe.get("state", "ok") for name, probe in probes(done.stdout).items()} == {
        "models": "ok",
        "first word": "ok",
        "usage in streams": "ok",
        "function calls in streams": "ok",
        "several calls at once": "ok",
        "system messages in the middle": "ok",
        "one role twice in a row": "ok",
        "output of a given shape": "ok",
    }


def test_a_table_for_a_person(duologue: Duologue) -> None:
    with ModelServer(*able(), models=("qwen3",)).in_thread() as server:
        done = duologue("doctor", "--models", OPENAI_BASE_URL=server.base_url)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "trying 1 model: up to 7 tiny requests each, which may cost a little"
    assert lines[2].startswith(f"qwen3 at {server.base_url}: profile openai")
    assert lines[3].split() == ["FEATURE", "ASSUMED", "FOUND"]
    assert any("function calls in streams" in line and line.startswith("ok") for line in lines)


def test_a_model_that_can_do_little(duologue: Duologue) -> None:
    refuses: Any = ("mid_system", "same_role_twice", "stream_options", "response_format")
    with ModelServer(*able(calls=CALLS[:1], shape="blue"), models=("m",), refuses=refuses).in_thread() as server:
        done = duologue("doctor", "--model", f"m@{server.base_url}", "--json", DUOLOGUE_MODEL_PROFILE="openai")
        assert len(server.requests) == 6
    assert done.returncode == 0, done.stdout + done.stderr
    found = probes(done.stdout)
    assert found["usage in streams"]["found"].startswith("no")
    assert found["several calls at once"]["state"] == "warn"
    assert "System message must be at the beginning" in found["system messages in the middle"]["found"]
    assert "alternate" in found["one role twice in a row"]["found"]
    assert found["output of a given shape"]["found"].startswith("no")
    assert all(probe["todo"] for probe in found.values() if probe.get("state") == "warn")


def test_a_model_without_calls_cannot_be_used_and_the_rest_is_tried(duologue: Duologue) -> None:
    with ModelServer(*able(calls=()), models=("m",)).in_thread() as server:
        done = duologue("doctor", "--model", f"m@{server.base_url}", "--json")
    assert done.returncode == 3
    found = probes(done.stdout)
    assert found["function calls in streams"]["state"] == "fail"
    assert found["output of a given shape"]["found"].startswith("yes")


def test_a_model_that_calls_only_when_forced(duologue: Duologue) -> None:
    rules = [
        When(lambda body: Reply(calls=CALLS[:1]) if body.get("tool_choice") else None, offers="note"),
        *able(calls=()),
    ]
    with ModelServer(*rules, models=("m",)).in_thread() as server:
        done = duologue("doctor", "--model", f"m@{server.base_url}", "--json")
    assert done.returncode == 3
    assert probes(done.stdout)["function calls in streams"]["found"] == "only when forced"


def test_function_calls_that_the_server_was_not_started_with(duologue: Duologue) -> None:
    words = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
    rules = [When(Refuse(400, words), offers="note"), *able()]
    with ModelServer(*rules, models=("m",)).in_thread() as server:
        done = duologue("doctor", "--model", f"m@{server.base_url}")
    assert done.returncode == 3
    assert "--tool-call-parser" in done.stdout
    assert "Start it again" in done.stdout


def test_a_wrong_name_names_the_right_one(duologue: Duologue) -> None:
    with ModelServer(*able(), models=("qwen3-8b", "phi")).in_thread() as server:
        done = duologue("doctor", "--model", f"qwen3@{server.base_url}")
    assert done.returncode == 3
    assert "There is no model 'qwen3'" in done.stdout
    assert "qwen3-8b" in done.stdout


def test_without_a_name_a_server_with_several_models_is_asked_for_one(duologue: Duologue) -> None:
    with ModelServer(*able(), models=("a", "b")).in_thread() as server:
        done = duologue("doctor", "--models", OPENAI_BASE_URL=server.base_url)
    assert done.returncode == 3
    assert "The server has a, b." in done.stdout


def test_two_models_and_one_of_them_away(duologue: Duologue) -> None:
    with ModelServer(*able(), models=("m",)).in_thread() as server:
        done = duologue(
            "doctor",
            "--models",
            "--json",
            DUOLOGUE_MODEL=f"m@{server.base_url}",
            DUOLOGUE_BACKGROUND_MODEL="m@http://127.0.0.1:9/v1",
        )
    assert done.returncode == 3
    one, other = msgspec.json.decode(done.stdout)["models"]
    assert one["probes"]
    assert len(other["trouble"]) == 3


def test_the_models_of_the_file_are_tried(duologue: Duologue, tmp_path: Path) -> None:
    with ModelServer(*able(), models=("voice", "thinker")).in_thread() as server:
        there = f"@{server.base_url}"
        (tmp_path / "duologue.toml").write_text(f'model = "voice{there}"\nbackground_model = "thinker{there}"\n')
        done = duologue("doctor", "--models", "--json")
        assert {asked.model for asked in server.requests} == {"voice", "thinker"}
        other = duologue("doctor", "--models", "--json", DUOLOGUE_MODEL=f"thinker{there}")
    assert [model["model"] for model in msgspec.json.decode(done.stdout)["models"]] == ["voice", "thinker"]
    assert [model["model"] for model in msgspec.json.decode(other.stdout)["models"]] == ["thinker"]


def test_no_key_is_said_in_three_lines(duologue: Duologue) -> None:
    done = duologue("doctor", "--models")
    assert done.returncode == 3
    assert [line.strip() for line in done.stdout.splitlines()[-3:]] == [
        "There is no key for the model server.",
        "OPENAI_API_KEY is not set, and https://api.openai.com/v1 needs one.",
        "Set OPENAI_API_KEY, or OPENAI_BASE_URL to a server that needs none.",
    ]


def test_nonsense_is_refused(duologue: Duologue) -> None:
    done = duologue("doctor", "--model", "two words")
    assert done.returncode == 2
    assert "no spaces" in done.stderr
