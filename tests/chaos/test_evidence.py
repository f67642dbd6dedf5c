"""Reading what a run has left behind: visits become lives, and what was not kept is marked."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.chaos.evidence import Evidence, gathered
from tests.chaos.notes import Line, Notes
from tests.chaos.plan import Plan

HAPPENED: Line = {"at_ms": 1, "n": 1, "type": "bus.up"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run without anything in it."""
    (tmp_path / "plan.json").write_bytes(msgspec.json.encode(Plan(1, 1_000)))
    for name in ("sessions", "workers"):
        (tmp_path / name).mkdir()
    return tmp_path


def written(folder: Path, name: str, *lines: Line) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(msgspec.json.encode({"t": 0, **line}) + b"\n" for line in lines))


def opened(t: int, pid: int, *, known: bool) -> Line:
    return {"t": t, "type": "opened", "pid": pid, "known": known}


def saved(lines: int) -> Line:
    return {"type": "saved", "lines": lines}


def ended(pid: int, code: int) -> Line:
    return {"type": "ended", "name": "front-0", "pid": pid, "code": code, "expected": True}


def lives(evidence: Evidence) -> list[tuple[int, bool]]:
    return [(len(life.lines), life.finished) for life in evidence.lives]


def test_visits_in_several_processes_are_one_life(folder: Path) -> None:
    written(folder, "driver.ndjson", ended(5, -9), ended(6, 0))
    written(folder, "sessions/p0/6-0001.ndjson", opened(20, 6, known=True), HAPPENED, saved(1))
    written(folder, "sessions/p0/5-0001.ndjson", opened(10, 5, known=False), HAPPENED, HAPPENED, saved(2))
    assert lives(gathered(folder)) == [(7, True)]


def test_who_is_not_known_begins_a_new_life(folder: Path) -> None:
    written(folder, "driver.ndjson", ended(5, 0), ended(6, -9))
    written(folder, "sessions/p0/5-0001.ndjson", opened(10, 5, known=False), saved(0))
    written(folder, "sessions/p0/6-0001.ndjson", opened(20, 6, known=False), saved(0))
    assert lives(gathered(folder)) == [(2, False), (2, False)]


def test_who_was_sent_away_has_not_been_there(folder: Path) -> None:
    written(folder, "driver.ndjson", ended(5, 0))
    written(folder, "sessions/p0/5-0001.ndjson", {"type": "elsewhere"})
    assert lives(gathered(folder)) == []


def test_what_came_after_the_last_save_is_not_sure(folder: Path) -> None:
    written(folder, "driver.ndjson")
    written(
        folder,
        "sessions/p0/5-0001.ndjson",
        *(opened(10, 5, known=False), HAPPENED, saved(1), HAPPENED, HAPPENED, saved(2), HAPPENED),
    )
    [life] = gathered(folder).lives
    assert [line.get("unsure", False) for line in life.lines if "at_ms" in line] == [False, False, True, True]


def test_a_line_that_was_cut_off_by_a_kill_is_none(folder: Path) -> None:
    written(folder, "driver.ndjson")
    written(folder, "sessions/p0/5-0001.ndjson", opened(10, 5, known=False))
    with (folder / "sessions/p0/5-0001.ndjson").open("ab") as file:
        file.write(b'{"at_ms": 1, "ty')
    assert lives(gathered(folder)) == [(1, False)]


def test_notes_are_read_as_they_were_written(folder: Path) -> None:
    notes = Notes(folder / "driver.ndjson")
    notes.write("harm", kind="kill worker", lasts_ms=0)
    notes.close()
    assert [line["kind"] for line in gathered(folder).of("harm")] == ["kill worker"]
