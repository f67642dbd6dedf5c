"""The journal in a file, while the talk goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from interaction.links.memory import MemoryLink
from interaction.links.recording import Both, Recording
from orchestrator.clock import from_ms
from orchestrator.effects import Emit
from orchestrator.errors import EnvironmentProblem
from orchestrator.events import UserText
from orchestrator.journal import encode_record

pytestmark = pytest.mark.anyio

FULL = Path("/dev/full")


async def test_both_journals_are_told_and_the_file_holds_every_line(tmp_path: Path) -> None:
    path, link = tmp_path / "talk", MemoryLink()
    async with Recording.open(path) as recording:
        both = Both(link, recording)
        both.record(from_ms(1), 0, UserText("hi", True))
        both.record(from_ms(2), 1, Emit(1, "hello", 1))
    assert path.read_bytes().splitlines() == [encode_record(at, n, item) for at, n, item in link.records]
    assert len(link.records) == 2
    assert (recording.lost, recording.failure) == (0, "")


async def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentProblem, match="--record"):
        async with Recording.open(tmp_path / "nowhere" / "talk"):
            pytest.fail("it should not have begun")


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full on this system")
async def test_a_full_disk_is_told() -> None:
    async with Recording.open(FULL) as recording:
        recording.record(from_ms(1), 0, UserText("hi", True))
    assert "space" in recording.failure
