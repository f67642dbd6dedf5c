"""Bytes to structs and back. Strict code, tolerant wire.

The wire is msgpack on the bus and one JSON object a line in journals and scenarios; the structs are the same. An
unknown tag or a broken line is counted and skipped, never raised into a session: an older process must survive a newer
peer.
"""

from __future__ import annotations

from typing import Final, Generic, TypeAlias, TypeVar

import msgspec

from orchestrator.bundle import Amendment, Bundle, Cancellation
from orchestrator.events import DelegationUpdate
from orchestrator.finding import Finding

__all__ = ["UpdatesWire", "Wire", "bundle_wire", "orders_wire", "updates_wire"]

T = TypeVar("T")

Update: TypeAlias = Finding | DelegationUpdate


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


class UpdatesWire:
    """Encodes and decodes what comes back from the background: always an array, of one update or of many.

    Each element is understood by itself, so that one which is not known here takes none of the others with it.
    """

    def __init__(self) -> None:
        self.skipped: int = 0
        """How many updates could not be understood; a whole entry that is broken counts as one."""

    def encode(self, *updates: Update) -> bytes:
        """An array of them."""
        return _ENCODER.encode(updates)

    def decode(self, data: bytes) -> list[Update]:
        """Those that are understood, in order."""
        try:
            return _UPDATES.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return self._one_by_one(data)

    def _one_by_one(self, data: bytes) -> list[Update]:
        try:
            pieces = _PIECES.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.skipped += 1
            return []
        known: list[Update] = []
        for piece in pieces:
            try:
                known.append(_UPDATE.decode(piece))
            except (msgspec.DecodeError, UnicodeDecodeError):
                self.skipped += 1
        return known


# Made once: to make one costs more than to use it, and none of them keeps anything.
_ENCODER: Final = msgspec.msgpack.Encoder()
_UPDATES: Final = msgspec.msgpack.Decoder(list[Update])
_UPDATE: Final[msgspec.msgpack.Decoder[Update]] = msgspec.msgpack.Decoder(Update)  # pyright: ignore[reportArgumentType]
_PIECES: Final = msgspec.msgpack.Decoder(list[msgspec.Raw])


def updates_wire() -> UpdatesWire:
    """For what comes back from the background."""
    return UpdatesWire()


def orders_wire() -> Wire[Amendment | Cancellation]:
    """For what follows a task."""
    return Wire(Amendment | Cancellation)


def bundle_wire() -> Wire[Bundle]:
    """For a task."""
    return Wire(Bundle)
