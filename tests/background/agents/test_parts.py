"""What the adapters share, without any SDK."""

from __future__ import annotations

import anyio
import pytest

from background.agents.briefing import Turn, briefing, correction
from background.agents.sentences import Sentences
from background.agents.shelter import sheltered
from background.agents.troubles import as_finding
from orchestrator.bundle import Amendment, Bundle
from orchestrator.context import Deleted, Entry, Said, Saw, Spoke
from orchestrator.errors import ClaimLost


@pytest.mark.parametrize(
    ("context", "turns"),
    [
        ((), [("user", "go")]),
        ((Said(text="hello"),), [("user", "hello\n\nYour task: go")]),
        ((Said(text="well"), Said(text="go")), [("user", "well\ngo")]),
        (
            (Said(text="a"), Said(text="mm-hm", backchannel=True), Spoke(text="b")),
            [("user", "a"), ("assistant", "b"), ("user", "Your task: go")],
        ),
        ((Spoke(text=" ", cut="never heard"), Said(text="go")), [("user", "go")]),
        (
            (Saw(caption="a cat"), Deleted(text="dog"), Said(text="go")),
            [("user", "(shows: a cat)\n(takes back: dog)\ngo")],
        ),
    ],
)
def test_a_bundle_as_turns(context: tuple[Entry, ...], turns: list[tuple[str, str]]) -> None:
    got = briefing(Bundle("s-1", "s", "go", context=context))
    assert [(turn.role, turn.text) for turn in got] == turns
    assert all(isinstance(turn, Turn) for turn in got)


def test_what_a_correction_says() -> None:
    said = Amendment("s-1", entries=(Said(text="the weather is fine"),))
    assert correction([]) == correction([said]) == ""
    lyon = Amendment("s-1", entries=(Said(text="no, make that Lyon please"),), text="in Lyon")
    two = Amendment("s-1", text="two", answers="s-1.3")
    assert correction([lyon, two]).splitlines() == [
        "The person said: no, make that Lyon please",
        "The task has changed: in Lyon",
        "The person answered what you had asked: two",
    ]


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_sentences_however_they_come(size: int) -> None:
    text = "It leaves at 9.12 from Dr. Brown St. Is that fine? “Yes!” he said.\nThen it is booked"
    sentences, got = Sentences(), list[str]()
    for start in range(0, len(text), size):
        got += sentences.feed(text[start : start + size])
    assert " ".join([*got, sentences.rest()]) == text.replace("\n", " ")
    assert "9.12" in got[0]
    assert sentences.rest() == ""


def test_a_lost_claim_is_found_however_it_is_wrapped() -> None:
    try:
        try:
            raise ClaimLost("gone")
        except ClaimLost as lost:
            raise RuntimeError("a tool failed") from lost
    except RuntimeError as error:
        wrapped = error
    with pytest.raises(ClaimLost):
        as_finding(wrapped)
    with pytest.raises(ClaimLost):
        as_finding(ExceptionGroup("several", [ValueError(), wrapped]))


def test_a_bug_is_no_trouble_of_a_model() -> None:
    assert as_finding(ZeroDivisionError()) is None


@pytest.mark.anyio
async def test_what_is_sheltered_is_cancelled_once() -> None:
    cancelled, cleaned, begun = list[str](), anyio.Event(), anyio.Event()

    async def work() -> None:
        try:
            begun.set()
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            cancelled.append("once")
            await anyio.sleep(0.01)
            cleaned.set()
            raise

    async with anyio.create_task_group() as group:
        group.start_soon(sheltered, work)
        await begun.wait()
        group.cancel_scope.cancel()
    assert (cancelled, cleaned.is_set()) == (["once"], True)


@pytest.mark.anyio
async def test_what_is_sheltered_returns_and_raises_as_it_is() -> None:
    async def number() -> int:
        return 3

    async def fails() -> int:
        raise ZeroDivisionError

    assert await sheltered(number) == 3
    with pytest.raises(ZeroDivisionError):
        await sheltered(fails)
