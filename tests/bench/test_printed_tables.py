"""README.md and docs/benchmark.md show what the program prints: the whole runs, as a user would make them.

A committed report would only hold how a table is laid out. The runs take half a minute, so nothing stands in for them:
whatever changes a figure fails here, and `make bench-tables` accepts it.
"""

from __future__ import annotations

import pytest

from scripts import write_tables


@pytest.mark.slow
@pytest.mark.timeout(300)  # what the benchmarks may take
@pytest.mark.parametrize(("command", "pages"), [("bench splice", 2), ("bench interaction", 1)])
def test_the_pages_show_what_is_printed(command: str, pages: int) -> None:
    shown = [table for page in write_tables.PAGES for table in write_tables.shown(page.read_text("utf-8"), command)]
    assert len(shown) == pages
    printed = write_tables.printed(command, PYTHONHASHSEED="7")
    assert [table == printed for table in shown] == [True] * pages, f"run `make bench-tables`\n{printed}"
