"""How an MCP server is reached: a program that is started, or an address."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import msgspec

from orchestrator.errors import ConfigError

__all__ = ["Address", "Program", "Reach", "filled_in", "missing_in"]

_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


class Program(msgspec.Struct, frozen=True):
    """A program that speaks MCP over its stdin and stdout. It is started for whoever opens it, and ended with them."""

    command: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = {}
    """Besides PATH, HOME and the like nothing of our environment reaches it, so its keys stand here: `${KEY}` is
    filled in from ours."""
    cwd: Path | None = None

    def __str__(self) -> str:
        """What it is, without what may be a secret."""
        return Path(self.command).name


class Address(msgspec.Struct, frozen=True):
    """A server at an address (streamable HTTP). `${NAME}` in a header is filled in from the environment."""

    url: str
    headers: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            fits = parts.scheme in ("http", "https") and bool(parts.hostname)
        except ValueError:
            fits = False
        if not fits:
            raise ConfigError(
                "the address of an MCP server is none", "it begins with http:// or https://", f"correct {self.url!r}"
            )

    def __str__(self) -> str:
        """Where it is, without a password."""
        parts = urlsplit(self.url)
        port = f":{parts.port}" if parts.port else ""
        return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"


Reach: TypeAlias = Program | Address


def filled_in(values: Mapping[str, str]) -> dict[str, str]:
    """With `${NAME}` and `${NAME:-default}` from the environment; what is not there is empty."""
    return {name: _VARIABLE.sub(_found, value) for name, value in values.items()}


def missing_in(reach: Reach) -> list[str]:
    """The variables that it names, and that are not set."""
    values = reach.env if isinstance(reach, Program) else reach.headers
    named = [found for value in values.values() for found in _VARIABLE.finditer(value)]
    return list(dict.fromkeys(one[1] for one in named if one[2] is None and not os.environ.get(one[1])))


def _found(match: re.Match[str]) -> str:
    return os.environ.get(match[1]) or match[2] or ""
