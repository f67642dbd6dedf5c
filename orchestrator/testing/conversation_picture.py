"""A conversation as a picture to read: lanes over time, then a line for all that happened, with the reasons."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from orchestrator.clock import to_ms
from orchestrator.decisions import Drop, Hold, Splice
from orchestrator.effects import Amend, Cancel, Close, Delegate, LedgerChanged, StopSpeaking
from orchestrator.events import ModelFailed
from orchestrator.finding import Finding
from orchestrator.journal import Record
from orchestrator.testing.conversation_person import Act, Span
from orchestrator.testing.conversation_record import Account

__all__ = ["picture"]

_WIDTH: Final = 100
"""Characters of a lane; a longer conversation has coarser ones."""
_GRID_MS: Final = 200
_AROUND: Final = 12
"""Lines before and after the place that is shown, where a conversation is long."""
_LONGEST: Final = 90
"""Characters of a text that are shown."""


class _Line(msgspec.Struct, frozen=True):
    span: Span
    who: str
    what: str


def picture(account: Account, acts: Sequence[Act], marks: Sequence[Span] = ()) -> str:
    """The whole of a short conversation, the surroundings of `marks` of a long one. Marked lines begin with `>`."""
    return f"{_lanes(account, acts)}\n\n{_list(account, acts, marks)}"


def _list(account: Account, acts: Sequence[Act], marks: Sequence[Span]) -> str:
    lines = sorted(_lines(account, acts), key=lambda line: line.span.begins_ms)
    marked = [place for place, line in enumerate(lines) if any(_shared(line.span, mark) for mark in marks)]
    first, last = 0, len(lines)
    if marked and len(lines) > 4 * _AROUND:
        first, last = max(0, marked[0] - _AROUND), min(len(lines), marked[-1] + _AROUND + 1)
    shown = [
        f"{'>' if place in marked else ' '} {line.span.begins_ms:>7,} ms  {line.who:<9}  {line.what}"
        for place, line in enumerate(lines[first:last], first)
    ]
    before = [f"  ({first} lines before)"] if first else []
    behind = [f"  ({len(lines) - last} lines after)"] if last < len(lines) else []
    return "\n".join([*before, *shown, *behind])


def _shared(one: Span, other: Span) -> bool:
    return one.begins_ms <= other.ends_ms and other.begins_ms <= one.ends_ms


def _lines(account: Account, acts: Sequence[Act]) -> Iterator[_Line]:
    for act in acts:
        if act.span is not None:
            text = f'{act.kind} "{_short(act.text)}"' if act.text else act.kind
            yield _Line(act.span, "person", text + _until(act.span))
    for record in account.records:
        told = _told(record)
        if told is not None:
            yield _Line(Span(to_ms(record.at), to_ms(record.at)), *told)
    for utterance in account.utterances:
        if utterance.card:
            yield _Line(utterance.span, "card", f'"{_short(utterance.text)}"')
        else:
            broken = " (cut)" if utterance.cut else ""
            text = f'"{_short(utterance.text)}"{broken}{_until(utterance.span)}'
            yield _Line(utterance.span, "assistant", text)


def _told(record: Record) -> tuple[str, str] | None:
    match record.item:
        case Delegate() as task:
            return "task", f"{task.id} handed over: {_short(task.task)}"
        case Amend(text=text) as change if text:
            return "task", f"{change.delegation} is told: {_short(text)}"
        case Cancel() as cancel:
            return "task", f"{cancel.delegation} called off: {cancel.reason}"
        case Finding() as found:
            return "finding", f'{found.id} {found.kind}: "{_short(found.text)}"'
        case Hold() as hold:
            until = "" if hold.until_ms is None else f" (asks again at {hold.until_ms:,} ms)"
            return "holds", f"{_names(hold.findings)}: {hold.reason}{until}"
        case Splice() as splice:
            return "splices", f"{_names(splice.findings)} ({splice.style}): {splice.reason}"
        case Drop() as drop:
            return "drops", f"{_names(drop.findings)} ({drop.state}): {drop.reason}"
        case LedgerChanged(state="acknowledged" | "superseded" | "cancelled", finding=finding) as change if finding:
            return "ledger", f"{finding} is {change.state}: {change.reason}"
        case ModelFailed() as failed:
            return "voice", f"failed: {failed.reason}"
        case StopSpeaking() as stop:
            return "stops", stop.reason
        case Close() as close:
            return "ends", close.reason
        case _:
            return None


def _names(findings: Sequence[str]) -> str:
    return ", ".join(findings) or "all"


def _until(span: Span) -> str:
    return f" (until {span.ends_ms:,})" if span.ends_ms > span.begins_ms else ""


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _lanes(account: Account, acts: Sequence[Act]) -> str:
    cell = _GRID_MS * (account.ends_ms // (_GRID_MS * _WIDTH) + 1)
    cells = account.ends_ms // cell + 1
    lanes = {"person": ["."] * cells, "assistant": ["."] * cells}

    def paint(lane: str, span: Span, mark: str) -> None:
        for place in range(span.begins_ms // cell, min(span.ends_ms // cell + 1, cells)):
            lanes[lane][place] = mark

    for act in acts:
        if act.span is not None:
            paint("person", act.span, "~" if act.kind == "backchannels" else "#")
    for utterance in account.utterances:
        if utterance.card:
            paint("assistant", utterance.span, "C")
        else:
            paint("assistant", utterance.span, "T" if utterance.about else "=")
    for at_ms, task in account.delegated():
        lanes[task.id] = ["."] * cells
        ends = [at for at, found in account.findings() if found.delegation == task.id and found.terminal]
        paint(task.id, Span(at_ms, ends[0] if ends else account.ends_ms), "-")
        if ends:
            told = [said.span for said in account.utterances if any(_of(name, task.id) for name in said.about)]
            # Waiting until it is told.
            paint(task.id, Span(ends[0], told[0].begins_ms if told else account.ends_ms), "w")
            for span in told:
                paint(task.id, span, "T")
    head = max(len(name) for name in lanes)
    lines = [f"  {name:<{head}}  {''.join(marks)}" for name, marks in lanes.items()]
    key = "# person, ~ backchannel, = assistant, T tells a finding, C card, - at work, w waits"
    return "\n".join([f"  (one character is {cell} ms; {key})", *lines])


def _of(finding: str, delegation: str) -> bool:
    return finding.startswith(f"{delegation}.")
