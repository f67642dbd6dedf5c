"""Corrections as a table: a task, what was said, and the task as it is then."""

from __future__ import annotations

import pytest

from background.models.correcting import corrected, meant

LEDGER = "find where the ledger says superseded in the files"

TABLE = [
    # A value takes the place of its like.
    ("find trains from Paris to Nice", "no, I meant Lyon", "find trains from Paris to Lyon"),
    ("find trains from Paris to Nice", "make that Lyon", "find trains from Paris to Lyon"),
    ("trains from paris to nice", "no i meant lyon", "trains from paris to lyon"),
    ("find trains from Paris to Lyon", "actually, make it New York please", "find trains from Paris to New York"),
    ("lookup the capital of France", "no, Spain", "lookup the capital of Spain"),
    ("convert 12 km to miles", "make that 15", "convert 15 km to miles"),
    ("convert 12 km to miles", "I meant meters", "convert 12 km to meters"),
    ("book a table for 4 people at Luigi", "make it 6 people", "book a table for 6 people at Luigi"),
    ("weather in Berlin tomorrow", "no, today", "weather in Berlin today"),
    ("weather in Berlin", "tomorrow", "weather in Berlin tomorrow"),
    ("read README.md", "no, CHANGELOG.md", "read CHANGELOG.md"),
    ('search for "micro turn" in the files', 'I meant "floor"', 'search for "floor" in the files'),
    ("find the lodger in the files", "sorry, ledger", "find the ledger in the files"),
    # What it is for is said.
    ("find trains from Paris to Nice", "from Rome instead", "find trains from Rome to Nice"),
    ("find trains from Paris to Nice", "from Rome to Milan", "find trains from Rome to Milan"),
    ("find trains from Paris to Lyon", "I'd rather go to Nice", "find trains from Paris to Nice"),
    ("find trains to Lyon", "from Paris", "find trains to Lyon from Paris"),
    ("weather in Berlin tomorrow", "in Paris please", "weather in Paris tomorrow"),
    # One for another.
    ("find trains from Paris to Nice", "not Paris but Rome", "find trains from Rome to Nice"),
    ("find trains from Paris to Nice", "Rome instead of Paris", "find trains from Rome to Nice"),
    ("find trains from Paris to Nice", "Rome, not Paris", "find trains from Rome to Nice"),
    ("find trains from Paris to Nice", "change Nice to Lyon", "find trains from Paris to Lyon"),
    # The query.
    (LEDGER, "no, I meant the agenda", "find agenda in the files"),
    (LEDGER, "search for the agenda instead", "find agenda in the files"),
    (LEDGER, "search the web for the agenda instead", "search the web for the agenda"),
    # A sentence of its own.
    (LEDGER, "actually, what is 2+2?", "what is 2+2"),
    ("find trains to Lyon", "read README.md instead", "read README.md"),
    ("calculate 2+2 and find the ledger in the files", "find the agenda instead",
     "calculate 2+2 and find the agenda in the files"),
    ("calculate 2+2 and find the ledger", "calculate 3+3", "calculate 3+3 and find the ledger"),
    # Nothing that changes it.
    ("find trains to Lyon", "no, wait", "find trains to Lyon"),
    ("find trains to Lyon", "hurry up", "find trains to Lyon"),
    ("find trains to Lyon", "", "find trains to Lyon"),
]  # fmt: skip


@pytest.mark.parametrize(("task", "correction", "result"), TABLE, ids=[f"{item[0]} / {item[1]}" for item in TABLE])
def test_a_correction(task: str, correction: str, result: str) -> None:
    assert corrected(task, correction) == result


@pytest.mark.parametrize(
    ("correction", "core"),
    [
        ("no, I meant Lyon", "Lyon"),
        ("make that Lyon", "Lyon"),
        ("wait, sorry, make it 5 please", "5"),
        ("not Paris but Rome", "Rome"),
        ("search for the agenda instead", "search for the agenda"),
        ("no wait", ""),
    ],
)
def test_what_is_meant(correction: str, core: str) -> None:
    assert meant(correction) == core
