"""Which tools: the options that every command with tools has, told in one place. Imports nothing but click."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

__all__ = ["tool_options"]

_NAMES: Final = ("tools", "mcp", "bundled", "python", "root")
_TOOLS = click.option(
    "--tools",
    metavar="WHERE",
    multiple=True,
    help="Your own tools: MODULE:NAME, a file, or what a package offers. Can be given several times.",
)
_BUNDLED = click.option(
    "--bundled/--no-bundled", default=None, help="With or without the tools that come with Duologue (default: with)."
)
_MCP = click.option(
    "--mcp",
    metavar="FILE",
    multiple=True,
    help='Tools of the MCP servers that this file names ({"mcpServers": ...}). Can be given several times.',
)
_PYTHON = click.option(
    "--python/--no-python", default=None, help="With or without a tool that runs Python programs (default: without)."
)
_ROOT = click.option(
    "--root",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The folder whose files the tools may read (default: the current one).",
)


def tool_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command these options; it gets them together as `chosen`, as `settings.load` takes them."""

    @functools.wraps(command)
    def chosen(**given: Any) -> int:
        taken = {name: given.pop(name) for name in _NAMES}
        return command(chosen={name: value for name, value in taken.items() if value not in (None, ())}, **given)

    return _TOOLS(_MCP(_BUNDLED(_PYTHON(_ROOT(chosen)))))
