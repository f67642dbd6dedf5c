"""A line between everybody and Redis that can be cut, hung, slowed, torn in the middle of a reply, and closed."""

from __future__ import annotations

import random
import socket
import struct
from typing import Final

import anyio
import anyio.abc

__all__ = ["Proxy"]

_PIECE: Final = 65_536
_LOST = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream, OSError)


class Proxy:
    """Passes bytes on to `port` on loopback, as its attributes say at that moment. Run `serve`; then `url` is there."""

    def __init__(self, port: int) -> None:
        self.port: int = 0
        self.delay_ms: int = 0
        """How long every piece is under way."""
        self.rate: int | None = None
        """Bytes a second in each direction."""
        self.closed: bool = False
        """Whoever comes anew is turned away."""
        self._behind = port
        self._hanging = False
        self._changed = anyio.Event()
        self._wires: list[_Wire] = []

    @property
    def connections(self) -> int:
        """How many there are at the moment."""
        return len(self._wires)

    async def serve(self, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Listen on a free loopback port, until cancelled."""
        async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
            self.port = listener.extra(anyio.abc.SocketAttribute.local_port)
            task_status.started()
            await listener.serve(self._connect)

    def cut(self, most: int | None = None, chance: random.Random | None = None) -> int:
        """Reset every connection, or `most` of them. Returns how many."""
        wires = list(self._wires)
        if most is not None:
            wires = (chance or random.Random(0)).sample(wires, min(most, len(wires)))
        for wire in wires:
            wire.cut()
        return len(wires)

    def hang(self) -> None:
        """Connections stay open, and nothing passes in either direction."""
        self._hanging = True

    def release(self) -> None:
        """What was held up passes now."""
        self._hanging = False
        changed, self._changed = self._changed, anyio.Event()
        changed.set()

    def tear(self, after: int) -> None:
        """Reset every connection after so many more bytes of replies: in the middle of one."""
        for wire in self._wires:
            wire.left, wire.swallows = after, False

    def swallow(self, after: int) -> None:
        """After so many more bytes of replies nothing comes any more, and the connection stays open: half of it is
        gone."""
        for wire in self._wires:
            wire.left, wire.swallows = after, True

    def heal(self) -> None:
        """From now on it is only a line. Connections that have lost bytes are reset."""
        self.delay_ms, self.rate, self.closed = 0, None, False
        self.release()
        for wire in list(self._wires):
            if wire.left is not None:
                wire.cut()

    async def wait_until_free(self) -> None:
        """Return when nothing hangs."""
        while self._hanging:
            await self._changed.wait()

    async def _connect(self, near: anyio.abc.SocketStream) -> None:
        if self.closed:
            _reset(near)
            await near.aclose()
            return
        try:
            far = await anyio.connect_tcp("127.0.0.1", self._behind)
        except OSError:
            _reset(near)
            await near.aclose()
            return
        wire = _Wire(self, near, far)
        self._wires.append(wire)
        try:
            await wire.run()
        finally:
            self._wires.remove(wire)


class _Wire:
    """One connection."""

    def __init__(self, proxy: Proxy, near: anyio.abc.SocketStream, far: anyio.abc.SocketStream) -> None:
        self.left: int | None = None
        """Bytes of replies that still pass, where there is an end to them."""
        self.swallows: bool = False
        self._proxy = proxy
        self._near = near
        self._far = far
        self._scope = anyio.CancelScope()

    def cut(self) -> None:
        """Reset it on both sides."""
        _reset(self._near)
        _reset(self._far)
        self._scope.cancel()

    async def run(self) -> None:
        try:
            with self._scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._carry, self._near, self._far)
                    tasks.start_soon(self._carry, self._far, self._near)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(self._near)
                await anyio.aclose_forcefully(self._far)

    async def _carry(self, source: anyio.abc.SocketStream, sink: anyio.abc.SocketStream) -> None:
        reply = source is self._far
        try:
            while True:
                piece = await source.receive(_PIECE)
                await self._proxy.wait_until_free()
                if self._proxy.delay_ms:
                    await anyio.sleep(self._proxy.delay_ms / 1_000)
                if reply and self.left is not None:
                    piece, self.left = piece[: self.left], self.left - min(self.left, len(piece))
                await self._pass_on(piece, sink)
                if reply and self.left == 0 and not self.swallows:
                    self.cut()
        except _LOST:
            self._scope.cancel()

    async def _pass_on(self, piece: bytes, sink: anyio.abc.SocketStream) -> None:
        while piece:
            rate = self._proxy.rate
            some = piece if rate is None else piece[: max(1, rate // 50)]
            await sink.send(some)
            piece = piece[len(some) :]
            if rate is not None:
                await anyio.sleep(len(some) / rate)


def _reset(stream: anyio.abc.SocketStream) -> None:
    """What is closed from now on is reset: the other side learns it at once, and what was under way is lost."""
    raw = stream.extra(anyio.abc.SocketAttribute.raw_socket)
    try:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        return
