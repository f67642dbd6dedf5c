"""One download: resolved once, checked, pinned, bounded in bytes and time, and each redirect checked anew."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Final

import anyio
import anyio.lowlevel
import anyio.to_thread
import msgspec

from orchestrator.errors import ToolFailed
from orchestrator.version import __version__
from tools.fetch_address import IPAddress, allowed
from tools.fetch_resolver import Resolver, SystemResolver, checked
from tools.fetch_trouble import BrokenOff
from tools.fetch_unpacking import ACCEPTED, unpacking
from tools.fetch_url import Target, followed, parse_url

if TYPE_CHECKING:
    from tools.fetch_wire import Answer

__all__ = ["USER_AGENT", "Download", "Downloader", "FetchLimits"]

USER_AGENT: Final = f"Duologue/{__version__} (an assistant, fetching a page that its user asked for)"
_MOVED: Final = frozenset({301, 302, 303, 307, 308})
_TEXTUAL: Final = ("text/", "application/json", "application/xhtml", "application/xml", "application/javascript")


class FetchLimits(msgspec.Struct, frozen=True):
    """What one fetch may take. `seconds` bounds all of it, redirects, names and body; bytes count packed and
    unpacked, each by itself."""

    seconds: float = 20.0
    each_s: float = 8.0
    """A connection, a handshake, or a silence."""
    packed_bytes: int = 3_000_000
    plain_bytes: int = 5_000_000
    redirects: int = 5
    headers_chars: int = 32_768


class Download(msgspec.Struct, frozen=True):
    """What came, and from where in the end."""

    url: str
    status: int
    kind: str
    """The media type in lower case, without its parameters."""
    content_type: str
    body: bytes
    retry_after: str = ""
    cut: str = ""
    """Why the body is not whole; empty where it is."""


class Downloader:
    """Fetches. Holds no connection and no cookie from one fetch to the next."""

    def __init__(
        self,
        *,
        allow: Iterable[str] = (),
        resolver: Resolver | None = None,
        limits: FetchLimits | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`allow`: networks, addresses and hosts beyond the public internet, as `tools.fetch_address.allowed` reads
        them; raises its `ConfigError`. `tls`: whom to trust, where that is not the system's own choice."""
        self._exceptions = allowed(allow)
        self._resolver = resolver or SystemResolver()
        self._limits = limits or FetchLimits()
        self._tls = tls

    async def get(
        self, url: str, *, accept: str = "text/html,*/*;q=0.5", headers: Mapping[str, str] | None = None
    ) -> Download:
        """Fetch `url`. With `headers` of the caller's own (a key, say) no redirect is followed.

        Raises:
            ToolRetry: `url` is no address.
            ToolFailed: it is not asked, could not be reached, or did not answer in time.
        """
        target = parse_url(url)
        sent = {"User-Agent": USER_AGENT, "Accept": accept, "Accept-Encoding": ACCEPTED, **(headers or {})}
        try:
            with anyio.fail_after(self._limits.seconds):
                return await self._follow(target, sent, 0 if headers else self._limits.redirects)
        except TimeoutError:
            raise ToolFailed(
                f"{target.host} takes too long.",
                f"It has not sent its page within {self._limits.seconds:g} seconds.",
                "Try it later, or take another page.",
            ) from None

    async def _follow(self, target: Target, sent: Mapping[str, str], hops: int) -> Download:
        seen = {target.url}
        while True:
            addresses = await checked(target, self._resolver, self._exceptions)
            found = await self._one(target, addresses, sent)
            if isinstance(found, Download):
                return found
            target = followed(target, found)
            if target.url in seen:
                raise ToolFailed(f"{target.host} leads in a circle.", "Its redirects come back to where they began.")
            if len(seen) > hops:
                raise ToolFailed(f"{target.host} leads on and on.", f"More than {hops} redirects are not followed.")
            seen.add(target.url)

    async def _one(self, target: Target, addresses: Sequence[IPAddress], sent: Mapping[str, str]) -> Download | str:
        """What came; or where it leads."""
        opened = await anyio.to_thread.run_sync(_opener)
        limits = self._limits
        async with opened(target, addresses, sent, tls=self._tls, each_s=limits.each_s) as answer:
            if sum(len(name) + len(value) for name, value in answer.headers.items()) > limits.headers_chars:
                raise ToolFailed(f"{target.host} does not speak HTTP as it should.", "The head of its answer is huge.")
            location = answer.headers.get("location", "")
            if answer.status in _MOVED and location:
                return location
            content_type = answer.headers.get("content-type", "")
            kind = content_type.partition(";")[0].strip().lower()[:100]
            body, cut = b"", ""
            if not kind or kind.startswith(_TEXTUAL) or kind.endswith(("+json", "+xml")):
                # A page of another kind is told of and not loaded.
                body, cut = await self._body(answer.body, answer.headers.get("content-encoding", ""))
            return Download(
                url=target.url,
                status=answer.status,
                kind=kind,
                content_type=content_type[:200],
                body=body,
                retry_after=answer.headers.get("retry-after", "")[:20],
                cut=cut,
            )

    async def _body(self, pieces: AsyncIterator[bytes], coding: str) -> tuple[bytes, str]:
        """The body, and why it is cut."""
        limits = self._limits
        unpacked = unpacking(coding)
        plain = bytearray()
        packed = 0
        try:
            async for piece in pieces:
                packed += len(piece)
                for part in unpacked.feed(piece):
                    plain += part
                    if len(plain) >= limits.plain_bytes:
                        return bytes(plain[: limits.plain_bytes]), "it is too long, and only its beginning was read"
                    await anyio.lowlevel.checkpoint()
                if packed >= limits.packed_bytes:
                    return bytes(plain), "it is too long, and only its beginning was read"
        except BrokenOff as problem:
            if not plain:
                raise
            return bytes(plain), f"it broke off ({problem.what.rstrip('.')})"
        return bytes(plain), "" if unpacked.whole else "it broke off before its end"


def _opener() -> Callable[..., AbstractAsyncContextManager[Answer]]:
    # Here, and not at the top: whoever never fetches a page needs no HTTP. An import reads files: in a thread.
    from tools.fetch_wire import opened

    return opened
