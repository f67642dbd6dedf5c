"""The corpus of streams: what servers have been seen to send, and what is to become of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.completions.accumulator import Accumulator
from orchestrator.completions.asking import CallBegun, CallDone, Completion, Done, Piece, Text, Thought, Usage

CORPUS = Path(__file__).with_name("corpus")


class ExpectedCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    arguments: dict[str, Any] | None
    id: str = ""
    extra: dict[str, Any] = {}


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a stream means."""

    functions: list[str]
    text: str = ""
    thoughts: str = ""
    calls: list[ExpectedCall] = []
    finish: str = ""
    usage: tuple[int, int, int] | None = None
    """Input, output, cached; `None` is estimated."""
    model: str = ""
    trouble: str = ""
    thinks_first: bool = False

    def check(self, completion: Completion) -> None:
        """Fail unless this is the answer."""
        assert completion.text == self.text
        assert completion.thoughts == self.thoughts
        assert [(call.name, call.arguments, call.extra) for call in completion.calls] == [
            (call.name, call.arguments, call.extra) for call in self.calls
        ]
        for call, expected in zip(completion.calls, self.calls, strict=True):
            assert call.id and expected.id in ("", call.id)
            assert bool(call.problem) == bool(call.raw) == (call.arguments is None)
        assert len({call.id for call in completion.calls}) == len(completion.calls)
        assert completion.finish == self.finish
        if self.usage is None:
            assert completion.usage.estimated
        else:
            assert completion.usage == Usage(*self.usage)
        assert self.model in ("", completion.model)


class Stream(msgspec.Struct, frozen=True):
    """One stream of the corpus."""

    name: str
    body: bytes
    expected: Expected

    def chunks(self) -> Iterator[Mapping[str, Any]]:
        """Its chunks, decoded."""
        for line in self.body.decode().splitlines():
            if line.startswith("data:") and line.strip() != "data: [DONE]":
                yield json.loads(line.removeprefix("data:"))


def corpus() -> list[Stream]:
    """All of it."""
    return [
        Stream(path.stem, path.read_bytes(), msgspec.json.decode(path.with_suffix(".json").read_bytes(), type=Expected))
        for path in sorted(CORPUS.glob("*.sse"))
    ]


def play(stream: Stream, chunks: Iterable[Mapping[str, Any]] | None = None) -> list[Piece]:
    """The pieces of a stream, or of other chunks under the same expectation."""
    accumulator = Accumulator(stream.expected.functions, thinks_first=stream.expected.thinks_first)
    pieces: list[Piece] = []
    for chunk in stream.chunks() if chunks is None else chunks:
        pieces += accumulator.feed(chunk)
    return pieces + accumulator.end()


def completion_of(pieces: list[Piece]) -> Completion:
    """The completion, after a look at whether the pieces tell the same."""
    done = pieces[-1]
    assert isinstance(done, Done)
    whole = done.completion
    assert sum(isinstance(piece, Done) for piece in pieces) == 1
    assert "".join(piece.text for piece in pieces if isinstance(piece, Text)) == whole.text
    assert "".join(piece.text for piece in pieces if isinstance(piece, Thought)) == whole.thoughts
    assert tuple(piece.call for piece in pieces if isinstance(piece, CallDone)) == whole.calls
    begun = {piece.id: piece.name for piece in pieces if isinstance(piece, CallBegun)}
    assert {call.id: call.name for call in whole.calls}.items() <= begun.items()
    return whole


def deltas(*parts: Mapping[str, Any], finish: str = "stop") -> list[dict[str, Any]]:
    """Chunks with these deltas, and one with the finish reason."""
    chunks = [{"choices": [{"index": 0, "delta": part}]} for part in parts]
    return [*chunks, {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}]


def say(content: str, functions: Iterable[str] = ("delegate",), *, by: int = 0, **options: Any) -> Completion:
    """What becomes of such a content, at once or so many characters a delta."""
    accumulator = Accumulator(tuple(functions), **options)
    pieces: list[Piece] = []
    for begin in range(0, len(content), by or len(content) or 1):
        pieces += accumulator.feed({"choices": [{"delta": {"content": content[begin : begin + (by or len(content))]}}]})
    return completion_of(pieces + accumulator.end())
