"""The table: figures over all runs, intervals over the seeds, opposing pairs in one block."""

from __future__ import annotations

import msgspec
import pytest

from orchestrator.bench.scoring import Fault, Score
from orchestrator.bench.table import ALL, MEASURES, Figure, as_json, as_text, tabulate

FAULT = Fault(1, "lost", "fact f is never told")
SCORES = [
    Score("a-1", "a", 1, "ours", delays=(100,), waits=(100,), overlap_ms=0, words=10),
    Score("b-1", "b", 1, "ours", delays=(300,), waits=(400,), overlap_ms=40, words=20, lost=1, faults=(FAULT,)),
    Score("a-2", "a", 2, "ours", delays=(200,), waits=(200,), overlap_ms=0, words=10),
    Score("b-2", "b", 2, "ours", waits=(), overlap_ms=0, words=40),
    Score("a-1", "a", 1, "theirs", delays=(0,), waits=(0,), overlap_ms=800, words=5, follow_ups=(700,)),
]


def test_figures_and_intervals() -> None:
    table = tabulate(SCORES)
    overall = table.row("ours").figures
    assert overall["delay_p50"] == Figure(200.0, 200.0, 200.0)
    assert overall["clean"] == Figure(75.0, 52.5, 97.5)
    assert overall["lost"].value == 25.0
    assert overall["overlap_ms"] == Figure(10.0, 1.0, 19.0)
    assert overall["words"].value == 20.0
    assert overall["follow_up_p50"] == Figure(None)
    assert table.row("ours", "b").figures["delay_p50"] == Figure(300.0, 300.0, 300.0)
    assert table.row("theirs").runs == 1 and table.seeds == (1, 2)
    with pytest.raises(KeyError):
        table.row("nobody")


def test_every_measure_has_a_column_and_a_formula() -> None:
    text = as_text(tabulate(SCORES))
    assert [measure.title for measure in MEASURES.values() if measure.title not in text] == []
    assert all(measure.formula for measure in MEASURES.values())


def test_the_text_shows_families_when_asked() -> None:
    table = tabulate(SCORES)
    assert "Family b" not in as_text(table) and "Family b" in as_text(table, families=True)
    assert "2 seeds (1 to 2)" in as_text(table)


def test_the_headline_stands_beside_its_parts_and_its_formula() -> None:
    text = as_text(tabulate(SCORES))
    (block,) = (lines for lines in text.split("\n\n") if lines.startswith("What becomes"))
    assert "clean %" in block
    assert all(part in block for part in ("lost", "twice", "stale", "missed", "unanswered"))
    assert MEASURES["clean"].formula in text


def test_json_holds_every_row_and_every_formula() -> None:
    found = msgspec.json.decode(as_json(tabulate(SCORES)))
    assert {(row["system"], row["family"]) for row in found["rows"]} == {
        ("ours", ALL),
        ("ours", "a"),
        ("ours", "b"),
        ("theirs", ALL),
        ("theirs", "a"),
    }
    assert set(found["measures"]) == set(MEASURES) == set(found["rows"][0]["figures"])
    assert found["rules_ms"]["quiet_ms"] == 300 and found["seeds"] == [1, 2]
