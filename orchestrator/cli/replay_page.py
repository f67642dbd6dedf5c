"""`duologue replay --html`: one page with the lanes, that needs nothing but itself.

Nothing of the recording can run: its words stand in the page as escaped text and as JSON data, and the page's policy
(CSP) allows exactly one script and one style, by their hashes, and no address at all.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import textwrap
from collections.abc import Iterator
from importlib.resources import files
from typing import Any, Final

import msgspec

from orchestrator.cli.replay_text import Comparison
from orchestrator.lanes import LANES, Fate, Item, Lane, Picture
from orchestrator.version import __version__

__all__ = ["html_page"]

_NAMES: Final[dict[Lane, str]] = {
    "person": "Person",
    "planned": "Voice planned",
    "said": "Assistant said",
    "decisions": "Decisions",
    "findings": "Results",
    "tasks": "Tasks",
    "tools": "Progress",
}
_LABELS: Final = {
    "sent": "typed and sent",
    "typed": "typed",
    "spoke": "spoke",
    "answer": "an answer",
    "telling": "tells a result",
    "speech": "an answer or notice",
    "card": "shown as a card",
    "owed": "waits to be told",
    "offered": "given to the voice",
    "speaking": "is told",
    "hold": "hold",
    "splice": "splice",
    "drop": "not spoken",
    "acknowledged": "shown or known, done",
    "close": "the end",
    "left": "left",
}
_LEGEND: Final = (
    ("person sent", "the person's words and keys"),
    ("planned answer", "what the voice planned"),
    ("said speech", "said: an answer"),
    ("said telling", "said: a result"),
    ("said speech iscut", "cut by the person"),
    ("decisions hold", "held, and why"),
    ("decisions splice", "spliced in, and why"),
    ("findings owed", "a result that waits"),
    ("tasks done", "a task"),
)
_BUTTONS: Final = (
    ("earlier", "&larr; Earlier"),
    ("later", "Later &rarr;"),
    ("in", "Zoom in"),
    ("out", "Zoom out"),
    ("whole", "Show all"),
)
_LONG_BEFORE_MS: Final = 10_000
_KEYS: Final = (
    "In the lanes: <kbd>&larr;</kbd> <kbd>&rarr;</kbd> go along a lane, <kbd>&uarr;</kbd> <kbd>&darr;</kbd> to the "
    "next lane, <kbd>Home</kbd> <kbd>End</kbd> to its ends, <kbd>+</kbd> <kbd>-</kbd> zoom, <kbd>0</kbd> shows all. "
    "With a mouse: drag to move, <kbd>Ctrl</kbd> and wheel to zoom."
)


def html_page(comparison: Comparison) -> bytes:
    """The page, as it is written to a file."""
    style, script = _file("replay_page.css"), _file("replay_page.js")
    csp = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    title = f"Replay of {_safe(comparison.name)}"
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{csp}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{_escaped(title)}</title><style>{style}</style></head><body>",
        '<a class="skip" href="#everything">To the table of everything</a>',
        *_head(comparison, title),
        *_stage(),
        *_fates(comparison),
        *_everything(comparison),
        f'<script type="application/json" id="recording">{_json(_data(comparison))}</script>',
        f"<script>{script}</script></body></html>\n",
    ]
    return "\n".join(parts).encode("utf-8", "replace")


def _file(name: str) -> str:
    return files("orchestrator.cli").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _safe(text: str) -> str:
    """Text without what would make a page read otherwise than it is (marks that turn its direction, controls)."""
    from interaction.links.printable import printable

    return printable(text)


def _escaped(text: str) -> str:
    return html.escape(_safe(text))


def _json(data: Any) -> str:
    """JSON that may stand in a page: nothing in it can end the element it is in."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _runs(comparison: Comparison) -> Iterator[tuple[str, str, Picture]]:
    was, would = comparison.policies
    yield "As it was", f"policy: {was}", comparison.was
    if comparison.would is not None:
        yield "As it would be", f"policy: {would}", comparison.would


def _label(item: Item) -> str:
    if item.lane == "person" and item.kind in ("typing", "speaking", "pause", "silent"):
        return f"activity: {item.kind}"
    return _LABELS.get(item.kind, item.kind)


def _data(comparison: Comparison) -> dict[str, Any]:
    runs: list[dict[str, Any]] = []
    words: dict[str, str] = {}
    for title, policy, picture in _runs(comparison):
        items: list[dict[str, Any]] = []
        for item in picture.items:
            fields: dict[str, Any] = msgspec.to_builtins(item)
            if item.lane == "findings":
                del fields["text"]  # once a result is enough: `words` has it
            for name in ("text", "why", "cut"):
                if fields.get(name):
                    fields[name] = _safe(fields[name])
            items.append({**fields, "label": _label(item)})
        words.update((fate.id, _safe(fate.text)) for fate in picture.fates)
        runs.append({"title": title, "policy": _safe(policy), "items": items})
    end = max(picture.end_ms for _, _, picture in _runs(comparison))
    # A session that was taken up again goes on with its own time, which may be hours in.
    first = min((item.start_ms for _, _, picture in _runs(comparison) for item in picture.items), default=0)
    begin = 0 if first < _LONG_BEFORE_MS else first // 1_000 * 1_000
    lanes = [{"id": lane, "name": _NAMES[lane]} for lane in LANES]
    return {
        "tick_ms": comparison.tick_ms,
        "begin_ms": begin,
        "end_ms": end,
        "lanes": lanes,
        "words": words,
        "runs": runs,
    }


def _seconds(milliseconds: int | None) -> str:
    return "never" if milliseconds is None else f"{milliseconds / 1_000:.2f} s"


def _long(milliseconds: int) -> str:
    minutes, rest = divmod(milliseconds // 1_000, 60)
    return f"{minutes} min {rest} s" if minutes >= 2 else _seconds(milliseconds)


def _head(comparison: Comparison, title: str) -> Iterator[str]:
    fates = [fate for fate in comparison.was.fates if fate.kind != "progress"]
    replayed = comparison.replayed
    if replayed is None:
        verdict = "What another timing would have said, above each other with what was said."
    elif replayed.difference is None:
        verdict = f"The replay is the same: {replayed.effects} effects made again, and none is another."
    else:
        verdict = f"The replay is not the same: it differs from {_seconds(replayed.difference.at // 1_000_000)} on."
    yield f'<header><h1>{_escaped(title)}</h1><p class="soft">{_escaped(verdict)}</p>'
    yield '<ul class="facts">'
    counted = "result" if len(fates) == 1 else "results"
    yield f"<li><b>{_long(comparison.was.end_ms)}</b>long</li><li><b>{len(fates)}</b>{counted}</li>"
    for name, _, picture in _runs(comparison):
        delays = [fate.delay_ms for fate in picture.fates if fate.delay_ms is not None and fate.kind != "progress"]
        cuts = sum(fate.cuts for fate in picture.fates)
        mean = f"{sum(delays) / len(delays) / 1_000:.2f} s" if delays else "none told"
        yield f"<li><b>{mean}</b>from result to first word, on average<br>{_escaped(name.lower())}</li>"
        yield f"<li><b>{cuts}</b>deliveries cut<br>{_escaped(name.lower())}</li>"
    yield "</ul></header>"


def _stage() -> Iterator[str]:
    yield '<h2 id="timeline">The conversation, on its 200 ms grid</h2>'
    yield '<div class="bar" role="toolbar" aria-label="View">'
    for name, text in _BUTTONS:
        yield f'<button type="button" id="{name}">{text}</button>'
    yield '<span class="when" id="when"></span></div>'
    yield '<div class="stage"><div class="overview" aria-hidden="true"><div class="name">Overview</div>'
    yield '<canvas id="overview"></canvas></div>'
    yield '<div class="time" id="ruler" aria-hidden="true"></div>'
    yield '<div id="lanes" role="group" aria-labelledby="timeline" aria-describedby="keys"></div></div>'
    yield "<noscript><p>Without scripts the lanes stay empty; the tables below hold everything.</p></noscript>"
    yield '<ul class="legend" aria-hidden="true">'
    for classes, text in _LEGEND:
        yield f'<li><span class="item {classes}"><span class="fill"></span></span>{text}</li>'
    yield f'</ul><div class="details" id="details" aria-live="polite"><p class="soft" id="keys">{_KEYS}</p></div>'


def _fates(comparison: Comparison) -> Iterator[str]:
    runs = list(_runs(comparison))
    yield '<h2>Every result</h2><div class="scroll"><table><thead><tr><th scope="col">Result</th>'
    yield '<th scope="col">Words</th><th scope="col">Came</th>'
    for title, _, _ in runs:
        yield f'<th scope="col">Told ({_escaped(title.lower())})</th><th scope="col">Then</th>'
    if len(runs) > 1:
        yield '<th scope="col">Shift</th>'
    yield "</tr></thead><tbody>"
    fates = [{fate.id: fate for fate in picture.fates} for _, _, picture in runs]
    for finding in {name: None for each in fates for name in each}:
        found = [each.get(finding) for each in fates]
        first = next(fate for fate in found if fate is not None)
        yield f'<tr><th scope="row">{_escaped(finding)}</th><td class="words">{_escaped(first.text)}</td>'
        yield f'<td class="number">{_seconds(first.arrived_ms)}</td>'
        for fate in found:
            yield _fate_cells(fate)
        if len(runs) > 1:
            yield _shift(found[0], found[-1])
        yield "</tr>"
    yield "</tbody></table></div>"
    if comparison.notes:
        yield f"<ul class=soft>{''.join(f'<li>{_escaped(note)}</li>' for note in comparison.notes)}</ul>"


def _fate_cells(fate: Fate | None) -> str:
    if fate is None:
        return "<td>not told</td><td></td>"
    told = _seconds(fate.told_ms)
    if fate.delay_ms is not None:
        told += f"<br><span class=soft>{fate.delay_ms} ms after it came</span>"
    then = fate.state + (f", cut {fate.cuts} time{'s' if fate.cuts > 1 else ''}" if fate.cuts else "")
    how = {"card": "as a card", "interject": "at a clause", "say": "read out"}.get(fate.style, "")
    reason = "; ".join(part for part in (how, fate.reason) if part)
    return f'<td class="number">{told}</td><td>{_escaped(then)}<br><span class="soft">{_escaped(reason)}</span></td>'


def _shift(was: Fate | None, would: Fate | None) -> str:
    if was is None or would is None or was.told_ms is None or would.told_ms is None:
        return "<td></td>"
    shift = would.told_ms - was.told_ms
    if not shift:
        return '<td class="nowrap">the same</td>'
    kind, word = ("worse", "later") if shift > 0 else ("better", "sooner")
    return f'<td class="nowrap {kind}">{abs(shift)} ms {word}</td>'


def _everything(comparison: Comparison) -> Iterator[str]:
    runs = list(_runs(comparison))
    rows = sorted(
        ((item.start_ms, number, item) for number, (_, _, picture) in enumerate(runs) for item in picture.items),
        key=lambda row: row[:2],
    )
    yield f'<details id="everything"><summary>Everything as a table ({len(rows)} rows)</summary><div class="scroll">'
    yield '<table class="everything"><caption class="hidden">What happened, in the order of time</caption><thead><tr>'
    for name in ("From", "To", *(["Run"] if len(runs) > 1 else []), "Lane", "What", "Words", "Why", "About"):
        yield f'<th scope="col">{name}</th>'
    yield "</tr></thead><tbody>"
    for _, number, item in rows:
        run = f'<td class="nowrap">{_escaped(runs[number][0])}</td>' if len(runs) > 1 else ""
        words = textwrap.shorten(item.text, 80, placeholder=" ...") if item.lane == "findings" else item.text
        text = _escaped(words) + (f" <em>(not heard: {_escaped(item.cut)})</em>" if item.cut.strip() else "")
        yield (
            f'<tr><td class="number">{_seconds(item.start_ms)}</td><td class="number">{_seconds(item.end_ms)}</td>{run}'
            f'<td class="nowrap">{_NAMES[item.lane]}</td><td>{_escaped(_label(item))}</td><td dir="auto">{text}</td>'
            f"<td>{_escaped(item.why)}</td><td>{_escaped(', '.join(item.about))}</td></tr>"
        )
    yield f'</tbody></table></div></details><p class="soft">Made by Duologue {_escaped(__version__)}.</p>'
