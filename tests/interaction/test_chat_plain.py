"""What a model marks as it writes is not said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interaction.models.chat_plain import Plain


def said(*pieces: str) -> str:
    plain = Plain()
    return "".join([*(plain.feed(piece) for piece in pieces), plain.end()])


MARKED = {
    "bold": ("**Steep** it, and **wait**.", "Steep it, and wait."),
    "italic": ("It is *very* old, _quite_ old.", "It is very old, quite old."),
    "both": ("***Now*** or **_never_**, **or *at* all**.", "Now or never, or at all."),
    "bold without spaces": ("这是**重点**的。", "这是重点的。"),
    "a bold beginning": ("**Note:** it is late.\n**Two:**it", "Note: it is late.\nTwo:it"),
    "over a line": ("It is **very\nold** now.", "It is very\nold now."),
    "a heading": ("## Which one?\nThe green.", "Which one?\nThe green."),
    "a heading that ends like none": ("# Tea ##\n\nSteep.", "Tea ##\n\nSteep."),
    "a heading of words": ("### Green tea\nSteep.", "Green tea.\nSteep."),
    "bullets": (
        "You need:\n- eggs\n* milk  \n+ **flour**\n• salt.\nMix.",
        "You need:\neggs.\nmilk.\nflour.\nsalt.\nMix.",
    ),
    "bullets behind words": ("You need:\n- eggs\n\nMix.", "You need:\neggs.\n\nMix."),
    "bullets in bullets": ("- tea\n  - green\n\t* black", "tea.\ngreen.\nblack"),
    "numbers": ("1. Steep it\n2) Drink.\n", "1. Steep it.\n2) Drink.\n"),
    "wide bullets": ("- 茶\n- 水\n", "茶。\n水。\n"),
    "a quotation": ("> - Be *brief*.\n> He said", "Be brief.\nHe said"),
    "a line": ("One.\n\n---\nTwo.\n***", "One.\n\nTwo.\n"),
    "code": ("Call `f(*a_b*)` or ``a`b`` now.", "Call f(*a_b*) or a`b now."),
    "a block of code": ("So:\n```python\n# x\n- *y*\n  ``\n```\nIt *is*.", "So:\n# x\n- *y*\n  ``\nIt is."),
    "code with three ticks": ("```ls``` lists.", "ls lists."),
    "a link": ('See [the *page*](https://x.org/a_(b)_c "Title here"), it is [so](/y).', "See the page, it is so."),
    "a bold link": ("**[Tea](https://x.org)**: *[old](x)*", "Tea: old"),
    "a bold address": ("**https://x.org/_a_/*b*c** it", "https://x.org/_a_/*b*c it"),
    "escaped": (r"2 \* 3, a\_b, \n", r"2 * 3, a_b, \n"),
}


@pytest.mark.parametrize(("answer", "words"), MARKED.values(), ids=MARKED.keys())
def test_marks_are_taken_out(answer: str, words: str) -> None:
    assert said(answer) == words
    assert said(*answer) == words, "key by key"


UNMARKED = [
    "It is 2 * 3, or 2*3*4, or 2**3; 5 - 3 is 2.",
    "-5 degrees, --flag, a_b and snake_case_name, __init__, C# and #1.",
    "#1 is tea.\n#tea is a tag.",
    "a 5* hotel, what the f***, rating: **** or *",
    "See https://x.org/_a_/b*c*d?e=_f_ and www.x.org/*a*.",
    "/usr/_lib_/x, *.py, a[i](x), [1], [sic] and [ ] (so), it`s",
    "We have tea\nand milk. \n\nNothing else [",
    "It costs 3 €.\n  Indented -",
    "1.5 litres\n12 eggs\n2024. A year",
    "   ",
]


@pytest.mark.parametrize("answer", UNMARKED)
def test_what_only_looks_like_marks_stays(answer: str) -> None:
    assert said(answer) == answer
    assert said(*answer) == answer, "key by key"


def test_a_remark_behind_a_bracket_is_said() -> None:
    assert said("It is [optional](not required) here.") == "It is optional (not required) here."


def test_what_is_no_mark_is_not_waited_for() -> None:
    plain = Plain()
    assert plain.feed("It is **very") == "It is very"
    assert plain.feed(" old* and*") == " old* and"
    assert plain.feed(" 2 *") == "* 2 "
    assert plain.feed(" 3\n") == "* 3\n"
    assert plain.feed("-") == ""
    assert plain.feed(" eggs, fresh") == "eggs, fresh"
    assert plain.feed("\n7 [a") == ".\n7 "
    assert plain.feed("](https://x") == "a"
    assert plain.feed(".org) b") == " b"
    assert plain.feed(" [" + "c" * 90)[:2] == " ["


@given(st.text(st.sampled_from("*_`#-+>[]()\\ \n\"'1.ab/:w•é茶"), max_size=40), st.data())
def test_the_same_is_said_however_the_stream_is_cut(answer: str, data: st.DataObject) -> None:
    at = sorted(data.draw(st.lists(st.integers(0, len(answer)), max_size=5)))
    cut = [answer[begin:end] for begin, end in zip([0, *at], [*at, len(answer)], strict=True)]
    assert said(*cut) == said(answer)


@given(st.text(st.sampled_from("ab1 é茶.,:;!?()/'\n"), max_size=60))
def test_nothing_is_taken_out_where_nothing_is_marked(answer: str) -> None:
    assert said(answer).replace(".", "").replace("。", "") == answer.replace(".", "")


@given(st.text(st.sampled_from("*_`#-+>[]()\\ \n1.abw"), max_size=60))
def test_every_letter_and_digit_outside_of_links_is_said(answer: str) -> None:
    if "](" not in answer and "```" not in answer:
        assert [char for char in said(answer) if char.isalnum()] == [char for char in answer if char.isalnum()]
