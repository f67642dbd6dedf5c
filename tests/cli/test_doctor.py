"""The doctor sees what is missing, and says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestrator.cli.doctor import doctor
from orchestrator.cli.reach import Reached
from tests.cli.conftest import Duologue
from tests.plugins.redis_server import RedisServer
from tools.run_python import isolation


def checks(output: str) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in msgspec.json.decode(output)["checks"]}


def test_all_is_well_without_a_redis(duologue: Duologue) -> None:
    done = duologue("doctor")
    assert done.returncode == 0
    assert [line for line in done.stdout.splitlines() if line.startswith("fail")] == []
    names = ("python", "packages", "libraries", "settings", "root", "redis", "redis-server", "terminal")
    assert [name for name in names if f" {name} " not in done.stdout] == []


def test_a_redis_that_answers(duologue: Duologue, redis_server: RedisServer) -> None:
    done = duologue("doctor", "--json", "--redis", redis_server.url)
    found = checks(done.stdout)
    assert found["redis"]["state"] == "ok"
    assert "a round trip takes" in found["redis"]["found"]
    assert found["settings"]["found"] == "redis from --redis"
    assert done.returncode == 0


def test_a_redis_that_is_away(duologue: Duologue, own_server: RedisServer) -> None:
    done = duologue("doctor", "--json", REDIS_URL=own_server.url.replace("//", "//user:secret@"))
    found = checks(done.stdout)["redis"]
    assert found["state"] == "fail"
    assert "redis-server" in found["todo"]
    assert "secret" not in done.stdout + done.stderr
    assert done.returncode == 3


@pytest.mark.parametrize(("version", "old"), [("6.0.16", True), ("6.2.0", False), ("7.0.15", False), ("10.1.0", False)])
def test_which_redis_is_too_old(version: str, old: bool) -> None:
    assert Reached(version=version).too_old is old


def test_no_redis_server_to_start(duologue: Duologue) -> None:
    done = duologue("doctor", "--json", PATH="")
    assert checks(done.stdout)["redis-server"]["state"] == "warn"
    assert "install" in checks(done.stdout)["redis-server"]["todo"]
    assert done.returncode == 0


def test_what_programs_are_kept_from_is_said_where_they_are_run(duologue: Duologue) -> None:
    assert "run_python" not in checks(duologue("doctor", "--json").stdout)
    found = checks(duologue("doctor", "--json", "--python").stdout)["run_python"]
    assert found["found"].startswith("network: ")
    assert found["state"] == ("ok" if isolation().whole else "warn")


def test_a_broken_file_of_settings_does_not_end_the_visit(duologue: Duologue, tmp_path: Path) -> None:
    (tmp_path / "duologue.toml").write_text("solts = 3\n")
    done = duologue("doctor")
    assert "fail  settings" in done.stdout
    assert "  terminal " in done.stdout
    assert done.returncode == 3


def test_a_variable_that_means_nothing(duologue: Duologue) -> None:
    found = checks(duologue("doctor", "--json", DUOLOGUE_SOLTS="3").stdout)["settings"]
    assert found["state"] == "warn"
    assert "DUOLOGUE_SOLTS" in found["found"]


def test_the_libraries_of_the_web_are_looked_for(duologue: Duologue) -> None:
    assert checks(duologue("doctor", "--json").stdout)["web"]["state"] == "ok"


def test_libraries_of_the_web_that_are_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def importable(name: str) -> bool:
        return name != "ddgs"

    monkeypatch.setattr("orchestrator.cli.doctor._importable", importable)
    doctor({}, as_json=True)
    found = checks(capsys.readouterr().out)["web"]
    assert (found["state"], found["todo"]) == ("warn", "pip install 'duologue[web]'")
    assert "ddgs" in found["found"]
