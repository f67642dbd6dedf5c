"""Strict code, tolerant wire: codec, journal, scenario."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from orchestrator.bundle import Amendment, Bundle, Cancellation
from orchestrator.clock import MS, from_ms
from orchestrator.codec import bundle_wire, orders_wire, updates_wire
from orchestrator.context import Found, Said
from orchestrator.effects import Effect, Emit, LedgerChanged
from orchestrator.errors import ScenarioError
from orchestrator.events import DelegationUpdate, Event, TickDue, UserActivity, UserLeft, UserText
from orchestrator.finding import Finding, Source
from orchestrator.journal import JournalReader, Recorder, encode_record, worth_writing
from orchestrator.scenario import read_scenario


def line(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def test_every_tag_is_there_once() -> None:
    kinds = [*Event.__args__, *Effect.__args__]
    tags = [kind.__struct_config__.tag for kind in kinds]
    assert len(set(tags)) == len(tags)
    assert {"emit", "stop", "delegate", "finding", "splice", "hold", "drop", "ledger"} <= set(tags)


class Text(str):
    """As some SDKs have it."""


def test_a_kind_of_text_becomes_text() -> None:
    finding = Finding(Text("here"), delegation="s-1", seq=1)
    assert type(finding.text) is str
    assert updates_wire().decode(updates_wire().encode(finding)) == [Finding("here", delegation="s-1", seq=1)]


@pytest.mark.parametrize(
    "item",
    [
        Finding("Größe 🚂", delegation="s-1", seq=4, sources=(Source("docs", "docs/a.md:3"),), data={"n": [1, 2.5]}),
        DelegationUpdate("s-1", "running"),
    ],
)
def test_updates_survive_the_wire(item: Finding | DelegationUpdate) -> None:
    wire = updates_wire()
    assert wire.decode(wire.encode(item)) == [item]
    assert wire.decode(wire.encode(item, item)) == [item, item]


def test_bundles_and_orders_survive_the_wire() -> None:
    entries = (Said(text="find it"), Found(finding=Finding("x", delegation="s-1", seq=1)))
    bundle = Bundle("s-1", "s", "find it", entries, 2)
    assert bundle_wire().decode(bundle_wire().encode(bundle)) == bundle
    for order in (Amendment("s-1", entries, 3, "Lyon"), Cancellation("s-1", "never mind")):
        assert orders_wire().decode(orders_wire().encode(order)) == order


def test_a_new_field_is_ignored_and_an_unknown_tag_or_broken_bytes_are_counted() -> None:
    wire = updates_wire()
    newer = msgspec.msgpack.encode({"type": "delegation.update", "delegation": "s-1", "state": "queued", "mood": 7})
    assert wire.decode(_array(newer)) == [DelegationUpdate("s-1", "queued")]
    for broken in (_array(msgspec.msgpack.encode({"type": "hologram"})), b"\xff\x00", b"", b"\x93\x01", newer):
        assert wire.decode(broken) == []
    assert wire.skipped == 5


def test_an_unknown_update_takes_none_of_its_neighbours_with_it() -> None:
    wire = updates_wire()
    known = [DelegationUpdate("s-1", "running"), Finding("half", "partial", delegation="s-1", seq=1)]
    strange = msgspec.msgpack.encode({"type": "hologram"})
    data = _array(
        msgspec.msgpack.encode(known[0]), strange, msgspec.msgpack.encode(7), msgspec.msgpack.encode(known[1])
    )
    assert wire.decode(data) == known
    assert wire.skipped == 2


def _array(*elements: bytes) -> bytes:
    return msgspec.msgpack.encode([msgspec.Raw(element) for element in elements])


def test_a_journal_line_has_time_micro_turn_and_type_first() -> None:
    written = encode_record(from_ms(1_234), 7, Emit(1, "Hi.", 1, ("s-1.1",), ends=True))
    assert list(json.loads(written))[:3] == ["at_ms", "n", "type"]
    assert json.loads(written) == {
        "at_ms": 1_234, "n": 7, "type": "emit", "seq": 1, "text": "Hi.", "utterance": 1, "about": ["s-1.1"],
        "style": "speech", "ends": True, "reason": "",
    }  # fmt: skip


def test_the_finding_line_has_its_identity() -> None:
    written = json.loads(encode_record(from_ms(0), 1, Finding("x", "partial", delegation="s-1", seq=2)))
    assert {key: written[key] for key in ("type", "id", "delegation", "kind", "text")} == {
        "type": "finding", "id": "s-1.2", "delegation": "s-1", "kind": "partial", "text": "x",
    }  # fmt: skip


def test_a_ledger_line_names_finding_and_state() -> None:
    written = json.loads(encode_record(from_ms(0), 1, LedgerChanged("heard", finding="s-1.2")))
    assert (written["finding"], written["state"]) == ("s-1.2", "heard")


def test_ticks_without_consequence_are_not_written() -> None:
    assert not worth_writing(TickDue(), 0)
    assert worth_writing(TickDue(), 1)
    assert worth_writing(UserText("x"), 0)


def test_a_reader_skips_and_counts_what_it_does_not_know() -> None:
    lines = [
        line(at_ms=1, type="user.text", text="hi", colour="red"),
        line(at_ms=2, type="hologram.shown"),
        b"",
        b"{broken",
        line(at_ms=3, type="user.activity", kind="dancing"),
        line(at_ms=4, n=2, type="emit", seq=1, text="an effect is made again"),
        line(at_ms=5, type="user.left"),
        b"\xff\xfe",
    ]
    reader = JournalReader()
    assert list(reader.events(lines)) == [(1 * MS, UserText("hi")), (5 * MS, UserLeft())]
    assert reader.skipped == 3
    assert [problem.split(":")[0] for problem in reader.problems] == ["line 4", "line 5", "line 8"]
    with pytest.raises(ScenarioError, match="line 4"):
        JournalReader().strictly(lines, "x")


def test_a_recorder_keeps_the_last_of_what_it_is_told_to() -> None:
    recorder = Recorder(limit=2)
    for number in range(5):
        recorder.record(from_ms(number), number, UserText(str(number)))
    assert [json.loads(written)["text"] for written in recorder.lines()] == ["3", "4"]


GOOD = [
    line(type="given.tool", name="lookup", description="looks up", steps=[{"after_ms": 1200, "progress": "half"},
    {"after_ms": 3000, "result": "42"}]), line(type="given.model", when="hello", say="Hi.", delegate={"tool": "lookup",
    "task": "it"}), line(at_ms=0, type="user.text", text="hello", final=True),
    line(at_ms=400, type="user.text", text="x", op="delete"),
    line(at_ms=500, type="user.activity", kind="typing"),
    line(at_ms=900, type="user.left"),
]  # fmt: skip


def test_a_scenario_is_read() -> None:
    scenario = read_scenario(GOOD, "good")
    assert [(tool.name, len(tool.steps)) for tool in scenario.tools] == [("lookup", 2)]
    assert [rule.when for rule in scenario.rules] == ["hello"]
    assert [type(event) for _, event in scenario.events] == [UserText, UserText, UserActivity, UserLeft]
    assert scenario.skipped == ()


def test_unknown_tags_in_a_scenario_are_named_and_passed_over() -> None:
    strange = [line(at_ms=3, type="user.dance"), line(at_ms=4, type="user.dance"), line(at_ms=5, type="emit", text="")]
    scenario = read_scenario([*strange, *GOOD[2:]], "x")
    assert scenario.skipped == ("user.dance",)
    assert len(scenario.events) == 4


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (b"{not json", "line 2 cannot be read"),
        (b"[1]", "line 2 cannot be read"),
        (b"\xff\xfe", "line 2 cannot be read"),
        (line(at_ms=0), "line 2 cannot be read"),
        (line(type="user.text", text="x"), "line 2 has no time"),
        (line(at_ms=-5, type="user.text", text="x"), "line 2 has no time"),
        (line(at_ms=5, type="user.text", text=7), "line 2 is not a good user.text"),
        (line(at_ms=5, type="user.activity", kind="dancing"), "line 2 is not a good user.activity"),
        (line(type="given.tool"), "line 2 is not a good given.tool"),
        (line(type="given.tool", name="x", steps=[{"after_ms": 1}]), "line 2 has a bad step"),
        (line(type="given.tool", name="x", steps=[{"after_ms": 1, "progress": "x"}]), "line 2 does not end"),
        (line(type="given.tool", name="x", steps=[]), "line 2 does not end"),
    ],
)
def test_a_bad_line_is_refused_with_its_number_and_a_way_out(bad: bytes, what: str) -> None:
    with pytest.raises(ScenarioError, match=what) as caught:
        read_scenario([b"", bad, *GOOD[2:]], "bad")
    assert "docs/journal.md" in caught.value.todo


def test_time_does_not_go_back_and_what_is_given_comes_first() -> None:
    with pytest.raises(ScenarioError, match="goes back in time"):
        read_scenario([*GOOD[2:], line(at_ms=1, type="user.text", text="x")], "x")
    with pytest.raises(ScenarioError, match="comes too late"):
        read_scenario([*GOOD[2:], GOOD[0]], "x")
    with pytest.raises(ScenarioError, match="second tool"):
        read_scenario([GOOD[0], GOOD[0], *GOOD[2:]], "x")
