"""`duologue chat` as a person in a shell uses it, with the embedded voice and real files."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.cli.conftest import Duologue


@pytest.fixture(autouse=True)
def notes(tmp_path: Path) -> Path:
    """The person's own file."""
    path = tmp_path / "notes.md"
    path.write_text("# Notes\n\nThe ledger is kept in the blue cupboard.\n")
    return path


def test_a_question_about_ones_own_files_is_answered_before_the_end(duologue: Duologue) -> None:
    done = duologue("chat", "--plain", piped="find the word ledger\n")
    assert "you: find the word ledger\n" in done.stdout
    assert "notes.md" in done.stdout
    assert (done.returncode, done.stderr) == (0, "")


def test_without_a_terminal_it_is_plain_in_any_case(duologue: Duologue) -> None:
    done = duologue("chat", piped="hello\n")
    assert done.stdout.startswith("you: hello\nduologue: ")
    assert "\x1b" not in done.stdout


def test_another_folder_may_be_read(duologue: Duologue, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "other.md").write_text("Another ledger.\n")
    done = duologue("chat", "--plain", "--root", "elsewhere", piped="find the word ledger\n")
    assert "other.md" in done.stdout
    assert "notes.md" not in done.stdout


def test_the_recording_is_the_journal(duologue: Duologue, tmp_path: Path) -> None:
    done = duologue(
        "chat", "--json", "--record", "talk.ndjson", piped='{"type":"user.text","text":"hi","final":true}\n'
    )
    assert done.returncode == 0
    how_it_began, _, journal = (tmp_path / "talk.ndjson").read_text().partition("\n")
    assert journal == done.stdout
    assert msgspec.json.decode(how_it_began)["type"] == "session"
    assert msgspec.json.decode(done.stdout.splitlines()[0])["type"] == "user.text"
    assert (tmp_path / "talk.ndjson").stat().st_mode & 0o077 == 0


def test_speech_may_come_as_fast_as_it_is_written(duologue: Duologue) -> None:
    line = '{"type":"user.text","text":"hello","final":true}\n'
    slow = duologue("chat", "--json", "--pace", "10", piped=line).stdout
    quick = duologue("chat", "--json", "--pace", "none", piped=line).stdout
    assert slow.count('"type":"emit"') > quick.count('"type":"emit"') > 0


def test_a_redis_that_is_away_is_told_to_the_person_and_nothing_breaks(duologue: Duologue) -> None:
    line = '{"type":"user.text","text":"hello","final":true}\n'
    done = duologue("chat", "--json", "--redis", "redis://127.0.0.1:1", piped=line)
    kinds = [msgspec.json.decode(record)["type"] for record in done.stdout.splitlines()]
    assert "bus.down" in kinds
    assert kinds[-1] == "close"
    assert done.returncode == 0
