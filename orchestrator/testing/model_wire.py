"""As much HTTP/1.1 as a `ModelServer` needs: one connection, one request after the other, answers in one or many
pieces, and notice of a client that has left."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import anyio
import msgspec
from anyio.abc import SocketAttribute, SocketStream

__all__ = ["Asking", "Connection", "NotHttp"]

_HEAD_BYTES = 64 * 1024
_BODY_BYTES = 64 * 1024 * 1024


class NotHttp(Exception):
    """What came cannot be understood as a request."""


class Asking(msgspec.Struct, frozen=True):
    """One request, whole."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class Connection:
    """One client's connection. `read` gives one request at a time; then it is answered."""

    def __init__(self, stream: SocketStream) -> None:
        self._stream = stream
        self._buffer = b""
        self._chunked = False

    async def read(self) -> Asking | None:
        """The next request, or `None` when the client has left. Raises `NotHttp`."""
        while b"\r\n\r\n" not in self._buffer:
            if len(self._buffer) > _HEAD_BYTES:
                raise NotHttp("the head of the request is too long")
            if not await self._more():
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        parts = first.split(" ")
        if len(parts) != 3:
            raise NotHttp(f"not a request line: {first[:80]}")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await self._body(headers)
        return None if body is None else Asking(parts[0], parts[1], headers, body)

    async def begin(self, status: int, headers: Mapping[str, str], *, length: int | None = None) -> None:
        """Send the head. Without a length the body comes in pieces."""
        self._chunked = length is None
        framing = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", framing]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        await self._stream.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    async def send(self, piece: bytes, *, last: bool = False) -> None:
        """Send a piece of the body, and with the last one its end in the same write."""
        if self._chunked:
            framed = b"%x\r\n%s\r\n" % (len(piece), piece) if piece else b""
            piece = framed + (b"0\r\n\r\n" if last else b"")
        if piece:
            await self._stream.send(piece)

    async def left(self) -> None:
        """Return when the client has closed the connection. What it sends meanwhile is kept for `read`."""
        while await self._more():
            pass

    def reset(self) -> None:
        """Make the coming close a rude one: RST in place of FIN."""
        import socket
        import struct

        raw = self._stream.extra(SocketAttribute.raw_socket)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async def _body(self, headers: Mapping[str, str]) -> bytes | None:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            raise NotHttp("a request body in pieces is not understood; give its length")
        try:
            length = int(headers.get("content-length", "0"))
        except ValueError as error:
            raise NotHttp("content-length is not a number") from error
        if not 0 <= length <= _BODY_BYTES:
            raise NotHttp("the body is too long")
        while len(self._buffer) < length:
            if not await self._more():
                return None
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return body

    async def _more(self) -> bool:
        try:
            self._buffer += await self._stream.receive(1 << 18)
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return False
        return True
