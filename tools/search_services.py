"""Search by services with an interface for programs: a SearXNG of one's own, and Brave's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import unescape
from typing import Any, Final, cast
from urllib.parse import urlencode, urlsplit

import msgspec

from orchestrator.errors import ConfigError, ToolFailed
from tools.fetch_download import Download, Downloader, FetchLimits
from tools.fetch_trouble import BrokenOff, HostUnknown
from tools.search_provider import Blocked, Found, Hit, Offline

__all__ = ["BRAVE_URL", "Brave", "SearXNG"]

BRAVE_URL: Final = "https://api.search.brave.com/res/v1/web/search"
_BRAVE_MOST: Final = 20
_LIMITS: Final = FetchLimits(seconds=12.0, packed_bytes=1_000_000, plain_bytes=2_000_000, redirects=0)
_TAGS: Final = re.compile(r"<[^<>]{1,40}>")


class SearXNG:
    """A SearXNG instance. Implements `SearchProvider`. Its JSON format has to be switched on."""

    def __init__(self, url: str, *, downloader: Downloader | None = None) -> None:
        """`url`: where the instance is; it is who runs Duologue that names it, so it may be in their own network.

        Raises `ConfigError` for what is no address.
        """
        self._url = f"{url.rstrip('/')}/search"
        self._downloader = downloader or _for(url)

    @property
    def name(self) -> str:
        return "SearXNG"

    async def search(self, query: str, *, limit: int) -> Found:
        """Raises as `SearchProvider.search`."""
        asked = urlencode({"q": query, "format": "json", "safesearch": 1})
        answer = await _get(self._downloader, f"{self._url}?{asked}", {"Accept": "application/json"}, self.name)
        if answer.status == 403:
            todo = "Add json to search.formats in its settings.yml."
            raise ToolFailed("The SearXNG does not answer in JSON.", "It answers 403.", todo)
        body = _json(answer, self.name)
        hits = _hits(body.get("results"), snippet="content")[:limit]
        silent = [str(_items(each)[0]) for each in _items(body.get("unresponsive_engines")) if _items(each)]
        if not hits and silent:
            raise Blocked(self.name, f"These of its engines did not answer: {', '.join(silent)[:200]}.")
        return Found(tuple(hits))


class Brave:
    """Brave's Search API. Implements `SearchProvider`."""

    def __init__(self, key: str, *, url: str = BRAVE_URL, downloader: Downloader | None = None) -> None:
        """Raises `ConfigError` where there is no key."""
        if not key or not key.isascii() or not key.isprintable():
            raise ConfigError(
                "Brave cannot be asked: there is no key", "BRAVE_API_KEY is not set, or no key", "set BRAVE_API_KEY"
            )
        self._key = key
        self._url = url
        self._downloader = downloader or Downloader(limits=_LIMITS)

    @property
    def name(self) -> str:
        return "Brave"

    async def search(self, query: str, *, limit: int) -> Found:
        """Raises as `SearchProvider.search`."""
        # It takes 400 characters and 50 words.
        asked = urlencode({"q": " ".join(query.split()[:50])[:400], "count": min(limit, _BRAVE_MOST)})
        sent = {"Accept": "application/json", "X-Subscription-Token": self._key}
        answer = await _get(self._downloader, f"{self._url}?{asked}&text_decorations=false", sent, self.name)
        if answer.status in (401, 403, 422):
            why = f"It answers {answer.status}: {_said(answer)}"
            raise ToolFailed("Brave does not take the key.", why, "Correct BRAVE_API_KEY.")
        body = _json(answer, self.name)
        return Found(tuple(_hits(_fields(body.get("web")).get("results"), snippet="description")[:limit]))


def _for(url: str) -> Downloader:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{url!r} is no address of a SearXNG", "it begins with http:// or https://", "correct it")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return Downloader(allow=[f"{host}:{port or (443 if parts.scheme == 'https' else 80)}"], limits=_LIMITS)


async def _get(downloader: Downloader, url: str, headers: Mapping[str, str], engine: str) -> Download:
    try:
        answer = await downloader.get(url, headers=headers)
    except HostUnknown as problem:
        raise Offline(engine, problem.why) from problem
    except BrokenOff as problem:
        raise Offline(engine, f"{problem.what} {problem.why}") from problem
    if answer.status in (429, 503):
        wait = float(answer.retry_after) if answer.retry_after.isdecimal() else None
        raise Blocked(engine, f"It answers {answer.status}: too many queries.", after_s=wait)
    return answer


def _json(answer: Download, engine: str) -> Mapping[str, Any]:
    if answer.status != 200:
        raise ToolFailed(f"The search engine ({engine}) is out of order.", f"It answers {answer.status}.", "Try later.")
    try:
        body = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeError):
        body = None
    if not isinstance(body, dict):
        what = f"The search engine ({engine}) is out of order."
        raise ToolFailed(what, "It does not answer in JSON.", "Check its address.")
    return cast("dict[str, Any]", body)


def _said(answer: Download) -> str:
    return " ".join(answer.body[:200].decode(errors="replace").split())


def _fields(value: Any) -> Mapping[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _items(value: Any) -> Sequence[Any]:
    return cast("Sequence[Any]", value) if isinstance(value, list) else ()


def _hits(raw: Any, *, snippet: str) -> list[Hit]:
    found = [
        Hit(_line(each.get("title"), 300), str(each.get("url") or "").strip(), _line(each.get(snippet), 600))
        for each in map(_fields, _items(raw))
    ]
    return [hit for hit in found if hit.url.startswith(("http://", "https://")) and hit.title]


def _line(value: Any, most: int) -> str:
    return " ".join(unescape(_TAGS.sub("", str(value or "")[:4_000])).split())[:most]
