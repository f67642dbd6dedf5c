"""The tools that come with Duologue."""

from __future__ import annotations

import os

from orchestrator.ports import Tool
from tools.calculate import calculate, convert
from tools.clock import clock
from tools.files import files
from tools.run_python import python_tool
from tools.web import WebSettings
from tools.web import web as web_tools

__all__ = ["WebSettings", "bundled"]


def bundled(root: str | os.PathLike[str] = ".", *, web: WebSettings | None = None, python: bool = False) -> list[Tool]:
    """All of them: files under `root`, the calculator, units and the clock, which need no key, account or network;
    with `web` also web search and page fetch, and with `python` the tool that runs Python programs.

    Raises `ConfigError` for an engine that does not exist.
    """
    here: list[Tool] = [*files(root), calculate, convert, *clock()]
    if web is not None:
        here += web_tools(web)
    if python:
        here.append(python_tool())
    return here
