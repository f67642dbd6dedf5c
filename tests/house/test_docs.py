"""The generated pages are what the code says today."""

from __future__ import annotations

from scripts import draw_diagrams


def test_the_diagrams_are_drawn_from_the_tables() -> None:
    assert draw_diagrams.PAGE.read_text() == draw_diagrams.page(), "run `make docs`"
