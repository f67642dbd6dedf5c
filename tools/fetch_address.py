"""Which addresses of the internet a page may be fetched from. Pure: nothing is resolved or opened here.

What is refused is told by tables that follow IANA's registries of special addresses, and not by one flag of
`ipaddress`, whose meaning has changed between versions of Python. Forms of IPv6 that carry an IPv4 address are opened
and judged by what they carry, or refused where nobody serves pages through them.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

import msgspec

from orchestrator.errors import ConfigError

__all__ = ["Allowed", "IPAddress", "allowed", "embedded", "refusal"]

IPAddress: TypeAlias = IPv4Address | IPv6Address

_METADATA: Final = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Google, Azure, OpenStack, ...
        "169.254.170.2",  # credentials of ECS tasks
        "169.254.170.23",  # credentials of EKS pods
        "168.63.129.16",  # Azure's wire server: a public address that is answered from within
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle
        "fd00:ec2::254",  # AWS over IPv6
        "fd00:ec2::23",
        "fd20:ce::254",  # Google over IPv6
        "fe80::a9fe:a9fe",  # OpenStack over IPv6
    )
)
_SPECIAL_4: Final[tuple[tuple[str, str], ...]] = (
    ("0.0.0.0/8", "an address of this network"),
    ("10.0.0.0/8", "a private address"),
    ("100.64.0.0/10", "an address behind a carrier's NAT"),
    ("127.0.0.0/8", "an address of this machine"),
    ("169.254.0.0/16", "a link-local address"),
    ("172.16.0.0/12", "a private address"),
    ("192.0.0.0/24", "a reserved address"),
    ("192.0.2.0/24", "an address for documents only"),
    ("192.31.196.0/24", "a reserved address"),
    ("192.52.193.0/24", "a reserved address"),
    ("192.88.99.0/24", "a reserved address"),
    ("192.168.0.0/16", "a private address"),
    ("192.175.48.0/24", "a reserved address"),
    ("198.18.0.0/15", "an address for benchmarks only"),
    ("198.51.100.0/24", "an address for documents only"),
    ("203.0.113.0/24", "an address for documents only"),
    ("224.0.0.0/4", "a multicast address"),
    ("240.0.0.0/4", "a reserved address"),
)
_SPECIAL_6: Final[tuple[tuple[str, str], ...]] = (
    ("::1/128", "an address of this machine"),
    ("::/128", "an address of this network"),
    ("fc00::/7", "a private address"),
    ("fe80::/10", "a link-local address"),
    ("fec0::/10", "a private address"),
    ("ff00::/8", "a multicast address"),
    ("2001::/32", "a Teredo address, which hides another one"),
    ("2001::/23", "a reserved address"),
    ("2001:db8::/32", "an address for documents only"),
    ("2002::/16", "a 6to4 address, which hides another one"),
    ("3fff::/20", "an address for documents only"),
)
_NETS_4: Final = tuple((IPv4Network(net), what) for net, what in _SPECIAL_4)
_NETS_6: Final = tuple((IPv6Network(net), what) for net, what in _SPECIAL_6)
_WORLD_6: Final = IPv6Network("2000::/3")
"""All that has been given out of IPv6 for the open internet."""
_NAT64: Final = IPv6Network("64:ff9b::/96")
_ISATAP: Final = (0x00005EFE, 0x02005EFE)
_LOW_32: Final = 0xFFFFFFFF


class Allowed(msgspec.Struct, frozen=True):
    """One exception: a host by name or a network, with any port or one."""

    host: str = ""
    net: IPv4Network | IPv6Network | None = None
    port: int | None = None

    def opens(self, host: str, address: IPAddress, port: int) -> bool:
        """Whether `address`, reached by the name `host`, may be asked at `port`."""
        if self.port is not None and self.port != port:
            return False
        if self.net is None:
            return self.host == host
        plain = embedded(address) or address
        return plain.version == self.net.version and plain in self.net


def allowed(entries: Iterable[str]) -> tuple[Allowed, ...]:
    """Read `10.1.0.0/16`, `wiki.intern`, `10.1.2.3:8080`, `[fd00::1]:8080`.

    Raises:
        ConfigError: an entry is none of these.
    """
    return tuple(_allowed(entry.strip()) for entry in entries if entry.strip())


def _allowed(entry: str) -> Allowed:
    host, port = entry, None
    bare, colon, digits = entry.rpartition(":")
    if colon and digits.isdecimal() and (":" not in bare or (bare.startswith("[") and bare.endswith("]"))):
        host, port = bare, int(digits)
    host = host.strip("[]").rstrip(".").lower()
    try:
        return Allowed(net=ip_network(host), port=port)
    except ValueError:
        if "/" in host or ":" in host or not host or not host.replace("-", "").replace(".", "").isalnum():
            raise ConfigError(
                f"{entry!r} names no host and no network that pages may be fetched from",
                "an entry is a network (10.1.0.0/16), an address, or a host's name, each with a port or without",
                "correct DUOLOGUE_WEB_ALLOW, or leave the entry out",
            ) from None
        return Allowed(host=host, port=port)


def embedded(address: IPAddress) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address of a translating form really stands for."""
    if isinstance(address, IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(int(address) & _LOW_32) if address in _NAT64 else None


def refusal(address: IPAddress, *, host: str = "", port: int = 0, exceptions: Iterable[Allowed] = ()) -> str:
    """Why `address` is not asked; empty where it may be.

    No exception opens the addresses where clouds hand out the credentials of a machine.
    """
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return "an address that holds only for one link"
    plain = embedded(address) or address
    if plain in _METADATA:
        return "where a cloud keeps the credentials of its machines"
    if any(each.opens(host, address, port) for each in exceptions):
        return ""
    return _special(plain)


def _special(address: IPAddress) -> str:
    if isinstance(address, IPv4Address):
        return next((what for net, what in _NETS_4 if address in net), "")
    found = next((what for net, what in _NETS_6 if address in net), "")
    if found:
        return found
    if address not in _WORLD_6:
        return "a reserved address"
    if (int(address) >> 32) & _LOW_32 in _ISATAP:
        return "an ISATAP address, which hides another one"
    return ""
