"""Bytes to structs and back. Strict code, tolerant wire.

The wire is msgpack on the bus and one JSON object a line in journals and scenarios; the structs are the same. An
unknown tag or a broken line is counted and skipped, never raised into a session: an older process must survive a newer
peer.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from orchestrator.bundle import Amendment, Bundle, Cancellation
from orchestrator.events import DelegationUpdate
from orchestrator.finding import Finding

__all__ = ["Wire", "bundle_wire", "orders_wire", "updates_wire"]

T = TypeVar("T")


class Wire(Generic[T]):
    """Encodes and decodes one closed union as msgpack. `skipped` counts what could not be understood."""

    def __init__(self, kind: object) -> None:
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(kind)  # pyright: ignore[reportArgumentType]
        self.skipped: int = 0

    def encode(self, item: T) -> bytes:
        """One struct as msgpack."""
        return self._encoder.encode(item)

    def decode(self, data: bytes) -> T | None:
        """The struct, or `None` (and one more `skipped`) for an unknown tag or broken bytes."""
        try:
            return self._decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.skipped += 1
            return None


def updates_wire() -> Wire[Finding | DelegationUpdate]:
    """For what comes back from the background."""
    return Wire(Finding | DelegationUpdate)


def orders_wire() -> Wire[Amendment | Cancellation]:
    """For what follows a task."""
    return Wire(Amendment | Cancellation)


def bundle_wire() -> Wire[Bundle]:
    """For a task."""
    return Wire(Bundle)
