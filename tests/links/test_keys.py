"""An edited line is told as what a listener hears."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interaction.links.keys import typed
from orchestrator.events import UserText


@pytest.mark.parametrize(
    ("before", "after", "events"),
    [
        ("", "h", [UserText("h")]),
        ("hel", "hell", [UserText("l")]),
        ("hell", "hel", [UserText("l", op="delete")]),
        ("to Rome", "to Lyon", [UserText("Rome", op="delete"), UserText("Lyon")]),
        ("ac", "abc", [UserText("c", op="delete"), UserText("bc")]),
        ("same", "same", []),
        ("all", "", [UserText("all", op="delete")]),
    ],
)
def test_edits(before: str, after: str, events: list[UserText]) -> None:
    assert list(typed(before, after)) == events


@given(st.text(max_size=30), st.text(max_size=30))
def test_whoever_follows_the_events_has_the_line(before: str, after: str) -> None:
    line = before
    for event in typed(before, after):
        if event.op == "delete":
            assert line.endswith(event.text)
            line = line[: len(line) - len(event.text)]
        else:
            line += event.text
    assert line == after
