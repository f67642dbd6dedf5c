"""Whatever is typed, in whatever pieces: the embedded voice answers every offer, rests, and does the same work."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.effects import Heard, Offer
from orchestrator.events import (
    ModelRested,
    ModelSpoke,
)
from orchestrator.finding import Finding, Kind
from tests.interaction.reflexes import Talk, tasks

_PHRASES = [
    "find the ledger", "no, I meant Lyon", "stop", "cancel that", "what are you doing", "every 5 seconds say hey",
    "count how often I say um", "tell me more", "what", "and to Nice", "remind me in 5 s to go", "um", "forget it",
    "ok", "3 + 4", "thanks",
]  # fmt: skip
_TEXT = st.one_of(
    st.sampled_from(_PHRASES), st.text(max_size=20), st.sampled_from([". ", "? ", "\n", " and ", ", ", '"', "{count}"])
)


def an_offer(text: str, seq: int, kind: Kind, heard: str) -> Offer:
    return Offer(Finding(text, kind, delegation=f"s-{seq % 3 + 1}", seq=seq), "find it", said=heard)


_KINDS: tuple[Kind, ...] = ("progress", "partial", "final", "error", "question")
_OFFERS = st.builds(an_offer, st.text(max_size=30), st.integers(0, 5), st.sampled_from(_KINDS), st.text(max_size=10))
_TURNS = st.lists(
    st.tuples(
        st.lists(st.builds(Heard, _TEXT, st.sampled_from(["insert", "delete"]), st.booleans()), max_size=4),
        st.sampled_from([0, 200, 600, 1_600, 5_000]),
        st.lists(_OFFERS, max_size=3, unique_by=lambda offer: offer.finding.id),
        st.sampled_from(["", "s-1.1", "odd"]),
        st.sampled_from(["", "cut"]),
    ),
    max_size=8,
)


@settings(max_examples=150)
@given(_TURNS)
def test_whatever_happens_it_rests_and_leaves_no_offer_without_an_answer(
    turns: list[tuple[list[Heard], int, list[Offer], str, str]],
) -> None:
    talk = Talk()
    for heard, quiet_ms, offers, expecting, unheard in turns:
        events = talk.turn(
            heard=tuple(heard), quiet_ms=quiet_ms, offers=tuple(offers), expecting=expecting, unheard=unheard
        )
        answered = {name for event in events if isinstance(event, ModelSpoke) for name in event.about}
        answered |= {name for event in events if isinstance(event, ModelRested) for name in event.acknowledged}
        assert {offer.finding.id for offer in offers} <= answered
        assert all(event.text for event in events if isinstance(event, ModelSpoke))


_SENTENCES = [
    "find the ledger",
    "calculate 3 * 4",
    "when is the next train to Lyon",
    "hello",
    "I like it",
    "read docs/a.md",
]


@given(
    st.lists(st.tuples(st.sampled_from(_SENTENCES), st.sampled_from([". ", "? ", "! ", "\n", ", "])), max_size=6),
    st.data(),
)
def test_key_by_key_gives_the_same_work_as_in_pieces(sentences: list[tuple[str, str]], data: st.DataObject) -> None:
    text = "".join(sentence + end for sentence, end in sentences)
    whole, keys, pieces = Talk(), Talk(), Talk()
    of_whole = tasks(whole.enter(text))
    of_keys = [task for char in text for task in tasks(keys.type(char))] + tasks(keys.enter(""))
    cut = data.draw(st.integers(0, len(text)))
    of_pieces = tasks(pieces.type(text[:cut])) + tasks(pieces.enter(text[cut:]))
    assert of_whole == of_keys == of_pieces
