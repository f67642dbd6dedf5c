"""What a model repeats of the frames it was shown is not said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interaction.models.chat_unframing import Unframing

NONCE = "k7Qx2m9f"
FRAME = f'<duologue-{NONCE} kind="finding" id="s-1.1">\nIt is nine.\n</duologue-{NONCE}>'


def said(*pieces: str) -> tuple[str, bool]:
    unframing = Unframing(NONCE)
    words = "".join([*(unframing.feed(piece) for piece in pieces), unframing.end()])
    return words, unframing.dropped


ANSWERS = {
    "nothing to take out": ("It is <b>nine</b>, and 3 < 4.", "It is <b>nine</b>, and 3 < 4."),
    "a whole frame": (f"Well. {FRAME} It is nine.", "Well.  It is nine."),
    "two frames": (f"{FRAME}a{FRAME}b", "ab"),
    "a tag that closes nothing": (f"It is nine.</duologue-{NONCE}> Yes.", "It is nine. Yes."),
    "without the nonce, in capitals": ('<DUOLOGUE kind="x">a</Duologue>b', "b"),
    "a frame that is never closed": (f"Yes. <duologue-{NONCE} kind='note'>and so on", "Yes. "),
    "a closing tag that breaks off": (f"Yes. </duologue-{NONCE}", "Yes. "),
    "the nonce": (f"My number is {NONCE}.", "My number is …."),
    "the nonce in the nonce": (f"{NONCE[:3]}{NONCE}{NONCE[3:]}", f"{NONCE[:3]}…{NONCE[3:]}"),
    "a name that is only said": ("I am Duologue.", "I am Duologue."),
    "a bracket at the end": ("a <", "a <"),
    "the beginning of a tag at the end": ("a </duo", "a </duo"),
    "the beginning of the nonce at the end": (f"a {NONCE[:5]}", f"a {NONCE[:5]}"),
}


@pytest.mark.parametrize(("answer", "words"), ANSWERS.values(), ids=ANSWERS.keys())
def test_what_is_said_of_an_answer(answer: str, words: str) -> None:
    assert said(answer) == (words, words != answer)
    assert said(*answer) == (words, words != answer), "key by key"


def test_what_is_harmless_passes_at_once() -> None:
    unframing = Unframing(NONCE)
    assert unframing.feed("It is nine. ") == "It is nine. "
    assert unframing.feed("3 <") == "3 "
    assert unframing.feed(" 4") == "< 4"
    assert unframing.feed(f"k7 {NONCE[:2]}") == "k7 "
    assert unframing.feed(" and") == f"{NONCE[:2]} and"


pieces = st.sampled_from(["<", "</", ">", " ", "duologue", "duo", "-", NONCE, NONCE[:3], NONCE[3:], "words", FRAME])


@given(st.lists(pieces, max_size=8).map("".join), st.data())
def test_the_same_is_said_however_the_stream_is_cut(answer: str, data: st.DataObject) -> None:
    at = sorted(data.draw(st.lists(st.integers(0, len(answer)), max_size=5)))
    cut = [answer[begin:end] for begin, end in zip([0, *at], [*at, len(answer)], strict=True)]
    assert said(*cut) == said(answer)
