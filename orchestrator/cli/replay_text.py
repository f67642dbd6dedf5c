"""What a replay came to, for a terminal: beside each other what was said and what would have been said."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest
from typing import Any, Final

import msgspec

from orchestrator.clock import to_ms
from orchestrator.lanes import Fate, Item, Picture
from orchestrator.replaying import Replay

__all__ = ["Comparison", "differs", "side_by_side", "summary", "why"]

_TIME: Final = 8
_MARKS: Final = {"splice": "=>", "hold": "..", "drop": "x"}


class Comparison(msgspec.Struct, frozen=True):
    """What was, and what would have been."""

    name: str
    policies: tuple[str, str]
    was: Picture
    would: Picture | None
    """`None`: the replay gave the same."""
    replayed: Replay | None
    """`None`: a what-if, which is not expected to be the same."""
    notes: tuple[str, ...] = ()
    tick_ms: int = 200


def differs(comparison: Comparison) -> bool:
    """Whether a replay that had to be the same was not."""
    return comparison.replayed is not None and comparison.replayed.difference is not None


def why(item: Item) -> str:
    """A decision in one line."""
    findings = ", ".join(item.about)
    style = f" ({item.text})" if item.kind == "splice" and item.text not in ("", "weave") else ""
    return f"{item.kind} {findings}{style}: {item.why}"


def summary(comparison: Comparison) -> dict[str, Any]:
    """The same for machines."""
    found: dict[str, Any] = {
        "recording": comparison.name,
        "policies": {"was": comparison.policies[0], "would": comparison.policies[1]},
        "same": None if comparison.replayed is None else comparison.replayed.difference is None,
        "notes": comparison.notes,
        "findings": [
            {"id": finding, "was": _told(was), "would": _told(would)} for finding, was, would in _pairs(comparison)
        ],
    }
    difference = comparison.replayed and comparison.replayed.difference
    if difference:
        found["difference"] = {
            "at_ms": to_ms(difference.at),
            "n": difference.n,
            "event": difference.event,
            "recorded": difference.recorded,
            "replayed": difference.replayed,
        }
    return found


def _told(fate: Fate | None) -> dict[str, Any] | None:
    if fate is None:
        return None
    return {**msgspec.structs.asdict(fate), "delay_ms": fate.delay_ms}


def _pairs(comparison: Comparison) -> Iterator[tuple[str, Fate | None, Fate | None]]:
    was = {fate.id: fate for fate in comparison.was.fates}
    would = was if comparison.would is None else {fate.id: fate for fate in comparison.would.fates}
    for finding in {**was, **would}:
        yield finding, was.get(finding), would.get(finding)


def side_by_side(comparison: Comparison, width: int) -> Iterator[str]:
    """The lines of the page that is printed, at most `width` characters each where the words allow it."""
    from interaction.links.printable import printable

    for line in _lines(comparison, max(width, 60)):
        yield printable(line).rstrip()


def _lines(comparison: Comparison, width: int) -> Iterator[str]:
    would = comparison.would
    heads = ["person", f"was said ({comparison.policies[0]})"]
    if would is not None:
        heads.append(f"would be said ({comparison.policies[1]})")
    cells = _cells(comparison)
    wide = (width - _TIME - 2 * len(heads)) // len(heads)
    yield from _row("seconds", heads, wide)
    yield from _row("-" * (_TIME - 1), ["-" * wide] * len(heads), wide)
    for at, rows in groupby(cells, key=lambda cell: cell[0]):
        columns: list[list[str]] = [[] for _ in heads]
        for _, column, text in rows:
            columns[column].append(text)
        for texts in zip_longest(*columns, fillvalue=""):
            yield from _row(f"{at / 1_000:.2f}", texts, wide)
    yield ""
    yield from _verdict(comparison, width)
    for note in comparison.notes:
        yield from textwrap.wrap(note, width - 1, initial_indent="- ", subsequent_indent="  ")


def _cells(comparison: Comparison) -> list[tuple[int, int, str]]:
    cells: list[tuple[int, int, str]] = []
    pictures = [comparison.was] if comparison.would is None else [comparison.was, comparison.would]
    for column, picture in enumerate(pictures, 1):
        for item in picture.items:
            if item.lane == "person" and column == 1:
                cells.append((item.start_ms, 0, _person(item)))
            elif item.lane == "said":
                cells.append((item.start_ms, column, _said(item)))
            elif item.lane == "decisions" and not (item.kind == "drop" and item.text == "dropped"):
                cells.append((item.start_ms, column, f"{_MARKS[item.kind]} {why(item)}"))
    return sorted(cells, key=lambda cell: cell[:2])


def _person(item: Item) -> str:
    text = item.text if item.kind in ("sent", "typed", "spoke") else f"[{item.text}]"
    return text + {"sent": " ⏎", "typed": " ..."}.get(item.kind, "") + (f" [{item.why}]" if item.why else "")


def _said(item: Item) -> str:
    if item.kind == "card":
        return f"[card] {item.text}"
    return f"{item.text.rstrip()} -- [cut: {item.cut.strip()}]" if item.cut else item.text


def _row(at: str, texts: Sequence[str], wide: int) -> Iterator[str]:
    columns = [textwrap.wrap(text, wide) or [""] for text in texts]
    for number in range(max(len(column) for column in columns)):
        parts = [column[number] if number < len(column) else "" for column in columns]
        head = at if number == 0 else ""
        yield f"{head:>{_TIME - 1}}  " + "  ".join(f"{part:<{wide}}" for part in parts)


def _verdict(comparison: Comparison, width: int) -> Iterator[str]:
    replayed = comparison.replayed
    if replayed is not None and replayed.difference is None:
        yield f"The same: {replayed.effects} effects made again, and none is another."
    elif replayed is not None and replayed.difference is not None:
        difference = replayed.difference
        yield f"Not the same. {replayed.effects} effects were; the first that is not, at {to_ms(difference.at)} ms:"
        yield from _quoted("after", difference.event, width)
        yield from _quoted("recorded", difference.recorded, width)
        yield from _quoted("now", difference.replayed, width)
    pairs = list(_pairs(comparison))
    if not pairs:
        yield "No result came in."
    for finding, was, would in pairs:
        text = (was or would or Fate("")).text
        yield f"{finding}: {textwrap.shorten(text, max(width - len(finding) - 3, 20), placeholder=' ...')}"
        yield f"  was    {_fate(was)}"
        if comparison.would is not None:
            yield f"  would  {_fate(would)}{_shift(was, would)}"


def _quoted(label: str, item: object, width: int) -> Iterator[str]:
    text = "nothing" if item is None else msgspec.json.encode(item).decode()
    yield from textwrap.wrap(text, width - 1, initial_indent=f"  {label:<9}", subsequent_indent=" " * 11)


def _fate(fate: Fate | None) -> str:
    if fate is None:
        return "not told"
    cuts = f", cut {fate.cuts} time{'s' if fate.cuts > 1 else ''}" if fate.cuts else ""
    if fate.told_ms is None or fate.delay_ms is None:
        return f"never told: {fate.state}{f' ({fate.reason})' if fate.reason else ''}"
    how = "shown as a card" if fate.style == "card" else "told"
    return f"{how} at {fate.told_ms / 1_000:.2f}, {fate.delay_ms} ms after it came{cuts}; {fate.state}"


def _shift(was: Fate | None, would: Fate | None) -> str:
    if was is None or would is None or was.told_ms is None or would.told_ms is None:
        return ""
    shift = would.told_ms - was.told_ms
    return " (the same)" if not shift else f" ({abs(shift)} ms {'later' if shift > 0 else 'sooner'})"
