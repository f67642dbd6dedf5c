"""Search the web: hits are told as they come, and the best pages are read side by side meanwhile."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, Any, Final

import anyio
from pydantic import Field

from orchestrator.errors import ConfigError, ToolFailed, ToolRetry
from orchestrator.finding import Source
from orchestrator.function_tool import tool
from orchestrator.ports import Progress, Result, Tool, ToolContext
from tools.fetch import Reader
from tools.fetch_text import Page
from tools.fetch_url import parse_url
from tools.search_ddgs import Ddgs
from tools.search_guard import Guarded
from tools.search_provider import Found, Hit, SearchProvider
from tools.search_services import Brave, SearXNG

__all__ = ["provider_named", "search"]

LONGEST_QUERY: Final = 500
PAGES: Final = 3
"""How many of the best hits are read."""
PAGES_S: Final = 10.0
"""How long is waited for them: an answer from snippets now is worth more than a page later."""
EXCERPT: Final = 1_500
SHOWN: Final = 3
"""How many hits are told before the pages are there."""


def provider_named(name: str) -> SearchProvider:
    """The engine that a setting names: `ddgs`, `searxng:URL` or `brave`, with its guard.

    Raises:
        ConfigError: there is none of that name, or it lacks its address or its key.
    """
    kind, _, rest = name.strip().partition(":")
    match kind.lower():
        case "ddgs":
            return Guarded(Ddgs(engines=rest or "auto"))
        case "searxng" if rest:
            return Guarded(SearXNG(rest))
        case "brave":
            return Guarded(Brave(os.environ.get("BRAVE_API_KEY", "").strip()))
        case _:
            raise ConfigError(
                f"there is no search engine {name!r}",
                "there are: ddgs, searxng:URL, brave",
                "correct DUOLOGUE_SEARCH, or leave it out",
            )


def search(provider: SearchProvider, reader: Reader | None = None, *, pages: int = PAGES) -> list[Tool]:
    """The tool `web_search`. `pages` of the best hits are read as well."""
    reads = reader or Reader()

    @tool(timeout=60.0, concurrency=8, read_only=True)
    async def web_search(
        ctx: ToolContext, query: str, limit: Annotated[int, Field(ge=1, le=20)] = 8
    ) -> AsyncGenerator[Progress | Result]:
        """Search the web: look something up online, on the internet, google it.

        Args:
            query: What to look for, in a few words.
            limit: How many hits to return.
        """
        asked = " ".join(query.split())
        if not asked:
            raise ToolRetry("There is nothing to search for.", "The query is empty.", "Give a few words.")
        found = await provider.search(asked[:LONGEST_QUERY], limit=limit)
        hits = list({hit.url: hit for hit in found.hits}.values())[:limit]
        if not hits:
            yield Result(
                f"The web has nothing for {asked!r}: {provider.name} answered, and found nothing.",
                data={"query": asked, "engine": provider.name, "hits": []},
            )
            return
        for hit in hits[:SHOWN]:
            yield Progress(f"found: {hit.title} ({_host(hit)})", untrusted=True)
        best = [hit for hit in hits if not hit.url.lower().endswith((".pdf", ".zip", ".mp4"))][:pages]
        read = await _read(ctx, reads, best)
        yield _result(asked, provider.name, found, hits, read)

    return [web_search]


async def _read(ctx: ToolContext, reader: Reader, hits: Sequence[Hit]) -> dict[str, Page]:
    """Read the pages side by side, for as long as there is time. A page that cannot be read is left out."""
    read: dict[str, Page] = {}

    async def one(hit: Hit) -> None:
        try:
            _, page = await reader.read(hit.url)
        except (ToolFailed, ToolRetry):
            return  # its snippet is there
        read[hit.url] = page
        # Only the host: these words are ours, and the page's own are for the result.
        await ctx.progress(f"read {_host(hit)}")

    with anyio.move_on_after(PAGES_S):
        async with anyio.create_task_group() as tasks:
            for hit in hits:
                tasks.start_soon(one, hit)
    return read


def _result(query: str, engine: str, found: Found, hits: Sequence[Hit], read: dict[str, Page]) -> Result:
    lines = [f"The web on {query!r} ({len(hits)} {'hit' if len(hits) == 1 else 'hits'} by {engine}):"]
    lines += [found.note] if found.note else []
    shown: list[dict[str, Any]] = []
    for number, hit in enumerate(hits, 1):
        lines.append(f"{number}. {hit.title} ({hit.url})")
        lines += [f"   {hit.snippet}"] if hit.snippet else []
        page = read.get(hit.url)
        if page is not None:
            lines.append(f"   The page says: {' '.join(page.text[: EXCERPT * 2].split())[:EXCERPT]}")
        shown.append({"title": hit.title, "url": hit.url, "snippet": hit.snippet, "read": page is not None})
    return Result(
        "\n".join(lines),
        data={"query": query, "engine": engine, "hits": shown, "note": found.note},
        sources=tuple(Source(hit.title, hit.url) for hit in hits),
        untrusted=True,
    )


def _host(hit: Hit) -> str:
    try:
        return parse_url(hit.url).host
    except ToolRetry:
        return "an address of its own kind"
