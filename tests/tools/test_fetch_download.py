"""Downloads from a host that means no good: over real sockets, with everything as in production."""

from __future__ import annotations

import gzip
import ssl
import zlib

import anyio
import anyio.abc
import pytest
import trustme

from orchestrator.errors import ToolFailed, ToolRetry
from tests.tools.web_host import Host, Names, at, downloader, hosting, moved, page
from tools.fetch_download import USER_AGENT, Downloader

pytestmark = pytest.mark.anyio

HELLO = "<p>hello</p>"


async def test_a_page_comes_and_only_what_must_be_is_sent() -> None:
    async with hosting({"/": page(HELLO, headers={"Set-Cookie": "a=b"})}) as host:
        fetches = downloader(host)
        await fetches.get(at(host))
        found = await fetches.get(at(host))
        assert (found.status, found.kind, found.body, found.cut) == (200, "text/html", HELLO.encode(), "")
        first, second = host.heads
        assert first == second  # no cookie came back
        assert f"Host: page.example:{host.port}" in first
        assert f"User-Agent: {USER_AGENT}" in first
        assert "Accept-Encoding: gzip, deflate" in first


async def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with hosting({"/": page(HELLO)}) as host, hosting({"/": page("proxy")}) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert (await downloader(host).get(at(host))).body == HELLO.encode()
        assert proxy.heads == []


async def test_a_name_is_looked_up_once_and_the_answer_held_on_to() -> None:
    """DNS rebinding: a second look-up would give another address."""
    async with hosting({"/": page(HELLO)}) as host:
        names = Names(page_example=[["127.0.0.1"], ["10.0.0.1"]])
        assert (await downloader(host, names).get(at(host))).status == 200
        assert names.asked == ["page.example"]


async def test_a_redirect_to_the_same_name_is_checked_anew() -> None:
    async with hosting({"/": moved("/next"), "/next": page(HELLO)}) as host:
        names = Names(page_example=[["127.0.0.1"], ["169.254.169.254"]])
        with pytest.raises(ToolFailed, match="credentials"):
            await downloader(host, names).get(at(host))
        assert len(host.heads) == 1


@pytest.mark.parametrize("address", ["10.0.0.1", "::ffff:10.0.0.1", "fd00:ec2::254", "64:ff9b::a00:1", "127.0.0.2"])
async def test_one_private_address_among_public_ones_spoils_them_all(address: str) -> None:
    async with hosting({"/": page(HELLO)}) as host:
        names = Names(page_example=[["127.0.0.1", address]])
        with pytest.raises(ToolFailed, match="For safety"):
            await downloader(host, names).get(at(host))
        assert host.heads == []


@pytest.mark.parametrize(
    "to",
    [
        *("http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://[::ffff:169.254.169.254]/"),
        *(
            "http://10.0.0.1/",
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://metadata.google.internal/",
            "http://localhost/",
        ),
    ],
)
async def test_redirects_to_where_they_must_not_lead(to: str) -> None:
    async with hosting({"/": moved(to)}) as host:
        with pytest.raises(ToolFailed, match="For safety"):
            await downloader(host).get(at(host))


@pytest.mark.parametrize(
    "to", ["file:///etc/passwd", "http://0x7f000001/", "http://2852039166/", "gopher://x/", "http://a@b/"]
)
async def test_redirects_to_no_pages(to: str) -> None:
    async with hosting({"/": moved(to)}) as host:
        with pytest.raises(ToolRetry):
            await downloader(host).get(at(host))


async def test_a_redirect_to_another_port_of_the_same_machine() -> None:
    async with (
        hosting({"/": page("secret")}) as other,
        hosting({"/": moved(f"http://127.0.0.1:{other.port}/")}) as host,
    ):
        with pytest.raises(ToolFailed, match="this machine"):
            await downloader(host).get(at(host))
        assert other.heads == []


async def test_redirects_in_a_circle_and_without_end() -> None:
    steps = {f"/{n}": moved(f"/{n + 1}") for n in range(20)}
    async with hosting({"/": moved("/b"), "/b": moved("/"), **steps, "/ok": moved("/4x"), "/4x": page(HELLO)}) as host:
        with pytest.raises(ToolFailed, match="circle"):
            await downloader(host).get(at(host))
        before = len(host.heads)
        with pytest.raises(ToolFailed, match="on and on"):
            await downloader(host).get(at(host, "/0"))
        assert len(host.heads) - before == 6
        assert (await downloader(host).get(at(host, "/ok"))).url == at(host, "/4x")


async def test_a_key_is_not_carried_on_by_a_redirect() -> None:
    async with hosting({"/": moved("/b"), "/b": page(HELLO)}) as host:
        with pytest.raises(ToolFailed, match="on and on"):
            await downloader(host).get(at(host), headers={"X-Key": "secret"})
        assert len(host.heads) == 1


# --- bodies -----------------------------------------------------------------------------------------------------------


async def endless(stream: anyio.abc.ByteStream, head: str) -> None:
    await stream.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    while True:
        await stream.send(b"<p>more</p>" * 1_000)


async def drip(stream: anyio.abc.ByteStream, head: str) -> None:
    await stream.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
    while True:
        await stream.send(b".")
        await anyio.sleep(0.02)


async def dripping_head(stream: anyio.abc.ByteStream, head: str) -> None:
    await stream.send(b"HTTP/1.1 200 OK\r\n")
    for n in range(10_000):
        await stream.send(b"X-%d: 1\r\n" % n)
        await anyio.sleep(0.02)


async def silent(stream: anyio.abc.ByteStream, head: str) -> None:
    await stream.receive()


async def test_an_endless_body_is_cut_and_the_cut_is_told() -> None:
    async with hosting({"/": endless}) as host:
        found = await downloader(host, packed_bytes=200_000, plain_bytes=200_000).get(at(host))
        assert "only its beginning" in found.cut
        assert 100_000 < len(found.body) <= 200_000


@pytest.mark.parametrize("serve", [drip, dripping_head])
async def test_drops_that_never_end_are_bounded_as_a_whole(serve: object) -> None:
    async with hosting({"/": serve}) as host:  # type: ignore[dict-item]
        started = anyio.current_time()
        with pytest.raises(ToolFailed, match="takes too long"):
            await downloader(host, seconds=0.4, each_s=0.3).get(at(host))
        assert anyio.current_time() - started < 3.0


async def test_silence_is_bounded() -> None:
    async with hosting({"/": silent}) as host:
        with pytest.raises(ToolFailed, match="does not answer"):
            await downloader(host, each_s=0.2).get(at(host))


def deflated(data: bytes, wbits: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(HELLO.encode(), mtime=0)),
        ("x-gzip", gzip.compress(HELLO.encode()[:5], mtime=0) + gzip.compress(HELLO.encode()[5:], mtime=0)),
        ("deflate", deflated(HELLO.encode(), zlib.MAX_WBITS)),
        ("deflate", deflated(HELLO.encode(), -zlib.MAX_WBITS)),
        ("identity", HELLO.encode()),
    ],
)
async def test_packed_bodies_are_unpacked(coding: str, packed: bytes) -> None:
    async with hosting({"/": page(packed, headers={"Content-Encoding": coding})}) as host:
        found = await downloader(host).get(at(host))
        assert (found.body, found.cut) == (HELLO.encode(), "")


@pytest.mark.parametrize(("coding", "wbits"), [("gzip", 31), ("deflate", 15), ("deflate", -15)])
async def test_a_bomb_fills_its_bound_and_no_more(coding: str, wbits: int) -> None:
    bomb = deflated(b"\0" * 60_000_000, wbits)
    assert len(bomb) < 100_000
    async with hosting({"/": page(bomb, headers={"Content-Encoding": coding})}) as host:
        found = await downloader(host, plain_bytes=1_000_000).get(at(host))
        assert len(found.body) == 1_000_000
        assert "only its beginning" in found.cut


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress", "x" * 200])
async def test_what_was_not_asked_for_is_not_unpacked(coding: str) -> None:
    async with hosting({"/": page(b"\x8b\x02\x80hello", headers={"Content-Encoding": coding})}) as host:
        with pytest.raises(ToolFailed, match="not asked for"):
            await downloader(host).get(at(host))


async def test_what_is_not_packed_as_it_says() -> None:
    async with hosting({"/": page(HELLO, headers={"Content-Encoding": "gzip"})}) as host:
        with pytest.raises(ToolFailed, match="not packed as it says"):
            await downloader(host).get(at(host))


async def test_a_body_that_stops_short_is_kept_and_the_break_is_told() -> None:
    short = page(HELLO).replace(b"Content-Length: 12", b"Content-Length: 500")
    packed = page(gzip.compress(HELLO.encode() * 500)[:-12], headers={"Content-Encoding": "gzip"})
    async with hosting({"/": short, "/packed": packed}) as host:
        found = await downloader(host).get(at(host))
        assert (found.body, "broke off" in found.cut) == (HELLO.encode(), True)
        assert "broke off" in (await downloader(host).get(at(host, "/packed"))).cut


async def test_what_is_not_text_is_not_loaded() -> None:
    async with hosting({"/": page(b"%PDF-1.7" * 1_000, kind="application/pdf")}) as host:
        found = await downloader(host).get(at(host))
        assert (found.kind, found.body) == ("application/pdf", b"")


# --- HTTP itself ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"hello\r\n\r\n",
        b"\x16\x03\x01\x00\xa5" * 50,
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000 + b"\r\n\r\nx",
        b"",
    ],
)
async def test_garbage_in_place_of_http(raw: bytes) -> None:
    async with hosting({"/": raw or closes}) as host:
        with pytest.raises(ToolFailed):
            await downloader(host).get(at(host))


async def closes(stream: anyio.abc.ByteStream, head: str) -> None:
    await stream.aclose()


async def test_a_huge_head_is_refused() -> None:
    async with hosting({"/": page(HELLO, headers={f"X-{n}": "a" * 1_000 for n in range(60)})}) as host:
        with pytest.raises(ToolFailed, match="huge"):
            await downloader(host).get(at(host))


async def test_a_port_where_nobody_listens() -> None:
    async with hosting({}) as host:
        gone = Host(host.port)
    with pytest.raises(ToolFailed, match="cannot be reached"):
        await downloader(gone).get(at(gone))


# --- TLS --------------------------------------------------------------------------------------------------------------


def contexts(*names: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(server)  # pyright: ignore[reportUnknownMemberType]
    client = ssl.create_default_context()
    authority.configure_trust(client)  # pyright: ignore[reportUnknownMemberType]
    return server, client


async def test_the_certificate_is_checked_for_the_name_though_the_connection_goes_to_the_address() -> None:
    server, client = contexts("page.example")
    asked_for: list[str | None] = []
    server.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    async with hosting({"/": page(HELLO)}, server) as host:
        url = f"https://page.example:{host.port}/"
        names = Names(page_example="127.0.0.1", other_example="127.0.0.1")
        fetches = Downloader(allow=[f"127.0.0.1:{host.port}"], resolver=names, tls=client)
        assert (await fetches.get(url)).body == HELLO.encode()
        assert asked_for == ["page.example"]
        assert f"Host: page.example:{host.port}" in host.heads[0]
        with pytest.raises(ToolFailed, match="cannot be trusted"):
            await fetches.get(f"https://other.example:{host.port}/")
        with pytest.raises(ToolFailed, match="cannot be trusted"):
            await fetches.get(f"https://127.0.0.1:{host.port}/")


async def test_a_certificate_of_a_stranger_is_not_taken() -> None:
    server, _ = contexts("page.example")
    async with hosting({"/": page(HELLO)}, server) as host:
        with pytest.raises(ToolFailed, match="cannot be trusted"):
            await downloader(host).get(f"https://page.example:{host.port}/")
        assert host.heads == []
