"""From a host's name to addresses that may be asked: resolved once, and judged before anything is opened."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final, Protocol

import anyio

from orchestrator.errors import ToolFailed
from tools.fetch_address import Allowed, IPAddress, refusal
from tools.fetch_trouble import HostUnknown
from tools.fetch_url import Target

__all__ = ["Resolver", "SystemResolver", "checked"]

MOST_ADDRESSES: Final = 16
WEB_PORTS: Final = frozenset({80, 443, 8080, 8443})
"""Other ports belong to other protocols, which may take a request for something of their own."""
_LOCAL: Final = ("localhost", "local", "internal", "intranet", "lan", "home.arpa", "onion", "test", "invalid")


class Resolver(Protocol):
    """Looks up names."""

    async def addresses(self, host: str, port: int) -> Sequence[IPAddress]:
        """All addresses of `host`, the best first. Raises `HostUnknown`."""
        ...


class SystemResolver:
    """As the system does it."""

    async def addresses(self, host: str, port: int) -> Sequence[IPAddress]:
        """Raises `HostUnknown`."""
        try:
            found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except socket.gaierror as problem:
            raise HostUnknown(host, offline=problem.errno in (socket.EAI_AGAIN, socket.EAI_FAIL)) from None
        except (OSError, UnicodeError):
            raise HostUnknown(host, offline=False) from None
        return [ip_address(str(sockaddr[0])) for *_, sockaddr in found]


async def checked(target: Target, resolver: Resolver, exceptions: Sequence[Allowed]) -> Sequence[IPAddress]:
    """The addresses of `target` that may be asked. Where one of them may not, none may: a name that mixes public and
    private addresses is a trap.

    Raises:
        ToolFailed: it is not asked, and why; or the name is not known.
    """
    named = any(each.host == target.host and each.port in (None, target.port) for each in exceptions)
    if target.address is None and not named:
        labels = target.host.split(".")
        if len(labels) == 1 or any(target.host.endswith(f".{ending}") for ending in _LOCAL):
            raise _refused(target, "it is the name of a host in a local network")
    found = [target.address] if target.address is not None else await resolver.addresses(target.host, target.port)
    if not found:
        raise HostUnknown(target.host, offline=False)
    unique = list(dict.fromkeys(found))[:MOST_ADDRESSES]
    for address in unique:
        why = refusal(address, host=target.host, port=target.port, exceptions=exceptions)
        if why:
            raise _refused(target, f"it is {why}" if target.address is not None else f"{address} is {why}")
    opened = all(any(each.opens(target.host, address, target.port) for each in exceptions) for address in unique)
    if target.port not in WEB_PORTS and not opened:
        raise _refused(target, f"port {target.port} is none that pages are served at")
    return unique


def _refused(target: Target, why: str) -> ToolFailed:
    return ToolFailed(
        f"{target.authority} is not asked.", f"For safety: {why}.", "Only public pages are fetched; take another one."
    )
