"""What counts as leave."""

from __future__ import annotations

import pytest

from orchestrator.consent import consent


@pytest.mark.parametrize(
    "answer",
    ["yes", "Yes, please.", "ok", "go ahead", "sure thing", "y", "Do it!", "of course", "well, ok", "yes to all"],
)
def test_a_clear_yes(answer: str) -> None:
    assert consent(answer) == "yes"


@pytest.mark.parametrize(
    "answer",
    [
        *("always", "yes, always", "Yes, and don’t ask again.", "sure, no need to ask me again", "ok, from now on"),
        *("allow always", "you may always do that", "yes, never ask me again"),
    ],
)
def test_a_yes_that_holds(answer: str) -> None:
    assert consent(answer) == "always"


@pytest.mark.parametrize(
    "answer",
    ["no", "nope", "yes, but not today", "ok no", "don't", "wait", "never", "no, always ask me", "maybe later"],
)
def test_a_no(answer: str) -> None:
    assert consent(answer) == "no"


@pytest.mark.parametrize(
    "answer", ["hm", "", "what for?", "okra", "yesterday", "what would it cost?", "always ask me first", "ok?"]
)
def test_neither(answer: str) -> None:
    assert consent(answer) == "unclear"


QUESTION = "Shall I send a card to Anna in Lyon with kind regards?"


@pytest.mark.parametrize(
    ("answer", "meant"),
    [
        ("Yes, send the card to Anna in Lyon with kind regards", "yes"),
        ("yes please, she will be glad", "yes"),
        ("Sure, tell me about the weather tomorrow in Marseille", "unclear"),
        ("OK, and what else did you find about the trains", "unclear"),
        ("yes, and from now on always send cards to Anna without asking", "always"),
    ],
)
def test_a_yes_among_many_other_words_is_about_something_else(answer: str, meant: str) -> None:
    assert consent(answer, QUESTION) == meant
