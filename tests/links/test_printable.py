"""Nothing that a terminal obeys gets through, and nothing readable is lost."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interaction.links.printable import printable, wrapped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;a title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jafter", "after"),
        ("\x1bcreset", "reset"),
        ("a\rb", "a\ufffdb"),
        ("a\x08b", "a\ufffdb"),
        ("user\u202etxt.exe", "user\ufffdtxt.exe"),
        ("lone \ud800 half", "lone \ufffd half"),
        ("a\tb", "a    b"),
        ("two\r\nlines", "two lines"),
        ("naïve 日本 👍", "naïve 日本 👍"),
    ],
)
def test_what_a_terminal_would_obey_is_taken_out(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_line_breaks_stay_where_they_are_wanted() -> None:
    assert printable("a\nb", lines=True) == "a\nb"


@given(st.lists(st.text(alphabet=st.sampled_from("\x1b[]mJ;07\x07\x9b\x9c\\a\x00\u202e \n"), max_size=12)))
def test_text_in_pieces_holds_no_control_character_either(pieces: list[str]) -> None:
    shown = "".join(printable(piece) for piece in pieces)
    assert [letter for letter in shown if unicodedata.category(letter) in ("Cc", "Cs")] == []
    assert "\u202e" not in shown
    assert shown.encode("utf-8").decode("utf-8") == shown


def test_rows_break_at_spaces() -> None:
    assert wrapped("you: the quick brown fox", 12) == ["you: the", "  quick", "  brown fox"]


def test_a_long_word_is_broken() -> None:
    assert wrapped("abcdefghijkl", 8) == ["abcdefgh", "  ijkl"]


def test_wide_characters_take_two_cells() -> None:
    assert wrapped("日本日本日本", 8) == ["日本日本", "  日本"]


@given(st.text(alphabet="ab 日\n", max_size=200), st.integers(8, 40))
def test_no_row_is_too_wide_and_no_letter_is_lost(text: str, width: int) -> None:
    from prompt_toolkit.utils import get_cwidth

    rows = wrapped(text, width)
    assert max(get_cwidth(row) for row in rows) <= width
    assert "".join("".join(rows).split()) == "".join(text.split())
