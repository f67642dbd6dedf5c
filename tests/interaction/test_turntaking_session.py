"""Turn-taking with the real session, which has rules of its own for the floor; and drawn as in the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interaction.turntaking import Prepare, Respond, Wait
from orchestrator.events import Event, UserActivity, UserAudio, UserText
from tests.interaction.taking_turns import Listener, listen, typed


@pytest.mark.parametrize("every_ms", [60, 100, 166, 250])
@pytest.mark.parametrize("start_ms", [1_000, 1_050, 1_110, 1_190])
@pytest.mark.parametrize("text", ["when is the next train?", "Tell me about Lyon.", "Is it late"])
def test_prepared_before_the_floor_is_given_back_and_answered_then(text: str, every_ms: int, start_ms: int) -> None:
    voice = listen(typed(text, every_ms=every_ms, start_ms=start_ms))
    assert voice.did()[-2:] == [f"prepare {text}", f"respond! {text}"]
    assert len(voice.did()) <= 4
    prepared = [turn for turn, decision in voice.decided if isinstance(decision, Prepare)][-1]
    answered = voice.first(Respond)
    assert prepared.n < answered.n
    given_back = next(turn for turn, _ in voice.decided if turn.floor == "nobody")
    assert answered.n == given_back.n


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("find me a train to", ["respond find me a train to"]),
        ("I like it, because", ["respond I like it, because"]),
        ("find it\n", ["respond find it"]),
        ("\n", []),
        ("  \n", []),
        ("one\ntwo\n", ["respond one", "respond two"]),
    ],
)
def test_typed_lines(text: str, expected: list[str]) -> None:
    assert listen(typed(text, every_ms=100)).did() == expected


def test_what_goes_on_is_answered_for_itself() -> None:
    events = [*typed("Hello there.", every_ms=100), *typed(" Is it late?", every_ms=100, start_ms=6_000)]
    answers = [line for line in listen(events).did() if line.startswith("respond")]
    assert answers == ["respond! Hello there.", "respond+! Is it late?"]


def test_a_listeners_word_reaches_nobody_while_the_voice_speaks() -> None:
    voice = Listener(say="It is a long story, and it begins in a small town by the sea, many years ago. " * 3)
    events = [*typed("Tell me a story\n", every_ms=50), *typed("ok\n", every_ms=50, start_ms=3_000)]
    assert listen(events, voice).did() == ["respond Tell me a story"]


def test_cutting_in_is_given_way_to() -> None:
    voice = Listener(say="It is a long story, and it begins in a small town by the sea, many years ago. " * 3)
    events = [*typed("Tell me a story\n", every_ms=50), *typed("stop it\n", every_ms=50, start_ms=3_000)]
    assert listen(events, voice).did() == ["respond Tell me a story", "yield", "respond stop it"]


def test_speech_in_pieces() -> None:
    events: list[tuple[int, Event]] = [
        (1_000, UserActivity("speaking")),
        (1_300, UserAudio("when is")),
        (1_800, UserAudio(" the next train")),
        (2_400, UserActivity("silent")),
        (5_000, UserActivity("speaking")),
        (5_400, UserAudio("and the one after that", final=True)),
        (5_600, UserActivity("silent")),
    ]
    assert listen(events).did() == ["respond when is the next train", "respond and the one after that"]


KEYS = st.lists(
    st.tuples(st.sampled_from([40, 90, 160, 300, 700, 1_700, 5_200]), st.sampled_from("abt ?.,\n<")),
    min_size=1,
    max_size=40,
)


def cut(keys: list[tuple[int, str]], lengths: list[int]) -> list[tuple[int, Event]]:
    """The same keys in pieces: each piece comes when its last key is pressed."""
    events: list[tuple[int, Event]] = []
    at_ms, piece, left = 500, "", 0
    sizes = iter(lengths)
    for gap_ms, key in keys:
        at_ms += gap_ms
        if key == "\n":
            events.append((at_ms, UserText(piece, final=True)))
            piece = ""
        elif key == "<":
            if piece:
                events.append((at_ms, UserText(piece)))
                piece = ""
            events.append((at_ms, UserText("x", op="delete")))
        else:
            piece += key
            left = left - 1 if left > 0 else next(sizes, 1) - 1
            if left == 0:
                events.append((at_ms, UserText(piece)))
                piece = ""
    if piece:
        events.append((at_ms, UserText(piece)))
    return events or [(at_ms, UserText("", final=True))]


@given(KEYS, st.lists(st.integers(1, 5), max_size=20))
def test_however_the_keys_are_cut_each_line_is_answered_once(keys: list[tuple[int, str]], lengths: list[int]) -> None:
    keys = [(gap, key if key != "<" else "t") for gap, key in keys]
    voice = listen(cut(keys, lengths))
    answers = [decision.line for _, decision in voice.decided if isinstance(decision, Respond)]
    said_once = "".join("".join(answers).split())
    assert said_once == "".join("".join(key for _, key in keys).split())
    assert all(line.strip() == line and line for line in answers)


@given(KEYS, st.lists(st.integers(1, 5), max_size=20))
def test_never_over_the_person_and_never_dear(keys: list[tuple[int, str]], lengths: list[int]) -> None:
    voice = listen(cut(keys, lengths))
    prepares, held = 0, ""
    for turn, decision in voice.decided:
        if isinstance(decision, Respond):
            assert turn.floor not in ("person", "both")
            assert decision.prepared == (decision.line == held)
            prepares, held = 0, ""
        elif isinstance(decision, Prepare):
            prepares += 1
            assert prepares <= voice.taking.settings.prepares
            assert decision.line != held
            held = decision.line
        elif isinstance(decision, Wait):
            held = held if decision.keep else ""


PAGE = Path(__file__).parents[2] / "docs" / "turntaking.md"


def lane(voice: Listener, end_ms: int) -> str:
    """The micro-turns of a conversation as lanes: what is heard, who holds the floor, what is decided."""
    rows = {"ms": "", "heard": "", "floor": "", "turn": ""}
    for turn, decision in voice.decided:
        if turn.at_ms > end_ms:
            break
        keys = "".join(piece.text for piece in turn.heard).replace(" ", "_")
        mark = "keep" if isinstance(decision, Wait) and decision.keep else type(decision).__name__.lower()
        for name, cell in (("ms", str(turn.at_ms)), ("heard", keys or "."), ("floor", turn.floor), ("turn", mark)):
            rows[name] += f"{cell:<9}"
    return "\n".join(f"{name:<7}{row}".rstrip() for name, row in rows.items())


@pytest.mark.parametrize(
    ("events", "end_ms"),
    [
        (typed("late?", every_ms=90, start_ms=1_010), 2_000),
        ([*typed("late?", every_ms=90, start_ms=1_010), *typed(" or not?", every_ms=60, start_ms=1_850)], 3_000),
    ],
)
def test_the_lanes_of_the_documentation_are_real(events: list[tuple[int, Event]], end_ms: int) -> None:
    drawn = lane(listen(events), end_ms)
    assert drawn in PAGE.read_text(), drawn
