"""How a Redis is written as an address, in all its forms, and what of it may be shown.

| address | what it is |
|---|---|
| `redis://[user:password@]host[:port][/db]` | one server; `rediss://` for TLS |
| `unix://[user:password@]/path[?db=n]` | one server on this machine |
| `redis+sentinel://[user:password@]host[:port],host[:port]/SERVICE[/db]` | the primary that the sentinels name |
| `redis+cluster://[user:password@]host[:port],host[:port]` | the node of a Cluster that serves our keys |

`rediss+sentinel://` and `rediss+cluster://` use TLS. Options follow a question mark, as in redis-py: `ssl_ca_certs`,
`ssl_certfile`, `ssl_keyfile`, `ssl_cert_reqs`, `ssl_check_hostname` and so on. User and password are those of the
servers; sentinels with one of their own get it by `sentinel_username` and `sentinel_password`.

Nothing here imports redis-py, since a command must be able to refuse a wrong address without waiting for that.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias
from urllib.parse import parse_qsl, quote, unquote, urlencode

import msgspec

from orchestrator.errors import ConfigError

__all__ = ["Address", "Place", "parsed", "shown_url"]

Place: TypeAlias = tuple[str, int]
"""Host and port."""

SCHEMES: Final = {
    "redis": ("redis", "server"),
    "rediss": ("rediss", "server"),
    "unix": ("unix", "server"),
    "redis+sentinel": ("redis", "sentinel"),
    "rediss+sentinel": ("rediss", "sentinel"),
    "redis+cluster": ("redis", "cluster"),
    "rediss+cluster": ("rediss", "cluster"),
}
EXAMPLES: Final = {
    "server": "redis://localhost:6379/0",
    "sentinel": "redis+sentinel://host1:26379,host2:26379/mymaster",
    "cluster": "redis+cluster://host1:6379,host2:6379",
}
PORTS: Final = {"server": 6379, "sentinel": 26379, "cluster": 6379}
HIDDEN: Final = "***"


class Address(msgspec.Struct, frozen=True):
    """Where a Redis is, or who knows where it is."""

    kind: Literal["server", "sentinel", "cluster"]
    places: tuple[Place, ...]
    """The servers, sentinels or nodes that are named; none where the server is a file."""
    server_url: str
    """The first place, as redis-py reads it, with all that is needed to talk with a server: it holds the password."""
    service: str = ""
    """What the sentinels call the primary."""
    sentinel_url: str = ""
    """As `server_url`, with all that is needed to talk with a sentinel."""
    shown: str = ""
    """For messages."""

    def __repr__(self) -> str:
        return f"Address({self.shown!r})"


class _Parts(msgspec.Struct, frozen=True):
    scheme: str
    user: str
    """As it was written, with the password."""
    hosts: str
    path: str
    options: tuple[tuple[str, str], ...]


def _split(url: str) -> _Parts | None:
    """The parts of an address; `None` where a password could be taken for something else."""
    scheme, found, rest = url.partition("://")
    if not found:
        return None
    rest, _, fragment = rest.partition("#")
    rest, _, query = rest.partition("?")
    authority, slash, path = rest.partition("/")
    user, _, hosts = authority.rpartition("@")
    # A password with one of / ? # in it, not written as %2F and so on, would come out as anything but the password.
    if "@" in path or ("@" in query and not user) or fragment:
        return None
    return _Parts(scheme, user, hosts, slash + path, tuple(parse_qsl(query, keep_blank_values=True)))


def shown_url(url: str) -> str:
    """The address without its secrets, for messages."""
    parts = _split(url)
    if parts is None or (parts.scheme in SCHEMES and _places(parts) is None):
        scheme = url.partition("://")[0]
        return f"{scheme}://{HIDDEN}" if scheme in SCHEMES else "(an address that cannot be read)"
    name, _, password = parts.user.partition(":")
    # A name alone may be a password whose colon was forgotten.
    user = f"{name}:{HIDDEN}@" if password else f"{HIDDEN}@" if name else ""
    shown = [(name, value if _is_harmless(name, value) else HIDDEN) for name, value in parts.options]
    options = urlencode(shown, safe="*/:")
    return f"{parts.scheme}://{user}{parts.hosts}{parts.path}{'?' if options else ''}{options}"


def _is_harmless(option: str, value: str) -> bool:
    if option == "db":
        return value.isdecimal()
    return option.startswith("ssl_") and "pass" not in option and "data" not in option


def parsed(url: str) -> Address:
    """What `url` says. Raises `ConfigError` for one that says nothing; the message holds no password."""
    parts = _split(url)
    if parts is None or parts.scheme not in SCHEMES:
        scheme = url.partition("://")[0]
        if scheme in SCHEMES:
            why = "A / ? # or @ in a user, a password or an option must be written as %2F, %3F, %23 or %40."
            raise _refusal(url, why, SCHEMES[scheme][1])
        raise _refusal(url, f"It must begin with one of {', '.join(f'{name}://' for name in SCHEMES)}.", "server")
    plain, kind = SCHEMES[parts.scheme]
    places = _places(parts)
    if places is None:
        raise _refusal(url, "Each host must have a name, and its port must be a number from 1 to 65535.", kind)
    first = places[0] if places else ("localhost", 0)
    user = f"{parts.user}@" if parts.user else ""
    options = [(name, value) for name, value in parts.options if not name.startswith("sentinel_")]
    if len(options) < len(parts.options) and kind != "sentinel":
        raise _refusal(url, "Options for sentinels belong to an address that names sentinels.", kind)
    query = f"?{urlencode(options)}" if options else ""
    if plain == "unix":
        if not parts.path.strip("/") or parts.hosts:
            raise _refusal(url, "After unix:// comes the whole path of a socket, as in unix:///run/redis.sock.", kind)
        return Address("server", (), f"unix://{user}{parts.path}{query}", shown=shown_url(url))
    service, database = "", parts.path.strip("/")
    match kind:
        case "sentinel":
            service, _, database = database.partition("/")
            if not service:
                raise _refusal(url, "The name of the service is missing: what the sentinels call it.", kind)
        case "cluster":
            if database not in ("", "0") or dict(options).get("db", "0") != "0":
                raise _refusal(url, "A Cluster has no other database than 0.", kind)
            database = ""
        case _:
            if len(places) > 1:
                raise _refusal(url, "Several servers are named, and not what they are to each other.", "sentinel")
    if database and not database.isdecimal():
        raise _refusal(url, "The database must be a number.", kind)
    return Address(
        "sentinel" if kind == "sentinel" else "cluster" if kind == "cluster" else "server",
        places,
        f"{plain}://{user}{_written(first)}{f'/{database}' if database else ''}{query}",
        unquote(service),
        _sentinel_url(url, plain, parts, first) if kind == "sentinel" else "",
        shown_url(url),
    )


def _sentinel_url(url: str, plain: str, parts: _Parts, place: Place) -> str:
    own = {name: value for name, value in parts.options if name.startswith("sentinel_")}
    name, password = own.pop("sentinel_username", ""), own.pop("sentinel_password", "")
    if own:
        raise _refusal(url, "For sentinels there are the options sentinel_username and sentinel_password.", "sentinel")
    user = f"{quote(name, safe='')}:{quote(password, safe='')}@" if password else ""
    tls = urlencode([(name, value) for name, value in parts.options if name.startswith("ssl_")])
    return f"{plain}://{user}{_written(place)}/0{f'?{tls}' if tls else ''}"


def _places(parts: _Parts) -> tuple[Place, ...] | None:
    kind = SCHEMES[parts.scheme][1]
    if parts.scheme == "unix":
        return ()
    # As everywhere: no host at all is this machine.
    found = [_place(each, PORTS[kind]) for each in (parts.hosts or "localhost").split(",")]
    return tuple(place for place in found if place is not None) if None not in found else None


def _place(written: str, default: int) -> Place | None:
    written = written.strip()
    if written.startswith("["):
        host, bracket, rest = written[1:].partition("]")
        colon, port = rest[:1], rest[1:]
        if not bracket or (rest and colon != ":"):
            return None
    else:
        host, colon, port = written.partition(":")
        host = host or "localhost"
    if not host or any(letter in host for letter in "[]@ "):
        return None
    if not colon:
        return host, default
    if not port.isdecimal() or not 0 < int(port) < 65536:
        return None
    return host, int(port)


def _written(place: Place) -> str:
    host, port = place
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _refusal(url: str, why: str, kind: str) -> ConfigError:
    return ConfigError(f"{shown_url(url)} is not the address of a Redis.", why, f"Write it like {EXAMPLES[kind]}.")
