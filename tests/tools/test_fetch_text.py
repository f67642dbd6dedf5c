"""The text of a page, and what is not to be in it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import ToolFailed
from tools.fetch_charset import decoded
from tools.fetch_hidden import hiding_names
from tools.fetch_text import Page, page_of

BODY = "".join(f"<p>Paragraph {n} says something that is long enough to be the text of a page.</p>" for n in range(12))


def read(html: str | bytes, content_type: str = "text/html; charset=utf-8") -> Page:
    return page_of(html.encode() if isinstance(html, str) else html, content_type, "https://page.example/")


def test_title_author_and_date_and_the_main_text() -> None:
    page = read(
        "<html><head><title>On barge-in</title><meta name=author content='Ada Byron'>"
        "<meta property='article:published_time' content='2026-01-02T10:00'></head>"
        f"<body><nav><a href=/>Home</a> <a href=/b>Shop</a></nav><article><h1>On barge-in</h1>{BODY}</article>"
    )
    assert (page.title, page.author, page.date) == ("On barge-in", "Ada Byron", "2026-01-02")
    assert "Paragraph 11 says" in page.text
    assert "Shop" not in page.text


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>EVIL</p>",
        "<p aria-hidden='true'>EVIL</p>",
        "<p style='display: none'>EVIL</p>",
        "<p style='DISPLAY:NONE !important'>EVIL</p>",
        "<p style='display/**/:/**/none'>EVIL</p>",
        "<p style='visibility:hidden'>EVIL</p>",
        "<p style='opacity:0'>EVIL</p>",
        "<p style='opacity: 0.0; color: red'>EVIL</p>",
        "<p style='font-size:0px'>EVIL</p>",
        "<p style='font-size: 1px'>EVIL</p>",
        "<p style='color:#fff;background:#fff'>EVIL</p>",
        "<p style='color: white'>EVIL</p>",
        "<p style='color:transparent'>EVIL</p>",
        "<p style='position:absolute; left:-9999px'>EVIL</p>",
        "<p style='text-indent:-5000px'>EVIL</p>",
        "<p style='height:0;overflow:hidden'>EVIL</p>",
        "<p style='clip: rect(0,0,0,0)'>EVIL</p>",
        "<div hidden><div><p>EVIL</p></div></div>",
        "<!-- EVIL -->",
        "<?php EVIL ?>",
        "<script>EVIL</script>",
        "<template><p>EVIL</p></template>",
        "<noscript>EVIL</noscript>",
        "<textarea>EVIL</textarea>",
        "<p class='a ghost'>EVIL</p>",
        "<p id=gone>EVIL</p>",
    ],
)
def test_what_a_person_does_not_see_is_not_read(hidden: str) -> None:
    style = "<style>/* x */ .ghost, #gone { color: red; display: none }</style>"
    for around in (BODY, ""):
        page = read(f"<html><head>{style}</head><body><article>{around}{hidden}<p>Seen after it.</p></article>")
        assert "EVIL" not in page.text
        assert "Seen after it." in page.text


@pytest.mark.parametrize(
    "shown",
    [
        "<p style='opacity:0.5'>SEEN</p>",
        "<p style='font-size:0.9em'>SEEN</p>",
        "<p style='font-size:10px'>SEEN</p>",
        "<p style='margin-left:-10px'>SEEN</p>",
        "<div style='background:#000'><p style='color:white'>SEEN</p></div>",
        "<p aria-hidden='false'>SEEN</p>",
        "<p class=print>SEEN</p>",
    ],
)
def test_what_a_person_sees_is_read(shown: str) -> None:
    style = "<style>@media print { .print { display: none } } .other .print { display: none }</style>"
    assert "SEEN" in read(f"<html><head>{style}</head><body><article>{BODY}{shown}</article></body></html>").text


def test_rules_that_hide() -> None:
    css = "@import 'x'; .a{display:none}#b , .c{visibility:hidden} .d .e{display:none} @media x{.f{display:none}} .g{}"
    assert hiding_names(css) == (frozenset({"a", "c"}), frozenset({"b"}))


NASTY = {
    "deep": "<div>" * 100_000 + "x",
    "attributes": "<p " + " ".join(f"a{n}=1" for n in range(150_000)) + ">hello</p>",
    "one huge attribute": f"<p title='{'a' * 1_900_000}'>hello</p>",
    "many elements": "<p>a</p>" * 200_000,
    "many hidden": "<p>" + "<i hidden>a</i> tail " * 14_000,
    "open tags": "<" * 1_900_000,
    "open quotes": '<a "' * 400_000,
    "open comments": "<!--" * 400_000,
    "open styles": "<style>" + "/*.a{" * 200_000,
    "tables in tables": "<table><tr><td>" * 5_000 + "hello",
    "entities": "&amp;" * 300_000,
    "metadata": "<script type='application/ld+json'>" + "[" * 500_000 + "</script><p>hello",
    "nothing": "",
    "zeros": "\0" * 1_000,
}


@pytest.mark.parametrize("name", NASTY)
def test_nasty_pages_come_to_an_end(name: str) -> None:
    started = time.monotonic()
    try:
        page = read(NASTY[name])
        assert len(page.text) <= 2_000_000
    except ToolFailed as problem:
        assert "no text" in problem.what
    assert time.monotonic() - started < 10


@given(st.text(max_size=400))
def test_any_text_at_all_is_read_or_has_none(text: str) -> None:
    try:
        assert read(text).text
    except ToolFailed as problem:
        assert "no text" in problem.what


@pytest.mark.parametrize(
    ("data", "said", "text"),
    [
        ("grün".encode(), "", "grün"),
        ("grün".encode("latin-1"), "iso-8859-1", "grün"),
        ("grün".encode("latin-1"), "utf-8", "gr\ufffdn"),
        ("grün".encode("latin-1"), "", "grün"),
        ("grün".encode(), "ascii", "grÃ¼n"),
        ("привет".encode("koi8-r"), "koi8-r", "привет"),
        ("日本".encode("shift_jis"), "Shift_JIS", "日本"),
        (b"<meta charset='koi8-r'>" + "привет".encode("koi8-r"), "", "<meta charset='koi8-r'>привет"),
        (b"\xef\xbb\xbf" + "grün".encode(), "koi8-r", "grün"),
        (b"\xff\xfe" + "grün".encode("utf-16-le"), "", "grün"),
        ("日本".encode(), "iso-2022-jp", "日本"),
        ("grün".encode(), "no-such-charset", "grün"),
        (b"hello", "rot13", "hello"),
        (b"hello", "zlib_codec", "hello"),
        (b"xn--hello", "idna", "xn--hello"),
        (b"+AGE-", "utf-7", "+AGE-"),
        (b"\\x41", "unicode_escape", "\\x41"),
        ("grün".encode()[:-2], "utf-8", "gr"),
    ],
)
def test_charsets_true_and_false(data: bytes, said: str, text: str) -> None:
    assert decoded(data, said) == text


@given(st.binary(max_size=300), st.text(max_size=20))
def test_decoding_never_fails(data: bytes, said: str) -> None:
    assert isinstance(decoded(data, said), str)
