"""Whole conversations in virtual time: the real driver, voice, bus, worker and tools; journals as they are printed."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import ScenarioError
from orchestrator.scenario import read_scenario
from orchestrator.simulation import simulate, simulate_virtually

GOLDEN = Path(__file__).parent.parent / "golden"


def hold(*lines: dict[str, Any]) -> list[dict[str, Any]]:
    """The journal of a scenario, as whoever reads the file sees it."""
    scenario = read_scenario([json.dumps(line).encode() for line in lines], "test")
    return [json.loads(line) for line in simulate_virtually(scenario).lines()]


def tool(name: str, result: str, after_ms: int = 1_000, *, error: bool = False, progress: str = "") -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"after_ms": after_ms // 2, "progress": progress}] if progress else []
    steps.append({"after_ms": after_ms, "error" if error else "result": result})
    return {"type": "given.tool", "name": name, "description": f"Does {name}.", "steps": steps}


def rule(when: str, tool_name: str, say: str = "On it.") -> dict[str, Any]:
    return {"type": "given.model", "when": when, "say": say, "delegate": {"tool": tool_name, "task": f"do {when}"}}


def says(at_ms: int, text: str, *, final: bool = True) -> dict[str, Any]:
    return {"at_ms": at_ms, "type": "user.text", "text": text, "final": final}


def of(journal: Sequence[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [line for line in journal if line["type"] == kind]


def speech(journal: Sequence[dict[str, Any]]) -> str:
    return "".join(line["text"] + ("\n" if line["ends"] else "") for line in of(journal, "emit"))


def test_a_result_is_spoken_once_and_then_heard() -> None:
    journal = hold(tool("lookup", "The answer is 42."), rule("find", "lookup"), says(500, "find it"))
    assert speech(journal).count("The answer is 42.") == 1
    (final,) = [line for line in of(journal, "finding") if line["kind"] == "final"]
    heard = [line for line in of(journal, "ledger") if line["finding"] == final["id"]]
    assert [line["state"] for line in heard] == ["owed", "offered", "speaking", "heard"]
    assert journal[-1]["type"] == "close"


def test_typed_while_it_works() -> None:
    keys = [says(1_200 + 120 * i, key, final=False) for i, key in enumerate("I am still typing this long sentence")]
    journal = hold(tool("lookup", "The answer is 42."), rule("find", "lookup"), says(500, "find it"), *keys)
    last = keys[-1]["at_ms"]
    told = [line["at_ms"] for line in of(journal, "emit") if line["about"]]
    assert min(told) > last
    assert speech(journal).count("The answer is 42.") == 1


def test_two_results_become_one_utterance() -> None:
    journal = hold(
        tool("one", "It is one."),
        tool("two", "It is two.", 1_100),
        rule("first", "one"),
        rule("second", "two"),
        says(500, "the first"),
        says(520, "the second"),
    )
    both = [line for line in of(journal, "splice") if len(line["findings"]) == 2]
    assert len(both) == 1
    assert "It is one. It is two." in speech(journal)


def test_a_failing_tool_is_told_and_ends_the_task() -> None:
    journal = hold(tool("lookup", "the library is closed", error=True), rule("find", "lookup"), says(0, "find it"))
    assert "the library is closed" in speech(journal)
    assert [line["state"] for line in of(journal, "ledger") if line["delegation"]][-1] == "failed"


def test_a_missing_tool_is_told_and_ends_the_task() -> None:
    journal = hold(tool("lookup", "x"), rule("find", "nosuch"), says(0, "find it"))
    (error,) = [line for line in of(journal, "finding") if line["kind"] == "error"]
    assert "nosuch" in error["text"]
    assert error["text"] in speech(journal)


def test_no_tool_at_all() -> None:
    journal = hold(rule("find", ""), says(0, "find it"))
    assert [line["kind"] for line in of(journal, "finding")][-1] == "error"


def test_the_reflex_voice_corrects_a_running_task() -> None:
    journal = hold(
        tool("hotels", "A room is free.", 3_000), says(500, "search hotels in Paris"), says(1_500, "no, I meant Lyon")
    )
    amends = [line for line in of(journal, "amend") if line.get("text")]
    assert len(amends) == 1
    assert "Lyon" in amends[0]["text"]
    assert speech(journal).count("A room is free.") == 1


def test_the_reflex_voice_cancels_a_task_and_nothing_of_it_is_told() -> None:
    journal = hold(
        tool("hotels", "A room is free.", 4_000), says(500, "search hotels"), says(1_500, "never mind the search")
    )
    assert len(of(journal, "cancel")) == 1
    assert "A room is free." not in speech(journal)


def test_huge_input_is_taken_and_answered() -> None:
    journal = hold(says(0, "word " * 100_000))
    assert "longer than I can take in" in speech(journal)
    assert journal[-1]["type"] == "close"


def test_two_runs_print_identical_bytes(tmp_path: Path) -> None:
    path = next(GOLDEN.glob("*/scenario.ndjson"))
    runs: list[bytes] = []
    for _ in range(2):
        out = io.BytesIO()
        assert simulate(path, clock="virtual", as_json=True, out=out, notes=io.StringIO()) == 0
        runs.append(out.getvalue())
    assert runs[0] == runs[1] != b""


@pytest.mark.parametrize("folder", sorted(path.parent.name for path in GOLDEN.glob("*/scenario.ndjson")))
def test_the_golden_journals_are_as_they_were(folder: str) -> None:
    """What changes here changes what people hear. `python scripts/write_golden.py` accepts it; read the difference
    first."""
    out = io.BytesIO()
    simulate(GOLDEN / folder / "scenario.ndjson", clock="virtual", as_json=True, out=out, notes=io.StringIO())
    assert out.getvalue().decode() == (GOLDEN / folder / "journal.ndjson").read_text()


def test_real_and_virtual_time_tell_the_same_story() -> None:
    scenario = GOLDEN / "short" / "scenario.ndjson"
    told: list[tuple[str, list[str]]] = []
    for clock in ("virtual", "real"):
        out = io.BytesIO()
        simulate(scenario, clock=clock, as_json=True, out=out, notes=io.StringIO())
        journal = [json.loads(line) for line in out.getvalue().splitlines()]
        told.append((speech(journal), [line["state"] for line in of(journal, "ledger")]))
    assert told[0] == told[1]


def test_unknown_tags_are_named_and_a_broken_line_stops_before_anything_runs(tmp_path: Path) -> None:
    path, notes, out = tmp_path / "x.ndjson", io.StringIO(), io.BytesIO()
    path.write_text('{"at_ms":0,"type":"user.hologram"}\n{"at_ms":1,"type":"user.text","text":"hello","final":true}\n')
    assert simulate(path, clock="virtual", as_json=False, out=out, notes=notes) == 0
    assert "user.hologram" in notes.getvalue()
    assert b"you       hello" in out.getvalue()
    path.write_text('{"at_ms":1,"type":"user.text","text":"hello","final":true}\n{"at_ms":\n')
    with pytest.raises(ScenarioError, match="line 2"):
        simulate(path, clock="virtual", as_json=False, out=io.BytesIO(), notes=notes)
    with pytest.raises(ScenarioError, match="cannot be read"):
        simulate(tmp_path / "nosuch", clock="virtual", as_json=False, out=io.BytesIO(), notes=notes)
