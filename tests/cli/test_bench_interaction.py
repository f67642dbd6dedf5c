"""`duologue bench interaction` as a person and as a program run it."""

from __future__ import annotations

import json

import pytest

from orchestrator.bench.tasks.silent import SilentModel
from orchestrator.cli.bench_voices import named_voice
from orchestrator.errors import ConfigError
from tests.cli.conftest import Duologue

READY_MADE = SilentModel()


def test_the_tables_say_what_they_are_and_have_a_floor(duologue: Duologue) -> None:
    done = duologue("bench", "interaction", "--seeds", "2", "--task", "proactive", "--task", "cue-speak")
    assert done.returncode == 0, done.stderr
    told = " ".join(done.stdout.split())
    assert "no number here can stand beside a published one" in told
    assert "PAUC (silence 0.25)" in told
    floors = [line.split()[:2] for line in done.stdout.splitlines() if line.strip().startswith("silent ")]
    assert floors == [["silent", "0.00"], ["silent", "0.25"]]


def test_the_json_is_the_same_each_time(duologue: Duologue) -> None:
    arguments = ("bench", "interaction", "--seeds", "1", "--task", "turn-taking", "--json")
    first, second = duologue(*arguments), duologue(*arguments, PYTHONHASHSEED="7")
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    outcome = json.loads(first.stdout)
    assert outcome["seeds"] == [1]
    assert "Not the published sets" in outcome["note"]
    voices = outcome["tasks"]["turn-taking"]["voices"]
    assert list(voices) == ["silent", "reflex"]
    assert voices["reflex"]["takeover"]["mean"] == 1.0


def test_a_voice_of_ones_own(duologue: Duologue) -> None:
    done = duologue(
        *("bench", "interaction", "--seeds", "1", "--task", "start-stop", "--json"),
        *("--voice", "orchestrator.bench.tasks.silent:SilentModel"),
    )
    assert done.returncode == 0, done.stderr
    voices = json.loads(done.stdout)["tasks"]["start-stop"]["voices"]
    assert voices["silent"] == voices["orchestrator.bench.tasks.silent:SilentModel"]


def test_no_such_task(duologue: Duologue) -> None:
    done = duologue("bench", "interaction", "--task", "juggling")
    assert done.returncode == 2
    assert "there is no task called 'juggling'" in done.stderr
    assert "turn-taking" in done.stderr


@pytest.mark.parametrize("name", ["nobody", "chat:", "no.such.module:Voice", "json:no_voice", "json:decoder.NaN"])
def test_no_such_voice(name: str) -> None:
    with pytest.raises(ConfigError):
        named_voice(name)


def test_a_voice_that_is_there_already_and_one_that_is_made() -> None:
    ready = named_voice("tests.cli.test_bench_interaction:READY_MADE").make()
    assert ready is named_voice("tests.cli.test_bench_interaction:READY_MADE").make()
    made = named_voice("orchestrator.bench.tasks.silent:SilentModel")
    assert made.make() is not made.make()
    assert made.clock == "virtual"


def test_a_language_model_without_a_server_is_not_taken_for_a_silent_one(duologue: Duologue) -> None:
    done = duologue("bench", "interaction", "--voice", "chat:tiny@http://127.0.0.1:9/v1", "--task", "turn-taking")
    assert done.returncode == 4
    assert done.stdout == ""
    assert "127.0.0.1:9" in done.stderr


def test_a_language_model_needs_real_time() -> None:
    voice = named_voice("chat:tiny@http://localhost:9/v1")
    assert voice.clock == "real"
    assert voice.make().traits.name
