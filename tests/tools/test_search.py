"""`web_search` and its engines: over real sockets, and for `ddgs` with its real client and engines."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import anyio
import msgspec
import pytest

from orchestrator.errors import ConfigError, ToolFailed, ToolRetry
from orchestrator.ports import Result
from orchestrator.testing import check_tool
from orchestrator.testing.tool_checks import AloneContext
from tests.tools.web_host import at, downloader, hosting, moved, page
from tools import search_ddgs
from tools.fetch import Reader
from tools.search import provider_named, search
from tools.search_ddgs import Ddgs
from tools.search_guard import Breaker, Guarded, Pace
from tools.search_provider import Blocked, Found, Hit, Offline, SearchProvider
from tools.search_services import Brave, SearXNG
from tools.web import WebSettings, web

anyio_test = pytest.mark.anyio


def json(body: object, status: str = "200 OK") -> bytes:
    return page(msgspec.json.encode(body), kind="application/json", status=status)


class Engine:
    """A provider with the answers it is given."""

    name = "engine"

    def __init__(self, *answers: Found | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def search(self, query: str, *, limit: int) -> Found:
        self.asked.append((query, limit))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


async def called(
    provider: SearchProvider, reader: Reader | None = None, **arguments: Any
) -> tuple[list[Any], AloneContext]:
    context = AloneContext()
    (tool,) = search(provider, reader)
    return [chunk async for chunk in tool.call({"query": "trains", **arguments}, context)], context


# --- the tool ---------------------------------------------------------------------------------------------------------


@anyio_test
async def test_hits_are_told_and_the_best_pages_are_read_side_by_side() -> None:
    both = anyio.Event()
    waiting: list[int] = []

    async def together(stream: Any, head: str) -> None:
        # Each page comes only when the other has been asked for too.
        waiting.append(1)
        if len(waiting) == 2:
            both.set()
        await both.wait()
        await stream.send(page("<article>" + "<p>The page itself says this at some length.</p>" * 5))

    async with hosting({"/1": together, "/2": together}) as host:
        hits = [Hit(f"Page {n}", at(host, f"/{n}"), f"about {n}") for n in (1, 2, 3)]
        chunks, context = await called(Engine(Found(hits)), Reader(downloader(host)))
    *told, result = chunks
    assert [(chunk.text, chunk.untrusted) for chunk in told] == [
        (f"found: Page {n} (page.example)", True) for n in (1, 2, 3)
    ]
    assert context.told == ["read page.example"] * 2
    assert isinstance(result, Result)
    assert result.untrusted
    assert result.text.count("The page says: The page itself says this") == 2
    assert [hit["read"] for hit in result.data["hits"]] == [True, True, False]
    assert [source.place for source in result.sources] == [hit.url for hit in hits]


@anyio_test
async def test_hits_that_lead_to_private_addresses_are_told_and_not_read() -> None:
    hits = [Hit("Evil", "http://169.254.169.254/latest/"), Hit("Odd", "http://0x7f.1/")]
    chunks, context = await called(Engine(Found(hits)))
    assert [hit["read"] for hit in chunks[-1].data["hits"]] == [False, False]
    assert context.told == []


@anyio_test
async def test_nothing_found_is_said_only_where_the_engine_said_so() -> None:
    chunks, _ = await called(Engine(Found()))
    assert "found nothing" in chunks[-1].text
    with pytest.raises(Blocked, match="gives nothing to programs just now") as caught:
        await called(Engine(Blocked("engine", "It answers 429.")))
    assert "nothing was found" not in str(caught.value)


@anyio_test
async def test_it_keeps_the_contract_of_a_tool() -> None:
    (tool,) = search(Engine(Found([Hit("A", "http://10.0.0.1/")])))
    assert (await check_tool(tool, {"query": "trains"})).untrusted
    with pytest.raises(ToolRetry):
        await called(Engine(Found()), query="  ")


# --- the guard --------------------------------------------------------------------------------------------------------


def test_one_query_a_second() -> None:
    pace = Pace(1.0)
    assert [pace.reserve(100.0) for _ in range(3)] == [0.0, 1.0, 2.0]
    assert pace.reserve(101.5) == 1.5
    assert pace.reserve(200.0) == 0.0
    assert Pace(1.0).reserve(5.0, most_s=0.5) == 0.0
    crowded = Pace(6.0)
    assert [crowded.reserve(0.0) for _ in range(3)] == [0.0, 6.0, None]


def test_a_breaker_opens_for_longer_each_time_and_lets_one_try() -> None:
    breaker = Breaker(first_s=20.0, most_s=100.0, failures=3)
    for _ in range(2):
        breaker.failed(0.0, "late", blocked=False)
    assert breaker.wait_s(0.0) == 0.0
    breaker.failed(0.0, "late", blocked=False)
    assert breaker.wait_s(5.0) == 15.0
    assert breaker.wait_s(20.0) == 0.0
    breaker.failed(20.0, "blocked", blocked=True)
    assert breaker.wait_s(20.0) == 40.0
    breaker.failed(60.0, "blocked", blocked=True, after_s=5_000.0)
    assert breaker.wait_s(60.0) == 100.0
    breaker.answered()
    assert breaker.wait_s(60.0) == 0.0


@anyio_test
async def test_an_engine_that_blocks_is_left_alone_for_a_while() -> None:
    engine = Engine(Blocked("engine", "It answers 429."), Found())
    guarded = Guarded(engine, pace=Pace(0.0))
    for _ in range(3):
        with pytest.raises(Blocked, match="It answers 429"):
            await guarded.search("x", limit=3)
    assert len(engine.asked) == 1


@anyio_test
async def test_an_engine_that_never_answers_is_given_up() -> None:
    class Silent(Engine):
        async def search(self, query: str, *, limit: int) -> Found:
            await anyio.sleep_forever()
            return Found()

    with pytest.raises(ToolFailed, match="takes too long"):
        await Guarded(Silent(Found()), pace=Pace(0.0), deadline_s=0.05).search("x", limit=3)


# --- SearXNG and Brave ------------------------------------------------------------------------------------------------


@anyio_test
async def test_searxng() -> None:
    hits = [{"title": "A <b>b</b>", "url": "https://a.example/", "content": "x &amp; y"}, {"url": "javascript:x"}, 7]
    async with hosting({"/s/search": json({"results": hits, "unresponsive_engines": []})}) as host:
        found = await SearXNG(f"http://127.0.0.1:{host.port}/s/").search("fast trains & more", limit=5)
        assert list(found.hits) == [Hit("A b", "https://a.example/", "x & y")]
        assert "GET /s/search?q=fast+trains+%26+more&format=json" in host.heads[0]


@anyio_test
@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (json({"results": [], "unresponsive_engines": [["google", "CAPTCHA"]]}), Blocked, "google"),
        (json({}, "429 Too Many"), Blocked, "429"),
        (page("no", status="403 Forbidden"), ToolFailed, "search.formats"),
        (page("<html>"), ToolFailed, "does not answer in JSON"),
        (json([1]), ToolFailed, "does not answer in JSON"),
        (json({}, "500 Oops"), ToolFailed, "500"),
        (b"garbage\r\n\r\n", Offline, "cannot reach"),
    ],
)
async def test_searxng_in_trouble(answer: bytes, kind: type[ToolFailed], said: str) -> None:
    async with hosting({"/search": answer}) as host:
        with pytest.raises(kind, match=said):
            await SearXNG(f"http://127.0.0.1:{host.port}").search("x", limit=5)


@anyio_test
async def test_searxng_that_found_nothing() -> None:
    async with hosting({"/search": json({"results": []})}) as host:
        assert await SearXNG(f"http://127.0.0.1:{host.port}").search("x", limit=5) == Found()


@anyio_test
async def test_brave() -> None:
    body = {
        "web": {"results": [{"title": "A", "url": "https://a.example/", "description": "about <strong>a</strong>"}]}
    }
    async with hosting({"/w": json(body)}) as host:
        brave = Brave("secret", url=at(host, "/w"), downloader=downloader(host))
        assert list((await brave.search("trains", limit=50)).hits) == [Hit("A", "https://a.example/", "about a")]
        assert "X-Subscription-Token: secret" in host.heads[0]
        assert "/w?q=trains&count=20&text_decorations=false" in host.heads[0]


@anyio_test
@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (json({"message": "bad token"}, "422 Unprocessable"), ToolFailed, "BRAVE_API_KEY"),
        (json({}, "429 Too Many"), Blocked, "429"),
        (moved("/elsewhere"), ToolFailed, "on and on"),
    ],
)
async def test_brave_in_trouble(answer: bytes, kind: type[ToolFailed], said: str) -> None:
    async with hosting({"/w": answer}) as host:
        with pytest.raises(kind, match=said) as caught:
            await Brave("secret", url=at(host, "/w"), downloader=downloader(host)).search("x", limit=5)
        assert "secret" not in str(caught.value)
        assert len(host.heads) == 1


def test_engines_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BRAVE_API_KEY", raising=False)
    assert provider_named("ddgs").name == "ddgs"
    assert provider_named("searxng:http://localhost:8888").name == "SearXNG"
    for wrong in ("altavista", "searxng:", "searxng:nonsense", "brave"):
        with pytest.raises(ConfigError):
            provider_named(wrong)
    monkeypatch.setenv("BRAVE_API_KEY", "k")
    assert provider_named("brave").name == "Brave"
    assert [tool.info.name for tool in web(WebSettings())] == ["web_search", "fetch_page"]


# --- ddgs -------------------------------------------------------------------------------------------------------------

MOJEEK = (
    "<html><ul class='results-standard'><li><h2><a href='{url}'>{title}</a></h2><p class='s'>about it</p></li></ul>"
)


def pointed(urls: Mapping[str, str]) -> Callable[[], Any]:
    """The real `ddgs.DDGS` with its real engines, each sent to an address of the loopback."""

    def made() -> Any:
        client: Any = import_module("ddgs").DDGS(timeout=3)
        for engine in client._get_engines("text", ",".join(urls)):
            engine.search_url = urls[engine.name]
        return client

    return made


def asked_at(port: int, *names: str) -> Ddgs:
    urls = {name: f"http://127.0.0.1:{port}/{name}" for name in names}
    return Ddgs(engines=",".join(names), made=pointed(urls))


@anyio_test
async def test_ddgs_finds() -> None:
    body = MOJEEK.format(url="https://a.example/", title="Trains")
    async with hosting({"/mojeek": page(body)}) as host:
        found = await asked_at(host.port, "mojeek").search("trains", limit=5)
        assert found == Found((Hit("Trains", "https://a.example/", "about it"),))
        assert "q=trains" in host.heads[0]


@anyio_test
@pytest.mark.parametrize(
    "answer",
    [
        page("x", status="403 Forbidden"),
        page("x", status="429 Too Many"),
        page("<form class='challenge-form'>Are you human?</form>"),
        page("<script src='/anomaly.js'></script>", status="202 Accepted"),
        page(""),
    ],
)
async def test_an_engine_that_blocks_is_not_taken_for_nothing_found(answer: bytes) -> None:
    async with hosting({"/mojeek": answer, "/duckduckgo": answer}) as host:
        with pytest.raises(Blocked, match="gives nothing to programs just now"):
            await asked_at(host.port, "mojeek", "duckduckgo").search("trains", limit=5)


@anyio_test
async def test_nothing_is_believed_where_engines_answered_with_nothing() -> None:
    empty = page("<html><body><p>No pages found matching your query.</p></body></html>")
    async with hosting({"/mojeek": empty, "/duckduckgo": empty}) as host:
        assert await asked_at(host.port, "mojeek", "duckduckgo").search("trains", limit=5) == Found()


@anyio_test
async def test_without_a_network_it_says_so_at_once() -> None:
    async with hosting({}) as host:
        port = host.port
    started = time.monotonic()
    with pytest.raises(Offline, match="cannot reach the internet"):
        await asked_at(port, "mojeek", "duckduckgo").search("trains", limit=5)
    assert time.monotonic() - started < 5


@anyio_test
async def test_without_ddgs_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(name: str) -> None:
        return None

    monkeypatch.setattr(search_ddgs, "find_spec", nowhere)
    with pytest.raises(ToolFailed, match=r"pip install 'duologue\[web\]'"):
        await Ddgs().search("trains", limit=5)
