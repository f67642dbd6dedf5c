"""What goes wrong is told in three lines at most, with an exit code that means something."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Duologue


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["chta"], 2, "No such command"),
        (["chat", "--plain", "--json"], 2, "choose one"),
        (["chat", "--pace", "slow"], 2, "characters a second"),
        (["chat", "--root", "nowhere"], 2, "there is no folder"),
        (["chat", "--redis", "nonsense"], 2, "redis://"),
        (["chat", "--redis", "redis://host:port"], 2, "port must be a number"),
        (["chat", "--plain", "--record", "nowhere/file"], 3, "--record"),
        (["chat", "--plain", "--log", "nowhere/file"], 2, "--log"),
        (["worker"], 2, "REDIS_URL"),
        (["worker", "--redis", "redis://localhost", "--slots", "0"], 2, "--slots"),
        (["worker", "--redis", "redis://localhost", "--lease", "5"], 2, "--lease"),
        (["simulate", "nowhere.ndjson"], 2, "nowhere.ndjson"),
        (["simulate"], 2, "Missing argument"),
    ],
)
def test_what_is_said(duologue: Duologue, arguments: list[str], code: int, words: str) -> None:
    done = duologue(*arguments)
    assert done.returncode == code
    assert words in done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) <= 4
    assert "Traceback" not in done.stderr


def test_a_trace_is_shown_where_it_is_asked_for(duologue: Duologue) -> None:
    done = duologue("worker", DUOLOGUE_DEBUG="1")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
