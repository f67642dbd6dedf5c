"""The conversation as it is kept."""

from __future__ import annotations

from orchestrator.context import Deleted, Entry, Said, what_was_said


def test_what_was_taken_back_was_not_said() -> None:
    entries: tuple[Entry, ...] = (
        Said(text="a train to Paris"),
        Deleted(text="Paris"),
        Said(text="Lyon", continues=True),
        Said(text="mm-hm", backchannel=True),
        Said(text="and back"),
    )
    assert what_was_said(entries) == "a train to Lyon\nand back"
