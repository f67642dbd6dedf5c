"""Which tools: the options that every command with tools has, told in one place. Imports nothing but click."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["tool_options"]

F = TypeVar("F", bound=Callable[..., Any])

_TOOLS = click.option(
    "--tools",
    metavar="WHERE",
    multiple=True,
    help="Your own tools: MODULE:NAME, a file, or what a package offers. Can be given several times.",
)
_BUNDLED = click.option(
    "--bundled/--no-bundled", default=None, help="With or without the tools that come with Duologue (default: with)."
)
_ROOT = click.option(
    "--root",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The folder whose files the tools may read (default: the current one).",
)


def tool_options(command: F) -> F:
    """`tools`, `bundled` and `root`, as settings take them."""
    return _TOOLS(_BUNDLED(_ROOT(command)))
