"""The page of `duologue replay --html`: what stands in it, and how it behaves in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from orchestrator.cli import guarded
from orchestrator.cli.replay import replay
from orchestrator.clock import from_ms
from orchestrator.config import SessionConfig
from orchestrator.effects import MicroTurn
from orchestrator.events import Event, ModelDelegated, ModelEvent, ModelSpoke, UserLeft, UserText
from orchestrator.finding import Finding
from orchestrator.journal import encode_record
from orchestrator.session import Session
from orchestrator.testing.playing import plain_voice, play
from orchestrator.timing import default_policy
from tests.cli.browser import Page, browser_program, open_browser

GOLDEN = Path(__file__).parent.parent / "golden"
PROGRAM = browser_program()
WICKED = (
    "</script><script>window.pwned=1</script><img src=x onerror=window.pwned=2>"
    "\u202eevil\u2028 & \"quoted\" 'too' \x1b[31m"
)

in_a_browser = pytest.mark.skipif(
    PROGRAM is None, reason="no Chromium here: scripts/ensure-chromium installs it where apt may"
)


def asking(turn: MicroTurn) -> Sequence[ModelEvent]:
    """A voice that hands over each finished line, and tells each finding in its own words."""
    asked = [ModelDelegated(task=piece.text or "look") for piece in turn.heard if piece.final]
    return [*asked, *([ModelSpoke("On it.")] if asked else []), *plain_voice(turn)]


def recording(folder: Path, events: Sequence[tuple[int, Event]]) -> Path:
    session = Session(SessionConfig(), timing=default_policy(), started_at=from_ms(0))
    records = play(session, events, until_ms=4_000_000, voice=asking, latency_ms=100)
    path = folder / "talk.ndjson"
    path.write_bytes(b"".join(encode_record(record.at, record.n, record.item) + b"\n" for record in records))
    return path


def page_of(path: Path, folder: Path, policy: str | None = None) -> Path:
    page = folder / "page.html"
    assert guarded(lambda: replay(path, policy=policy, config=(), as_json=True, page=page)) == 0
    return page


def wicked(folder: Path) -> Path:
    words = f"It is {WICKED}."
    events: list[tuple[int, Event]] = [
        (400, UserText(WICKED)),
        (600, UserText("", final=True)),
        (1_500, Finding(words, "progress", delegation="s-1", seq=1)),
        (1_800, Finding(words, delegation="s-1", seq=2, context_revision=99)),
        (9_000, UserLeft(WICKED)),
    ]
    return recording(folder, events)


def long_talk(folder: Path) -> Path:
    """An hour: a line of twelve words and a result, again and again."""
    events: list[tuple[int, Event]] = []
    for number in range(1, 361):
        start = number * 9_500
        events.extend((start + 200 * word, UserText("word ")) for word in range(12))
        events.append((start + 2_500, UserText("", final=True)))
        events.append(
            (start + 5_000, Finding("Here it is, at last.", delegation=f"s-{number}", seq=1, context_revision=9_999))
        )
    return recording(folder, [*events, (3_600_000, UserLeft())])


# --- what stands in it -----------------------------------------------------------------------------------------------


def test_the_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    text = page_of(GOLDEN / "two_results" / "journal.ndjson", tmp_path, "gap").read_text()
    assert "default-src 'none'" in text
    assert re.findall(r"https?://", text) == []
    assert re.findall(r"<(?:link|img|iframe|object|embed)\b", text) == []
    assert re.findall(r"\s(?:style|on\w+)=", text) == [], "the page's policy would refuse it"
    assert len(text) < 80_000


def test_nothing_of_a_recording_can_run(tmp_path: Path) -> None:
    text = page_of(wicked(tmp_path), tmp_path, "gap").read_text()
    assert len(re.findall(r"<script\b", text)) == 2
    assert "<img" not in text
    assert "&lt;/script&gt;&lt;script&gt;window.pwned=1" in text
    assert not set(text) & {"\u202e", "\u2028", "\x1b"}


def test_the_tables_hold_everything_without_a_script(tmp_path: Path) -> None:
    text = page_of(GOLDEN / "interrupted_delivery" / "journal.ndjson", tmp_path).read_text()
    for words in (
        "the person has the floor",
        "not heard: arrives at noon.",
        "As I was saying, and it arrives at noon.",
    ):
        assert f"{words}" in text[text.index('id="everything"') : text.index('id="recording"')]


# --- in a browser ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    assert PROGRAM is not None
    with open_browser(PROGRAM, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


MOST = 1_500
"""So few items are in the page at once, however long the recording is: what makes it quick."""
SHOWN = "[...document.querySelectorAll('.track .item')]"


@in_a_browser
def test_both_runs_stand_above_each_other_at_the_same_scale(page: Page, tmp_path: Path) -> None:
    page.show(page_of(GOLDEN / "held_while_typing" / "journal.ndjson", tmp_path, "gap"))
    assert page.run("[...document.querySelectorAll('.run h3')].map((h) => h.textContent)") == [
        "As it was policy: default",
        "As it would be policy: gap",
    ]
    lefts = page.run(f"{SHOWN}.filter((i) => i.ariaLabel.includes('when is the next train')).map((i) => i.style.left)")
    assert len(lefts) == 2
    assert len(set(lefts)) == 1
    assert page.troubles == []
    assert [url for url in page.requested if not url.startswith("file:")] == []
    assert len(page.picture()) > 30_000


@in_a_browser
def test_an_item_lies_where_it_happened_and_can_be_clicked(page: Page, tmp_path: Path) -> None:
    page.show(page_of(GOLDEN / "held_while_typing" / "journal.ndjson", tmp_path))
    hold = f"{SHOWN}.find((i) => i.ariaLabel.includes('hold, 2.5 s to 3.9 s, the person has the floor'))"
    box = page.run(f"(({hold}).getBoundingClientRect()).toJSON()")
    track = page.run("document.querySelector('.track').getBoundingClientRect().toJSON()")
    end = page.run("JSON.parse(document.getElementById('recording').textContent).end_ms + 400")
    assert box["x"] == pytest.approx(track["x"] + track["width"] * 2_500 / end, abs=3)
    assert box["width"] == pytest.approx(track["width"] * 1_400 / end, abs=3)
    middle = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    for kind in ("mousePressed", "mouseReleased"):
        page.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **middle)
    page.settle()
    assert "Why: the person has the floor" in page.run("document.getElementById('details').textContent")


@in_a_browser
def test_a_session_that_went_on_after_hours_is_not_a_dot_at_the_end(page: Page, tmp_path: Path) -> None:
    later = tmp_path / "later.ndjson"
    lines = (GOLDEN / "short" / "journal.ndjson").read_text()
    later.write_text(re.sub(r'"at_ms":(\d+)', lambda found: f'"at_ms":{int(found[1]) + 36_000_000}', lines))
    guarded(lambda: replay(later, policy=None, config=(), as_json=True, page=tmp_path / "later.html"))
    page.show(tmp_path / "later.html")
    assert page.run("document.getElementById('when').textContent").startswith("600:00 to 600:0")
    assert page.run(f"{SHOWN}.length") > 5


@in_a_browser
def test_the_keyboard_alone_is_enough(page: Page, tmp_path: Path) -> None:
    page.show(page_of(GOLDEN / "interrupted_delivery" / "journal.ndjson", tmp_path))
    for _ in range(12):
        page.press("Tab")
        if page.run("document.activeElement.closest('.track') !== null"):
            break
    focused = "document.activeElement.ariaLabel"
    assert str(page.run(focused)).startswith("Person, typed and sent, 0.5 s")
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") != "none", "the focus is seen"
    page.press("ArrowRight")
    assert str(page.run(focused)).startswith("Person, activity: speaking, 2.3 s")
    page.press("ArrowDown")
    page.press("ArrowDown")
    assert "cut, not heard: arrives at noon." in page.run(focused)
    assert "Not heard: arrives at noon." in page.run("document.getElementById('details').innerText")
    before = page.run("document.getElementById('when').textContent")
    page.press("+")
    assert page.run("document.getElementById('when').textContent") != before
    page.press("0")
    assert page.run("document.getElementById('when').textContent") == before
    assert page.run(f"{SHOWN}.filter((i) => i.tabIndex === 0).length") == 1, "one stop for Tab, not hundreds"
    assert page.troubles == []


@in_a_browser
def test_a_screen_reader_finds_names_and_the_table(page: Page, tmp_path: Path) -> None:
    page.show(page_of(GOLDEN / "interrupted_delivery" / "journal.ndjson", tmp_path))
    page.run("document.getElementById('everything').open = true")
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    named = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if "role" in node}
    assert ("group", "As it was: Decisions") in named
    assert ("table", "What happened, in the order of time") in named
    assert any(role == "button" and "the person has the floor" in name for role, name in named)
    assert [role for role, name in named if role == "button" and not name] == []
    items = page.run("JSON.parse(document.getElementById('recording').textContent).runs[0].items.length")
    assert page.run("document.querySelectorAll('.everything tbody tr').length") == items


@in_a_browser
def test_what_a_recording_says_does_nothing(page: Page, tmp_path: Path) -> None:
    page.show(page_of(wicked(tmp_path), tmp_path, "gap"))
    page.run("document.getElementById('everything').open = true")
    page.run(f"{SHOWN}.forEach((item) => item.click())")
    page.settle()
    assert page.run("window.pwned") is None
    assert page.run("document.scripts.length") == 2
    assert page.run("document.images.length") == 0
    assert page.troubles == []
    assert "</script><script>window.pwned=1" in page.run("document.body.innerText")


@in_a_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_words_can_be_read_in_the_light_and_in_the_dark(page: Page, tmp_path: Path, scheme: str) -> None:
    page.show(page_of(GOLDEN / "interrupted_delivery" / "journal.ndjson", tmp_path), scheme=scheme)
    colours = page.run("""(() => {
        const of = (name) => {
            const probe = document.createElement("p");
            probe.style.color = `var(${name})`;
            document.body.append(probe);
            const rgb = getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map(Number);
            probe.remove();
            return rgb;
        };
        const names = ["page", "sheet", "ink", "soft"];
        names.push("person-soft", "voice-soft", "find-soft", "wait-soft", "task-soft");
        return Object.fromEntries(names.map((name) => [name, of("--" + name)]));
    })()""")
    for ground in colours:
        if ground not in ("ink", "soft"):
            assert contrast(colours["ink"], colours[ground]) >= 4.5, ground
    for ground in ("page", "sheet"):
        assert contrast(colours["soft"], colours[ground]) >= 4.5, ground
    assert (sum(colours["page"]) < 200) == (scheme == "dark")


def contrast(one: Sequence[float], other: Sequence[float]) -> float:
    """As WCAG has it."""

    def light(colour: Sequence[float]) -> float:
        parts = [part / 255 for part in colour]
        parts = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    dark, bright = sorted((light(one), light(other)))
    return (bright + 0.05) / (dark + 0.05)


@in_a_browser
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_an_hour_stays_usable(page: Page, tmp_path: Path) -> None:
    page.show(page_of(long_talk(tmp_path), tmp_path))
    total = page.run("Number(document.documentElement.dataset.ready)")
    assert total > 3_000
    page.run("document.getElementById('whole').click()")
    page.settle()
    assert page.run("document.getElementById('when').textContent").startswith("0:00 to 60:00")
    # From afar items share their pixels, so that the page never holds all of them.
    assert page.run(f"{SHOWN}.length") < MOST
    page.run("document.querySelector('.track .item').focus()")
    page.press("End")
    page.press("+")
    page.press("PageUp")
    assert float(str(page.run("document.activeElement.ariaLabel")).split(", ")[2].split()[0]) > 1_000
    page.run("document.getElementById('later').click()")
    page.settle()
    assert page.run(f"{SHOWN}.length") < MOST
    assert page.troubles == []
