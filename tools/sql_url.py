"""The address of a database, taken apart. Its password is shown nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from orchestrator.errors import ConfigError
from tools.from_environment import filled, variables

__all__ = ["DatabaseUrl", "parse_database_url"]

_KINDS: Final[Mapping[str, Literal["sqlite", "postgresql"]]] = {
    "sqlite": "sqlite",
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "postgresql+psycopg": "postgresql",
}


@dataclass(frozen=True, repr=False)
class DatabaseUrl:
    """Where a database is. `${NAME}` in its parts is filled in when it is used."""

    kind: Literal["sqlite", "postgresql"]
    path: str = ""
    """The file of SQLite."""
    parts: Mapping[str, str] = field(default_factory=dict[str, str])
    """What libpq is told, by its own names."""

    def __repr__(self) -> str:
        return f"<{self.shown}>"

    @property
    def shown(self) -> str:
        """What may be told of it: kind, host and name, and neither user nor password."""
        if self.kind == "sqlite":
            return f"the SQLite file {self.path.rpartition('/')[2]}"
        host = self.parts.get("host", "")
        at = f" at {host}" if host and not host.startswith("/") else ""
        return f"the PostgreSQL database {self.parts.get('dbname') or '(default)'}{at}"

    def file(self) -> str:
        """The file. Raises `Settled` where the environment lacks what it names."""
        return filled(self.path, what=self.shown, needs="its path")

    def connection(self) -> dict[str, str]:
        """What libpq is told. Raises `Settled` where the environment lacks what it names."""
        return {name: filled(value, what=self.shown, needs=f"its {name}") for name, value in self.parts.items()}


def parse_database_url(url: str) -> DatabaseUrl:
    """Read `sqlite:///shop.db`, `sqlite:////var/lib/shop.db`, `postgresql://reader:${PASSWORD}@host:5432/shop`.

    Raises:
        ConfigError: it is neither.
    """
    scheme = url.partition(":")[0].lower()
    kind = _KINDS.get(scheme)
    if kind is None or "://" not in url:
        raise _wrong("its scheme names no database that can be read")
    if kind == "sqlite":
        return DatabaseUrl(kind, path=_file(url))
    try:
        split = urlsplit(url)
        given = {"host": split.hostname, "port": str(split.port or ""), "user": split.username}
    except ValueError:
        # The words of this error may hold the address, and the address the password.
        raise _wrong("its host or port cannot be read; several hosts go into ?host=a,b") from None
    if split.fragment:
        raise _wrong("it holds a #, which has to be written %23 in a password")
    named = {**given, "password": split.password, "dbname": split.path.removeprefix("/")}
    parts = {name: _plain(value) for name, value in named.items() if value}
    if variables(url) and "${" in (split.hostname or ""):
        # urlsplit lowers the case of a host, and variables have theirs.
        parts["host"] = split.netloc.rpartition("@")[2].partition(":")[0]
    parts |= dict(parse_qsl(split.query, keep_blank_values=True))
    return DatabaseUrl(kind, parts=parts)


def _file(url: str) -> str:
    rest = url.partition("://")[2]
    host, slash, path = rest.partition("/")
    if host or not slash:
        raise _wrong("a file stands behind three slashes, and with its full path behind four")
    path, _, query = path.partition("?")
    if query:
        raise _wrong("SQLite is always opened for reading alone, and takes no options here")
    path = _plain(path)
    if path in ("", ":memory:"):
        raise _wrong("a database in memory is empty for whoever opens it anew")
    if "\0" in path:
        raise _wrong("its path holds a character that no path can hold")
    return path


def _plain(text: str) -> str:
    return unquote(text, errors="strict") if "%" in text else text


def _wrong(why: str) -> ConfigError:
    return ConfigError(
        "this is no address of a database",
        why,
        "write sqlite:///shop.db, sqlite:////full/path/shop.db, or postgresql://reader:${PASSWORD}@host:5432/shop",
    )
