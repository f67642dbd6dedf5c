"""The main text of a page. Blocks, for up to a second or two: belongs in a worker thread.

`trafilatura` finds the text, on a tree of lxml that has been bounded in size and depth first, since neither it nor
Python's recursion is meant for pages that want to do harm. What is too deep or has no main text is read plainly.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

import msgspec

from orchestrator.errors import ToolFailed
from tools.fetch_charset import declared, decoded
from tools.fetch_hidden import hide

__all__ = ["Page", "can_extract", "page_of"]

MOST_HTML: Final = 2_000_000
"""Characters of HTML that are parsed."""
MOST_ELEMENTS: Final = 15_000
"""Beyond it a page is read plainly: parts of the extractor take the square of their number."""
DEEPEST: Final = 100
"""Levels of nesting beyond which a page is read plainly: the extractor works by recursion."""
LONGEST_ATTRIBUTE: Final = 4_096
MOST_ATTRIBUTES: Final = 200
"""Of one element. What reads them takes the square of their number."""

# A tag with its attributes. Possessive throughout and never failing, so that it takes one pass whatever comes.
_TAG: Final = re.compile(r"""<([a-zA-Z][^\s/>"'<]{0,50})((?:[^>"']++|"[^"]*+"?|'[^']*+'?)*+)>?""")

_BLOCKS: Final = frozenset(
    [
        *(
            "address",
            "article",
            "aside",
            "blockquote",
            "br",
            "caption",
            "dd",
            "div",
            "dl",
            "dt",
            "figcaption",
            "footer",
        ),
        *("form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section"),
        *("table", "td", "th", "tr", "ul"),
    ]
)


class Page(msgspec.Struct, frozen=True):
    """What a page says, as a person would read it."""

    text: str
    title: str = ""
    author: str = ""
    date: str = ""
    site: str = ""
    cut: bool = False
    """Whether only the beginning was parsed."""


def can_extract() -> bool:
    """Whether the libraries that read HTML are installed."""
    return find_spec("trafilatura") is not None and find_spec("lxml") is not None


def page_of(body: bytes, content_type: str, url: str) -> Page:
    """Read HTML. Raises `ToolFailed` where there is no text in it."""
    text = decoded(body, declared(content_type)).replace("\0", "")
    cut = len(text) > MOST_HTML
    root = _tree(_TAG.sub(_thinned, text[:MOST_HTML]))
    if root is None:
        raise ToolFailed("The page has no text.", "There is nothing in it that can be read.")
    fits = _bound(root)
    title = " ".join("".join(root.xpath("string(//title)")).split())[:300]
    hide(root)
    page = _extracted(root, url) if fits else None
    if page is None or not page.text.strip():
        page = Page("\n".join(_lines(root)), title)
    if not page.text.strip():
        raise ToolFailed(
            "The page has no text.",
            "It may be made by scripts (not run here), hold only pictures, or be nested without end.",
        )
    return msgspec.structs.replace(page, title=page.title or title, cut=cut)


def _tree(text: str) -> Any:
    html = import_module("lxml.html")
    etree = import_module("lxml.etree")
    parser = html.HTMLParser(
        remove_comments=True, remove_pis=True, no_network=True, huge_tree=False, collect_ids=False, encoding="utf-8"
    )
    try:
        return html.document_fromstring(text.encode("utf-8", "replace"), parser=parser, ensure_head_body=True)
    except (etree.LxmlError, ValueError, AssertionError):
        return None


def _thinned(tag: re.Match[str]) -> str:
    """A tag; without its attributes where it has no end of them."""
    crowded = len(tag[2]) > 4 * MOST_ATTRIBUTES and len(tag[2].split()) > MOST_ATTRIBUTES
    return f"<{tag[1]}>" if crowded else tag[0]


def _bound(root: Any) -> bool:
    """Cut attributes short; whether the tree is small and flat enough for the extractor."""
    depth = deepest = count = 0
    for event, element in import_module("lxml.etree").iterwalk(root, events=("start", "end")):
        if event == "end":
            depth -= 1
            continue
        depth += 1
        count += 1
        deepest = max(deepest, depth)
        if len(element.attrib) > MOST_ATTRIBUTES:
            element.attrib.clear()
        for name, value in element.attrib.items():
            if len(value) > LONGEST_ATTRIBUTE:
                element.attrib[name] = value[:LONGEST_ATTRIBUTE]
    return count <= MOST_ELEMENTS and deepest <= DEEPEST


def _extracted(root: Any, url: str) -> Page | None:
    # It tells of every page without text as of an error, which is ours to tell.
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    logging.getLogger("htmldate").setLevel(logging.CRITICAL)
    trafilatura = import_module("trafilatura")
    try:
        found = trafilatura.bare_extraction(
            root,
            url=url,
            fast=True,
            include_comments=False,
            include_tables=True,
            include_links=False,
            with_metadata=True,
            date_extraction_params={"original_date": True, "extensive_search": False},
        )
    except Exception:
        # It was given what anybody may have written, and is read plainly then: nothing is lost.
        logging.getLogger(__name__).info("the extractor could not read %s", url[:200], exc_info=True)
        return None
    if found is None or not found.text:
        return None
    return Page(
        text=re.sub(r"\n{3,}", "\n\n", found.text),
        title=_short(found.title),
        author=_short(found.author),
        date=_short(found.date)[:10],
        site=_short(found.sitename),
    )


def _short(value: object) -> str:
    return " ".join(str(value).split())[:300] if value else ""


def _lines(root: Any) -> Iterator[str]:
    """All text of the tree, a block a line."""
    line: list[str] = []
    for event, element in import_module("lxml.etree").iterwalk(root, events=("start", "end")):
        tag = element.tag
        if event == "start":
            if tag in ("head", "title"):
                continue
            if tag in _BLOCKS:
                yield from _joined(line)
            line.append("" if _in_head(element) else element.text or "")
        else:
            if tag in _BLOCKS:
                yield from _joined(line)
            line.append("" if tag in ("head", "body", "html") or _in_head(element) else element.tail or "")
    yield from _joined(line)


def _in_head(element: Any) -> bool:
    parent = element.getparent()
    return parent is not None and parent.tag == "head"


def _joined(line: list[str]) -> Iterator[str]:
    words = " ".join("".join(line).split())
    line.clear()
    if words:
        yield words
