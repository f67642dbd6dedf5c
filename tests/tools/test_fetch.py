"""`fetch_page`, as a reasoner calls it."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.errors import ToolFailed, ToolRetry
from orchestrator.ports import Progress, Result
from orchestrator.testing import check_tool
from orchestrator.testing.tool_checks import AloneContext
from tests.tools.web_host import at, downloader, hosting, page
from tools import fetch as room
from tools.fetch import Reader, fetch

pytestmark = pytest.mark.anyio

ARTICLE = "<html><head><title>Trains</title></head><body><article>" + "<p>The train to Lyon leaves at 9:12.</p>" * 9


async def called(reader: Reader, url: str) -> list[Any]:
    (tool,) = fetch(reader)
    return [chunk async for chunk in tool.call({"url": url}, AloneContext())]


async def test_a_page_is_told_read_and_marked_as_of_a_stranger() -> None:
    async with hosting({"/a": page(ARTICLE)}) as host:
        first, result = await called(Reader(downloader(host)), at(host, "/a"))
        assert first == Progress("opening page.example")
        assert isinstance(result, Result)
        assert result.untrusted
        assert result.text.startswith("Trains, page.example:\n")
        assert "leaves at 9:12" in result.text
        assert (result.sources[0].title, result.sources[0].place) == ("Trains", at(host, "/a"))
        assert result.data["whole"] is True


async def test_it_keeps_the_contract_of_a_tool() -> None:
    async with hosting({"/a": page(ARTICLE)}) as host:
        (tool,) = fetch(Reader(downloader(host)))
        assert (await check_tool(tool, {"url": at(host, "/a")})).untrusted
        assert not tool.info.limits.effects


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("text/plain; charset=latin-1", "grün".encode("latin-1"), "grün"),
        ("application/json", b'{"a": 1}', '{"a": 1}'),
        ("application/activity+json", b"{}", "{}"),
        ("", b"<html><body><p>hello there</p></body></html>", "hello there"),
        ("text/html; charset=koi8-r", "<p>grün</p>".encode(), "gr"),
    ],
)
async def test_kinds_that_are_read(kind: str, body: bytes, text: str) -> None:
    async with hosting({"/": page(body, kind=kind)}) as host:
        *_, result = await called(Reader(downloader(host)), at(host))
        assert text in result.text


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (page(b"%PDF", kind="application/pdf"), "PDFs cannot be read"),
        (page(b"\x89PNG", kind="image/png"), "Only text can be read"),
        (page(b"%PDF-1.7\n\0\0", kind=""), "Only text can be read"),
        (page("", kind="text/plain"), "is empty"),
        (page("<html><script>x()</script></html>"), "has no text"),
        (page("x", status="404 Not Found"), "no such page"),
        (page("x", status="403 Forbidden"), "to programs"),
        (page("x", status="429 Too Many"), "too busy"),
        (page("x", status="500 Oops"), "answers 500"),
        (page("x", status="302 Found"), "answers 302"),
    ],
)
async def test_what_cannot_be_read_is_said_in_words(answer: bytes, said: str) -> None:
    async with hosting({"/": answer}) as host:
        with pytest.raises(ToolFailed, match=said):
            await called(Reader(downloader(host)), at(host))


async def test_a_busy_server_says_when_to_come_back() -> None:
    async with hosting({"/": page("x", status="503 Busy", headers={"Retry-After": "7"})}) as host:
        with pytest.raises(ToolFailed) as caught:
            await called(Reader(downloader(host)), at(host))
        assert caught.value.after_s == 7.0


async def test_what_is_no_address_may_be_mended() -> None:
    with pytest.raises(ToolRetry):
        await called(Reader(), "file:///etc/passwd")


async def test_a_page_that_is_cut_says_so() -> None:
    async with hosting({"/": page("<p>hello there</p>" * 50_000)}) as host:
        *_, result = await called(Reader(downloader(host, plain_bytes=10_000)), at(host))
        assert "not whole" in result.text
        assert result.data["whole"] is False


async def test_without_its_library_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "can_extract", lambda: False)
    async with hosting({"/": page(ARTICLE), "/t": page("plain", kind="text/plain")}) as host:
        with pytest.raises(ToolFailed, match=r"pip install 'duologue\[web\]'"):
            await called(Reader(downloader(host)), at(host))
        assert "plain" in (await called(Reader(downloader(host)), at(host, "/t")))[-1].text
