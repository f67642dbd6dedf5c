"""`duologue chat --json`: what a program gives is done, and what a program reads is the journal."""

from __future__ import annotations

import json

from tests.e2e.journals import of, read, speech, told_once
from tests.e2e.programs import Programs


def says(text: str) -> str:
    return json.dumps({"type": "user.text", "text": text, "final": True}) + "\n"


def test_events_in_and_the_journal_out(programs: Programs) -> None:
    chat = programs.piped(says("find the word ledger"), "chat", "--json")
    journal = read(chat.said)
    assert journal[0]["type"] == "user.text"
    assert journal[-1]["type"] == "close"
    assert [record["at_ms"] for record in journal] == sorted(record["at_ms"] for record in journal)
    [delegate] = of(journal, "delegate")
    final = told_once(journal, "blue cupboard")
    assert final["delegation"] == delegate["id"]
    assert [source["title"] for source in final["sources"]] == ["notes.md, line 3"]
    told = [record for record in of(journal, "emit") if final["id"] in record.get("about", [])]
    assert "blue cupboard" in "".join(record["text"] for record in told)
    assert (chat.code, chat.complained) == (0, "")


def test_what_cannot_be_understood_is_told_on_stderr_and_skipped(programs: Programs) -> None:
    lines = [
        '{"type":"user.text","text":\n',
        '{"type":"user.hologram","text":"hello"}\n',
        '{"type":"given.tool","name":"lookup","steps":[]}\n',
        "[]\n",
        "\n",
        says("what is 12 * 12?"),
    ]
    chat = programs.piped("".join(lines), "chat", "--json")
    complaints = chat.complained.splitlines()
    assert [line.split(" skipped")[0] for line in complaints] == ["line 1", "line 2", "line 3", "line 4"]
    assert "user.hologram" in complaints[1]
    assert "duologue simulate" in complaints[2]
    told_once(read(chat.said), "= 144")
    assert chat.code == 0


def test_key_by_key_is_heard_before_the_end_of_the_line(programs: Programs) -> None:
    chat = programs.duologue("chat", "--json")
    for key in "what is 12 * 12? ":
        chat.type(json.dumps({"type": "user.text", "text": key}))
    chat.hear('"type":"delegate"')
    chat.hear("= 144")
    chat.no_more()
    assert chat.end() == 0
    assert speech(read(chat.said)).count("12 * 12 = 144") == 1


def test_leaving_ends_it_at_once(programs: Programs) -> None:
    chat = programs.duologue("chat", "--json")
    chat.type('{"type":"user.left","reason":"the tab was closed"}')
    assert chat.end() == 0
    [left] = of(read(chat.said), "user.left")
    assert left["reason"] == "the tab was closed"


def test_a_line_that_is_too_long_is_skipped(programs: Programs) -> None:
    chat = programs.piped(says("x" * 1_100_000) + says("what is 12 * 12?"), "chat", "--json")
    assert chat.complained.startswith("line 1 skipped: it is longer than")
    assert len(chat.complained) < 500
    told_once(read(chat.said), "= 144")
    assert chat.code == 0
