"""The other commands, and everything that is said when one cannot be carried out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from orchestrator.version import __version__
from tests.e2e.journals import of, read, speech
from tests.e2e.programs import ROOT, Library, Programs
from tests.plugins.redis_server import RedisServer

GOLDEN = ROOT / "tests" / "golden"


@pytest.mark.parametrize("name", ["timers_and_cues", "corrected"])
def test_two_simulations_print_the_same_bytes(programs: Programs, name: str) -> None:
    path = GOLDEN / name / "scenario.ndjson"
    first, second = (programs.piped("", "simulate", path, "--clock", "virtual", "--json") for _ in range(2))
    assert first.said == second.said
    assert read(first.said)[-1]["type"] == "close"
    assert [(each.code, each.complained) for each in (first, second)] == [(0, ""), (0, "")]


def test_a_simulation_can_be_read_by_people(programs: Programs) -> None:
    shown = programs.piped("", "simulate", GOLDEN / "timers_and_cues" / "scenario.ndjson")
    assert re.search(r"^ *[\d.]+ +duologue +\S", shown.said, re.MULTILINE)
    assert shown.code == 0


def test_a_simulation_on_the_real_clock(programs: Programs, library: Library) -> None:
    (library.folder / "short.ndjson").write_text('{"at_ms":0,"type":"user.text","text":"hello","final":true}\n')
    real = programs.piped("", "simulate", "short.ndjson", "--clock", "real", "--json")
    virtual = programs.piped("", "simulate", "short.ndjson", "--json")
    assert speech(read(real.said)) == speech(read(virtual.said)) != ""
    assert real.code == 0


def test_the_scenario_of_a_simulation_can_be_piped_into_a_chat(programs: Programs) -> None:
    lines = '{"at_ms":0,"type":"user.text","text":"what is 12 * 12?","final":true}\n{"at_ms":9,"type":"user.left"}\n'
    chat = programs.piped(lines, "chat", "--json")
    journal = read(chat.said)
    assert of(journal, "user.text")[0]["text"] == "what is 12 * 12?"
    assert [record["type"] for record in journal if record["type"] in ("user.left", "close")] == ["user.left", "close"]
    assert chat.code == 0


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        (None, "cannot be read"),
        ('{"at_ms":0,"type":"user.text"', "line 1"),
        ('{"at_ms":0,"type":"given.tool","name":1}', "line 1"),
        ('{"at_ms":0,"type":"user.text","text":"a","final":true}\n{"type":"given.tool","name":"late"}', "line 2"),
    ],
)
def test_a_wrong_scenario(programs: Programs, library: Library, scenario: str | None, words: str) -> None:
    if scenario is not None:
        (library.folder / "wrong.ndjson").write_text(scenario)
    wrong = programs.piped("", "simulate", "wrong.ndjson", "--json")
    assert (wrong.code, wrong.said) == (2, "")
    assert words in wrong.complained
    assert 1 <= len(wrong.complained.splitlines()) <= 3
    assert "Traceback" not in wrong.complained


@pytest.mark.parametrize("command", ["chat", "worker", "doctor"])
@pytest.mark.parametrize("url", ["nonsense", "redis://host:port", "http://localhost:6379"])
def test_a_wrong_address_of_a_redis(programs: Programs, command: str, url: str) -> None:
    wrong = programs.piped("hello\n", command, "--redis", url)
    assert "Traceback" not in wrong.complained + wrong.said
    if command == "doctor":
        assert wrong.code == 3
        assert "redis://" in wrong.said
    else:
        assert (wrong.code, wrong.said) == (2, "")
        assert len(wrong.complained.splitlines()) == 3
        assert "redis://" in wrong.complained


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["dance"], "No such command 'dance'"),
        (["chat", "--loud"], "No such option"),
        (["simulate"], "Missing argument"),
        (["worker"], "REDIS_URL"),
    ],
)
def test_wrong_use(programs: Programs, arguments: list[str], words: str) -> None:
    wrong = programs.piped("", *arguments)
    assert (wrong.code, wrong.said) == (2, "")
    assert words in wrong.complained


def test_the_version_and_help(programs: Programs) -> None:
    assert programs.piped("", "--version").said == f"duologue {__version__}\n"
    shown = programs.piped("", "--help")
    assert [name for name in ("chat", "worker", "simulate", "doctor") if f"  {name} " not in shown.said] == []
    assert shown.code == 0


def test_the_doctor_without_a_redis_and_with_one(programs: Programs, own_server: RedisServer) -> None:
    assert programs.piped("", "doctor").code == 0
    sick = programs.piped("", "doctor", REDIS_URL=own_server.url)
    assert sick.code == 3
    assert re.search(r"^fail +redis .*\n +-> .*redis-server", sick.said, re.MULTILINE)
    own_server.start()
    well = programs.piped("", "doctor", REDIS_URL=own_server.url)
    assert re.search(r"^ok +redis .*a round trip takes", well.said, re.MULTILINE)
    assert (well.code, well.complained) == (0, "")


def test_a_folder_of_ones_own_that_is_called_tools_is_in_nobodys_way(programs: Programs, library: Library) -> None:
    own: Path = library.folder / "tools"
    own.mkdir()
    (own / "__init__.py").write_text("raise SystemExit('the wrong tools')\n")
    chat = programs.piped("what is 12 * 12?\n", "chat", "--plain")
    assert "= 144" in chat.said
    assert (chat.code, chat.complained) == (0, "")
