"""Machines: user events in, the journal out."""

from __future__ import annotations

import os
from typing import Any

import msgspec

from tests.links.conftest import Begin, Talk


def records(output: bytes) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in output.splitlines()]


def texts(output: bytes, kind: str) -> str:
    return "".join(record["text"] for record in records(output) if record["type"] == kind)


def test_every_line_out_is_a_record_of_the_journal(talk: Talk) -> None:
    done = talk("json", b'{"type":"user.text","text":"hello","final":true,"at_ms":99}\n')
    found = records(done.stdout)
    assert found[0]["type"] == "user.text"
    assert all({"at_ms", "n", "type"} <= record.keys() for record in found)
    assert [record["at_ms"] for record in found] == sorted(record["at_ms"] for record in found)
    assert texts(done.stdout, "emit") == "You said: hello"
    assert (done.returncode, done.stderr, found[-1]["type"]) == (0, b"", "close")


def test_every_kind_of_input(talk: Talk) -> None:
    lines = b"""{"type":"user.text","text":"helo"}
{"type":"user.text","text":"o","op":"delete"}
{"type":"user.activity","kind":"pause"}
{"type":"user.text","text":"lo"}
{"type":"user.text","final":true}
"""
    done = talk("json", lines)
    assert texts(done.stdout, "emit") == "You said: hello"
    assert done.stderr == b""


def test_work_is_heard_before_the_end(talk: Talk) -> None:
    done = talk("json", b'{"type":"user.text","text":"work 0.5 the ledger","final":true}\n')
    assert texts(done.stdout, "emit") == "Found the ledger."
    states = [record["state"] for record in records(done.stdout) if record.get("finding", "").endswith(".2")]
    assert states == ["owed", "offered", "speaking", "heard"]


def test_leaving_ends_it_at_once(talk: Talk) -> None:
    done = talk("json", b'{"type":"user.text","text":"work 60 it","final":true}\n{"type":"user.left","reason":"bye"}\n')
    assert records(done.stdout)[-1] == records(done.stdout)[-1] | {"type": "close", "reason": "bye"}
    assert done.returncode == 0


def test_broken_lines_are_told_and_skipped(talk: Talk) -> None:
    lines = [
        b"hello there",
        b'{"type":"user.dance"}',
        b'{"type":"user.text","text":5}',
        b'{"type":"given.tool","name":"x"}',
        b'{"type":"user.text","text":"\xff',
        b"",
        b'{"type":"user.text","text":"' + b"x" * (1 << 20) + b'"}',
        b'{"type":"user.text","text":"hello","final":true}',
    ]
    done = talk("json", b"\n".join(lines))
    complaints = done.stderr.decode().splitlines()
    assert [complaint.partition(" skipped")[0] for complaint in complaints] == [f"line {n}" for n in (1, 2, 3, 4, 5, 7)]
    assert "not JSON" in complaints[0]
    assert "user.dance" in complaints[1]
    assert "duologue simulate" in complaints[3]
    assert max(map(len, complaints)) < 250
    assert texts(done.stdout, "emit") == "You said: hello"
    assert done.returncode == 0


def test_it_is_json_on_a_terminal_too(begin: Begin) -> None:
    keyboard, terminal = os.openpty()
    program = begin("json", stdin=terminal)
    os.close(terminal)
    os.write(keyboard, b'{"type":"user.left"}\n')
    assert program.stdout is not None
    assert records(program.stdout.read())[-1]["type"] == "close"
    assert program.wait(timeout=30) == 0
    os.close(keyboard)
