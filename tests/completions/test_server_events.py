"""However the bytes are cut, the same events come out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.completions.server_events import ServerEvent, ServerEvents

STREAMS: list[tuple[bytes, list[ServerEvent]]] = [
    (b"data: a\n\ndata: b\n\n", [ServerEvent("a"), ServerEvent("b")]),
    (b"data:a\r\n\r\ndata: b\r\n\r\n", [ServerEvent("a"), ServerEvent("b")]),
    (b"data: a\r\rdata: b\r\r", [ServerEvent("a"), ServerEvent("b")]),
    (b"\xef\xbb\xbfdata: a\n\n", [ServerEvent("a")]),
    (b": OPENROUTER PROCESSING\n\n: ping\ndata: a\n\n", [ServerEvent("a")]),
    (b"data: a\ndata: b\n\n", [ServerEvent("a\nb")]),
    (b"event: error\ndata: a\n\ndata: b\n\n", [ServerEvent("a", "error"), ServerEvent("b")]),
    (b"id: 1\nretry: 5\ndata: a\n\n\n\n", [ServerEvent("a")]),
    (b"data: a", [ServerEvent("a")]),
    (b"data: a\n", [ServerEvent("a")]),
    (b'data: a\n\n{"error": 1}\n', [ServerEvent("a"), ServerEvent('{"error": 1}')]),
    ("data: é😀\n\n".encode(), [ServerEvent("é😀")]),
    (b"data: \xff!\n\n", [ServerEvent("\ufffd!")]),
    (b"data\n\n", [ServerEvent("")]),
    (b"", []),
    (b"\n\n", []),
]


@pytest.mark.parametrize(("data", "events"), STREAMS)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 1_000])
def test_events_of_bytes(data: bytes, events: list[ServerEvent], size: int) -> None:
    decoder = ServerEvents()
    found = [event for at in range(0, len(data), size) for event in decoder.feed(data[at : at + size])]
    assert [*found, *decoder.end()] == events


@given(st.lists(st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]))), st.data())
def test_any_cut_gives_the_same_events(lines: list[str], data: st.DataObject) -> None:
    raw = "".join(f"data: x{line}\n\n" for line in lines).encode()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(raw)))))
    decoder = ServerEvents()
    found: list[ServerEvent] = []
    for begin, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        found += decoder.feed(raw[begin:end])
    assert [event.data for event in [*found, *decoder.end()]] == [f"x{line}" for line in lines]
