"""The tools that come with Duologue and need no key, no account and no network."""

from __future__ import annotations

import os

from orchestrator.ports import Tool
from tools.calculate import calculate, convert
from tools.clock import clock
from tools.files import files

__all__ = ["bundled"]


def bundled(root: str | os.PathLike[str] = ".") -> list[Tool]:
    """All of them: files under `root`, the calculator, units, and the clock."""
    return [*files(root), calculate, convert, *clock()]
