"""`duologue replay`: what it prints and with which code it ends."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from orchestrator.cli import guarded
from orchestrator.cli.commands import duologue as command
from tests.cli.conftest import Duologue

GOLDEN = Path(__file__).parent.parent / "golden"
HELD = str(GOLDEN / "held_while_typing" / "journal.ndjson")


def run(*arguments: str) -> int:
    return guarded(lambda: command.main(["replay", *arguments], prog_name="duologue", standalone_mode=False))


def test_the_same_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(HELD) == 0
    out = capsys.readouterr().out
    assert re.search(r"The same: \d+ effects made again, and none is another\.", out)
    assert re.search(r"told at 5\.\d\d, 2\d\d\d ms after it came; heard", out)
    assert "would" not in out


def test_what_if_stands_beside_what_was(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "150")
    assert run(HELD, "--policy", "gap") == 0
    out = capsys.readouterr().out
    assert "was said (default)" in out
    assert "would be said (gap)" in out
    columns = [line.index("The next train") for line in out.splitlines() if "  The next train" in line]
    assert len(set(columns)) == 2 or any(line.count("The next train") == 2 for line in out.splitlines())
    assert "The person and the background do what they did" in " ".join(out.split())


def test_a_policy_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "my_timing.py").write_text(
        "from orchestrator.timing import FirstOf, SilentProgress, Speak\n"
        "def eager():\n    return FirstOf((SilentProgress(), Speak()))\n"
        "value, nonsense = eager(), 3\n"
    )
    monkeypatch.chdir(tmp_path)
    for name in ("my_timing:eager", "my_timing:value"):
        assert run(HELD, "--policy", name) == 0
        assert re.search(r"\(\d+ ms sooner\)", capsys.readouterr().out)
    for name, words in (("my_timing:nonsense", "is no policy"), ("my_timing:x", "cannot be found")):
        assert run(HELD, "--policy", name) == 2
        assert words in capsys.readouterr().err


def test_a_setting_alone_is_a_what_if_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(HELD, "--config", "pace=none", "--config", "draft_hold_ms=500") == 0
    assert "would be said (default pace=none draft_hold_ms=500)" in " ".join(capsys.readouterr().out.split())


def test_for_machines_it_is_the_journal_and_a_summary(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(HELD, "--json") == 0
    *journal, last = capsysbinary.readouterr().out.splitlines(keepends=True)
    assert b"".join(journal) == Path(HELD).read_bytes()
    summary = json.loads(last)
    assert summary["type"] == "replay.summary"
    assert summary["same"] is True
    (finding,) = summary["findings"]
    assert (finding["id"], finding["was"]["state"]) == ("s-1.3", "heard")
    assert 2_000 < finding["was"]["delay_ms"] < 3_000


def test_a_recording_that_is_not_the_same_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.ndjson"
    other.write_bytes(Path(HELD).read_bytes().replace(b"the person has the floor", b"the person is at it"))
    page = tmp_path / "page.html"
    assert run(str(other), "--html", str(page)) == 1
    out = capsys.readouterr().out
    assert "Not the same. " in out
    assert "at 2500 ms" in out
    assert "it differs from 2.50 s on" in page.read_text()


def test_what_a_recording_holds_does_nothing_to_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wicked = tmp_path / "wicked.ndjson"
    wicked.write_bytes(Path(HELD).read_bytes().replace(b"when is the next train?", b"\\u001b[2J\\u202eboo"))
    run(str(wicked))
    out = capsys.readouterr().out
    assert "boo" in out
    assert not set(out) & {"\x1b", "\u202e"}


def test_what_chat_records_is_what_replay_reads(duologue: Duologue) -> None:
    """In real time, with the real loop and workers, with another pace than the default."""
    talk = duologue("chat", "--plain", "--pace", "200", "--record", "talk.ndjson", piped="what is 6*7?\nand 7*7?\n")
    assert talk.returncode == 0
    done = duologue("replay", "talk.ndjson")
    assert (done.returncode, done.stderr) == (0, "")
    assert "The same: " in done.stdout
    assert "6 * 7 = 42" in done.stdout
    assert "assumed" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere.ndjson"], 2, "nowhere.ndjson cannot be read"),
        ([str(GOLDEN / "short" / "scenario.ndjson")], 2, "is no recording"),
        ([HELD, "--policy", "nobody"], 2, "there are default"),
        ([HELD, "--config", "pace"], 2, "has no value"),
        ([HELD, "--config", "colour=1"], 2, "no setting 'colour'"),
        ([HELD, "--html", "/nowhere/page.html"], 3, "the page cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == code
    assert words in capsys.readouterr().err
