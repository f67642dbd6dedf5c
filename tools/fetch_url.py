"""Addresses of pages, read strictly: what two readers could take for two hosts is refused. Pure."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

import msgspec

from orchestrator.errors import ToolRetry
from tools.fetch_address import IPAddress

__all__ = ["Target", "followed", "parse_url"]

LONGEST: Final = 4_096
PORTS: Final = {"http": 80, "https": 443}

_SCHEME: Final = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):(?!\d+(?:[/?#]|$))")
_NUMERIC: Final = re.compile(r"(?:0x[0-9a-f]*|\d+)", re.IGNORECASE)
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# What is left as it is in a path or a query; all else is written in percents.
_SAFE: Final = "/?:@!$&'()*+,;=-._~%[]"


class Target(msgspec.Struct, frozen=True):
    """A page's address, taken apart."""

    scheme: str
    host: str
    """In ASCII and lower case, without a trailing dot; an IPv6 address without its brackets."""
    port: int
    path: str
    """With the query; ASCII."""
    address: IPAddress | None = None
    """Where the host is one."""

    @property
    def authority(self) -> str:
        """As the `Host` header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


def parse_url(text: str) -> Target:
    """Take an address apart; without a scheme it is https.

    Raises:
        ToolRetry: it is no address of a page, or one that could be read in two ways.
    """
    url = text.strip().strip("<>")
    if not url:
        raise _wrong("There is no address.", "It is empty.")
    if len(url) > LONGEST:
        raise _wrong("The address is too long.", f"It has {len(url)} characters, and {LONGEST} are read.")
    if any(letter.isspace() or not letter.isprintable() or letter == "\\" for letter in url):
        raise _wrong("That is no address of a page.", "It holds spaces, control characters or backslashes.")
    scheme = _SCHEME.match(url)
    if scheme is None:
        url = f"https:{url}" if url.startswith("//") else f"https://{url}"
    elif scheme[1].lower() not in PORTS:
        raise _wrong(f"A {scheme[1].lower()[:20]} address is not fetched.", "Only http and https are.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as problem:
        raise _wrong("That is no address of a page.", f"{problem}.") from None
    if "@" in parts.netloc:
        raise _wrong("An address with a user name is not fetched.", "What stands before the @ hides the real host.")
    if not parts.hostname:
        raise _wrong("That is no address of a page.", "It names no host.")
    host, address = _host(parts.hostname, parts.netloc)
    path = quote(parts.path or "/", safe=_SAFE)
    if parts.query:
        path = f"{path}?{quote(parts.query, safe=_SAFE)}"
    return Target(parts.scheme.lower(), host, PORTS[parts.scheme.lower()] if port is None else port, path, address)


def followed(target: Target, location: str) -> Target:
    """Where a redirect leads. Raises `ToolRetry` as `parse_url` does."""
    try:
        return parse_url(urljoin(target.url, location.strip()))
    except ValueError as problem:
        raise _wrong("The page leads to what is no address.", f"{problem}.") from None


def _host(name: str, netloc: str) -> tuple[str, IPAddress | None]:
    if "[" in netloc or ":" in name:
        try:
            found = ip_address(name if "%" not in name else "")
        except ValueError:
            raise _wrong("That is no address of a page.", "What stands in brackets is no IPv6 address.") from None
        return str(found), found
    host = _ascii(name).removesuffix(".").lower()
    last = host.rpartition(".")[2]
    if _NUMERIC.fullmatch(last):
        # 2130706433, 0x7f.1 and 0177.0.0.1 are all 127.0.0.1 to some; only the plain way of writing is taken.
        try:
            plain = ip_address(host)
        except ValueError:
            raise _wrong("That address is not fetched.", "Its host is a number in a form that hides it.") from None
        return str(plain), plain
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise _wrong("That is no address of a page.", "Its host is no name.")
    return host, None


def _ascii(name: str) -> str:
    if name.isascii():
        return name
    import idna

    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise _wrong("That is no address of a page.", "Its host is no name.") from None


def _wrong(what: str, why: str) -> ToolRetry:
    return ToolRetry(what, why, "Give the whole address of a public page, as https://example.org/page.")
