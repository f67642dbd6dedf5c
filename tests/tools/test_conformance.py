"""One conformance suite over every bundled tool. A bundled tool without a row here fails the test."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestrator.ports import Tool
from orchestrator.testing import check_tool, check_toolbox
from tests.tools.web_host import Host, at, downloader, hosting, page
from tools.bundled import WebSettings, bundled
from tools.fetch import Reader, fetch
from tools.search import search
from tools.search_provider import Found, Hit

pytestmark = pytest.mark.anyio

LOCAL: Mapping[str, Mapping[str, Any]] = {
    "search_files": {"query": "ledger"},
    "read_file": {"path": "notes.md"},
    "list_files": {},
    "calculate": {"expression": "2 * 21"},
    "convert": {"value": "5", "unit_from": "km", "unit_to": "miles"},
    "current_time": {},
    "convert_time": {"time": "15:00", "zone_from": "Tokyo"},
    "date_math": {"question": "how many days until 2027-01-01"},
    "run_python": {"code": "print('working')\n2 * 21"},
}
"""What needs nothing but this machine: good arguments."""
WEB: Mapping[str, Mapping[str, Any]] = {"web_search": {"query": "gardens"}, "fetch_page": {}}
"""What needs the web, which a host on the loopback plays; `fetch_page` gets its address from there."""


class Engine:
    """An engine that always finds the same page."""

    def __init__(self, host: Host) -> None:
        self._hit = Hit("Gardens", at(host, "/garden"), "All about gardens.")

    @property
    def name(self) -> str:
        return "engine"

    async def search(self, query: str, *, limit: int) -> Found:
        return Found([self._hit])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "notes.md").write_text("The ledger is kept in the blue cupboard.\n", encoding="utf-8")
    return tmp_path


@asynccontextmanager
async def the_web() -> AsyncGenerator[tuple[Host, list[Tool]]]:
    body = "<html><title>Garden</title><body><article>" + "<p>It opens at nine every morning.</p>" * 9
    async with hosting({"/garden": page(body)}) as host:
        reader = Reader(downloader(host))
        yield host, [*search(Engine(host), reader), *fetch(reader)]


def test_every_bundled_tool_has_a_row(folder: Path) -> None:
    every = [tool.info.name for tool in bundled(folder, web=WebSettings(), python=True)]
    assert sorted(every) == sorted([*LOCAL, *WEB])


@pytest.mark.parametrize("name", LOCAL)
async def test_it_keeps_the_contract(name: str, folder: Path) -> None:
    (tool,) = (tool for tool in bundled(folder, python=True) if tool.info.name == name)
    assert (await check_tool(tool, LOCAL[name])).ok


async def test_those_of_the_web_keep_it_too() -> None:
    async with the_web() as (host, tools):
        results = await check_toolbox(tools, {**WEB, "fetch_page": {"url": at(host, "/garden")}})
    assert all(result.untrusted for result in results.values())
