"""The way to a team's own API: one origin, with connections that are kept.

The second door to HTTP. The first, `fetch_wire`, is for addresses that a model has chosen, and checks each; here the
developer has named the host, which may be anywhere, and no argument and no redirect leads to another one.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import quote, quote_plus, urlencode

import anyio
import anyio.to_thread
import httpcore2
import msgspec

from orchestrator.errors import ToolFailed, ToolRetry
from orchestrator.version import __version__
from tools.api_answer import Answer
from tools.api_request import Request
from tools.fetch_unpacking import ACCEPTED, unpacking
from tools.fetch_url import Target, followed
from tools.from_environment import filled, scrubbed, variables
from tools.settled import Settled

__all__ = ["ApiClient", "ApiLimits", "Sent", "opened"]

USER_AGENT: Final = f"Duologue/{__version__}"
KEPT_S: Final = 15.0
MOST_HEADER_CHARS: Final = 32_768
_MOVED: Final = frozenset((301, 302, 303, 307, 308))
_SECRET_NAMES: Final = ("auth", "key", "token", "cookie", "secret", "password")
_BEFORE_SENDING: Final = (httpcore2.ConnectError, httpcore2.ConnectTimeout)


class ApiLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one call may take."""

    seconds: float = 20.0
    """For all of it."""
    each_s: float = 10.0
    """A connection, a handshake, or a silence."""
    answer_bytes: int = 1_000_000
    """Packed and unpacked, each by itself. What is longer is no answer, since half of a JSON text is none."""
    connections: int = 8
    redirects: int = 3
    """Only of what changes nothing, and only within the same origin."""


class Sent(msgspec.Struct, frozen=True):
    """What goes along with each call. `${NAME}` in the values is filled in when they are sent."""

    headers: Mapping[str, str]
    query: Mapping[str, str]


class ApiClient:
    """Asks one origin."""

    def __init__(
        self,
        pool: httpcore2.AsyncConnectionPool,
        base: Target,
        sent: Sent,
        limits: ApiLimits,
        called: str,
    ) -> None:
        self._pool = pool
        self._base = base
        self._sent = sent
        self._limits = limits
        self._called = called

    def hide(self, text: str) -> str:
        """`text` without anything secret that goes along with the calls."""
        secrets: list[str] = []
        for name, value in [*self._sent.headers.items(), *self._sent.query.items()]:
            if variables(value) or any(word in name.lower() for word in _SECRET_NAMES):
                plain = filled(value, what=self._called, needs=name)
                secrets += [plain, *plain.split(), quote(plain), quote_plus(plain)]
        return scrubbed(text, *(each for each in secrets if each.lower() not in ("bearer", "basic", "token")))

    async def ask(self, request: Request) -> Answer:
        """Send it, and give what came.

        Raises:
            ToolFailed: nobody is there, or nobody answers in time.
            Settled: the answer is too big, it leads elsewhere, or a variable of the headers is not set.
        """
        try:
            with anyio.fail_after(self._limits.seconds):
                return await self._follow(request)
        except TimeoutError:
            why = f"It has not answered within {self._limits.seconds:g} seconds."
            raise ToolFailed(f"{self._called} takes too long.", why, _unknown(request)) from None
        except httpcore2.PoolTimeout:
            why = f"Its {self._limits.connections} connections are all busy."
            raise ToolFailed(f"{self._called} cannot be asked just now.", why, "Try it later.") from None
        except _BEFORE_SENDING:
            raise ToolFailed(
                f"{self._called} cannot be reached.", "Nobody answers at its address.", "Try it later."
            ) from None
        except (httpcore2.NetworkError, httpcore2.TimeoutException) as problem:
            why = "It was silent for too long." if isinstance(problem, httpcore2.TimeoutException) else "It broke off."
            raise ToolFailed(f"{self._called} has not answered.", why, _unknown(request)) from None
        except httpcore2.ProtocolError:
            why = "It does not speak HTTP as it should, or broke off."
            raise ToolFailed(f"{self._called} has not answered.", why, _unknown(request)) from None
        except ssl.SSLError as problem:
            said = getattr(problem, "verify_message", "") or problem
            why = f"Its certificate or its encryption is not right: {said}."
            raise Settled(f"{self._called} cannot be trusted.", why) from None

    async def _follow(self, request: Request) -> Answer:
        path = f"{self._base.path.rstrip('/')}{request.target}"
        if self._sent.query:
            path += f"{'&' if '?' in path else '?'}{self._query()}"
        target = msgspec.structs.replace(self._base, path=path)
        for _ in range(self._limits.redirects + 1):
            answer = await self._once(target, request)
            location = answer.headers.get("location", "")
            if answer.status not in _MOVED or not location or request.method != "GET":
                return answer
            target = self._same_origin(target, location)
        raise Settled(f"{self._called} leads on and on.", f"It redirects more than {self._limits.redirects} times.")

    def _same_origin(self, target: Target, location: str) -> Target:
        try:
            then = followed(target, location)
        except ToolRetry:
            then = None
        if then is None or (then.scheme, then.host, then.port) != (target.scheme, target.host, target.port):
            raise Settled(
                f"{self._called} leads elsewhere.",
                "It redirects to another host, and that is not asked.",
                "Whoever declared it has to name the address that answers.",
            )
        return then

    async def _once(self, target: Target, request: Request) -> Answer:
        sent = {"Host": target.authority, "User-Agent": USER_AGENT, "Accept": "application/json"}
        sent["Accept-Encoding"] = ACCEPTED
        if request.body is not None:
            sent["Content-Type"] = "application/json"
            sent["Content-Length"] = str(len(request.body))
        elif request.method in ("POST", "PUT", "PATCH"):
            sent["Content-Length"] = "0"
        own = {name: self._header(name) for name in self._sent.headers}
        taken = {name.lower() for name in own}
        sent = {name: value for name, value in sent.items() if name.lower() not in taken} | own
        each_s = self._limits.each_s
        waits = {"connect": each_s, "read": each_s, "write": each_s, "pool": each_s}
        url = httpcore2.URL(
            scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path.encode()
        )
        async with self._pool.stream(
            request.method.encode(),
            url,
            headers=[(name.encode(), value.encode("latin-1")) for name, value in sent.items()],
            content=request.body,
            extensions={"timeout": waits, "sni_hostname": target.host},
        ) as response:
            headers: dict[str, str] = {}
            for name, value in response.headers:
                headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
            if sum(len(name) + len(value) for name, value in headers.items()) > MOST_HEADER_CHARS:
                raise ToolFailed(f"{self._called} has not answered.", "The head of its answer is huge.")
            return Answer(response.status, headers, await self._body(response, headers, request))

    async def _body(self, response: httpcore2.Response, headers: Mapping[str, str], request: Request) -> bytes:
        most = self._limits.answer_bytes
        unpacked = unpacking(headers.get("content-encoding", ""))
        plain, packed = bytearray(), 0
        async for piece in response.aiter_stream():
            packed += len(piece)
            for part in unpacked.feed(piece):
                plain += part
                if len(plain) > most:
                    break
            if len(plain) > most or packed > most:
                done = "It was done all the same." if request.changes and 200 <= response.status < 300 else ""
                raise Settled(
                    f"The answer of {self._called} is too big.",
                    f"It has more than {most:,} bytes.",
                    done or "Ask for less.",
                )
        if not unpacked.whole:
            raise ToolFailed(f"{self._called} has not answered.", "Its answer broke off.", _unknown(request))
        return bytes(plain)

    def _query(self) -> str:
        pairs = {
            name: filled(value, what=self._called, needs=f"{name} of the query")
            for name, value in self._sent.query.items()
        }
        return urlencode(pairs)

    def _header(self, name: str) -> str:
        value = filled(self._sent.headers[name], what=self._called, needs=f"the header {name}")
        if any(char in value for char in "\r\n\0") or not _is_latin(value):
            raise Settled(
                f"{self._called} cannot be asked.",
                f"The header {name} holds a line break, or characters that no header can hold.",
                "Whoever runs this has to look at its value.",
            )
        return value


@asynccontextmanager
async def opened(
    base: Target, sent: Sent, limits: ApiLimits, tls: ssl.SSLContext | None, called: str
) -> AsyncGenerator[ApiClient]:
    """The connections of one worker to `base`."""
    context = tls
    if base.scheme == "https" and context is None:
        context = await anyio.to_thread.run_sync(httpcore2.default_ssl_context)
    backend: Any = httpcore2.AnyIOBackend()  # its type differs by system
    async with httpcore2.AsyncConnectionPool(
        ssl_context=context,
        max_connections=limits.connections,
        keepalive_expiry=KEPT_S,
        http1=True,
        http2=False,
        network_backend=backend,
    ) as pool:
        yield ApiClient(pool, base, sent, limits, called)


def _unknown(request: Request) -> str:
    return "Whether it was done is not known." if request.changes else "Try it later."


def _is_latin(text: str) -> bool:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True
