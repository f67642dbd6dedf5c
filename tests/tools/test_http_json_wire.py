"""The way to a team's own API: secrets that stay, bounds that hold, hosts that do not change."""

from __future__ import annotations

import gzip
import logging
import ssl
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import anyio
import anyio.abc
import pytest
import trustme

from background.alone import Alone
from orchestrator.errors import ToolFailed
from orchestrator.ports import Result, ToolCall
from orchestrator.resources import Resources
from orchestrator.testing import AloneContext
from tests.tools.api_host import ApiHost, Asked, Raw, api, says
from tools.http_json import ApiLimits, JsonApi, http_json

pytestmark = pytest.mark.anyio

TOKEN = "tok-5ecret"


def declared(base: str, *, retries: int = 0, headers: dict[str, str] | None = None, **more: Any) -> JsonApi:
    """An API with one tool of each kind."""
    limits = ApiLimits(**more.pop("limits", {}))
    shop = http_json(base, name="the shop", headers=headers, limits=limits, **more)

    @shop.get("/look", retries=retries)
    async def look(q: str | None = None) -> None:
        """Look."""

    @shop.post("/do")
    async def do(a: int = 1) -> None:
        """Do."""

    return shop


async def called(box: JsonApi, name: str = "look", **arguments: Any) -> Result:
    async with Alone(list(box)) as bench:
        return await bench.result(ToolCall(name, arguments))


@pytest.mark.parametrize(
    ("answer", "retry", "text"),
    [
        (
            says({"detail": "no such article"}, 404),
            True,
            "the shop knows no such thing.\nIt answers 404: no such article.",
        ),
        (
            says({"message": "count is too high."}, 400),
            True,
            "the shop does not take that.\nIt answers 400: count is too",
        ),
        (says({"error": {"message": "conflict"}}, 409), True, "It answers 409: conflict."),
        (
            says({"detail": [{"loc": ["body", "count"], "msg": "too small", "input": "x"}]}, 422),
            True,
            "It answers 422: body.count: too small.",
        ),
        (says({"errors": ["a", {"title": "b"}]}, 422), True, "422: a; b."),
        (says({"title": "Gone", "type": "x"}, 410, kind="application/problem+json"), True, "410: Gone."),
        (says(b"plain words\nhere", 400, kind="text/plain"), True, "400: plain words here."),
        (says(b"<html>no</html>", 400, kind="text/html"), True, "It answers 400."),
        (says(b"{broken", 400), True, "It answers 400."),
        (says({"detail": "x" * 2_000}, 400), True, f"400: {'x' * 300}...."),
        (says({"detail": "a\u202eb\x1b[31mc\u200b"}, 400), True, "400: abc."),
        (says({"detail": "do not tell"}, 401), False, "the shop does not let this call in.\nIt answers 401.\n"),
        (says({}, 403), False, "does not let this call in"),
        (says({}, 405), False, "does not let this call in"),
        (says({}, 429), False, "is too busy.\nIt answers 429."),
        (says({}, 500), False, "has failed.\nIt answers 500.\nTry it later."),
        (says({}, 503), False, "is too busy"),
        (says({}, 304), False, "leads elsewhere"),
        (says(b"<html>hello</html>", kind="text/html"), False, "does not answer in JSON.\nIt sends text/html."),
        (says(b"{broken"), False, "does not answer in JSON"),
        (says(b"[" * 100_000), False, "does not answer in JSON"),
        (says(b'{"a": "\xff"}'), False, "does not answer in JSON"),
    ],
)
async def test_what_goes_wrong_is_said_in_words(answer: bytes, retry: bool, text: str) -> None:
    async with api(answer) as host:
        result = await called(declared(host.url))
        assert (result.ok, result.retry, result.untrusted) == (False, retry, False)
        assert text in result.text
        assert "do not tell" not in result.text


@pytest.mark.parametrize(
    ("answer", "data", "text"),
    [
        (says({"a": [1, None, "ü"]}), {"a": [1, None, "ü"]}, '{"a": [1, null, "ü"]}'),
        (says("words"), "words", "words"),
        (says(b"3", kind="application/vnd.shop+json"), 3, "3"),
        (says(b"[]", kind=""), [], "[]"),
        (says(None, 204), None, "Done."),
        (says(b" ", 201), None, "Done."),
        (says(b'""'), "", "It is empty."),
        (says(gzip.compress(b'{"a": 1}'), Content_Encoding="gzip"), {"a": 1}, '{"a": 1}'),
    ],
)
async def test_what_is_answered_is_read(answer: bytes, data: object, text: str) -> None:
    async with api(answer) as host:
        assert await called(declared(host.url)) == Result(text, data=data)


async def test_a_busy_api_is_asked_again_when_it_says() -> None:
    answers = [says({}, 503, Retry_After="0"), says({}, 429, Retry_After="0"), says({"a": 1})]
    async with api(lambda _: answers.pop(0)) as host:
        assert (await called(declared(host.url, retries=2))).data == {"a": 1}
        assert len(host.asked) == 3


@pytest.mark.parametrize("answer", [says({}, 401), says(b"<html>"), says({"a": 1}, 302, Location="http://other/")])
async def test_what_will_not_change_is_not_tried_again(answer: bytes) -> None:
    async with api(answer) as host:
        assert not (await called(declared(host.url, retries=2))).ok
        assert len(host.asked) == 1


@pytest.mark.parametrize(
    ("said", "low", "high"),
    [("7", 7.0, 7.0), ("in 100 s", 50.0, 100.0), ("in -100 s", 0.0, 0.0), ("soon", None, None), ("9" * 50, None, None)],
)
async def test_when_to_come_back_is_passed_on(said: str, low: float | None, high: float | None) -> None:
    if said.startswith("in "):
        then = datetime.now(UTC) + timedelta(seconds=int(said.split()[1]))
        said = format_datetime(then, usegmt=True)
    async with api(says({}, 503, Retry_After=said)) as host, Resources() as resources:
        (look, _) = declared(host.url)
        with pytest.raises(ToolFailed) as caught:
            await anext(look.call({}, AloneContext(resources=resources)))
        if low is None or high is None:
            assert caught.value.after_s is None
        else:
            assert caught.value.after_s is not None
            assert low <= caught.value.after_s <= high


async def test_what_has_effects_is_not_done_twice_and_says_what_is_not_known() -> None:
    for answer, known in ((says({}, 500), False), (says({}, 504), False), (says({}, 429), True), (says({}, 400), True)):
        async with api(answer) as host:
            result = await called(declared(host.url), "do")
            assert not result.ok
            assert ("Whether it was done is not known." in result.text) is not known, result.text
            assert len(host.asked) == 1


# --- secrets ---------------------------------------------------------------------------------------------------------


async def test_a_token_is_read_at_each_call_and_told_nowhere(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    def repeats(asked: Asked) -> bytes:
        return says({"detail": f"bad {asked.headers['authorization']} or {asked.headers['authorization'][7:]}"}, 400)

    async with api(repeats) as host:
        shop = declared(host.url, headers={"Authorization": "Bearer ${SHOP_TOKEN}", "X-Api-Key": "k3y-written"})
        said = [repr(shop), repr(list(shop)), str([tool.info for tool in shop])]
        async with Alone(list(shop)) as bench:
            monkeypatch.setenv("SHOP_TOKEN", f"{TOKEN}\n")
            result = await bench.result(ToolCall("look", {}))
            assert result.text.startswith("the shop does not take that.\nIt answers 400: bad *** or ***.")
            said.append(result.text)
            monkeypatch.setenv("SHOP_TOKEN", "another-one")
            await bench.result(ToolCall("look", {}))
            monkeypatch.delenv("SHOP_TOKEN")
            missing = await bench.result(ToolCall("look", {}))
            assert missing.text == (
                "the shop cannot be asked.\n"
                "SHOP_TOKEN is not set, and the header Authorization needs it.\n"
                "Whoever runs this has to set it in the environment of the worker, and start it again."
            )
            monkeypatch.setenv("SHOP_TOKEN", "tok\r\nHost: evil")
            broken = await bench.result(ToolCall("look", {}))
            assert "holds a line break" in broken.text
            monkeypatch.setenv("SHOP_TOKEN", "tok→x")
            assert "no header can hold" in (await bench.result(ToolCall("look", {}))).text
        assert [each.headers["authorization"] for each in host.asked] == [f"Bearer {TOKEN}", "Bearer another-one"]
        assert all(each.headers["x-api-key"] == "k3y-written" for each in host.asked)
    for text in [*said, caplog.text]:
        assert TOKEN not in text
        assert "k3y-written" not in text


async def test_a_key_in_the_query_is_kept_as_well(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("SHOP_KEY", "k&y 5ecret")
    async with api(lambda asked: says({"detail": f"no {asked.target} and k&y 5ecret"}, 400)) as host:
        shop = declared(host.url, query={"key": "${SHOP_KEY}", "lang": "en"})
        result = await called(shop, q="x")
        assert [each.target for each in host.asked] == ["/look?q=x&key=k%26y+5ecret&lang=en"]
        assert "It answers 400: no /look?q=x&key=***&lang=en and ***." in result.text
        await called(shop, "do")
        assert host.asked[-1].target == "/do?key=k%26y+5ecret&lang=en"
        monkeypatch.delenv("SHOP_KEY")
        assert "SHOP_KEY is not set, and key of the query needs it." in (await called(shop)).text
        assert "5ecret" not in caplog.text


# --- other hosts -----------------------------------------------------------------------------------------------------


async def test_a_redirect_within_the_origin_is_followed() -> None:
    def answer(asked: Asked) -> bytes:
        return says({"at": asked.target}) if asked.target == "/new?x=1" else says(None, 302, Location="/new?x=1")

    async with api(answer) as host:
        assert (await called(declared(host.url))).data == {"at": "/new?x=1"}
        posted = await called(declared(host.url), "do")
        assert "leads elsewhere" in posted.text
        assert [each.target for each in host.asked] == ["/look", "/new?x=1", "/do"]


async def test_a_redirect_elsewhere_is_not_followed_and_takes_no_token_along() -> None:
    async with api(says({})) as other, api() as host:
        for place in (
            *(f"{other.url}/look", f"//127.0.0.1:{other.port}/", f"http://localhost:{host.port}/look"),
            *("http://169.254.169.254/", f"https://127.0.0.1:{host.port}/", f"http://x@127.0.0.1:{host.port}/"),
            *("file:///etc/passwd", "http://[", "\\\\evil.example\\", f"http://127.0.0.1:{host.port}\\@evil.example/"),
        ):
            host.answer = says(None, 307, Location=place)
            result = await called(declared(host.url, headers={"Authorization": TOKEN}))
            assert (result.ok, result.retry) == (False, False)
            assert result.text.startswith("the shop leads elsewhere."), place
        assert other.asked == []


async def test_redirects_without_end() -> None:
    async with api(says(None, 302, Location="/look")) as host:
        assert "leads on and on" in (await called(declared(host.url))).text
        assert len(host.asked) == 4


# --- bounds ----------------------------------------------------------------------------------------------------------


async def _endless(stream: anyio.abc.ByteStream) -> None:
    await stream.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
    while True:
        await stream.send(b"1," * 10_000)


async def _drips(stream: anyio.abc.ByteStream) -> None:
    await stream.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        await stream.send(b" ")
        await anyio.sleep(0.05)


async def _silent(stream: anyio.abc.ByteStream) -> None:
    await anyio.sleep_forever()


async def _breaks_off(stream: anyio.abc.ByteStream) -> None:
    await stream.send(b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a":')


async def _leaves(stream: anyio.abc.ByteStream) -> None:
    await stream.aclose()


async def _other(stream: anyio.abc.ByteStream) -> None:
    await stream.send(b"SSH-2.0-OpenSSH\r\n\r\n")


async def _huge_head(stream: anyio.abc.ByteStream) -> None:
    await stream.send(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 1_000) for n in range(60)))
    await stream.send(b"Content-Length: 2\r\n\r\n{}")


@pytest.mark.parametrize(
    ("wild", "text"),
    [
        (_endless, "The answer of the shop is too big.\nIt has more than 100,000 bytes."),
        (_drips, "the shop takes too long.\nIt has not answered within 0.6 seconds."),
        (_silent, "the shop has not answered.\nIt was silent for too long."),
        (_breaks_off, "the shop has not answered."),
        (_leaves, "the shop has not answered."),
        (_other, "the shop has not answered."),
        (_huge_head, "the shop has not answered."),
    ],
)
@pytest.mark.parametrize("tool", ["look", "do"])
async def test_answers_that_never_end_or_are_none(wild: Raw, text: str, tool: str) -> None:
    async with api(wild=wild) as host:
        limits = {"answer_bytes": 100_000, "seconds": 0.6, "each_s": 0.4}
        started = time.monotonic()
        result = await called(declared(host.url, limits=limits), tool)
        assert (result.ok, result.retry) == (False, False)
        assert text in result.text
        assert time.monotonic() - started < 5.0
        if tool == "do" and wild not in (_endless, _huge_head):
            assert result.text.endswith("Whether it was done is not known.")


async def test_a_bomb_fills_its_bound_and_no_more() -> None:
    bomb = gzip.compress(b"[" + b"0," * 20_000_000)
    assert len(bomb) < 100_000
    async with api(says(bomb, Content_Encoding="gzip")) as host:
        result = await called(declared(host.url))
        assert "is too big" in result.text
        done = await called(declared(host.url), "do")
        assert done.text.endswith("It was done all the same.")
        host.answer = says(b"x", Content_Encoding="br")
        assert "cannot be unpacked" in (await called(declared(host.url))).text
        host.answer = says(gzip.compress(b'{"a": 1}')[:-4], Content_Encoding="gzip")
        assert "broke off" in (await called(declared(host.url))).text


# --- connections -----------------------------------------------------------------------------------------------------


async def test_connections_are_kept_and_no_more_than_said() -> None:
    async with api(says({})) as host:
        shop = declared(host.url, limits={"connections": 2})
        async with Alone(list(shop)) as bench:
            for _ in range(3):
                await bench.result(ToolCall("look", {}))
            assert host.connections == 1
            async with anyio.create_task_group() as group:
                for _ in range(10):
                    group.start_soon(bench.result, ToolCall("look", {}))
            assert host.connections <= 2
            assert len(host.asked) == 13


async def test_a_call_that_nobody_waits_for_leaves_its_connection() -> None:
    told, left = anyio.create_memory_object_stream[str](10)

    async def waits(stream: anyio.abc.ByteStream) -> None:
        try:
            await stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            await told.send("left")

    with told, left:
        async with api(wild=waits) as host, Alone(list(declared(host.url, limits={"connections": 1}))) as bench:
            for tool in ("look", "do", "look"):
                host.got = anyio.Event()
                async with anyio.create_task_group() as group:
                    group.start_soon(bench.result, ToolCall(tool, {}))
                    await host.got.wait()
                    group.cancel_scope.cancel()
                with anyio.fail_after(5):
                    assert await left.receive() == "left"
            host.wild, host.answer = None, says({"a": 1})
            assert (await bench.result(ToolCall("look", {}))).data == {"a": 1}


async def test_nobody_there_and_then_somebody(unused_port: int) -> None:
    shop = declared(f"http://127.0.0.1:{unused_port}")
    async with Alone(list(shop)) as bench:
        for tool in ("look", "do"):
            away = await bench.result(ToolCall(tool, {}))
            assert (away.ok, away.retry) == (False, False)
            assert away.text == "the shop cannot be reached.\nNobody answers at its address.\nTry it later."
        for _ in range(2):
            # The second is a server that was started anew: connections that were kept are dead.
            listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=unused_port, reuse_port=True)
            host = ApiHost(unused_port, "http", says({"a": 1}), None)
            async with listener, anyio.create_task_group() as group:
                group.start_soon(listener.serve, host.serve)
                assert (await bench.result(ToolCall("look", {}))).data == {"a": 1}
                group.cancel_scope.cancel()


async def test_certificates_are_checked() -> None:
    ca, stranger = trustme.CA(), trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(server)  # pyright: ignore[reportUnknownMemberType]
    trusting, doubting = ssl.create_default_context(), ssl.create_default_context()
    ca.configure_trust(trusting)  # pyright: ignore[reportUnknownMemberType]
    stranger.configure_trust(doubting)  # pyright: ignore[reportUnknownMemberType]
    async with api(says({"a": 1}), tls=server) as host:
        assert (await called(declared(host.url, tls=trusting))).data == {"a": 1}
        wrong = await called(declared(host.url, tls=doubting, headers={"Authorization": TOKEN}))
        assert (wrong.ok, wrong.retry) == (False, False)
        assert "the shop cannot be" in wrong.text
        assert len(host.asked) == 1
