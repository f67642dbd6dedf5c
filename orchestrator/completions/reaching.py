"""Why a server cannot be reached, from the errors of the libraries in between. Pure."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

from orchestrator.completions.troubles import ModelTrouble

__all__ = ["hung_up", "unreachable"]


def hung_up(error: BaseException) -> bool:
    """Whether the server closed the connection as the request came, without having answered anything.

    Servers close what has been idle for a while (uvicorn, and so vLLM, SGLang and llama.cpp's Python server, after 5 s:
    as long as the client keeps it). A request that comes just then was not read, and can be sent once more.
    """
    chain = _behind(error)
    return any(type(one).__name__ == "RemoteProtocolError" and "without sending" in str(one) for one in chain)


def unreachable(error: BaseException, *, where: str, connect_s: float) -> ModelTrouble:
    """The trouble behind `error`; `where` is the address as it may be shown."""
    chain = list(_behind(error))
    names = {type(one).__name__ for one in chain}
    words = " ".join(str(one) for one in chain)
    what = f"The model server at {where} cannot be reached."
    if any(isinstance(one, ConnectionRefusedError) for one in chain) or "refused" in words.lower():
        return _trouble(what, "Nothing listens there.", "Start it, or correct the address.")
    if any(isinstance(one, socket.gaierror) for one in chain):
        return _trouble(what, "Its name cannot be resolved.", "Correct the address, or see the network.")
    if "ConnectTimeout" in names and any(isinstance(one, ssl.SSLWantReadError) for one in chain):
        why = f"It takes the connection, but ends no TLS handshake within {connect_s:g} s."
        return _trouble(what, why, "Try http:// where it is your own.")
    if "ConnectTimeout" in names or "TimeoutError" in names:
        return _trouble(what, f"It does not answer within {connect_s:g} s.", "Correct the address, or see the network.")
    if problem := next((one for one in chain if isinstance(one, ssl.SSLError)), None):
        if isinstance(problem, ssl.SSLCertVerificationError):
            why = f"Its certificate does not hold: {problem.verify_message}."
            return _trouble(what, why, "Correct the address, or have SSL_CERT_FILE name its authority.")
        return _trouble(what, f"It speaks no TLS: {problem.reason or problem}.", "Try http:// where it is your own.")
    if "ProxyError" in names:
        return _trouble(what, f"The proxy refuses: {words.split(chr(10))[0][:120]}", "See HTTPS_PROXY and NO_PROXY.")
    if "PoolTimeout" in names:
        return _trouble(what, "All connections to it are in use.", "Ask for less at once.")
    if "LocalProtocolError" in names:
        return ModelTrouble(
            "bad request", "The request cannot be sent.", _last(chain), "See the key and the headers: they are text."
        )
    if "RemoteProtocolError" in names or "ReadError" in names or "EndOfStream" in names:
        return _trouble(what, "It closed the connection without an answer.", "Try again; see the server's own log.")
    return _trouble(what, _last(chain), "Correct the address, or see the network.")


def _trouble(what: str, why: str, todo: str) -> ModelTrouble:
    return ModelTrouble("network", what, why, todo)


def _last(chain: list[BaseException]) -> str:
    """What the innermost error says, on one line."""
    said = next((str(one) for one in reversed(chain) if str(one)), type(chain[-1]).__name__)
    return " ".join(said.split())[:200]


def _behind(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that it came from. A connection that is tried at several addresses has one error for
    each."""
    left, seen = [error], set[int]()
    while left:
        one = left.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, BaseExceptionGroup):
            left.extend(one.exceptions)  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType]
        left.extend(behind for behind in (one.__cause__, one.__context__) if behind is not None)
