"""The one door of the tools to HTTP: one request to one address that has been checked.

It uses `httpcore2`, the part of `httpx2` that carries: it follows no redirect, keeps no cookie, reads no proxy from the
environment, and leaves bodies packed as they came, so that each of these is decided in `fetch`. The name of the host
goes into `Host`, SNI and the check of the certificate; the connection itself goes to the address, and no name is
looked up on the way.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import anyio.to_thread
import httpcore2
import msgspec

from tools.fetch_address import IPAddress
from tools.fetch_trouble import BrokenOff
from tools.fetch_url import Target

__all__ = ["Answer", "opened"]


class Answer(msgspec.Struct, frozen=True):
    """The head of an answer, and its body as it came."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case; of several with one name the first."""
    body: AsyncIterator[bytes]


class _Pinned(httpcore2.AsyncNetworkBackend):
    """Connects to the given addresses, one after the other, whatever host it is asked for."""

    def __init__(self, addresses: Sequence[IPAddress], each_s: float) -> None:
        self._addresses = addresses
        self._each_s = each_s
        self._under: Any = httpcore2.AnyIOBackend()  # its type differs by system

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the library calls it so)
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        failed: Exception = httpcore2.ConnectError("there is no address")
        for address in self._addresses:
            try:
                stream: httpcore2.AsyncNetworkStream = await self._under.connect_tcp(
                    str(address), port, self._each_s, local_address, socket_options
                )
                return stream
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as problem:
                failed = problem
        raise failed


@asynccontextmanager
async def opened(
    target: Target,
    addresses: Sequence[IPAddress],
    headers: Mapping[str, str],
    *,
    tls: ssl.SSLContext | None = None,
    each_s: float = 5.0,
) -> AsyncGenerator[Answer]:
    """Ask `target` at one of `addresses`; `each_s` bounds a connection, a handshake and a silence, each by itself.

    The whole is bounded by whoever calls. Raises `BrokenOff`, also out of the body.
    """
    context = None
    if target.scheme == "https":
        context = tls or await anyio.to_thread.run_sync(_system_tls)
    sent = [("Host", target.authority), *headers.items(), ("Connection", "close")]
    pool = httpcore2.AsyncConnectionPool(
        ssl_context=context,
        max_connections=1,
        http1=True,
        http2=False,
        network_backend=_Pinned(addresses, each_s),
    )
    host = target.host.encode()
    url = httpcore2.URL(scheme=target.scheme.encode(), host=host, port=target.port, target=target.path.encode())
    waits = {"connect": each_s, "read": each_s, "write": each_s, "pool": each_s}
    try:
        async with (
            pool,
            pool.stream(
                b"GET",
                url,
                headers=[(name.encode(), value.encode()) for name, value in sent],
                extensions={"timeout": waits, "sni_hostname": target.host},
            ) as response,
        ):
            yield Answer(response.status, _first(response.headers), _body(response, target))
    except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException, ssl.SSLError) as problem:
        raise _broken(target, problem) from problem


async def _body(response: httpcore2.Response, target: Target) -> AsyncGenerator[bytes]:
    try:
        async for piece in response.aiter_stream():
            yield piece
    except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException, ssl.SSLError) as problem:
        raise _broken(target, problem) from problem


def _first(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        found.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
    return found


def _broken(target: Target, problem: Exception) -> BrokenOff:
    cause = problem.__cause__ or problem.__context__
    if isinstance(problem, ssl.SSLError) or isinstance(cause, ssl.SSLError):
        said = cause if isinstance(cause, ssl.SSLError) else problem
        why = f"Its certificate or its encryption is not right: {getattr(said, 'verify_message', '') or said}."
        return BrokenOff(f"{target.host} cannot be trusted.", why, "Take another page.")
    if isinstance(problem, httpcore2.ProtocolError):
        return BrokenOff(f"{target.host} does not speak HTTP as it should.", f"{problem}.", "Take another page.")
    if isinstance(problem, httpcore2.TimeoutException):
        return BrokenOff(f"{target.host} does not answer.", "It was silent for too long.", "Try it later.")
    return BrokenOff(f"{target.host} cannot be reached.", f"{problem or 'The connection broke'}.", "Try it later.")


@cache
def _system_tls() -> ssl.SSLContext:
    return httpcore2.default_ssl_context()
