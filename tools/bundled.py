"""The tools that come with Duologue."""

from __future__ import annotations

import os

from orchestrator.ports import Tool
from tools.calculate import calculate, convert
from tools.clock import clock
from tools.files import files
from tools.web import WebSettings
from tools.web import web as web_tools

__all__ = ["WebSettings", "bundled"]


def bundled(root: str | os.PathLike[str] = ".", *, web: WebSettings | None = None) -> list[Tool]:
    """All of them: files under `root`, the calculator, units and the clock, which need no key, account or network;
    and with `web` also web search and page fetch.

    Raises `ConfigError` for an engine that does not exist.
    """
    here: list[Tool] = [*files(root), calculate, convert, *clock()]
    return here if web is None else [*here, *web_tools(web)]
