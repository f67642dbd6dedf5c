"""Fetch a page of the web and read what it says.

What comes is text that nobody vouches for, and is marked so. Which addresses are asked, and what a fetch may take, is
told in docs/web.md.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Final, TypeVar

import anyio
import anyio.to_thread
import msgspec

from orchestrator.errors import ToolFailed
from orchestrator.finding import Source
from orchestrator.function_tool import tool
from orchestrator.ports import Progress, Result, Tool
from tools.fetch_charset import declared, decoded
from tools.fetch_download import Download, Downloader
from tools.fetch_text import Page, can_extract, page_of
from tools.fetch_url import parse_url

__all__ = ["INSTALL", "Reader", "fetch"]

INSTALL: Final = "Install what reads the web: pip install 'duologue[web]'."
READING_S: Final = 10.0
THREADS: Final = 2
"""Pages are parsed by two threads at most: one whose page takes too long goes on to its end, and holds up no more."""
LONGEST: Final = 100_000
"""Characters of a page that are handed on."""

_HTML: Final = frozenset({"text/html", "application/xhtml+xml"})

T = TypeVar("T")


class Reader:
    """Downloads pages and finds their text."""

    def __init__(self, downloader: Downloader | None = None, *, reading_s: float = READING_S) -> None:
        self._downloader = downloader or Downloader()
        self._reading_s = reading_s
        self._threads: anyio.CapacityLimiter | None = None

    async def read(self, url: str) -> tuple[Download, Page]:
        """The page at `url`.

        Raises:
            ToolRetry: `url` is no address.
            ToolFailed: it is not asked, cannot be reached, takes too long, says no, or holds no text.
        """
        found = await self._downloader.get(url, accept="text/html,application/xhtml+xml,text/*;q=0.9,application/json")
        _check_status(found)
        if found.kind in _HTML or (not found.kind and b"<" in found.body[:1_000]):
            return found, await self._in_thread(lambda: _html(found), url)
        if found.body or not found.kind or found.kind.startswith("text/"):
            return found, await self._in_thread(lambda: _plain(found), url)
        raise _not_text(found)

    async def _in_thread(self, function: Callable[[], T], url: str) -> T:
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(THREADS)
        with anyio.move_on_after(self._reading_s):
            return await anyio.to_thread.run_sync(function, abandon_on_cancel=True, limiter=self._threads)
        raise ToolFailed(
            f"{parse_url(url).host} has a page that cannot be read.",
            f"Finding its text takes more than {self._reading_s:g} seconds.",
            "Take another page.",
        )


def fetch(reader: Reader | None = None) -> list[Tool]:
    """The tool `fetch_page`."""
    reads = reader or Reader()

    @tool(timeout=45.0, concurrency=8, read_only=True)
    async def fetch_page(url: str) -> AsyncGenerator[Progress | Result]:
        """Fetch a web page by its address and read its text: open the website, url, link, what the page says.

        Only public pages; scripts are not run, and nothing is sent but the address.

        Args:
            url: The address of the page, as https://example.org/page.
        """
        target = parse_url(url)
        yield Progress(f"opening {target.host}")
        found, page = await reads.read(url)
        yield page_result(found, page)

    return [fetch_page]


def page_result(found: Download, page: Page) -> Result:
    """What a page says, for a model to read."""
    host = parse_url(found.url).host
    about = [page.title or host]
    about += [f"by {page.author}"] if page.author else []
    about += [page.date] if page.date else []
    about += [host] if page.title else []
    notes = [note for note in (found.cut, "only its beginning was read" if page.cut else "") if note]
    text = page.text[:LONGEST]
    if len(page.text) > LONGEST and not notes:
        notes.append("it is too long, and only its beginning was read")
    heading = f"{', '.join(about)}{f' (not whole: {notes[0]})' if notes else ''}:"
    return Result(
        f"{heading}\n{text}",
        data={
            "url": found.url,
            "title": page.title,
            "author": page.author,
            "date": page.date,
            "kind": found.kind,
            "chars": len(text),
            "whole": not notes,
        },
        sources=(Source(page.title or host, found.url),),
        untrusted=True,
    )


def _check_status(found: Download) -> None:
    if 200 <= found.status < 300:
        return
    host = parse_url(found.url).host
    match found.status:
        case 404 | 410:
            raise ToolFailed(f"{host} has no such page.", f"It answers {found.status}.", "Look for its new address.")
        case 401 | 402 | 403 | 451:
            raise ToolFailed(
                f"{host} does not show this page to programs.", f"It answers {found.status}.", "Take another page."
            )
        case 429 | 503:
            wait = float(found.retry_after) if found.retry_after.isdecimal() else None
            raise ToolFailed(f"{host} is too busy.", f"It answers {found.status}.", "Try it later.", after_s=wait)
        case status:
            raise ToolFailed(f"{host} has no page for us.", f"It answers {status}.", "Take another page.")


def _html(found: Download) -> Page:
    if not can_extract():
        raise ToolFailed("Pages cannot be read here yet.", "What finds their text is missing.", INSTALL)
    return page_of(found.body, found.content_type, found.url)


def _plain(found: Download) -> Page:
    text = decoded(found.body, declared(found.content_type))
    if not text.strip():
        raise ToolFailed("The page is empty.", "It holds no text.")
    if text[:2_000].count("\0") > 2 or (not found.kind and found.body.startswith((b"%PDF", b"\x89PNG", b"\xff\xd8"))):
        raise _not_text(msgspec.structs.replace(found, kind=found.kind or "binary data"))
    return Page(text.replace("\0", ""))


def _not_text(found: Download) -> ToolFailed:
    host = parse_url(found.url).host
    if "pdf" in found.kind:
        return ToolFailed(f"That is a PDF of {host}.", "PDFs cannot be read here.", "Look for the same as a page.")
    return ToolFailed(f"That is no page: {host} sends {found.kind or 'what has no name'}.", "Only text can be read.")
