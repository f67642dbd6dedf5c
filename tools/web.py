"""The tools of the web, as a setting names them. What they do and what they defend is told in docs/web.md."""

from __future__ import annotations

import msgspec

from orchestrator.ports import Tool
from tools.fetch import Reader, fetch
from tools.fetch_download import Downloader
from tools.search import provider_named, search

__all__ = ["WebSettings", "web"]


class WebSettings(msgspec.Struct, frozen=True):
    """How the web is searched, and what beyond the public internet may be fetched."""

    search: str = "ddgs"
    """`ddgs`, `searxng:URL` or `brave`."""
    allow: tuple[str, ...] = ()
    """Networks, addresses and hosts, each with a port or without, that are not public and may be fetched from."""


def web(settings: WebSettings | None = None) -> list[Tool]:
    """The tools `web_search` and `fetch_page`. Where a library is missing they are there all the same, and say so.

    Raises:
        ConfigError: an engine or an exception is named that cannot be.
    """
    chosen = settings or WebSettings()
    reader = Reader(Downloader(allow=chosen.allow))
    return [*search(provider_named(chosen.search), reader), *fetch(reader)]
