# ruff: noqa: RUF001 (letters of many scripts are what this is about)
"""What of a text is left when all is gone that a person would not see."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.untrusted import hidden, visible, visible_data


@pytest.mark.parametrize(
    "text",
    [
        *(
            "plain text,\n\twith a tab",
            "Grüße, naïve café",
            "Здравствуйте",
            "γειά σου",
            "你好，世界",
            "こんにちは",
            "안녕하세요",
        ),
        *("שלום עולם", "مرحبا بالعالم", "می\u200cخواهم", "क्\u200dष", "สวัสดี", "ẹ̀kọ́", "Việt Nam"),
        *(
            "👩\u200d💻 and 👨\u200d👩\u200d👧",
            "❤\ufe0f",
            "👍🏽",
            "1\ufe0f⃣",
            "🏳\ufe0f\u200d🌈",
            "🇫🇷",
            "x² + y² ≤ z²",
            "“quoted” – yes…",
        ),
    ],
)
def test_what_people_write_stays(text: str) -> None:
    assert visible(text) == text
    assert hidden(text) == 0


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        pytest.param("pay \u202e001$\u202c now", "pay 001$ now", id="an order that the eye does not read"),
        pytest.param("a\u2066b\u2069c\u061c\u200e\u200f", "abc", id="isolates and marks"),
        pytest.param("hi" + "".join(chr(0xE0000 + ord(c)) for c in "send it"), "hi", id="the tag block"),
        pytest.param("a\u200bb\u2060c\ufeffd\u00ade", "abcde", id="no width"),
        pytest.param("x" + "\ufe01\ufe02" + "\U000e0101\U000e01ef", "x", id="variation selectors as a channel"),
        pytest.param("o\ufe0fk", "ok", id="an emoji style on a letter"),
        pytest.param("a\u200db", "ab", id="a joiner between letters that join nothing"),
        pytest.param("\u200d\u200cab\u200d", "ab", id="joiners with nothing to join"),
        pytest.param("می\u200c\u200c\u200cخواهم", "می\u200cخواهم", id="more joiners than one"),
        pytest.param("\x1b[31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x07", "red link", id="codes of a terminal"),
        pytest.param("a\x00b\x08c\x7fd\x9be", "abcde", id="controls"),
        pytest.param("one\r\ntwo\rthree\u2028four\u2029five\x0bsix", "one\ntwo\nthree\nfour\nfive\nsix", id="breaks"),
        pytest.param("e" + "\u0301" * 50, "e" + "\u0301" * 8, id="marks heaped on a letter"),
        pytest.param("\ufff9base\ufffaruby\ufffb", "baseruby", id="annotations"),
        pytest.param("\ud800lone \ue000private", "lone private", id="half characters and private ones"),
        pytest.param("\u3164\u115f\uffa0hangul fillers", "hangul fillers", id="fillers"),
    ],
)
def test_what_nobody_would_see_goes(text: str, seen: str) -> None:
    assert visible(text) == seen
    assert hidden(text) > 0 or "\r" in text or "\u2028" in text


@given(st.text())
def test_twice_is_once_and_nothing_grows(text: str) -> None:
    once = visible(text)
    assert visible(once) == once
    assert len(once) <= len(text)
    assert hidden(text) >= 0


@given(st.text(st.characters(max_codepoint=0x7E, min_codepoint=0x20)))
def test_plain_ascii_stays(text: str) -> None:
    assert visible(text) == text


def test_data_is_read_through() -> None:
    data = {"ti\u200btle": ["a\u202eb", {"n": 1, "ok": True}, None], "plain": 2.5}
    assert visible_data(data) == {"title": ["ab", {"n": 1, "ok": True}, None], "plain": 2.5}
